"""Campaigns that the tests report on, made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from superion.discovery.advice.flags import flags_of
from superion.discovery.advice.prices import price_of
from superion.discovery.advice.reasons import (
    AcquisitionValue,
    BestSoFar,
    ModelBelief,
    NearestMaterial,
    Predicted,
    ReactionEnergy,
    Reasons,
)
from superion.discovery.campaigns.state import CampaignState, Event, Observation, Suggestion, SuggestionStatus
from superion.discovery.candidates import Candidate
from superion.discovery.goal import Goal
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training.families import anion_family

from ._beliefs import FORMULAS

REASONS = {
    "predicted",
    "model",
    "chance_best",
    "best_so_far",
    "chance_stable",
    "reaction_energy_eV_per_atom",
    "chance_synthesis",
    "chance_feasible",
    "teaches",
    "price_USD_per_kg",
    "nearest",
    "family",
    "in_domain",
    "flags",
    "acquisition",
    "text",
}
"""What is told of a suggestion, by name."""

BEGUN = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def candidate(name: str, formula: str, family: str | None = None) -> Candidate:
    """Return a candidate by composition, of the family of its anion unless told otherwise."""
    read = Formula.parse(formula)
    return Candidate(name, Material(read), family or anion_family(read))


def candidates(n: int = 20) -> tuple[Candidate, ...]:
    """Return the first candidates, `c1`, `c2` and so on."""
    return tuple(candidate(f"c{number}", formula) for number, formula in enumerate(FORMULAS[:n], 1))


def reasons(formula: str, mean: float, half: float = 1.0, **more: Any) -> Reasons:
    """Return reasons for a candidate that is predicted at `mean`, give or take `half` [log10(S/cm)]."""
    read = Formula.parse(formula)
    price = price_of(read)
    settings: dict[str, Any] = {
        "predicted": Predicted(mean, mean - half, mean + half, 0.9, 25.0),
        "model": ModelBelief(mean - 0.1, mean - 0.1 - half, mean - 0.1 + half),
        "chance_best": 0.34,
        "best_so_far": BestSoFar("c4", "Li10GeP2S12", math.log10(0.012)),
        "chance_stable": 0.12,
        "reaction_energy_eV_per_atom": ReactionEnergy(-0.4, -0.6, -0.2),
        "chance_synthesis": 0.8,
        "chance_feasible": 0.1,
        "teaches": 0.03,
        "price_USD_per_kg": None if price is None else price.usd_per_kg,
        "nearest": (NearestMaterial("Li6PS5Br", 0.2, 9e-4, "obelix"),),
        "family": anion_family(read),
        "in_domain": True,
        "flags": flags_of(read),
        "acquisition": AcquisitionValue("ucb", mean + 0.5 * half),
    }
    return Reasons(**settings | more)


def observed(number: int, name: str, sigma: float | None, **more: Any) -> Observation:
    """Return an observation of a conductivity [S/cm], or of a synthesis that failed (None)."""
    settings = {"censored": False, "temperature_c": 25.0, "by": "Ada", "at": BEGUN + timedelta(days=number), **more}
    value = None if sigma is None else math.log10(sigma)
    given = "" if sigma is None else f"{sigma:g} S/cm"
    return Observation(number=number, candidate=name, log10_conductivity=value, given=given, **settings)


def asked(number: int, one: Candidate, mean: float, status: SuggestionStatus = "observed") -> Suggestion:
    """Return a suggestion of a candidate that was predicted at `mean` [log10(S/cm)]."""
    return Suggestion(
        number=number,
        batch=1 + (number - 1) // 5,
        candidate=one.id,
        status=status,
        model_version="release",
        reasons=reasons(one.material.formula.text, mean).as_dict(),
        by="Ada",
        at=BEGUN + timedelta(hours=number),
    )


def campaign(
    ones: Sequence[Candidate],
    observations: Sequence[Observation] = (),
    suggestions: Sequence[Suggestion] = (),
    goal: Goal | None = None,
) -> CampaignState:
    """Return the state of a campaign."""
    return CampaignState(
        name="spring",
        goal=goal or Goal(),
        revision=1 + len(observations) + len(suggestions),
        candidates=tuple(ones),
        observations=tuple(observations),
        suggestions=tuple(suggestions),
        created_by="Ada",
        created_at=BEGUN,
    )


def events_of(state: CampaignState) -> tuple[Event, ...]:
    """Return an audit that fits a state."""
    found = [Event(1, "new", state.created_by, BEGUN, {"n_candidates": len(state.candidates), "source": "list.csv"})]
    for one in state.observations:
        detail = {"candidates": [one.candidate], "values": [one.given or "failed"]}
        found.append(Event(len(found) + 1, "observe", one.by, one.at or BEGUN, detail))
    return tuple(found)


MEASURED = (2e-3, 9e-4, 1e-6, 1.2e-2, 4e-3, 2e-4, 3e-3, 7e-5, 4e-4, None, 1e-10, 7e-4)
"""Of `full` [S/cm]; None is a synthesis that failed, 1e-10 a limit."""
PREDICTED = (-2.6, -2.9, -4.9, -2.4, -2.6, -3.6, -3.2, -3.9, -3.4, -3.2, -5.0, -3.3)
"""Of `full`, each give or take 1 [log10(S/cm)]."""


def full() -> CampaignState:
    """Return a campaign with all that there can be: hits, a limit, a failure, surprises, pending and left."""
    ones = candidates()
    observations = [
        observed(number, ones[number - 1].id, sigma, censored=sigma == 1e-10, note=None if sigma else "molten")
        for number, sigma in enumerate(MEASURED, 1)
    ]
    suggestions = [asked(number, ones[number - 1], mean) for number, mean in enumerate(PREDICTED, 1)]
    suggestions += [asked(13, ones[12], -3.1, "pending"), asked(14, ones[13], -2.9, "pending")]
    return campaign(ones, observations, suggestions)
