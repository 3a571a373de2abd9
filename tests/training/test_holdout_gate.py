"""The gate on a frozen holdout: two models by their own predictions of rows that neither has learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from superion.errors import InvalidArtefact
from superion.featurizers.formula import Formula
from superion.models.distribution import FloatArray, Spread
from superion.models.domain import Domain
from superion.models.material import Material
from superion.models.predictor import Predictor
from superion.training import gate
from superion.training.baseline import paired_difference
from superion.training.gate import BETTER, HOLDOUT, NOT_TOLD_APART, WORSE, compare_on
from superion.training.table import Measurement

from . import _builders

ROWS = _builders.synthetic_rows()
ELSEWHERE = ("UO2", "Cs2O")


def model(error: FloatArray | float, knows: Sequence[str] = ELSEWHERE) -> Predictor:
    """Return what answers the rows with the measured value plus `error`, and has learned from `knows`."""
    missed = np.array([row.log10_conductivity for row in ROWS], dtype=np.float64) + error
    answers = {str(row.material.formula): value for row, value in zip(ROWS, missed, strict=True)}
    domain = Domain.fit([Formula.parse(text) for text in knows], list(knows), ())

    def log10_conductivity(materials: Sequence[Material], temperatures_c: FloatArray) -> tuple[FloatArray, Spread]:
        n = len(materials)
        assert len(temperatures_c) == n
        return np.array([answers[str(material.formula)] for material in materials]), Spread(np.ones(n), np.zeros(n))

    fake = SimpleNamespace(artefact=SimpleNamespace(domain=domain), log10_conductivity=log10_conductivity)
    return cast(Predictor, fake)


@pytest.mark.parametrize(
    ("new", "old", "verdict"), [(0.2, 1.0, BETTER), (1.0, 0.2, WORSE), (0.5, -0.5, NOT_TOLD_APART)]
)
def test_the_verdict_is_on_all_rows_with_a_conductivity(new: float, old: float, verdict: str) -> None:
    valued = [row for row in ROWS if not row.censored]
    without = replace(valued[0], log10_conductivity=None, activation_energy=0.3)
    answer = compare_on(model(new), model(old), "champion 4", [*valued, without], 0)
    assert (answer.verdict, answer.n, answer.n_papers, answer.champion) == (verdict, 35, 18, "champion 4")


def test_rows_below_a_limit_count_under_both_conventions() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(0.0, 1.0, (2, len(ROWS)))
    answer = compare_on(model(one), model(other), "champion", ROWS, 7)
    assert answer.by_convention is not None
    papers = [str(row.doi) for row in ROWS]
    for name, level in (("censored_at_-15", -15.0), ("censored_at_-10", -10.0)):
        value = np.array([level if row.censored else row.log10_conductivity for row in ROWS], dtype=np.float64)
        mean = np.array([row.log10_conductivity for row in ROWS], dtype=np.float64)
        errors = [np.abs(mean + error - value) for error in (one, other)]
        assert answer.by_convention[name].paired_difference == paired_difference(*errors, papers, 7)


@pytest.mark.parametrize("knowing", ["new", "champion"])
def test_a_composition_that_either_has_learned_from_does_not_count(knowing: str) -> None:
    known = [str(row.material.formula) for row in ROWS[:6]]
    new, old = (model(0.1, [*ELSEWHERE, *(known if knowing == who else ())]) for who in ("new", "champion"))
    assert compare_on(new, old, "champion", ROWS, 0).n == len(ROWS) - 6


def test_rows_that_are_too_few_tell_nothing() -> None:
    few: list[Measurement] = ROWS[:5]
    assert compare_on(model(0.1), model(0.2), "champion", few, 0).verdict == (
        "not comparable: only 5 rows are new to both"
    )
    one_paper = [replace(row, doi="10.1/one") for row in ROWS]
    verdict = compare_on(model(0.1), model(0.2), "champion", one_paper, 0).verdict
    assert verdict == "not comparable: the 36 rows new to both are of 1 papers"


def test_the_gate_says_that_it_is_of_the_holdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_champion", lambda: ("champion 2", model(1.0)))
    answer = gate.on_holdout(model(0.2), ROWS, 0)
    assert answer.on == answer.as_dict()["on"] == HOLDOUT
    assert str(answer).startswith("gate against champion 2 on 36 rows of 18 papers of the holdout: ")


def test_a_champion_that_cannot_be_asked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> None:
        raise InvalidArtefact("the weights are damaged", field="weights")

    monkeypatch.setattr(gate, "_champion", damaged)
    answer = gate.on_holdout(model(0.2), ROWS, 0)
    assert answer.verdict == "not comparable: the champion cannot be asked: the weights are damaged"
    assert answer.on == HOLDOUT
