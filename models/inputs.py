"""Turn what users hand in (formula, CIF or POSCAR text, a structure, a mapping with one of these) into materials."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from superion.errors import InvalidCif, InvalidCrystal, InvalidValue, SuperionError
from superion.featurizers.convert import read_content
from superion.featurizers.crystal import Crystal
from superion.featurizers.file_kinds import CIF, kind_of_file
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.models.records import Failure

KINDS = ("formula", "cif", "poscar", "structure")


@dataclass(frozen=True)
class Named:
    """Give an item an id that is not part of it, such as the name of its file."""

    id: str
    item: object


@dataclass(frozen=True)
class FileContent:
    """Hold a structure file that lies on no disk of ours: its name, which tells its kind, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class ReadMaterial:
    """Hold a material, what it was read from and what the reader had to say."""

    material: Material
    input: str
    id: str | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def key(self) -> bytes:
        """Tell apart what is answered otherwise: equal keys have equal answers, but for the id and the formula's text.

        A SHA-256 of the material's own key, of the kind of input and of the notes, both of which an answer repeats.
        """
        return hashlib.sha256(self.material.key + repr((self.input, self.notes)).encode()).digest()


def read_input(item: object) -> ReadMaterial | Failure:
    """Read one item; never raises for a fault of the item.

    An item is formula text, a path to a CIF or POSCAR file, a FileContent, a Formula, a Crystal, a Material, a pymatgen
    Structure, or a mapping with exactly one of `formula`, `cif` and `poscar` (the text of a file) and `structure`
    (pymatgen dict), and `id` where wanted; any of them may be `Named`.
    """
    name = item.id if isinstance(item, Named) else item.get("id") if isinstance(item, Mapping) else None
    identity = None if name is None else str(name)
    try:
        read = _read(item.item if isinstance(item, Named) else item)
    except SuperionError as error:
        return Failure(error.code, error.message, error.field, identity)
    return ReadMaterial(read.material, read.input, identity, read.notes)


def _read(item: object) -> ReadMaterial:
    if isinstance(item, Mapping):
        return _read_mapping(item)
    if isinstance(item, str):
        return ReadMaterial(Material(Formula.parse(item)), "formula")
    if isinstance(item, Formula):
        return ReadMaterial(Material(item), "formula")
    if isinstance(item, Material):
        return ReadMaterial(item, "formula" if item.crystal is None else "structure")
    if isinstance(item, Path):
        return _from_crystal(Crystal.from_file(item), "cif" if item.suffix.lower() == ".cif" else "structure")
    if isinstance(item, FileContent):
        kind = "cif" if kind_of_file(PurePath(item.name)) == CIF else "structure"
        return _from_crystal(read_content(item.name, item.content), kind)
    if isinstance(item, Crystal):
        return _from_crystal(item, "structure")
    if hasattr(item, "lattice") and hasattr(item, "species_and_occu"):
        return _from_crystal(Crystal.from_pymatgen(item), "structure")  # type: ignore[arg-type] # told by its shape
    raise InvalidValue(
        f"a material is formula text, a path, a crystal or a mapping, not {type(item).__name__}",
        field="materials",
        value=item,
    )


def _read_mapping(item: Mapping[str, Any]) -> ReadMaterial:
    given = [kind for kind in KINDS if item.get(kind) is not None]
    if len(given) != 1:
        found = " and ".join(given) if given else "none of them"
        raise InvalidValue(
            f"a material has exactly one of formula, cif, poscar and structure; this one has {found}",
            field="materials",
            value=sorted(str(key) for key in item),
        )
    (kind,) = given
    value = item[kind]
    if kind == "structure":
        if not isinstance(value, Mapping):
            raise InvalidCrystal(
                f"a structure is a mapping as pymatgen's Structure.as_dict gives, not {type(value).__name__}",
                field="structure",
                value=value,
            )
        return _from_crystal(Crystal.from_dict(value), kind)
    if not isinstance(value, str):
        raise InvalidValue(f"{kind} must be text, not {type(value).__name__}", field=kind, value=value)
    if kind == "formula":
        return ReadMaterial(Material(Formula.parse(value)), kind)
    if kind == "cif":
        return _from_crystal(Crystal.from_cif(value), kind)
    return _from_crystal(Crystal.from_poscar(value), "structure")


def _from_crystal(crystal: Crystal, kind: str) -> ReadMaterial:
    try:
        material = Material.from_crystal(crystal)
    except InvalidValue as error:
        fault = InvalidCif if kind == "cif" else InvalidCrystal
        raise fault(error.message, field=kind, value=error.value) from error
    return ReadMaterial(material, kind, notes=tuple(crystal.notes))
