"""What is asked beside conductivity: the chance of a synthesis, prices, elements to avoid, stability."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from superion.discovery.advice.prices import price_of
from superion.discovery.choice import conditions as under_test
from superion.discovery.choice import stabilities
from superion.discovery.choice.conditions import (
    USUAL_SUCCESS,
    WEIGHT,
    AgainstLithium,
    against_lithium,
    allowed,
    chance_of_synthesis,
    prices,
)
from superion.discovery.choice.forecasts import InMemory
from superion.discovery.goal import Goal
from superion.errors import Unavailable
from superion.featurizers.formula import Formula
from superion.models.domain import fraction_vectors

from ._beliefs import FORMULAS, formula_space

SPACE = formula_space()
N = len(FORMULAS)
CHLORIDE, BROMIDE, GARNET = (FORMULAS.index(name) for name in ("Li6PS5Cl", "Li6PS5Br", "Li7La3Zr2O12"))


def chance(succeeded: list[int], failed: list[int]) -> np.ndarray:
    """Return the chance of every candidate."""
    return chance_of_synthesis(SPACE, np.array(succeeded, dtype=np.intp), np.array(failed, dtype=np.intp))


def test_before_anything_is_tried_most_syntheses_succeed() -> None:
    np.testing.assert_allclose(chance([], []), USUAL_SUCCESS)


def test_it_is_the_mean_of_a_beta_distribution_whose_counts_are_weighted_by_nearness() -> None:
    fractions = fraction_vectors([Formula.parse(name) for name in FORMULAS])
    hellinger = np.linalg.norm(np.sqrt(fractions)[:, None] - np.sqrt(fractions)[None], axis=2)
    likeness = np.exp(-0.5 * np.square(hellinger / 0.35))
    found = chance([3, 3, 8], [0, 14])
    worked, failed = likeness[:, [3, 3, 8]].sum(axis=1), likeness[:, [0, 14]].sum(axis=1)
    expected = (WEIGHT * USUAL_SUCCESS + worked) / (WEIGHT + worked + failed)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_failure_speaks_for_its_kin() -> None:
    found = chance([], [CHLORIDE])
    assert found[CHLORIDE] < found[BROMIDE] < found[GARNET] < USUAL_SUCCESS
    assert found[CHLORIDE] == pytest.approx(USUAL_SUCCESS * WEIGHT / (WEIGHT + 1.0), abs=1e-3)


@given(st.lists(st.integers(0, N - 1), max_size=6), st.lists(st.integers(0, N - 1), max_size=6), st.integers(0, N - 1))
@settings(max_examples=30, deadline=None)
def test_success_raises_it_and_failure_lowers_it(succeeded: list[int], failed: list[int], another: int) -> None:
    before = chance(succeeded, failed)
    assert ((before > 0.0) & (before < 1.0)).all()
    assert (chance([*succeeded, another], failed) >= before - 1e-12).all()
    assert (chance(succeeded, [*failed, another]) <= before + 1e-12).all()


def test_prices_are_infinite_where_there_is_none() -> None:
    formulas = [Formula.parse(text) for text in ("Li2S", "Li10GeP2S12", "LiTcO4")]
    found = prices(formulas)
    for formula, price in zip(formulas, found, strict=True):
        known = price_of(formula)
        assert price == (math.inf if known is None else known.usd_per_kg)
    assert found[0] < found[1]
    assert prices([]).shape == (0,)


def test_a_formula_with_one_avoided_element_is_out() -> None:
    formulas = [Formula.parse(text) for text in ("Li10GeP2S12", "Li3InCl6", "Li3PS4", "LiI")]
    assert allowed(formulas, Goal()).tolist() == [True] * 4
    assert allowed(formulas, Goal(avoid=("Ge", "In"))).tolist() == [False, False, True, True]
    # Iodine is not indium.
    assert allowed(formulas, Goal(avoid=("I",))).tolist() == [True, True, True, False]
    assert allowed([], Goal()).tolist() == []


def test_the_chance_to_be_stable_is_that_of_a_normal_distribution() -> None:
    mean, deviation = np.array([-0.3, -0.1, 0.0, -0.2]), np.array([0.1, 0.2, 0.0, 0.0])
    found = AgainstLithium(mean, mean - 1.0, mean + 1.0, deviation).chance_above(-0.1)
    np.testing.assert_allclose(found[:2], norm.sf(-0.1, mean[:2], deviation[:2]))
    assert found[2:].tolist() == [1.0, 0.0]


def test_the_networks_answer_each_formula_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    formulas = [Formula.parse(text) for text in FORMULAS[:5]]
    together = against_lithium(formulas, 0.9)
    monkeypatch.setattr(under_test, "AT_ONCE", 2)
    parts = against_lithium(formulas, 0.9)
    for name in ("mean", "lower", "upper", "deviation"):
        np.testing.assert_allclose(getattr(parts, name), getattr(together, name), atol=1e-5)
        assert getattr(together, name).shape == (5,)
    assert (together.lower <= together.mean).all() and (together.mean <= together.upper).all()
    assert (together.deviation > 0.0).all()
    wide = against_lithium(formulas, 0.99)
    assert (wide.upper - wide.lower > together.upper - together.lower).all()
    nothing = against_lithium([], 0.9)
    assert nothing.mean.shape == nothing.deviation.shape == (0,)


def test_reaction_energies_are_asked_for_once_and_damaged_ones_again(monkeypatch: pytest.MonkeyPatch) -> None:
    formulas = [Formula.parse(text) for text in FORMULAS[:6]]
    asked: list[int] = []
    ask = stabilities.against_lithium

    def counted(some: Sequence[Formula], confidence: float) -> AgainstLithium:
        asked.append(len(some))
        return ask(some, confidence)

    monkeypatch.setattr(stabilities, "against_lithium", counted)

    def once(given: list[Formula], confidence: float, kept: InMemory, places: np.ndarray) -> AgainstLithium:
        """Ask as for one batch: what is found is kept at its end, at once."""
        batch = stabilities.Stabilities(given, confidence, kept)
        before = dict(kept._arrays)
        answers = batch.of(places)
        assert kept._arrays == before
        batch.keep()
        return answers

    expected, kept = ask(formulas, 0.9), InMemory()
    some = np.array([4, 1])
    first = once(formulas, 0.9, kept, some)
    np.testing.assert_allclose(first.mean, expected.mean[some], atol=1e-5)
    found = once(formulas, 0.9, kept, np.arange(6))
    for name in ("mean", "lower", "upper", "deviation"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-5)
    assert asked == [2, 4]
    once(formulas, 0.8, kept, some)
    once(formulas[::-1], 0.9, kept, some)
    assert asked == [2, 4, 2, 2]
    (key, *_) = kept._arrays
    for damaged in (np.zeros((4, 5)), np.zeros((3, 6)), np.full((4, 6), "x"), np.zeros((4, 6), dtype=np.float32)):
        kept.put(key, {"reaction_energy": damaged})
        again = once(formulas, 0.9, kept, np.arange(6))
        np.testing.assert_allclose(again.mean, expected.mean, atol=1e-5)
    kept.put(key, {})
    assert once(formulas, 0.9, kept, np.array([], dtype=np.intp)).mean.shape == (0,)
    assert asked[4:] == [6] * 4


def test_networks_that_cannot_be_had_are_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from superion.errors import InvalidArtefact
    from superion.models.stability import learned

    def missing() -> None:
        raise InvalidArtefact("the weights are not there", field="model")

    monkeypatch.setattr(learned, "release_model", missing)
    with pytest.raises(Unavailable, match="the weights are not there") as caught:
        against_lithium([Formula.parse("LiI")], 0.9)
    assert caught.value.field == "stability"
