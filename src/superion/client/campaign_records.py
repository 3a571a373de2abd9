"""What the service says of campaigns, with the names that it has in the HTTP answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from superion.client.records import Record


class Goal(Record):
    """What a campaign seeks."""

    temperature_C: float  # noqa: N815 - given
    confidence: float
    acquisition: str
    kappa: float
    stability: str
    reaction_energy_above: float
    """[eV per atom of the electrolyte]."""
    cost: str
    cost_below: float | None
    """[US dollars per kg]."""
    avoid: tuple[str, ...]
    least_chance: float
    most_of_a_family: int | None


class Predicted(Record):
    """What is believed of a candidate [log10(S/cm)]."""

    log10_S_per_cm: float  # noqa: N815 - given
    lower: float
    upper: float
    confidence: float
    temperature_C: float  # noqa: N815 - given


class Reasons(Record):
    """Why a candidate is suggested; `POST /campaigns/{name}/suggestions` of the service has all of it."""

    text: str
    predicted: Predicted
    chance_best: float | None
    """Chance to beat the best so far, None before anything is measured."""
    chance_stable: float | None
    """Against lithium metal."""
    chance_synthesis: float
    chance_feasible: float
    """Chance to be made and to meet the conditions of the goal."""
    teaches: float
    """Share of the remaining variance over the candidates that measuring it would remove."""
    price_USD_per_kg: float | None  # noqa: N815 - given
    family: str
    in_domain: bool


class Suggestion(Record):
    """One suggested experiment."""

    number: int
    batch: int
    candidate: str
    status: str
    """pending, observed or withdrawn."""
    model_version: str
    reasons: Reasons
    by: str
    at: datetime | None


class Observation(Record):
    """What became of an experiment."""

    number: int
    candidate: str
    failed: bool
    """Whether the synthesis failed, so that there was nothing to measure."""
    log10_S_per_cm: float | None  # noqa: N815 - given
    S_per_cm: float | None
    censored: bool
    """Whether it is a limit that the conductivity is below."""
    temperature_C: float  # noqa: N815 - given
    activation_energy_eV: float | None  # noqa: N815 - given
    kind: str | None
    source: str | None
    given: str
    note: str | None
    by: str
    at: datetime | None


class Event(Record):
    """One step of a campaign's audit."""

    number: int
    action: str
    """new, suggest, observe, withdraw or undo."""
    by: str
    at: datetime
    detail: dict[str, Any]
    undone_by: int | None
    """Number of the step that undid it."""


class Best(Record):
    """The best measurement at the temperature of the goal."""

    candidate: str
    formula: str
    log10_conductivity: float | None
    """[log10(S/cm)]."""
    given: str
    by: str


class Foresight(Record):
    """How well the predictions made before each measurement held."""

    n: int
    mean_absolute_error: float | None
    """[decades]."""
    covered: int
    coverage: float
    confidence: float


class Retraining(Record):
    """Whether a retraining on what was measured pays, by what the present model predicted before."""

    pays: bool
    why: str
    n: int
    """Measurements, no limits, that this version predicted before."""
    model_version: str | None
    bias: float | None
    """Mean of measured less predicted [decades]."""
    mean_absolute_error: float | None
    """[decades]"""
    coverage: float | None
    """Share within the model's own intervals."""


class Campaign(Record):
    """Where a campaign stands."""

    name: str
    revision: int
    goal: Goal
    candidates: int
    measured: int
    failed: int
    pending: int
    left: int
    best: Best | None
    predictions: Foresight | None
    retraining: Retraining
    pending_suggestions: tuple[Suggestion, ...]
    last_events: tuple[Event, ...]


class ItemNote(Record):
    """What is to be said of one item that was sent."""

    item: str
    """Such as `candidates.3`, counted from 0."""
    id: str
    reason: str


class NewCampaign(Record):
    """A campaign that was made, and what became of the items that were sent."""

    status: Campaign
    left_out: tuple[ItemNote, ...]
    """What cannot be used, or is there already."""
    notes: tuple[ItemNote, ...]
    """What was read in place of what stood there."""


class CampaignSummary(Record):
    """A campaign in a few numbers."""

    name: str
    created_by: str
    created_at: datetime
    n_candidates: int
    n_observed: int
    n_pending: int
    revision: int


class Candidate(Record):
    """What could be made."""

    id: str
    formula: str
    family: str
    has_structure: bool
    status: str
    """left, pending, measured or failed."""


class Doped(Record):
    """One composition of a doping series."""

    id: str
    formula: str
    parent: str
    substitutions: tuple[dict[str, Any], ...]
    varied: float
    plausibility: float
    note: str | None


class Series(Record):
    """A doping series."""

    parent: str
    charges: dict[str, float]
    """Oxidation states that were assumed."""
    n: int
    n_implausible: int
    refused: dict[str, int]
    """Combinations that are no candidates, by the reason."""
    candidates: tuple[Doped, ...]
