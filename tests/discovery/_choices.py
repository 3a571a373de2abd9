"""Campaigns that the tests of the next batch choose from, and what is said of their candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from superion.discovery.campaigns.state import CampaignState, Choice, Observation, Suggestion
from superion.discovery.choice.forecasts import Forecasts, InMemory, forecasts
from superion.discovery.goal import Goal
from superion.models.material import Material
from superion.models.predictor import Predictor

from ._beliefs import FORMULAS
from ._campaigns import candidate

FEW = (("Li6PS5Cl", -2.7), ("Li7La3Zr2O12", -6.3), ("Li3YCl6", -3.4))
"""Measured, log10(S/cm)."""


def observation(number: int, formula: str, level: float | None, **fields: Any) -> Observation:
    """Return what became of an experiment on a candidate that is named by its formula."""
    values: dict[str, Any] = {"censored": False, "temperature_c": 25.0} | fields
    return Observation(number, formula, level, **values)


def state(
    *observed: tuple[str, float | None] | Observation,
    goal: Goal | None = None,
    pending: Sequence[str] = (),
    formulas: Sequence[str] = FORMULAS,
) -> CampaignState:
    """Return a campaign; candidates are named by their formulas."""
    observations = tuple(
        one if isinstance(one, Observation) else observation(number, *one) for number, one in enumerate(observed, 1)
    )
    suggestions = tuple(Suggestion(number, 1, formula, "pending", "1", {}) for number, formula in enumerate(pending, 1))
    return CampaignState("test", goal or Goal(), 1, tuple(map(candidate, formulas)), observations, suggestions)


def said_of(predictor: Predictor, given: CampaignState) -> Forecasts:
    """Return what the model says of the candidates of a campaign."""
    return forecasts(predictor, [one.material for one in given.candidates], given.goal, InMemory())


def chosen(choices: Sequence[Choice]) -> list[str]:
    """Return the candidates of a batch."""
    return [choice.candidate for choice in choices]


class Asked:
    """Count what the ensemble of a model is asked."""

    def __init__(self, predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        ensemble = type(predictor.artefact.ensemble)
        ask = ensemble.predict

        def counted(this: Any, asked: Sequence[Material]) -> Any:
            self.sizes.append(len(asked))
            return ask(this, asked)

        monkeypatch.setattr(ensemble, "predict", counted)
