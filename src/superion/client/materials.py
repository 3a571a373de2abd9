"""Turn what a client is given into the materials of requests, as many to each as the service takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from superion.errors import InvalidValue
from superion.serving.limits import MAX_BODY_BYTES, MAX_MATERIALS, MAX_PREDICTIONS

MATERIALS_A_REQUEST = min(2_000, MAX_MATERIALS)
"""Fewer than the service takes, so that others have their turn between them and a lost answer costs little."""
BYTES_A_REQUEST = MAX_BODY_BYTES - 64 * 1024
"""The rest is for the options of the request."""


@runtime_checkable
class Structure(Protocol):
    """A structure of pymatgen, told by its shape."""

    lattice: Any

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""


Material: TypeAlias = str | Path | Mapping[str, Any] | Structure
"""A formula, a file, a mapping as `POST /predict` has it, or a structure of pymatgen."""


def listed(materials: Material | Iterable[Material]) -> list[Material]:
    """Return the materials as a list; one that is given alone becomes a list of one."""
    if isinstance(materials, str | Path | Mapping | Structure):
        return [materials]
    return list(materials)


def encoded(material: Material, place: int) -> bytes:
    """Return a material as JSON; `place` is its number in the list, from 0.

    Raises InvalidValue for what is no material, for a file that cannot be read and for one that no request can hold.
    """
    field = f"materials[{place}]"
    content = _json(material, field).encode()
    if len(content) > BYTES_A_REQUEST:
        message = f"{field} has {len(content)} bytes as JSON; a request takes {BYTES_A_REQUEST}"
        raise InvalidValue(message, field=field)
    return content


def material_body(material: Material, field: str) -> dict[str, Any]:
    """Return a material as plain values, as a request has it; raises InvalidValue, which names the field."""
    found: dict[str, Any] = json.loads(_json(material, field))
    return found


def _json(material: Material, field: str) -> str:
    try:
        return json.dumps(_body(material, field), allow_nan=False, default=_plain, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(f"{field} cannot be written as JSON: {error}", field=field, value=material) from None


def requests(materials: Sequence[bytes], n_temperatures: int) -> Iterator[Sequence[bytes]]:
    """Yield the materials in their order, in parts that a request can hold."""
    most = max(1, min(MATERIALS_A_REQUEST, MAX_PREDICTIONS // max(1, n_temperatures)))
    part: list[bytes] = []
    size = 0
    for material in materials:
        if part and (len(part) == most or size + len(material) + 1 > BYTES_A_REQUEST):
            yield part
            part, size = [], 0
        part.append(material)
        size += len(material) + 1  # the comma
    if part:
        yield part


def _body(material: Material, field: str) -> Mapping[str, Any]:
    if isinstance(material, str):
        return {"formula": material}
    if isinstance(material, Path):
        return _of_file(material, field)
    if isinstance(material, Mapping):
        return material
    if isinstance(material, Structure):
        return {"structure": material.as_dict()}
    right = "a formula, a path, a mapping and a structure of pymatgen are right"
    raise InvalidValue(f"{field} is a {type(material).__name__}; {right}", field=field, value=material)


def _of_file(path: Path, field: str) -> Mapping[str, Any]:
    """Return a file's text, with its name as the id."""
    from superion.featurizers.file_kinds import JSON, kind_of_file

    kind = kind_of_file(path)
    if kind is None:
        names = "a name ending in .cif, .json, .vasp or .poscar, or POSCAR, is right"
        raise InvalidValue(f"{field} is the file {path.name!r}; {names}", field=field, value=path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidValue(f"{field}: {path.name} cannot be read: {error}", field=field, value=path) from error
    text = _text(content)
    if kind != JSON:
        return {"id": path.name, kind: text}
    try:
        return {"id": path.name, "structure": json.loads(text)}
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"{field}: {path.name} is not JSON: {error}", field=field, value=path) from None


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Older files have names of authors in Latin-1, and nothing else that is not ASCII.
        return content.decode("latin-1")


def _plain(value: Any) -> Any:
    """Return a number or an array of numpy as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} is no JSON")
