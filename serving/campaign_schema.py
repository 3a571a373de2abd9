"""What is answered of campaigns, as models, which document it at `/docs.json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

NAMED = ConfigDict(protected_namespaces=())
"""Of models with fields that begin with "model", by which nothing of pydantic's is meant."""


class GoalAnswer(BaseModel):
    """What a campaign seeks."""

    temperature_C: float  # noqa: N815 - given
    confidence: float
    acquisition: str
    kappa: float
    stability: str
    reaction_energy_above: float = Field(description="In eV per atom.")
    cost: str
    cost_below: float | None = Field(description="In US dollars per kg.")
    avoid: list[str]
    least_chance: float
    most_of_a_family: int | None


class PredictedAnswer(BaseModel):
    """What is believed of a candidate: the model, updated by what the campaign has measured; in log10(S/cm)."""

    log10_S_per_cm: float  # noqa: N815 - given
    lower: float
    upper: float
    confidence: float
    temperature_C: float  # noqa: N815 - given


class ModelBeliefAnswer(BaseModel):
    """What the model says without the campaign's own measurements; in log10(S/cm)."""

    log10_S_per_cm: float  # noqa: N815 - given
    lower: float
    upper: float


class BestSoFarAnswer(BaseModel):
    """The best that the campaign has measured."""

    candidate: str
    formula: str
    log10_S_per_cm: float  # noqa: N815 - given


class ReactionEnergyAnswer(BaseModel):
    """The reaction energy with lithium metal, in eV per atom."""

    mean: float
    lower: float
    upper: float


class NearestAnswer(BaseModel):
    """A known material that is near."""

    formula: str
    distance: float
    measured_S_per_cm: float | None  # noqa: N815 - given
    source: str


class FlagAnswer(BaseModel):
    """One thing to know before a material is made."""

    name: str
    why: str


class AcquisitionAnswer(BaseModel):
    """What the candidate was chosen by."""

    name: str
    value: float


class ReasonsAnswer(BaseModel):
    """Why a candidate is suggested."""

    model_config = NAMED

    predicted: PredictedAnswer
    model: ModelBeliefAnswer
    chance_best: float | None = Field(description="To beat the best so far; null before anything is measured.")
    best_so_far: BestSoFarAnswer | None
    chance_stable: float | None = Field(description="Against lithium metal, as the goal has it.")
    reaction_energy_eV_per_atom: ReactionEnergyAnswer | None  # noqa: N815 - given
    chance_synthesis: float
    chance_feasible: float = Field(description="To be made and to meet the conditions of the goal.")
    teaches: float = Field(description="Share of the variance over the candidates that measuring it would remove.")
    price_USD_per_kg: float | None = Field(  # noqa: N815 - given
        description="Of the elements; null where one of them has no price."
    )
    nearest: list[NearestAnswer] = Field(description="Rows of uploaded data sets are not among them.")
    family: str
    in_domain: bool
    flags: list[FlagAnswer]
    acquisition: AcquisitionAnswer
    text: str = Field(description="The same in a few sentences.")


class SuggestionAnswer(BaseModel):
    """One suggested experiment."""

    model_config = NAMED

    number: int
    batch: int
    candidate: str
    status: Literal["pending", "observed", "withdrawn"]
    model_version: str
    reasons: ReasonsAnswer
    by: str
    at: str | None


class SuggestionList(BaseModel):
    """Suggested experiments of a campaign."""

    name: str
    suggestions: list[SuggestionAnswer]


class ObservationAnswer(BaseModel):
    """What became of an experiment."""

    number: int
    candidate: str
    failed: bool = Field(description="Whether the synthesis failed, so that there was nothing to measure.")
    log10_S_per_cm: float | None  # noqa: N815 - given
    S_per_cm: float | None
    censored: bool = Field(description="Whether it is a limit that the conductivity is below.")
    temperature_C: float  # noqa: N815 - given
    activation_energy_eV: float | None  # noqa: N815 - given
    kind: str | None
    source: str | None
    given: str
    note: str | None
    by: str
    at: str | None


class ObservationList(BaseModel):
    """Observations that were recorded in one step."""

    name: str
    observations: list[ObservationAnswer]


class EventAnswer(BaseModel):
    """One step of the audit."""

    number: int
    action: str = Field(description="new, suggest, observe, withdraw or undo.")
    by: str
    at: str
    detail: dict[str, Any]
    undone_by: int | None = Field(description="Number of the step that undid it.")


