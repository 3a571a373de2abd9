"""Intervals against their promise: coverage on fresh exchangeable data, the rule for censored rows, the round trip."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from superion.errors import InvalidTable, InvalidValue
from superion.models.calibration import (
    CONFIDENCE_RANGE,
    LEVELS,
    LOWER_SHARES,
    MIN_RESIDUALS,
    SHARE_ROWS,
    Calibration,
    RowCalibration,
    check_confidence,
)
from superion.models.distribution import Spread

CONFIDENCES = (0.3, 0.5, 0.8, 0.9, 0.95)


def spread_of(n: int, random: np.random.Generator) -> Spread:
    return Spread(random.uniform(0.2, 2.0, n), random.uniform(0.0, 1.0, n))


def fitted(n: int, seed: int, censored_share: float = 0.0) -> tuple[Calibration, np.random.Generator]:
    random = np.random.default_rng(seed)
    measured, censored, mean, spread = drawn(n, random, censored_share)
    return Calibration.fit(measured, censored, mean, spread), random


def drawn(
    n: int, random: np.random.Generator, censored_share: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Spread]:
    """Draw n rows whose error is skewed and grows with the spread; the lowest are known by a limit only."""
    spread = spread_of(n, random)
    mean = random.normal(-7.0, 3.0, n)
    error = (stats.skewnorm.rvs(-4.0, size=n, random_state=random) - stats.skewnorm.median(-4.0)) * spread.total
    measured = mean + error
    limit = -9.5
    censored = (measured < limit) & (random.random(n) < censored_share)
    return np.where(censored, limit, measured), censored, mean, spread


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_coverage_on_fresh_rows_is_what_was_asked_for(confidence: float) -> None:
    calibration, random = fitted(20_000, 1)
    measured, _, mean, spread = drawn(20_000, random)
    lower, upper = calibration.interval(mean, spread, confidence)
    assert ((lower <= measured) & (measured <= upper)).mean() == pytest.approx(confidence, abs=0.015)


@pytest.mark.parametrize(("n", "confidence"), [(20, 0.5), (20, 0.8), (40, 0.9)])
def test_coverage_is_right_on_average_over_small_calibration_sets(n: int, confidence: float) -> None:
    # The split-conformal promise holds for every n; forgetting the finite-sample step shows as 0.76 in place of 0.80.
    covered = []
    for seed in range(1500):
        calibration, random = fitted(n, seed)
        measured, _, mean, spread = drawn(200, random)
        lower, upper = calibration.interval(mean, spread, confidence)
        covered.append(((lower <= measured) & (measured <= upper)).mean())
    assert np.mean(covered) == pytest.approx(confidence, abs=4 * np.std(covered) / math.sqrt(len(covered)))


def test_the_tails_hold_what_the_share_says_and_make_shorter_intervals_than_equal_ones() -> None:
    calibration, random = fitted(20_000, 3)
    measured, _, mean, spread = drawn(20_000, random)
    equal = replace(calibration, lower_share=0.5)
    for one in (calibration, equal):
        lower, upper = one.interval(mean, spread, 0.9)
        below = 0.1 * (0.5 + 0.9 * (one.lower_share - 0.5))
        assert (measured < lower).mean() == pytest.approx(below, abs=0.006)
        assert (measured > upper).mean() == pytest.approx(0.1 - below, abs=0.006)
    widths = [np.subtract(*one.interval(mean, spread, 0.9)[::-1]).mean() for one in (calibration, equal)]
    assert widths[0] < widths[1]


@pytest.mark.parametrize(("per_paper", "n"), [(1, 120), (4, 120), (12, 120), (30, 120)])
def test_rows_of_few_papers_tell_less_of_where_a_new_one_may_lie(per_paper: int, n: int) -> None:
    """Levels lie farther from the median by (k + 2) / k, k papers counting as the root of their rows each."""
    random = np.random.default_rng(5)
    measured, censored, mean, spread = drawn(n, random)
    papers = np.repeat(np.arange(n // per_paper), per_paper)
    calibration = Calibration.fit(measured, censored, mean, spread, papers)
    position, k = np.sort((measured - mean) / spread.total), n // per_paper * per_paper**0.5
    for level in (0.02, 0.25, 0.75, 0.98):
        # As a place among the n sorted positions, where a level of a half is in their middle.
        place = (n + 1) / 2 + (level - 0.5) * (1.0 + 2.0 / k) / (1.0 + 2.0 / n) * (n + 1)
        expected = np.interp(place - 1.0, np.arange(n), position)
        assert np.interp(level, LEVELS, calibration.quantiles) == pytest.approx(expected, abs=1e-4)


def test_a_paper_to_each_row_changes_nothing_and_few_papers_never_narrow() -> None:
    random = np.random.default_rng(6)
    measured, censored, mean, spread = drawn(90, random)
    plain = Calibration.fit(measured, censored, mean, spread)
    assert np.array_equal(Calibration.fit(measured, censored, mean, spread, np.arange(90)).quantiles, plain.quantiles)
    few = Calibration.fit(measured, censored, mean, spread, np.arange(90) // 10)
    # Narrow intervals are hardly touched, wide ones are.
    assert np.interp(0.52, LEVELS, few.quantiles) == pytest.approx(np.interp(0.52, LEVELS, plain.quantiles), abs=0.02)
    for confidence in CONFIDENCES:
        narrow, wide = (one.interval(mean, spread, confidence) for one in (plain, few))
        assert (wide[0] <= narrow[0] + 1e-9).all() and (wide[1] >= narrow[1] - 1e-9).all()


def test_few_rows_leave_the_tails_equal() -> None:
    assert fitted(SHARE_ROWS - 1, 3)[0].lower_share == 0.5
    assert fitted(20_000, 3)[0].lower_share != 0.5


@pytest.mark.parametrize("share", [LOWER_SHARES[0], 0.5, LOWER_SHARES[-1]])
def test_wider_intervals_hold_narrower_ones_at_any_share(share: float) -> None:
    calibration = replace(fitted(500, 5)[0], lower_share=float(share))
    spread = Spread(np.ones(1), np.zeros(1))
    ends = np.array([calibration.interval(np.zeros(1), spread, c) for c in np.linspace(*CONFIDENCE_RANGE, 60)])[:, :, 0]
    assert (np.diff(ends[:, 0]) <= 0.0).all()
    assert (np.diff(ends[:, 1]) >= 0.0).all()
    assert (ends[:, 0] <= 0.0).all() and (ends[:, 1] >= 0.0).all()


def test_censored_rows_are_covered_as_often_as_asked_when_reaching_the_limit_counts() -> None:
    calibration, random = fitted(20_000, 4, censored_share=0.9)
    measured, censored, mean, spread = drawn(20_000, random, censored_share=0.9)
    assert censored.mean() > 0.1
    lower, upper = calibration.interval(mean, spread, 0.9)
    inside = (lower <= measured) & (measured <= upper)
    covered = np.where(censored, lower <= measured, inside)
    assert covered.mean() == pytest.approx(0.9, abs=0.015)


def test_quantiles_match_a_brute_force_count() -> None:
    random = np.random.default_rng(5)
    measured, _, mean, spread = drawn(99, random)
    calibration = Calibration.fit(measured, np.zeros(99, dtype=bool), mean, spread)
    scores = sorted((measured - mean) / np.sqrt(spread.aleatoric**2 + spread.epistemic**2))
    for level in (0.1, 0.25, 0.5, 0.9, 0.95):
        # With 99 residuals the quantile at k/100 is the k-th smallest.
        (at,) = np.flatnonzero(level == LEVELS)
        assert calibration.quantiles[at] == pytest.approx(scores[round(100 * level) - 1], abs=1e-5)
    assert calibration.quantiles[0] == pytest.approx(scores[0], abs=1e-5)
    assert calibration.quantiles[-1] == pytest.approx(scores[-1], abs=1e-5)


def test_the_factor_is_the_root_mean_square_of_the_normalised_residuals() -> None:
    random = np.random.default_rng(6)
    measured, censored, mean, spread = drawn(300, random)
    calibration = Calibration.fit(measured, censored, mean, spread)
    assert calibration.std_factor == pytest.approx(math.sqrt((((measured - mean) / spread.total) ** 2).mean()))
    assert calibration.n_residuals == 300


@pytest.mark.parametrize(("mean", "score"), [(-12.0, 0.0), (-10.0, 0.0), (-8.0, -1.0), (-4.0, -3.0)])
def test_a_censored_row_counts_as_its_distance_above_the_limit_and_as_nothing_below(mean: float, score: float) -> None:
    n = 12
    spread = Spread(np.full(n, 2.0), np.zeros(n))
    calibration = Calibration.fit(np.full(n, -10.0), np.ones(n, dtype=bool), np.full(n, mean), spread)
    assert calibration.quantiles == pytest.approx(np.full(len(LEVELS), score))
    assert calibration.std_factor == pytest.approx(abs(score))


@given(st.integers(0, 2**31), st.integers(MIN_RESIDUALS, 60), st.floats(-5.0, 5.0))
@settings(max_examples=40, deadline=None)
def test_an_interval_holds_the_mean_and_grows_with_confidence(seed: int, n: int, bias: float) -> None:
    random = np.random.default_rng(seed)
    measured, censored, mean, spread = drawn(n, random, 0.5)
    calibration = Calibration.fit(measured + bias, censored, mean, spread)
    narrow = (mean, mean)
    for confidence in (0.05, *CONFIDENCES, 0.99):
        lower, upper = calibration.interval(mean, spread, confidence)
        assert (lower <= narrow[0]).all() and (upper >= narrow[1]).all()
        narrow = lower, upper


@given(st.floats(0.1, 10.0), st.floats(-20.0, 20.0))
def test_an_interval_moves_with_the_mean_and_scales_with_the_spread(factor: float, shift: float) -> None:
    calibration, random = fitted(200, 8)
    spread, mean = spread_of(30, random), random.normal(size=30)
    lower, upper = calibration.interval(mean, spread, 0.9)
    wider = Spread(factor * spread.aleatoric, factor * spread.epistemic)
    low, high = calibration.interval(mean + shift, wider, 0.9)
    assert low - (mean + shift) == pytest.approx(factor * (lower - mean))
    assert high - (mean + shift) == pytest.approx(factor * (upper - mean))


def test_a_calibration_survives_json_bit_for_bit() -> None:
    calibration, random = fitted(57, 9)
    again = Calibration.from_dict(json.loads(json.dumps(calibration.as_dict(), allow_nan=False)))
    mean, spread = random.normal(size=20), spread_of(20, random)
    for confidence in CONFIDENCES:
        for one, other in zip(
            calibration.interval(mean, spread, confidence), again.interval(mean, spread, confidence), strict=True
        ):
            assert np.array_equal(one, other)
    assert (again.std_factor, again.n_residuals) == (calibration.std_factor, 57)


@pytest.mark.parametrize("n", [0, 1, MIN_RESIDUALS - 1])
def test_too_few_residuals_calibrate_nothing(n: int) -> None:
    with pytest.raises(InvalidTable, match=f"at least {MIN_RESIDUALS}") as caught:
        Calibration.fit(np.zeros(n), np.zeros(n, dtype=bool), np.zeros(n), Spread(np.ones(n), np.zeros(n)))
    assert caught.value.value == str(n)


@pytest.mark.parametrize("confidence", [0.0, 0.049, 0.991, 1.0, -1.0, 90.0, math.nan, math.inf])
def test_a_confidence_out_of_range_is_refused(confidence: float) -> None:
    calibration, _ = fitted(20, 10)
    with pytest.raises(InvalidValue, match="confidence") as caught:
        calibration.interval(np.zeros(1), Spread(np.ones(1), np.zeros(1)), confidence)
    assert caught.value.field == "confidence"


@pytest.mark.parametrize("confidence", CONFIDENCE_RANGE)
def test_the_ends_of_the_confidence_range_are_accepted(confidence: float) -> None:
    check_confidence(confidence)


def test_each_row_has_the_interval_of_its_own_calibration() -> None:
    described, random = fitted(200, 11)
    bare = Calibration(2.0 * described.quantiles, 3.0 * described.std_factor, 200)
    is_bare = np.array([True, False, True, False])
    both = RowCalibration(described, bare, is_bare)
    mean, spread = random.normal(size=4), spread_of(4, random)
    for end, wide, narrow in zip(
        both.interval(mean, spread, 0.9),
        bare.interval(mean, spread, 0.9),
        described.interval(mean, spread, 0.9),
        strict=True,
    ):
        assert np.array_equal(end[is_bare], wide[is_bare])
        assert np.array_equal(end[~is_bare], narrow[~is_bare])
    assert both.std_factor[is_bare] == pytest.approx(bare.std_factor)
    assert both.std_factor[~is_bare] == pytest.approx(described.std_factor)
