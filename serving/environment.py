"""Answer `POST /environment`: what an electrolyte can turn into in water, carbon dioxide and moist air."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from superion.models.stability.contact_documents import environment_document
from superion.models.stability.environment import expose
from superion.serving.answer_schema import Phase
from superion.serving.forms import STRICT, Form
from superion.serving.interface import Reactant
from superion.serving.route import Asked, Route
from superion.serving.window import phase_table


class EnvironmentBody(BaseModel):
    """The composition, and what water it meets."""

    model_config = STRICT

    formula: str = Field(description='A chemical formula, such as "Li6PS5Cl".')
    water: Literal["liquid", "gas"] = Field("liquid", description="Whose enthalpy water has.")


EXPECTED = {"": "an object with the key formula", "formula": "text", "water": "liquid or gas"}


class MeasuredScale(BaseModel):
    """How the table was brought to the scale of the measured phases."""

    energy_eV_per_atom: float = Field(description="What the reactions start from.")  # noqa: N815 - given
    made_of: list[str] = Field(description="The measured solids that the composition was compared with.")


class Product(Phase):
    """A phase with its state."""

    state: Literal["solid", "liquid", "gas"]


class Outcome(BaseModel):
    """One reaction, for a formula unit of the electrolyte as it was written."""

    reaction_energy_eV_per_atom: float = Field(description="Per atom of the electrolyte.")  # noqa: N815 - given
    taken_up: dict[str, float] = Field(description="Molecules of H2O and CO2.")
    energy_eV_per_molecule: float | None = Field(  # noqa: N815 - given
        description="Over the molecules taken up, of both kinds; null where there are none."
    )
    products: list[Product]
    hydrogen_sulfide_per_formula: float
    hydrogen_sulfide_cm3_per_g: float = Field(description="Of the electrolyte, at 25 degrees Celsius and 1 bar.")


class Exposure(BaseModel):
    """The reactions in one atmosphere."""

    atmosphere: Literal["water", "carbon dioxide", "moist air"]
    worst: Outcome = Field(description="At the ratio of lowest energy per atom of all that reacts.")
    in_excess: Outcome = Field(description="With as much as is taken up.")


class EnvironmentAnswer(BaseModel):
    """What can happen in water and air, by thermodynamics."""

    table: str = Field(description="Which formation energies: matbench, end-members, or a file's name.")
    electrolyte: Reactant
    thermodynamic: Literal[True]
    water: Literal["liquid", "gas"]
    measured_scale: MeasuredScale
    exposures: list[Exposure]
    notes: list[str]


def answer(asked: Asked[EnvironmentBody]) -> dict[str, Any]:
    """Return the document of a composition."""
    return environment_document(expose(phase_table(), asked.body.formula, asked.body.water))


ENVIRONMENT = Route(
    "/environment",
    Form(EnvironmentBody, EXPECTED),
    answer,
    EnvironmentAnswer,
    summary="What an electrolyte can turn into in water, carbon dioxide and moist air.",
    description="Thermodynamics, by measured phases, as `superion environment FORMULA --json` prints. No model is "
    "needed.",
    success="The reactions in each.",
    example={"formula": "Li6PS5Cl"},
    errors={"503": "The table of phases that the service is told to use cannot be read."},
)