class EventList(BaseModel):
    """The audit of a campaign, oldest first."""

    name: str
    events: list[EventAnswer]


class StepAnswer(BaseModel):
    """A step that was taken."""

    name: str
    event: EventAnswer


class PredictionBefore(BaseModel):
    """What was predicted before a measurement, in log10(S/cm)."""

    mean: float
    lower: float
    upper: float
    confidence: float


class MeasuredAnswer(BaseModel):
    """A measurement beside what was predicted before it."""

    number: int
    candidate: str
    formula: str
    family: str
    log10_conductivity: float | None = Field(description="At the temperature of the goal, in log10(S/cm).")
    censored: bool
    failed: bool
    temperature_c: float
    given: str
    note: str | None
    by: str
    at: str | None
    predicted: PredictionBefore | None
    best_so_far: float | None
    outside: float | None = Field(description="Decades outside the predicted interval, 0 inside.")


class ForesightAnswer(BaseModel):
    """How well the predictions made before each measurement held."""

    n: int
    n_exact: int = Field(description="Those that are no limits.")
    covered: int
    confidence: float
    mean_absolute_error: float | None = Field(description="In decades.")
    bias: float | None = Field(description="Mean of measured less predicted, in decades.")
    coverage: float


class RetrainingAnswer(BaseModel):
    """Whether a retraining on what was measured pays, by what the present model predicted before."""

    pays: bool
    why: str
    n: int = Field(description="Measurements, no limits, that this version predicted before.")
    model_version: str | None
    bias: float | None = Field(description="Mean of measured less predicted [decades].")
    mean_absolute_error: float | None = Field(description="[decades]")
    coverage: float | None = Field(description="Share within the model's own intervals.")


class CampaignStatus(BaseModel):
    """Where a campaign stands, as `superion campaign status --json` prints it."""

    name: str
    revision: int
    goal: GoalAnswer
    candidates: int
    measured: int
    failed: int = Field(description="Candidates of which only failed syntheses are known.")
    pending: int
    left: int
    best: MeasuredAnswer | None
    predictions: ForesightAnswer | None
    retraining: RetrainingAnswer
    pending_suggestions: list[SuggestionAnswer]
    last_events: list[EventAnswer]


class ItemNote(BaseModel):
    """What is to be said of one item of a request."""

    item: str = Field(description="Such as candidates.3, counted from 0.")
    id: str
    reason: str


class NewCampaignAnswer(BaseModel):
    """A campaign that was made, and what became of the items that were sent."""

    status: CampaignStatus
    left_out: list[ItemNote] = Field(
        description="Items that cannot be used or are there already; the first thousand, and how many more there are."
    )
    notes: list[ItemNote] = Field(description="What was read in place of what stood there; as many.")


class CampaignSummaryAnswer(BaseModel):
    """A campaign in a few numbers."""

    name: str
    created_by: str
    created_at: str
    n_candidates: int
    n_observed: int
    n_pending: int
    revision: int


class CampaignList(BaseModel):
    """The campaigns, oldest first."""

    campaigns: list[CampaignSummaryAnswer]


class CandidateAnswer(BaseModel):
    """What could be made."""

    id: str
    formula: str
    family: str
    has_structure: bool
    status: Literal["left", "pending", "measured", "failed"]


class CandidateList(BaseModel):
    """Some of the candidates of a campaign, in the order in which they were given."""

    name: str
    n: int = Field(description="Of all.")
    offset: int
    candidates: list[CandidateAnswer]


class SubstitutionAnswer(BaseModel):
    """How much of an element of the parent another has taken the place of."""

    host: str
    dopant: str
    share: float
    charge: float
    bond_misfit: float | None


class DopedAnswer(BaseModel):
    """One composition of a doping series."""

    id: str
    formula: str
    parent: str
    substitutions: list[SubstitutionAnswer]
    varied: float
    plausibility: float
    bond_misfit: float | None
    cif: str | None = Field(description="Name of a file with its structure; null without one.")
    note: str | None = Field(description="Why there is no structure, of a parent that has one.")


class SeriesAnswer(BaseModel):
    """A doping series, as `superion enumerate --json` prints it."""

    parent: str
    charges: dict[str, float] = Field(description="Oxidation states that were assumed.")
    n: int
    n_implausible: int
    refused: dict[str, int] = Field(description="Combinations that are no candidates, by the reason.")
    candidates: list[DopedAnswer]
