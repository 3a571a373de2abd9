"""The body of `POST /predict`: its model, which also documents it, and how it is read from bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, from_json

from superion.serving.limits import MAX_ID_LENGTH, MAX_MATERIALS, MAX_PREDICTIONS
from superion.serving.problems import Refusal

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""No text is taken for a number, no unknown key for a misspelt one, and NaN for nothing."""


class MaterialBody(BaseModel):
    """One material: exactly one of `formula`, `cif` and `structure`."""

    model_config = STRICT

    id: Annotated[str, Field(max_length=MAX_ID_LENGTH)] | int | None = Field(
        None, description="Repeated in the answer, as given."
    )
    formula: str | None = Field(None, description='A chemical formula, such as "Li6PS5Cl".')
    cif: str | None = Field(None, description="The text of a CIF file; partial occupancies are kept.")
    structure: dict[str, Any] | None = Field(None, description="What pymatgen's `Structure.as_dict()` gives.")


class PredictBody(BaseModel):
    """What to predict, and how."""

    model_config = STRICT

    materials: Annotated[list[MaterialBody], Field(min_length=1, max_length=MAX_MATERIALS)] = Field(
        description="The materials; each gets a prediction or an error of its own, in this order."
    )
    temperature_C: float | Annotated[list[float], Field(min_length=1, max_length=100)] = Field(  # noqa: N815 - given
        25.0,
        description="Temperature in degrees Celsius, -150 to 1000, or a list of them; "
        "with a list, `conductivity` is a list too.",
    )
    confidence: float = Field(0.9, description="Probability that an interval holds the true value, 0.05 to 0.99.")
    detail: list[Literal["landscape", "staircase"]] = Field(
        default_factory=list, description="What else to compute, dearer than the rest."
    )


EXPECTED = {
    "": "an object with the key materials",
    "materials": f"a list of 1 to {MAX_MATERIALS} materials",
    "materials[]": 'an object such as {"formula": "Li6PS5Cl"}',
    "materials[].id": f"text of at most {MAX_ID_LENGTH} characters or a whole number",
    "materials[].formula": "text",
    "materials[].cif": "text",
    "materials[].structure": "an object as pymatgen's Structure.as_dict() gives",
    "temperature_C": "a number of degrees Celsius or a list of 1 to 100 of them",
    "temperature_C[]": "a number of degrees Celsius",
    "confidence": "a number from 0.05 to 0.99",
    "detail": "a list of landscape and staircase",
    "detail[]": "landscape or staircase",
}
"""What would be right, by path."""

_TAG = re.compile(r"str|int|float|list\[.*\]|constrained-str|function-.*")
"""What pydantic puts into the location of an error to tell the branches of a union."""


def read_body(content: bytes) -> PredictBody:
    """Read and check a request body.

    Raises Refusal, 400 or 413, which names the field at fault and what would be right.
    """
    try:
        document = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        nature = f"{error}" if content.strip() else "it is empty"
        if b"NaN" in content or b"Infinity" in content:
            nature += "; NaN and Infinity are no JSON numbers"
        raise Refusal(400, f"the body is not JSON: {nature}", code="invalid_json") from None
    _check_sizes(document)
    try:
        return PredictBody.model_validate(document)
    except ValidationError as invalid:
        raise _refusal(invalid.errors(include_url=False, include_context=False)) from None


def _check_sizes(document: Any) -> None:
    """Refuse what is well-formed but too much, before any of it is looked at."""
    if not isinstance(document, Mapping):
        return
    materials, temperatures = document.get("materials"), document.get("temperature_C")
    n_materials = len(materials) if isinstance(materials, list) else 0
    n_temperatures = len(temperatures) if isinstance(temperatures, list) else 1
    if n_materials > MAX_MATERIALS:
        raise Refusal(
            413,
            f"{n_materials} materials are too many for one request; send at most {MAX_MATERIALS}",
            field="materials",
        )
    if n_temperatures <= 100 and n_materials * n_temperatures > MAX_PREDICTIONS:
        raise Refusal(
            413,
            f"{n_materials} materials at {n_temperatures} temperatures are too many for one request; "
            f"their product may be at most {MAX_PREDICTIONS}",
            field="temperature_C",
        )


def _refusal(errors: Sequence[ErrorDetails]) -> Refusal:
    # A value that fits no branch of a union gives an error for each; the branch that came furthest says most.
    error = max((e for e in errors if e["loc"][:1] == errors[0]["loc"][:1]), key=lambda e: _depth(e["loc"]))
    if error["type"] == "extra_forbidden":
        *parent, unknown = error["loc"]
        path, general = _path(parent)
        known = MaterialBody.model_fields if parent else PredictBody.model_fields
        name = f"{path}.{str(unknown)[:60]}" if path else str(unknown)[:60]
        return Refusal(400, f"{name} is not a known field; {', '.join(known)} are", field=name)
    path, general = _path(error["loc"])
    expected = EXPECTED[general]
    if error["type"] == "missing":
        return Refusal(400, f"{path} is missing; {expected} is right", field=path)
    found = _shown(error["input"])
    return Refusal(400, f"{path or 'the body'} is {found}; {expected} is right", field=path or None)


def _depth(location: tuple[int | str, ...]) -> int:
    return sum(isinstance(step, int) for step in location)


def _path(location: Sequence[int | str]) -> tuple[str, str]:
    """Return the path of a field as a client writes it, and the same without its indices."""
    path = general = ""
    for step in location:
        if isinstance(step, int):
            path, general = f"{path}[{step}]", f"{general}[]"
        elif not _TAG.fullmatch(step):
            path, general = (f"{path}.{step}", f"{general}.{step}") if path else (step, step)
    return path, general


def _shown(value: Any) -> str:
    """Return what a value is, without repeating more of it than helps."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.6g}" if isinstance(value, float) or abs(value) < 1e15 else "a very large number"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 40 else f"a text of {len(value)} characters"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return "an object" if isinstance(value, Mapping) else "of another kind"
