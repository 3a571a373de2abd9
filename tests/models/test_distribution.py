"""The pooled distribution of an ensemble: against known distributions, round trips and what pooling may not do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import laplace, norm

from superion.models.distribution import (
    N_DRAWS,
    POSITIONS,
    FloatArray,
    Reserve,
    Spread,
    even_quantiles,
    laplace_draws,
    pooled,
    tree_draws,
)

INNER = np.abs(POSITIONS) <= 2.0


def normal_draws(mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """Return draws of normal distributions, as those of a Gaussian process are."""
    return mean + even_quantiles(N_DRAWS)[:, None] * deviation


def test_normal_members_pool_to_the_normal_distribution() -> None:
    mean, deviation = np.array([-6.0, -3.0]), np.array([0.5, 2.0])
    total, shape = pooled([normal_draws(mean, deviation)], mean)
    assert total == pytest.approx(deviation, rel=0.02)
    assert shape[:, INNER] == pytest.approx(deviation[:, None] * POSITIONS[INNER], abs=0.03 * deviation.max())


def test_laplace_draws_have_the_quantiles_of_the_laplace_distribution() -> None:
    draws = laplace_draws(np.array([[1.0]]), np.array([[0.7]]))
    assert draws.shape == (N_DRAWS, 1)
    probability = (np.arange(N_DRAWS) + 0.5) / N_DRAWS
    assert draws[:, 0] == pytest.approx(laplace.ppf(probability, 1.0, 0.7), abs=1e-9)


@pytest.mark.parametrize("n_trees", [3, 40, 120, 500])
def test_trees_are_blurred_by_the_scatter_and_keep_their_mean(n_trees: int) -> None:
    same = tree_draws(np.full((n_trees, 2), -5.0), 0.4)
    assert same.shape == (N_DRAWS, 2)
    assert same.mean(axis=0) == pytest.approx(-5.0, abs=0.02)
    assert same.std(axis=0) == pytest.approx(0.4, rel=0.05)


def test_two_peaks_stay_two_peaks() -> None:
    trees = np.concatenate([np.full(30, -15.0), np.full(90, -4.0)])[:, None]
    mean = trees.mean(axis=0)
    _, shape = pooled([tree_draws(trees, 0.4)], mean)
    values = mean + shape[0]
    # A quarter of the belief lies at the insulator, and next to none between the peaks.
    at = norm.cdf(POSITIONS)
    assert np.interp(-10.0, values, at) == pytest.approx(0.25, abs=0.06)
    assert np.interp(-6.0, values, at) - np.interp(-13.0, values, at) < 0.08


def test_kinds_weigh_the_same_whatever_their_number_of_members() -> None:
    networks = laplace_draws(np.full((9, 1), 0.0), np.full((9, 1), 0.01))
    trees = tree_draws(np.full((500, 1), 10.0), 0.01)
    _, shape = pooled([networks, trees], np.array([5.0]))
    assert np.interp(0.0, shape[0], norm.cdf(POSITIONS)) == pytest.approx(0.5, abs=0.01)


@given(
    st.lists(st.floats(-20.0, 0.0), min_size=3, max_size=40),
    st.floats(0.01, 3.0),
    st.floats(-5.0, 5.0),
)
@settings(max_examples=80, deadline=None)
def test_positions_and_offsets_undo_each_other(trees: list[float], scatter: float, position: float) -> None:
    values = np.array(trees)[:, None]
    mean = values.mean(axis=0)
    deviation, shape = pooled([tree_draws(values, scatter), normal_draws(mean, np.array([scatter]))], mean)
    assert (np.diff(shape, axis=1) > 0.0).all()
    spread = Spread(deviation, np.zeros(1), shape)
    assert spread.position(spread.offset(position)) == pytest.approx(position, abs=1e-6)


def test_without_a_shape_the_distribution_is_normal() -> None:
    spread = Spread(np.array([3.0]), np.array([4.0]))
    assert spread.offset(1.5) == pytest.approx(7.5)
    assert spread.position(np.array([-10.0])) == pytest.approx(-2.0)


def test_widening_stretches_the_shape_and_choosing_keeps_the_rows_together() -> None:
    mean = np.array([-6.0, -3.0])
    deviation, shape = pooled([normal_draws(mean, np.array([1.0, 2.0]))], mean)
    spread = Spread(deviation, np.zeros(2), shape)
    wider = spread.widened(2.0 * deviation, np.zeros(2))
    assert wider.offset(1.0) == pytest.approx(2.0 * spread.offset(1.0))
    second = spread.only(np.array([1]))
    assert second.offset(-1.0) == pytest.approx(spread.offset(-1.0)[1:])
    assert spread.only(np.array([False, True])).total == pytest.approx(deviation[1:])


def test_a_reserve_takes_its_share_of_the_belief() -> None:
    mean = np.array([-6.0, -6.0, -6.0])
    draws = normal_draws(mean, np.full(3, 0.1))
    measured = np.repeat(np.linspace(-3.0, -1.0, N_DRAWS)[:, None], 3, axis=1)
    deviation, shape = pooled([draws], mean, Reserve(measured, np.array([0.0, 0.3, 1.0])))
    alone = pooled([draws], mean)
    assert deviation[0] == alone[0][0]
    assert shape[0] == pytest.approx(alone[1][0])
    # How much of the belief lies above -4, between the two.
    above = [1.0 - np.interp(-4.0, mean[row] + shape[row], norm.cdf(POSITIONS)) for row in range(3)]
    assert above == pytest.approx([0.0, 0.3, 1.0], abs=0.01)
    assert (np.diff(shape, axis=1) > 0.0).all()
    assert deviation[2] == pytest.approx(np.sqrt(((measured[:, 2] + 6.0) ** 2).mean()))
