"""The body of `POST /predict`: its model, which also documents it, and what would be right in each place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from superion.serving.forms import STRICT, Form
from superion.serving.limits import MAX_ID_LENGTH, MAX_MATERIALS, MAX_PREDICTIONS
from superion.serving.problems import Refusal


class MaterialBody(BaseModel):
    """One material: exactly one of `formula`, `cif`, `poscar` and `structure`."""

    model_config = STRICT

    id: Annotated[str, Field(max_length=MAX_ID_LENGTH)] | int | None = Field(
        None, description="Repeated in the answer, as given."
    )
    formula: str | None = Field(None, description='A chemical formula, such as "Li6PS5Cl".')
    cif: str | None = Field(None, description="The text of a CIF file; partial occupancies are kept.")
    poscar: str | None = Field(None, description="The text of a POSCAR or CONTCAR file.")
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
    model: Annotated[str, Field(min_length=1, max_length=80)] | None = Field(
        None, description="Version or alias of the registry; the champion unless given."
    )
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
    "materials[].poscar": "text",
    "materials[].structure": "an object as pymatgen's Structure.as_dict() gives",
    "temperature_C": "a number of degrees Celsius or a list of 1 to 100 of them",
    "temperature_C[]": "a number of degrees Celsius",
    "confidence": "a number from 0.05 to 0.99",
    "model": "text, a version such as 3 or an alias such as challenger",
    "detail": "a list of landscape and staircase",
    "detail[]": "landscape or staircase",
}


def check_sizes(document: Any) -> None:
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


FORM = Form(PredictBody, EXPECTED, check_sizes)
