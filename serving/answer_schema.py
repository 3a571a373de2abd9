"""The answer of `POST /predict` as models, which document it at `/docs.json`; the answer itself is built elsewhere."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Model(BaseModel):
    """The model that answered."""

    name: str
    version: str = Field(description="Version in the registry.")
    alias: str | None = Field(None, description="What the registry called it when it was loaded.")


class Interval(BaseModel):
    """A predicted value and the interval that holds the true one with the confidence asked for."""

    mean: float
    lower: float
    upper: float


class Estimate(Interval):
    """An interval with the two parts of its uncertainty."""

    std_aleatoric: float = Field(description="Standard deviation from the scatter of measurements.")
    std_epistemic: float = Field(description="Standard deviation from what the model does not know.")


class Conductivity(BaseModel):
    """The conductivity at one temperature."""

    temperature_C: float | None = Field(None, description="Only where a list was asked for.")  # noqa: N815 - given
    log10_S_per_cm: Estimate  # noqa: N815 - given
    S_per_cm: float
    mS_per_cm: float  # noqa: N815 - given


class Near(BaseModel):
    """A known material near to the one predicted."""

    formula: str
    distance: float
    measured_S_per_cm: float | None  # noqa: N815 - given
    source: str


class Domain(BaseModel):
    """Where the material lies against what the model was trained on."""

    in_domain: bool
    distance: float = Field(description="Share of atoms that differs from the nearest training composition, 0 to 1.")
    nearest: list[Near]


class Prediction(BaseModel):
    """What is predicted for one material; a target that this version does not predict is null."""

    id: str | int | None = Field(None, description="Only where one was given.")
    formula: str
    input: str = Field(description="formula, cif or structure.")
    conductivity: Conductivity | list[Conductivity]
    activation_energy_eV: Interval | None  # noqa: N815 - given
    li_metal: dict[str, Any] | None
    formation_energy_eV_per_atom: Interval | None  # noqa: N815 - given
    shear_modulus_GPa: Interval | None  # noqa: N815 - given
    band_gap_eV: Interval | None  # noqa: N815 - given
    domain: Domain
    warnings: list[str]


class MaterialError(BaseModel):
    """Why one material could not be predicted."""

    code: str = Field(description="invalid_formula, invalid_cif, invalid_structure, invalid_value or internal_error.")
    message: str
    field: str | None = None


class Failure(BaseModel):
    """One material without a prediction."""

    id: str | int | None = Field(None, description="Only where one was given.")
    error: MaterialError


class Answer(BaseModel):
    """The answers, one for each material and in their order."""

    model: Model
    temperature_C: float | list[float]  # noqa: N815 - given
    confidence: float
    predictions: list[Prediction | Failure]


class Problem(BaseModel):
    """What is wrong with the request as a whole."""

    code: str
    message: str
    field: str | None = Field(description="Path of the field at fault, such as materials[3].formula.")


class ProblemBody(BaseModel):
    """The answer of every route to what it cannot do."""

    error: Problem
