"""From a forecast and measurements to a batch: what counts as known, and what must not change the choice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.discovery.choice import proposal as under_test
from superion.discovery.choice.belief import Belief, Forecast
from superion.discovery.choice.proposal import Conditions, Known, Proposal, believe, propose
from superion.discovery.goal import Acquisition, Goal

from ._beliefs import FORMULAS, Array, formula_space, varied_forecast

SPACE = formula_space()
N = len(FORMULAS)
FORECAST = varied_forecast(N)
FLAT = Forecast(np.full(N, -5.0), np.ones(N))
KINDS = get_args(Acquisition)


def known(*measured: tuple[int, float] | tuple[int, float, bool]) -> Known:
    """Return measurements: place, value, and whether it is a limit."""
    rows = [(*one, False)[:3] for one in measured]
    places, values, censored = zip(*rows, strict=True) if rows else ((), (), ())
    return Known(np.array(places, dtype=np.intp), np.array(values, dtype=np.float64), np.array(censored, dtype=bool))


def proposed(
    told: Known,
    goal: Goal | None = None,
    n: int = 4,
    seed: int = 0,
    *,
    forecast: Forecast = FLAT,
    pending: tuple[int, ...] = (),
    **changes: Any,
) -> Proposal:
    """Return the batch after measurements, of all that is neither measured nor pending unless told otherwise."""
    left = np.setdiff1d(np.arange(N), [*told.places, *pending]).astype(np.intp)
    fields: dict[str, Any] = {"left": left, "families": ["one"] * N, "conditions": Conditions.none(N)} | changes
    return propose(
        SPACE,
        forecast,
        told,
        fields["left"],
        np.array(pending, dtype=np.intp),
        fields["families"],
        fields["conditions"],
        Goal() if goal is None else goal,
        n,
        seed,
    )


SEVEN = known((0, -3.0), (3, -2.5), (8, -6.5), (12, -7.0), (17, -5.0), (20, -9.0), (23, -10.0))


def test_the_best_is_measured_and_no_limit() -> None:
    assert known((0, -3.0), (1, -2.0, True), (2, -4.0)).best == -3.0
    assert known((1, -2.0, True)).best is None
    assert known().best is None


def test_a_limit_above_the_forecast_says_nothing() -> None:
    told = known((0, -3.0, True), (1, -7.0, True), (2, -3.0), (3, -5.0, True)).informative(FLAT)
    assert told.places.tolist() == [1, 2]
    assert told.censored.tolist() == [True, False]
    # Neither does it move the belief.
    for given_limit in (known((0, -3.0, True)), known()):
        np.testing.assert_array_equal(believe(SPACE, FLAT, given_limit, None).marginals([0, 1])[0], [-5.0, -5.0])
    lower = believe(SPACE, FLAT, known((1, -9.0, True)), None).marginals([1, 0])[0]
    assert lower[0] < lower[1] < -5.0


def test_the_belief_that_is_told_of_holds_all_that_was_measured() -> None:
    found = believe(SPACE, FORECAST, SEVEN, None)
    expected = Belief.conditioned(SPACE, FORECAST, SEVEN.places, SEVEN.values)
    for one, other in zip(found.joint(np.arange(N)), expected.joint(np.arange(N)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_before_any_measurement_a_batch_of_a_sure_forecast_is_its_order() -> None:
    sure = replace(FORECAST, deviation=np.full(N, 1e-3))
    assert proposed(known(), forecast=sure, n=5).places == tuple(np.argsort(-sure.mean)[:5])


def test_how_bad_an_insulator_is_does_not_matter() -> None:
    best = SEVEN.best
    assert best is not None
    low = best - under_test.FLOOR
    deep = replace(SEVEN, values=np.where(SEVEN.values < low, SEVEN.values - 4.0, SEVEN.values))
    assert (deep.values != SEVEN.values).sum() >= 3
    for kind in ("ucb", "log_ei", "noisy_ei", "thompson"):
        goal = Goal(acquisition=kind)
        one, other = proposed(deep, goal), proposed(SEVEN, goal)
        assert (one.places, one.values) == (other.places, other.values)
    # What is told of the candidates, and what teaches, does depend on it.
    one, other = (believe(SPACE, FLAT, told, None).marginals(np.arange(N))[0] for told in (deep, SEVEN))
    assert np.abs(one - other).max() > 0.1


def test_where_something_is_to_be_learned_insulators_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    others = front_conditions(np.linspace(-1.0, 0.0, N))
    for goal, floored in ((Goal(), True), (Goal(acquisition="variance"), False), (Goal(cost="objective"), False)):
        conditions = others if goal.pareto else Conditions.none(N)
        found = proposed(SEVEN, goal, conditions=conditions, forecast=FORECAST)
        with monkeypatch.context() as patch:
            patch.setattr(under_test, "FLOOR", 0.5)
            other = proposed(SEVEN, goal, conditions=conditions, forecast=FORECAST)
        assert (found.values == other.values) != floored


def test_the_bounds_are_those_of_the_belief_once_what_is_pending_came_as_expected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(under_test, "FLOOR", 100.0)
    told, pending, kappa = known((8, -6.0), (12, -7.0)), (0, 3), 2.0
    found = proposed(told, Goal(kappa=kappa), 3, pending=pending, forecast=FORECAST)
    # A measurement that comes to what is expected leaves the mean as it is.
    taken = list(pending)
    for place, value in zip(found.places, found.values, strict=True):
        now = Belief.conditioned(SPACE, FORECAST, told.places, told.values)
        expected = now.marginals(taken)[0]
        start = now.hyperparameters
        places, values = np.append(told.places, taken), np.append(told.values, expected)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("superion.discovery.choice.belief.FEWEST", 99)
            then = Belief.conditioned(SPACE, FORECAST, places, values, hyperparameters=start)
        mean, deviation = then.marginals(np.arange(N))
        bound = mean + kappa * deviation
        bound[places] = -math.inf
        assert place == bound.argmax()
        assert value == pytest.approx(bound[place], abs=1e-3)
        taken.append(place)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_of_what_is_left_each_once_and_reproducible(kind: str) -> None:
    goal = Goal(acquisition=kind, kappa=1.0)
    found = proposed(SEVEN, goal, 6, 5, pending=(1, 4), forecast=FORECAST)
    assert len(set(found.places)) == 6
    assert not {1, 4, *SEVEN.places.tolist()} & set(found.places)
    assert ((found.teaches > 0.0) & (found.teaches <= 1.0)).all()
    assert all(map(math.isfinite, found.values))
    again = proposed(SEVEN, goal, 6, 5, pending=(1, 4), forecast=FORECAST)
    assert (again.places, again.values) == (found.places, found.values)


def test_only_thompson_depends_on_the_seed() -> None:
    for kind in ("ucb", "variance"):
        assert len({proposed(SEVEN, Goal(acquisition=kind), seed=seed).places for seed in range(5)}) == 1
    assert len({proposed(SEVEN, Goal(acquisition="thompson"), seed=seed).places for seed in range(8)}) > 2


def test_what_is_pending_changes_the_batch() -> None:
    """Bromide, iodide and chloride argyrodites are near twins: with two in the furnace the third tells little."""
    told = known((3, -2.4), (8, -6.0))
    goal = Goal(kappa=5.0)
    free = proposed(told, goal, 1).places[0]
    twins = {0: (1, 2), 1: (0, 2), 2: (0, 1)}
    assert proposed(told, goal, 1, pending=(free,)).places[0] != free
    flat = proposed(known(), Goal(acquisition="variance"), N).places
    busy = proposed(known(), Goal(acquisition="variance"), N - 2, pending=twins[0]).places
    assert busy.index(0) > [place for place in flat if place not in twins[0]].index(0)


def test_more_than_are_left_are_all_that_are_left() -> None:
    assert sorted(proposed(SEVEN, n=100).places) == sorted(set(range(N)) - set(SEVEN.places.tolist()))
    assert proposed(SEVEN, n=3, left=np.array([5])).places == (5,)


def test_families_have_their_share() -> None:
    families = ["argyrodites"] * 3 + ["others"] * 5 + [f"family {place}" for place in range(N - 8)]
    best_first = Forecast(-3.0 - 0.2 * np.arange(N), np.full(N, 0.1))
    capped = proposed(known(), Goal(most_of_a_family=1), 5, forecast=best_first, families=families)
    assert len({families[place] for place in capped.places}) == 5
    free = proposed(known(), Goal(), 5, forecast=best_first, families=families)
    assert len({families[place] for place in free.places}) < 5


def test_what_cannot_meet_the_conditions_is_not_proposed_for_its_conductivity() -> None:
    best_first = Forecast(-3.0 - 0.2 * np.arange(N), np.full(N, 0.3))
    feasible = np.ones(N)
    feasible[:4] = 1e-6
    conditions = replace(Conditions.none(N), feasible=feasible)
    for kind in ("ucb", "thompson", "log_ei", "noisy_ei"):
        for told in (known(), known((N - 1, -6.0), (N - 2, -6.5))):
            found = proposed(told, Goal(acquisition=kind), 4, forecast=best_first, conditions=conditions)
            assert not {0, 1, 2, 3} & set(found.places)


def front_conditions(values: Array) -> Conditions:
    """Ask for one other thing that is known exactly."""
    return Conditions(np.ones(N), values[None, :], np.full((1, N), 1e-3))


def test_a_front_is_not_sought_below_what_was_measured() -> None:
    """Where the measured ones are best in both, only what may beat them in one is worth something."""
    sure = Forecast(np.full(N, -5.0), np.full(N, 0.05))
    others = np.full(N, -1.0)
    others[[0, 1]] = -0.2, -0.25
    others[[4, 5]] = -0.15, -0.5
    told = known((0, -5.0), (1, -5.05))
    found = proposed(told, Goal(stability="objective"), 1, forecast=sure, conditions=front_conditions(others))
    assert found.places == (4,)


@given(st.integers(0, 20), st.sampled_from(KINDS))
@settings(max_examples=15, deadline=None)
def test_of_long_lists_a_part_is_looked_at_jointly(seed: int, kind: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(under_test, "LISTED", 8)
        goal = Goal(acquisition=kind)
        found = proposed(SEVEN, goal, 12, seed, forecast=FORECAST)
        assert len(set(found.places)) == len(found.places) == 8
        assert not set(found.places) & set(SEVEN.places.tolist())
        assert proposed(SEVEN, goal, 12, seed, forecast=FORECAST).places == found.places


def test_a_long_list_keeps_the_most_promising(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "LISTED", 8)
    best_first = Forecast(-3.0 - 0.3 * np.arange(N), np.full(N, 0.1))
    assert set(range(6)) <= set(proposed(known(), n=8, forecast=best_first).places)
    # Those that cannot meet the conditions make no room for themselves.
    feasible = np.ones(N)
    feasible[:3] = 0.3
    conditions = replace(Conditions.none(N), feasible=feasible)
    assert {3, 4, 5, 6} <= set(proposed(known(), n=8, forecast=best_first, conditions=conditions).places)
    # What is known least comes to be looked at where something is to be learned.
    unsure = Forecast(np.full(N, -5.0), np.where(np.arange(N) % 6 == 0, 3.0, 0.2))
    taught = proposed(known(), Goal(acquisition="variance"), 2, forecast=unsure)
    assert all(place % 6 == 0 for place in taught.places)


@pytest.mark.parametrize("kind", ["log_ei", "noisy_ei"])
def test_a_limit_is_nothing_to_improve_on(kind: Any) -> None:
    limits = known((3, -7.0, True), (5, -9.0, True))
    assert proposed(limits, Goal(acquisition=kind)).acquisition == "ucb"
    assert proposed(known((3, -7.0)), Goal(acquisition=kind)).acquisition == kind
