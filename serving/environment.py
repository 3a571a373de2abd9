"""Answer `POST /environment`: what an electrolyte can turn into in water, carbon dioxide and moist air."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from superion.models.stability.contact_documents import environment_document
from superion.models.stability.environment import expose
from superion.serving.forms import STRICT, Form
from superion.serving.hull_schema import EnvironmentAnswer
from superion.serving.route import Asked, Route
from superion.serving.window import phase_table


class EnvironmentBody(BaseModel):
    """The composition, and what water it meets."""

    model_config = STRICT

    formula: str = Field(description='A chemical formula, such as "Li6PS5Cl".')
    water: Literal["liquid", "gas"] = Field("liquid", description="Whose enthalpy water has.")


EXPECTED = {"": "an object with the key formula", "formula": "text", "water": "liquid or gas"}


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
