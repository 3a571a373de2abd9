"""The belief: against an independent Gaussian process, what measurements do to it, and what must not matter."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel

from superion.discovery.choice import belief as under_test
from superion.discovery.choice.belief import FEWEST, SMALLEST_NOISE, Belief, Forecast, Space, kind_of
from superion.models.kernels import PLAIN_TERMS, prior_variance, term_places
from superion.training.processes import first_hyperparameters

from ._beliefs import FORMULAS, Array, formula_space, materials, obelix, plain_kernel, varied_forecast

SPACE = formula_space()
FORECAST = varied_forecast(len(FORMULAS))
SHIFTING = replace(FORECAST, shifts=True)
UNIT = float(np.median(FORECAST.deviation))
EVERY = np.arange(len(FORMULAS))


class Looked(Kernel):  # type: ignore[misc]
    """A kernel that is looked up in a table by the numbers of the candidates."""

    def __init__(self, table: Array) -> None:
        self.table = table

    def __call__(self, X: Array, Y: Array | None = None, eval_gradient: bool = False) -> Array:  # noqa: N803
        rows = X[:, 0].astype(int)
        return self.table[np.ix_(rows, rows if Y is None else Y[:, 0].astype(int))]

    def diag(self, X: Array) -> Array:  # noqa: N803
        rows = X[:, 0].astype(int)
        return self.table[rows, rows]

    def is_stationary(self) -> bool:
        return False


def oracle(found: Belief, values: Array) -> tuple[Array, Array]:
    """Return mean and covariance of all candidates from sklearn's process with the belief's hyper-parameters."""
    table = prior_covariance(found.space, found.forecast, found.hyperparameters)
    variance = math.exp(2.0 * found.hyperparameters[-1]) + SMALLEST_NOISE
    noise = variance * np.median(found.forecast.deviation) ** 2
    process = GaussianProcessRegressor(Looked(table), alpha=noise, optimizer=None)
    mean = found.forecast.mean
    process.fit(found.measured[:, None].astype(float), values - mean[found.measured] - found.shift)
    said, covariance = process.predict(np.arange(len(mean))[:, None].astype(float), return_cov=True)
    return mean + found.shift + said, covariance


def prior_covariance(space: Space, forecast: Forecast, hyperparameters: Array) -> Array:
    """Return the covariance of all candidates before any is measured [decades squared]: alike as the kernel says, and
    what the surer one of two may be off."""
    smaller = np.minimum(forecast.deviation[:, None], forecast.deviation[None, :])
    return plain_kernel(space, hyperparameters) * smaller**2


@pytest.fixture(scope="module", params=["formula", "cell"])
def case(request: pytest.FixtureRequest, data_mirror: Callable[[str], Path]) -> tuple[Space, Forecast]:
    """Return candidates and a forecast of them, compared by formula or by cell."""
    if request.param == "formula":
        return SPACE, FORECAST
    rows = obelix(data_mirror("obelix"), 12)
    space = Space.of([row.material for row in rows])
    assert space.terms == PLAIN_TERMS["cell"]
    return space, varied_forecast(len(rows), 1)


@pytest.mark.parametrize("m", [1, FEWEST - 1, FEWEST, 15])
def test_it_is_what_an_independent_process_says(case: tuple[Space, Forecast], m: int) -> None:
    space, forecast = case
    generator = np.random.default_rng(m)
    measured = generator.choice(len(forecast.mean), m)
    values = forecast.mean[measured] + generator.normal(0.5, 1.0, m)
    found = Belief.conditioned(space, forecast, measured, values)
    every = np.arange(len(forecast.mean))
    mean, covariance = found.joint(every)
    expected_mean, expected_covariance = oracle(found, values)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-8)
    np.testing.assert_allclose(covariance, expected_covariance, atol=1e-8)
    alone, deviation = found.marginals(every)
    np.testing.assert_allclose(alone, expected_mean, atol=1e-8)
    # On its own a candidate is no distance from itself; the kernel keeps 1e-5 for the sake of its gradient.
    np.testing.assert_allclose(deviation**2, np.diag(expected_covariance), atol=2e-4)


def test_before_anything_is_measured_it_is_the_forecast(case: tuple[Space, Forecast]) -> None:
    space, forecast = case
    found = Belief.conditioned(space, forecast, [], np.empty(0))
    every = np.arange(len(forecast.mean))
    mean, deviation = found.marginals(every)
    np.testing.assert_array_equal(mean, forecast.mean)
    prior = prior_variance(space.terms, first_hyperparameters(space.terms))
    np.testing.assert_allclose(deviation, forecast.deviation * math.sqrt(prior))
    jointly, covariance = found.joint(every)
    np.testing.assert_array_equal(jointly, forecast.mean)
    scaled = prior_covariance(space, forecast, found.hyperparameters)
    np.testing.assert_allclose(covariance, scaled, atol=1e-8)


def test_a_measurement_moves_its_candidate_there_and_its_kin_with_it() -> None:
    bromide, argyrodite, garnet = (FORMULAS.index(name) for name in ("Li6PS5Br", "Li6PS5Cl", "Li7La3Zr2O12"))
    flat = Forecast(np.full(len(FORMULAS), -6.0), np.ones(len(FORMULAS)))
    sure = first_hyperparameters(SPACE.terms)
    sure[-1] = math.log(1e-3)
    found = Belief.conditioned(SPACE, flat, [argyrodite], np.array([-2.0]), hyperparameters=sure)
    mean, deviation = found.marginals([argyrodite, bromide, garnet])
    assert mean[0] == pytest.approx(-2.0, abs=1e-3)
    assert deviation[0] < 0.02
    assert -2.0 > mean[1] > mean[2] > -6.0
    assert deviation[0] < deviation[1] < deviation[2]


def test_repeats_are_averaged() -> None:
    flat = Forecast(np.zeros(len(FORMULAS)), np.ones(len(FORMULAS)))
    start = first_hyperparameters(SPACE.terms)
    twice = Belief.conditioned(SPACE, flat, [0, 0], np.array([1.0, 3.0]), hyperparameters=start)
    # Two measurements are one of their mean, with half of the variance of the noise.
    once = start.copy()
    variance = (math.exp(2.0 * start[-1]) + SMALLEST_NOISE) / 2.0 - SMALLEST_NOISE
    once[-1] = 0.5 * math.log(variance)
    single = Belief.conditioned(SPACE, flat, [0], np.array([2.0]), hyperparameters=once)
    for one, other in zip(twice.joint(EVERY), single.joint(EVERY), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_joint_and_marginals_agree_and_a_part_is_a_part_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Belief.conditioned(SPACE, FORECAST, [1, 8, 8, 20], np.array([-3.0, -6.0, -6.5, -9.0]))
    mean, covariance = found.joint(EVERY)
    alone, deviation = found.marginals(EVERY)
    np.testing.assert_allclose(mean, alone, atol=1e-10)
    np.testing.assert_allclose(np.diag(covariance), deviation**2, atol=2e-4)
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9
    some = np.array([20, 3, 3, 0])
    np.testing.assert_allclose(found.joint(some)[1], covariance[np.ix_(some, some)], atol=1e-10)
    np.testing.assert_allclose(found.joint(some)[0], mean[some], atol=1e-10)
    monkeypatch.setattr(under_test, "ROWS_AT_ONCE", 7)
    for one, other in zip(found.marginals(EVERY), (alone, deviation), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert [len(part) for part in found.marginals([])] == [0, 0]


@given(st.permutations(range(len(FORMULAS))), st.permutations(range(4)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_candidates_and_measurements_does_not_matter(order: list[int], second: list[int]) -> None:
    measured, values = np.array([2, 8, 13, 2]), np.array([-3.0, -6.0, -2.5, -4.0])
    mean, covariance = Belief.conditioned(SPACE, FORECAST, measured, values).joint(EVERY)
    place = np.argsort(order)
    shuffled = Space.of([materials()[index] for index in order])
    forecast = Forecast(FORECAST.mean[order], FORECAST.deviation[order])
    other = Belief.conditioned(shuffled, forecast, place[measured[second]], values[second])
    moved_mean, moved_covariance = other.joint(place)
    np.testing.assert_allclose(moved_mean, mean, atol=1e-7)
    np.testing.assert_allclose(moved_covariance, covariance, atol=1e-7)


@given(
    st.lists(st.tuples(st.sampled_from(EVERY.tolist()), st.floats(-12.0, 0.0)), min_size=1, max_size=FEWEST - 1),
    st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_measurements_never_raise_the_variance(given_values: list[tuple[int, float]], seed: int) -> None:
    forecast = varied_forecast(len(FORMULAS), seed)
    measured, values = map(np.array, zip(*given_values, strict=True))
    before = Belief.conditioned(SPACE, forecast, [], np.empty(0)).marginals(EVERY)[1]
    for m in range(1, len(measured) + 1):
        mean, after = Belief.conditioned(SPACE, forecast, measured[:m], values[:m]).marginals(EVERY)
        assert (after <= before + 1e-9).all()
        assert (after > 0.0).all()
        assert np.isfinite(mean).all()
        before = after


@given(
    st.lists(st.tuples(st.sampled_from(EVERY.tolist()), st.floats(-15.0, 1.0)), min_size=FEWEST, max_size=20),
    st.floats(0.2, 3.0),
)
@settings(max_examples=20, deadline=None)
def test_it_stays_finite_whatever_is_measured(given_values: list[tuple[int, float]], deviation: float) -> None:
    measured, values = map(np.array, zip(*given_values, strict=True))
    forecast = Forecast(FORECAST.mean, np.full(len(FORMULAS), deviation))
    found = Belief.conditioned(SPACE, forecast, measured, values)
    mean, covariance = found.joint(EVERY)
    assert np.isfinite(mean).all() and np.isfinite(covariance).all() and math.isfinite(found.noise)
    assert np.isfinite(found.hyperparameters).all() and found.noise > 0.0


def penalised(hyperparameters: Array, shift: float, error: Array, measured: Any, start: Array, ridge: float) -> float:
    """Return the negative logarithm of the marginal likelihood and the ridge, from numpy alone."""
    covariance = prior_covariance(SPACE, SHIFTING, hyperparameters)[np.ix_(measured, measured)] / UNIT**2
    covariance += (math.exp(2.0 * hyperparameters[-1]) + 1e-5) * np.eye(len(measured))
    residual = error - shift
    fit = 0.5 * residual @ np.linalg.solve(covariance, residual) + 0.5 * np.linalg.slogdet(covariance)[1]
    return float(fit + ridge * np.square(hyperparameters[:-1] - start[:-1]).sum())


def test_from_some_measurements_on_the_most_likely_hyperparameters_are_taken() -> None:
    generator = np.random.default_rng(4)
    measured = generator.choice(len(FORMULAS), 12, replace=False)
    start = first_hyperparameters(SPACE.terms)
    table = plain_kernel(SPACE, start) + 0.04 * np.eye(len(FORMULAS))
    error = (1.5 + 2.0 * np.linalg.cholesky(table) @ generator.normal(size=len(FORMULAS)))[measured]
    values = FORECAST.mean[measured] + UNIT * error
    found = Belief.conditioned(SPACE, SHIFTING, measured, values)
    at_best = penalised(found.hyperparameters, found.shift / UNIT, error, measured, start, under_test.RIDGE)
    assert at_best < penalised(start, 0.0, error, measured, start, under_test.RIDGE) - 0.5
    # No small step leads lower.
    for place in range(len(start) + 1):
        for step in (-0.05, 0.05):
            moved, shift = found.hyperparameters.copy(), found.shift / UNIT
            if place < len(start):
                moved[place] += step
            else:
                shift += step
            assert penalised(moved, shift, error, measured, start, under_test.RIDGE) > at_best - 1e-3
    few = Belief.conditioned(SPACE, SHIFTING, measured[: FEWEST - 1], values[: FEWEST - 1])
    np.testing.assert_array_equal(few.hyperparameters, start)
    assert few.shift == 0.0


def test_a_strong_ridge_holds_the_hyperparameters_where_they_start() -> None:
    start = first_hyperparameters(SPACE.terms) + 0.3
    measured = np.arange(10)
    values = FORECAST.mean[measured] + np.linspace(-2.0, 2.0, 10)
    held = Belief.conditioned(SPACE, FORECAST, measured, values, hyperparameters=start, ridge=1e7)
    free = Belief.conditioned(SPACE, FORECAST, measured, values, hyperparameters=start, ridge=0.01)
    np.testing.assert_allclose(held.hyperparameters[:-1], start[:-1], atol=1e-3)
    assert np.abs(free.hyperparameters[:-1] - start[:-1]).max() > 0.1


def test_a_forecast_that_is_off_as_a_whole_is_shifted_as_a_whole() -> None:
    known = Forecast(FORECAST.mean, np.ones(len(FORMULAS)))
    measured = np.arange(0, len(FORMULAS), 2)
    values = FORECAST.mean[measured] - 2.0
    found = Belief.conditioned(SPACE, replace(known, shifts=True), measured, values)
    assert found.shift == pytest.approx(-2.0, abs=0.2)
    rest = np.setdiff1d(EVERY, measured)
    np.testing.assert_allclose(found.marginals(rest)[0], FORECAST.mean[rest] - 2.0, atol=0.3)
    assert Belief.conditioned(SPACE, known, measured, values).shift == 0.0


def test_a_surprise_moves_no_candidate_by_more_than_itself() -> None:
    """Whatever the deviations: one that is unsure follows a sure one as far as they are alike, and no further."""
    start = first_hyperparameters(SPACE.terms)
    start[[first for first, _ in term_places(SPACE.terms)]] -= math.log(prior_variance(SPACE.terms, start))
    deviation = np.full(len(FORMULAS), 3.0)
    deviation[0] = 0.3
    forecast = Forecast(FORECAST.mean, deviation)
    for place, most in ((0, 1.0), (1, 1.0)):
        surprise = Belief.conditioned(SPACE, forecast, [place], FORECAST.mean[[place]] + 2.0, hyperparameters=start)
        moved = surprise.marginals(EVERY)[0] - FORECAST.mean
        assert (moved <= 2.0 * most + 1e-9).all()
    # Nor does one that is unsure move a sure one much: a hundredth of its variance is shared.
    assert moved[0] <= 2.0 * 0.01 + 1e-9


def test_the_noise_is_in_units_of_the_median_deviation_of_the_forecast() -> None:
    start = first_hyperparameters(SPACE.terms)
    start[-1] = math.log(0.5)
    found = Belief.conditioned(SPACE, FORECAST, [], np.empty(0), hyperparameters=start)
    assert found.noise == pytest.approx(UNIT * math.sqrt(0.25 + SMALLEST_NOISE))


def test_candidates_are_compared_by_cells_where_most_have_one(data_mirror: Callable[[str], Path]) -> None:
    with_cells = [row.material for row in obelix(data_mirror("obelix"), 40)]
    assert kind_of(with_cells) == "cell"
    assert kind_of(with_cells + materials()[: len(with_cells)]) == "formula"
    assert kind_of([*with_cells, *materials()[: len(with_cells) - 1]]) == "cell"
    assert kind_of([]) == "formula"
