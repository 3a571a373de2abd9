"""What a campaign amounts to: its measurements beside what was predicted before them, by family and in the end."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from superion.discovery.campaigns.records import event_dict, suggestion_dict
from superion.discovery.campaigns.state import CampaignState, Event
from superion.discovery.report.element_effects import ElementEffect, element_effects
from superion.discovery.report.measured import Measured, measured_of

__all__ = ["HIT_LOG10", "Facts", "FamilyFacts", "Foresight", "facts_of"]

HIT_LOG10 = -4.0
"""Conductivity from which on a measurement is a hit [log10(S/cm)]: 0.1 mS/cm, where fast ion conductors are commonly
said to begin."""
N_SURPRISES = 5
"""Most measurements that are named as surprises."""


@dataclass(frozen=True)
class Foresight:
    """Hold how well the predictions made before each measurement held."""

    n: int
    """Measurements with a prediction, limits among them."""
    n_exact: int
    """Those that are no limits."""
    covered: int
    """Measurements within their predicted interval."""
    confidence: float
    """Mean confidence of the intervals."""
    mean_absolute_error: float | None
    """Over the exact ones [decades]."""
    bias: float | None
    """Mean of measured less predicted [decades]."""


@dataclass(frozen=True)
class FamilyFacts:
    """Hold what is known of one family."""

    name: str
    measured: int
    """Candidates that were measured."""
    hits: int
    """Of these, those of at least `HIT_LOG10`."""
    failed: int
    """Candidates whose synthesis failed and that were not measured."""
    pending: int
    left: int
    best: float | None
    """[log10(S/cm)]."""
    median: float | None
    """Over the measured candidates, limits taken as values [log10(S/cm)]."""


@dataclass(frozen=True)
class Facts:
    """Hold all that the report says in numbers."""

    state: CampaignState
    events: tuple[Event, ...]
    measured: tuple[Measured, ...]
    """In the order of the observations, failed syntheses among them."""
    families: tuple[FamilyFacts, ...]
    """The one with the best measurement first."""
    foresight: Foresight | None
    surprises: tuple[Measured, ...]
    """Furthest outside first."""
    elements: tuple[ElementEffect, ...]
    """Only those that the data support."""
    n_measured: int
    """Candidates."""
    n_failed: int
    """Candidates of which only failed syntheses are known."""

    @property
    def best(self) -> Measured | None:
        """The best measurement at the temperature of the goal, None where there is none."""
        exact = [
            (one.log10_conductivity, -one.number, one)
            for one in self.measured
            if one.log10_conductivity is not None and not one.censored
        ]
        return max(exact)[2] if exact else None

    @property
    def elsewhere(self) -> int:
        """Number of measurements at another temperature that cannot be compared."""
        return sum(1 for one in self.measured if one.log10_conductivity is None and not one.failed)

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as JSON has them."""
        state = self.state
        best = self.best
        return {
            "name": state.name,
            "revision": state.revision,
            "goal": state.goal.as_dict(),
            "candidates": len(state.candidates),
            "measured": self.n_measured,
            "failed": self.n_failed,
            "pending": len(state.pending),
            "left": len(state.left),
            "best": None if best is None else best.as_dict(),
            "foresight": None if self.foresight is None else asdict(self.foresight),
            "families": [asdict(family) for family in self.families],
            "surprises": [one.as_dict() for one in self.surprises],
            "elements": [asdict(effect) for effect in self.elements],
            "observations": [one.as_dict() for one in self.measured],
            "next": [suggestion_dict(one) for one in state.pending],
            "history": [event_dict(event) for event in self.events],
        }


def facts_of(state: CampaignState, events: Sequence[Event]) -> Facts:
    """Work out what a campaign amounts to."""
    measured = measured_of(state)
    values = _by_candidate(measured)
    failed = {one.candidate for one in measured if one.failed} - {one.candidate for one in measured if not one.failed}
    outside = [one for one in measured if one.outside]
    return Facts(
        state=state,
        events=tuple(events),
        measured=measured,
        families=_families(state, values, failed, {one.candidate for one in measured if not one.failed}),
        foresight=_foresight(measured),
        surprises=tuple(sorted(outside, key=lambda one: -(one.outside or 0.0))[:N_SURPRISES]),
        elements=element_effects(
            [
                (candidate.material.formula.symbols, values[candidate.id])
                for candidate in state.candidates
                if candidate.id in values
            ]
        ),
        n_measured=len({one.candidate for one in measured if not one.failed}),
        n_failed=len(failed),
    )


def _by_candidate(measured: Sequence[Measured]) -> dict[str, float]:
    """Return one conductivity for each measured candidate: the mean of its measurements, else of its limits."""
    exact: dict[str, list[float]] = {}
    limits: dict[str, list[float]] = {}
    for one in measured:
        if one.log10_conductivity is not None:
            (limits if one.censored else exact).setdefault(one.candidate, []).append(one.log10_conductivity)
    return {candidate: statistics.fmean(values) for candidate, values in (limits | exact).items()}


def _families(
    state: CampaignState, values: Mapping[str, float], failed: set[str], measured: set[str]
) -> tuple[FamilyFacts, ...]:
    pending = {suggestion.candidate for suggestion in state.pending}
    members: dict[str, list[str]] = {}
    for candidate in state.candidates:
        members.setdefault(candidate.family, []).append(candidate.id)
    found = []
    for name, ids in members.items():
        known = [values[one] for one in ids if one in values]
        n_measured = sum(one in measured for one in ids)
        n_failed = sum(one in failed for one in ids)
        n_pending = sum(one in pending and one not in measured and one not in failed for one in ids)
        found.append(
            FamilyFacts(
                name=name,
                measured=n_measured,
                hits=sum(value >= HIT_LOG10 for value in known),
                failed=n_failed,
                pending=n_pending,
                left=len(ids) - n_measured - n_failed - n_pending,
                best=max(known, default=None),
                median=statistics.median(known) if known else None,
            )
        )
    return tuple(
        sorted(found, key=lambda one: (-math.inf if one.best is None else one.best, one.measured), reverse=True)
    )


def _foresight(measured: Sequence[Measured]) -> Foresight | None:
    compared = [one for one in measured if one.outside is not None and one.predicted is not None]
    if not compared:
        return None
    residuals = [one.residual for one in compared if one.residual is not None]
    return Foresight(
        n=len(compared),
        n_exact=len(residuals),
        covered=sum(one.outside == 0.0 for one in compared),
        confidence=statistics.fmean(one.predicted.confidence for one in compared if one.predicted is not None),
        mean_absolute_error=statistics.fmean(map(abs, residuals)) if residuals else None,
        bias=statistics.fmean(residuals) if residuals else None,
    )
