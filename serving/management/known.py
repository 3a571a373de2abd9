"""`GET /known`: measured conductivities of well-known electrolytes, to see a prediction beside."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from superion.serving.access import Reader

router = APIRouter()


class KnownElectrolyte(BaseModel):
    """One measured conductivity."""

    name: str
    formula: str
    family: str | None
    temperature_C: float  # noqa: N815 - given
    S_per_cm: float
    source: str | None = Field(description="Where the value was published.")


class KnownElectrolytes(BaseModel):
    """The electrolytes, the best conductor first."""

    known: list[KnownElectrolyte]


@router.get("/known", response_model=KnownElectrolytes, summary="Measured conductivities of well-known electrolytes.")
def known(caller: Reader) -> KnownElectrolytes:
    """Return the measured values of the table of literature facts, with their sources."""
    from superion.training.reference import reference_table

    found = [
        KnownElectrolyte(
            name=row.id,
            formula=str(row.material.formula),
            family=row.family,
            temperature_C=row.temperature_c,
            S_per_cm=10.0**row.log10_conductivity,
            source=row.source,
        )
        for row in reference_table().rows
        if row.log10_conductivity is not None and not row.censored
    ]
    return KnownElectrolytes(known=sorted(found, key=lambda one: -one.S_per_cm))
