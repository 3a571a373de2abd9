"""The measurements of a campaign at the temperature of its goal, each beside what was predicted before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from superion.discovery.campaigns.state import CampaignState, Observation, Suggestion

__all__ = ["Measured", "Prediction", "measured_of"]

SAME_TEMPERATURE = 5.0
"""Degrees within which a conductivity is taken as it is: 0.1 decades at an activation energy of 0.35 eV."""


@dataclass(frozen=True)
class Prediction:
    """Hold what was predicted of a candidate before it was measured [log10(S/cm)]."""

    mean: float
    lower: float
    upper: float
    confidence: float


@dataclass(frozen=True)
class Measured:
    """Hold one observation that stands, as the report needs it."""

    number: int
    """Of the observation."""
    candidate: str
    formula: str
    family: str
    log10_conductivity: float | None
    """At the temperature of the goal [log10(S/cm)]; None where the synthesis failed, or where the conductivity was
    measured at another temperature and no activation energy leads from there."""
    censored: bool
    failed: bool
    temperature_c: float
    given: str
    note: str | None
    by: str
    at: datetime | None
    predicted: Prediction | None
    """None where nothing was predicted before, as for what was measured unasked."""
    best_so_far: float | None
    """Best of the measurements up to this one [log10(S/cm)]."""

    @property
    def residual(self) -> float | None:
        """Measured less predicted [decades]; None where there is nothing to compare, as with a limit."""
        if self.log10_conductivity is None or self.predicted is None or self.censored:
            return None
        return self.log10_conductivity - self.predicted.mean

    @property
    def outside(self) -> float | None:
        """How far the measurement lies outside the predicted interval [decades], 0 inside; None without either.

        A limit that the conductivity is below is inside where the interval reaches to it or below.
        """
        if self.log10_conductivity is None or self.predicted is None:
            return None
        below = self.predicted.lower - self.log10_conductivity
        above = 0.0 if self.censored else self.log10_conductivity - self.predicted.upper
        return max(0.0, below, above)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, as JSON has them, and how far it lies outside."""
        return {**asdict(self), "at": None if self.at is None else self.at.isoformat(), "outside": self.outside}


def measured_of(state: CampaignState) -> tuple[Measured, ...]:
    """Return the observations that stand, in their order, each beside what was predicted of it before."""
    asked = _suggestions_by_candidate(state)
    best: float | None = None
    found = []
    for observation in sorted(state.observations, key=lambda one: one.number):
        place = state.place.get(observation.candidate)
        candidate = None if place is None else state.candidates[place]
        value = _at_goal(observation, state.goal.temperature_C)
        if value is not None and not observation.censored:
            best = value if best is None else max(best, value)
        found.append(
            Measured(
                number=observation.number,
                candidate=observation.candidate,
                formula=observation.candidate if candidate is None else candidate.material.formula.text,
                family="" if candidate is None else candidate.family,
                log10_conductivity=value,
                censored=observation.censored,
                failed=observation.failed,
                temperature_c=observation.temperature_c,
                given=observation.given,
                note=observation.note,
                by=observation.by,
                at=observation.at,
                predicted=_prediction(asked.get(observation.candidate, ()), observation, state.goal.temperature_C),
                best_so_far=best,
            )
        )
    return tuple(found)


def _suggestions_by_candidate(state: CampaignState) -> Mapping[str, list[Suggestion]]:
    asked: dict[str, list[Suggestion]] = {}
    for suggestion in sorted(state.suggestions, key=lambda one: one.number):
        asked.setdefault(suggestion.candidate, []).append(suggestion)
    return asked


def _prediction(suggestions: Sequence[Suggestion], observation: Observation, temperature: float) -> Prediction | None:
    """Return what the last suggestion before an observation predicted, None where there was none.

    A prediction for another temperature than that of the goal, as a changed goal leaves behind, says nothing here.
    """
    for suggestion in reversed(suggestions):
        if suggestion.at is not None and observation.at is not None and suggestion.at > observation.at:
            continue
        told = suggestion.reasons.get("predicted")
        if not isinstance(told, Mapping):
            continue
        if abs(float(told.get("temperature_C", temperature)) - temperature) > SAME_TEMPERATURE:
            continue
        return Prediction(
            float(told["log10_S_per_cm"]), float(told["lower"]), float(told["upper"]), float(told["confidence"])
        )
    return None


def _at_goal(observation: Observation, temperature: float) -> float | None:
    """Return the conductivity at the temperature of the goal [log10(S/cm)], None where nothing leads there."""
    value = observation.log10_conductivity
    if value is None or abs(observation.temperature_c - temperature) <= SAME_TEMPERATURE:
        return value
    if observation.activation_energy is None:
        return None
    return observation.at_temperature(temperature, observation.activation_energy)
