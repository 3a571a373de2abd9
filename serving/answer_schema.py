"""The answer of `POST /predict` as models, which document it at `/docs.json`; the answer itself is built elsewhere."""

from __future__ import annotations

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
    novelty: float | None = Field(
        description="How unlike all that was learned from the formula is to the model, 0 to 1; decides in_domain. "
        "Null for a model that is judged by distance."
    )
    nearest: list[Near]


class Phase(BaseModel):
    """One phase of a mixture."""

    formula: str
    amount: float = Field(description="Formula units per formula unit of the material.")
    electronic: str = Field(description="metal, insulator or unknown.")
    reason: str
    assumed: bool = Field(description="Whether a rule has decided, and not the table.")


class Step(BaseModel):
    """The equilibrium within one interval of potentials against lithium metal."""

    lower_V: float  # noqa: N815 - given
    upper_V: float | None = Field(description="Null where there is no end.")  # noqa: N815 - given
    lithium_uptake: float = Field(description="Lithium per formula unit; below 0 where it is given up.")
    products: list[Phase]
    reaction_energy_lower_eV_per_atom: float  # noqa: N815 - given
    reaction_energy_upper_eV_per_atom: float | None  # noqa: N815 - given
    interphase: str = Field(alias="class", description="stable, mixed-conducting or passivating.")


class Hull(BaseModel):
    """What the convex hull of a table of phases says of the contact with lithium metal."""

    table: str = Field(description="Which formation energies: matbench, end-members, or a file's name.")
    reaction_energy_eV_per_atom: float  # noqa: N815 - given
    reduction_limit_V: float  # noqa: N815 - given
    oxidation_limit_V: float | None = Field(  # noqa: N815 - given
        description="Null where there is no lithium to extract."
    )
    energy_above_hull_eV_per_atom: float | None = Field(  # noqa: N815 - given
        description="Null where the table has no energy of this composition."
    )
    interphase: str = Field(alias="class", description="stable, mixed-conducting or passivating.")
    products: list[str] = Field(description="The mixture in equilibrium with lithium metal.")
    staircase: list[Step] | None = Field(None, description="From 0 V upward; only where it was asked for.")


class Interphase(BaseModel):
    """Which interphase is probable."""

    name: str = Field(alias="class", description="stable, mixed-conducting or passivating.")
    probabilities: dict[str, float]


class Dendrites(BaseModel):
    """The shear modulus against the criterion of Monroe and Newman."""

    threshold_GPa: float  # noqa: N815 - given
    met: str = Field(description="yes, no, or uncertain where the interval lies on both sides of the threshold.")
    note: str


class LithiumMetal(BaseModel):
    """The contact with lithium metal, as learned and as the hull says."""

    reaction_energy_eV_per_atom: Interval | None  # noqa: N815 - given
    reduction_limit_V: Interval | None  # noqa: N815 - given
    oxidation_limit_V: Interval | None  # noqa: N815 - given
    interphase: Interphase | None
    dendrites: Dendrites | None
    hull: Hull | None = Field(description="Null where the table does not know an element; a warning says so.")


class BandGap(Interval):
    """A band gap with its interval; the functional is PBE, whose gaps are low."""

    functional: str


class Prediction(BaseModel):
    """What is predicted for one material; a target that this version does not predict is null."""

    id: str | int | None = Field(None, description="Only where one was given.")
    formula: str
    input: str = Field(description="formula, cif or structure.")
    conductivity: Conductivity | list[Conductivity]
    activation_energy_eV: Interval | None  # noqa: N815 - given
    li_metal: LithiumMetal
    formation_energy_eV_per_atom: Interval | None  # noqa: N815 - given
    shear_modulus_GPa: Interval | None  # noqa: N815 - given
    band_gap_eV: BandGap | None  # noqa: N815 - given
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
