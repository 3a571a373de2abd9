"""What an ensemble believes about a value: members of several kinds pooled into one distribution a material.

Networks answer with a Laplace distribution, forests with what their trees say, Gaussian processes with a normal
distribution. Each kind is given as many equally likely draws, and all of them sorted are the pooled distribution (a
linear opinion pool, Stone 1961, doi:10.1214/aoms/1177704873), which may lean to one side and have two peaks: whether an
unknown compound conducts at all is often the larger question.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

FloatArray = npt.NDArray[np.float64]

POSITIONS = np.round(np.linspace(-4.0, 4.0, 41), 2)
"""Standard normal positions at which the shape of a distribution is kept: 0 is its median, 1 its 84th percentile."""

N_DRAWS = 120
"""Draws of each kind of member."""

MIN_SLOPE = 1e-3
"""Least rise of a shape from one unit of position to the next, as a share of the standard deviation."""


@dataclass(frozen=True)
class Spread:
    """Hold the uncertainty of n predictions before calibration, in the unit of the target."""

    aleatoric: FloatArray
    """Shape (n,): what the data scatter by, as far as the members can tell."""
    epistemic: FloatArray
    """Shape (n,): what the members of the ensemble differ by, their standard deviation."""
    shape: FloatArray | None = None
    """Shape (n, n_positions): how far from the mean the distribution lies at each of `POSITIONS`; None is normal."""

    @property
    def total(self) -> FloatArray:
        """Root of the summed squares, shape (n,)."""
        return np.sqrt(self.aleatoric**2 + self.epistemic**2)

    def only(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Spread:
        """Return the rows of a mask or of row numbers."""
        shape = None if self.shape is None else self.shape[chosen]
        return Spread(self.aleatoric[chosen], self.epistemic[chosen], shape)

    def widened(self, aleatoric: FloatArray, epistemic: FloatArray) -> Spread:
        """Return a spread of other parts whose shape is the same, stretched about the mean to their total."""
        wider = Spread(aleatoric, epistemic)
        if self.shape is None:
            return wider
        return Spread(aleatoric, epistemic, self.shape * (wider.total / self.total)[:, None])

    def offset(self, position: float) -> FloatArray:
        """Return how far from the mean each distribution lies at a standard normal position, shape (n,)."""
        if self.shape is None:
            return self.total * position
        right = int(np.clip(np.searchsorted(POSITIONS, position), 1, len(POSITIONS) - 1))
        left = right - 1
        share = (position - POSITIONS[left]) / (POSITIONS[right] - POSITIONS[left])
        # Beyond the last positions the line goes on as it ran between the last two.
        return self.shape[:, left] + share * (self.shape[:, right] - self.shape[:, left])

    def position(self, offset: FloatArray) -> FloatArray:
        """Return the standard normal position of a distance from each mean, shape (n,): what `offset` undoes."""
        if self.shape is None:
            return offset / self.total
        right = np.clip((self.shape < offset[:, None]).sum(axis=1), 1, len(POSITIONS) - 1)
        row = np.arange(len(offset))
        low, high = self.shape[row, right - 1], self.shape[row, right]
        step = POSITIONS[right] - POSITIONS[right - 1]
        return POSITIONS[right - 1] + step * (offset - low) / (high - low)


@cache
def even_quantiles(count: int) -> FloatArray:
    """Return the quantiles of the standard normal distribution that part it into equal shares, shape (count,)."""
    return _read_only(ndtri((np.arange(count) + 0.5) / count))


@cache
def _laplace_quantiles(count: int) -> FloatArray:
    share = (np.arange(count) + 0.5) / count - 0.5
    return _read_only(-np.sign(share) * np.log1p(-2.0 * np.abs(share)))


@cache
def _mixed_quantiles() -> FloatArray:
    # The golden ratio spreads the quantiles evenly over the sorted draws, so that each part of them is blurred alike.
    return _read_only(ndtri((np.arange(N_DRAWS) * 0.6180339887498949 + 0.5 / N_DRAWS) % 1.0))


def laplace_draws(means: FloatArray, deviations: FloatArray) -> FloatArray:
    """Return `N_DRAWS` draws, shape (n_draws, n), of members (n_members, n) with expected absolute deviations."""
    quantiles = _laplace_quantiles(-(-N_DRAWS // len(means)))
    return thinned((means[:, None, :] + deviations[:, None, :] * quantiles[None, :, None]).reshape(-1, means.shape[1]))


def tree_draws(by_tree: FloatArray, scatter: float) -> FloatArray:
    """Return `N_DRAWS` draws, shape (n_draws, n), of what trees answer (n_trees, n), blurred by `scatter`.

    A tree answers with measured values themselves, and a second measurement would not repeat the first.
    """
    return thinned(by_tree) + scatter * _mixed_quantiles()[:, None]


@dataclass(frozen=True)
class Belief:
    """Hold what one kind of member believes of a target of n materials, in the unit of the target."""

    members: FloatArray
    """Shape (n_members, n): the mean of each member."""
    draws: FloatArray
    """Shape (n_draws, n): equally likely values."""

    @property
    def mean(self) -> FloatArray:
        """Shape (n,): the members' average."""
        return self.members.mean(axis=0)

    def moved(self, by: FloatArray) -> Belief:
        """Return the belief with all of it moved by as much for each material, shape (n,)."""
        return Belief(self.members + by, self.draws + by)

    def placed(self, chosen: npt.NDArray[np.bool_], other: Belief) -> Belief:
        """Return the belief with that of the chosen materials (n,) taken from another, which is of them alone."""
        members, draws = self.members.copy(), self.draws.copy()
        members[:, chosen], draws[:, chosen] = other.members, other.draws
        return Belief(members, draws)


@dataclass(frozen=True)
class Reserve:
    """Hold what is believed of n materials where they are unlike all that was learned from."""

    draws: FloatArray
    """Shape (n_draws, n): the measured values of the training rows, whatever their material."""
    share: FloatArray
    """Shape (n,): how much of the belief they are given, 0 to 1."""


def pooled(
    draws: Sequence[FloatArray], mean: FloatArray, reserve: Reserve | None = None
) -> tuple[FloatArray, FloatArray]:
    """Pool kinds of draws, each (n_draws, n), that weigh the same, and a reserve.

    Returns the standard deviation (n,) and the shape (n, n_positions) about `mean` (n,), strictly rising.
    """
    every = np.sort(np.concatenate(draws), axis=0) - mean
    n_draws = len(every)
    levels, left, share, first, last = _levels(n_draws)
    deviation = np.sqrt((every**2).mean(axis=0))
    shape = (every[left] * (1.0 - share) + every[left + 1] * share).T
    for row in [] if reserve is None else np.flatnonzero(reserve.share > 0.0):
        assert reserve is not None
        values = np.concatenate([every[:, row], reserve.draws[:, row] - mean[row]])
        weights = np.repeat(
            [(1.0 - reserve.share[row]) / n_draws, reserve.share[row] / len(reserve.draws)],
            [n_draws, len(reserve.draws)],
        )
        order = np.argsort(values)
        reached = np.cumsum(weights[order])
        shape[row] = np.interp(levels, reached - 0.5 * weights[order], values[order])
        deviation[row] = math.sqrt(float(weights @ values**2))
    # Positions beyond the outermost draws go on as a normal distribution of the pool's deviation would.
    shape[:, :first] = shape[:, [first]] + deviation[:, None] * (POSITIONS[:first] - POSITIONS[first])
    shape[:, last + 1 :] = shape[:, [last]] + deviation[:, None] * (POSITIONS[last + 1 :] - POSITIONS[last])
    return deviation, shape + MIN_SLOPE * deviation[:, None] * POSITIONS


@cache
def _levels(n_draws: int) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray, int, int]:
    """Return how `POSITIONS` lie among sorted draws.

    Their levels, the draw to the left of each, the share that the next one has in it, shape (n_positions, 1), and the
    first and the last of them that lie between draws.
    """
    levels = ndtr(POSITIONS)
    place = np.clip(levels * n_draws - 0.5, 0.0, n_draws - 1.0)
    left = np.minimum(place.astype(np.int64), n_draws - 2)
    inside = np.flatnonzero((levels * n_draws >= 0.5) & (levels * n_draws <= n_draws - 0.5))
    return levels, left, (place - left)[:, None], int(inside[0]), int(inside[-1])


def thinned(values: FloatArray) -> FloatArray:
    """Return `N_DRAWS` of the values of each column, evenly from the smallest to the largest."""
    found = np.sort(values, axis=0)
    # As many as are wanted, which is what forests and networks come with, are all taken.
    return found if len(found) == N_DRAWS else found[_thinned_places(len(found))]


@cache
def _thinned_places(count: int) -> npt.NDArray[np.int64]:
    return ((np.arange(N_DRAWS) + 0.5) / N_DRAWS * count).astype(np.int64)


def _read_only(values: FloatArray) -> FloatArray:
    values.setflags(write=False)
    return values
