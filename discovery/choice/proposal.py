"""The next batch: from a forecast and the campaign's measurements to the candidates that are worth most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from superion.discovery.choice.belief import Belief, Forecast, Space
from superion.discovery.goal import Goal
from superion.models.distribution import FloatArray

FLOOR = 2.0
"""Decades below the best that was measured from which on all conductors count as equally bad: else most of what the
process learns is how insulators differ."""
LISTED = 1000
"""Most candidates that are looked at jointly; of more, those with the highest bounds are."""
LEAST_DEVIATION = 0.2
"""Least deviation of what was raised to the floor [decades]: the process counts in units of it."""
OPTIMISM = 2.0
"""Standard deviations above the mean by which these are told."""


@dataclass(frozen=True)
class Known:
    """Hold what was measured of candidates: places, shape (m,), and log10(S/cm), shape (m,); each may stand again.

    A value that is a limit is one that the conductivity is below.
    """

    places: npt.NDArray[np.intp]
    values: FloatArray
    censored: npt.NDArray[np.bool_]

    @property
    def best(self) -> float | None:
        """Highest measured value [log10(S/cm)], None where there is none."""
        measured = self.values[~self.censored]
        return float(measured.max()) if len(measured) else None

    def informative(self, forecast: Forecast) -> Known:
        """Return them without the limits that say nothing: those above what is forecast."""
        says = ~self.censored | (self.values < forecast.mean[self.places])
        return Known(self.places[says], self.values[says], self.censored[says])


@dataclass(frozen=True)
class Conditions:
    """Hold what else is asked of each of n candidates."""

    feasible: FloatArray
    """Shape (n,): chance that all conditions are met."""
    others: FloatArray
    """Shape (n_others, n): mean of what else is to be high."""
    other_deviations: FloatArray
    """Shape (n_others, n)."""

    @classmethod
    def none(cls, n: int) -> Conditions:
        """Ask nothing else."""
        return cls(np.ones(n), np.empty((0, n)), np.empty((0, n)))


@dataclass(frozen=True)
class Proposal:
    """Hold a batch."""

    places: tuple[int, ...]
    """In the order in which they were chosen."""
    values: tuple[float, ...]
    """What each was worth to the acquisition."""
    acquisition: str
    """By its name."""
    teaches: FloatArray
    """Shape (n_chosen,): share of the variance over the candidates left that measuring each would remove."""


def believe(space: Space, forecast: Forecast, known: Known, start: FloatArray | None) -> Belief:
    """Return the belief that is told of: the forecast conditioned on all that was measured."""
    told = known.informative(forecast)
    return Belief.conditioned(space, forecast, told.places, told.values, hyperparameters=start)


def propose(
    space: Space,
    forecast: Forecast,
    known: Known,
    left: npt.NDArray[np.intp],
    pending: npt.NDArray[np.intp],
    families: Sequence[str],
    conditions: Conditions,
    goal: Goal,
    n: int,
    seed: int,
    start: FloatArray | None = None,
) -> Proposal:
    """Choose n of the candidates at the places `left`; one seed gives one answer.

    `pending` are the places of experiments without a result yet, `start` the hyper-parameters before any is measured.
    """
    from superion.discovery.choice.acquisition import choose, used_acquisition
    from superion.discovery.choice.listing import Listing, removed_variance

    sought = _sought(space, forecast, known, start, floored=goal.acquisition != "variance" and not goal.pareto)
    listed = _listed(sought, left, conditions, goal, seed)
    # A limit is nothing to improve on.
    measured = np.unique(known.places[~known.censored])
    beside = np.concatenate([pending, measured]).astype(np.intp)
    places = np.concatenate([listed, beside])
    mean, covariance = sought.joint(places)
    listing = Listing(
        mean=mean,
        covariance=covariance,
        noise=np.full(len(places), sought.noise),
        feasible=conditions.feasible[places],
        choices=np.arange(len(listed)),
        families=[families[place] for place in places],
        pending=np.arange(len(listed), len(listed) + len(pending)),
        measured=np.arange(len(listed) + len(pending), len(places)),
        others=conditions.others[:, places],
        other_deviations=conditions.other_deviations[:, places],
    )
    chosen = choose(listing, goal, n, seed)
    numbers = list(chosen.numbers)
    return Proposal(
        places=tuple(int(listed[number]) for number in numbers),
        values=chosen.values,
        acquisition=used_acquisition(listing, goal),
        teaches=removed_variance(listing)[numbers],
    )


def _sought(space: Space, forecast: Forecast, known: Known, start: FloatArray | None, *, floored: bool) -> Belief:
    """Return the belief that is chosen by, in which conductors far below the best are alike."""
    if known.best is None or not floored:
        return believe(space, forecast, known, start)
    told, floor = known.informative(forecast), known.best - FLOOR
    raised = _raised(forecast, floor)
    return Belief.conditioned(space, raised, told.places, np.maximum(told.values, floor), hyperparameters=start)


def _raised(forecast: Forecast, floor: float) -> Forecast:
    """Return mean and deviation of what is forecast where all below a floor counts as the floor: a rectified normal.

    The deviation shrinks with what lies below: an insulator whose level is unsure is surely no better conductor.
    """
    above, deviation = forecast.mean - floor, forecast.deviation
    share, density = ndtr(above / deviation), np.exp(-0.5 * np.square(above / deviation)) / math.sqrt(2.0 * math.pi)
    mean = above * share + deviation * density
    square = (np.square(above) + np.square(deviation)) * share + above * deviation * density
    return replace(
        forecast,
        mean=floor + mean,
        deviation=np.sqrt(np.maximum(square - np.square(mean), LEAST_DEVIATION**2)),
    )


def _listed(
    belief: Belief, left: npt.NDArray[np.intp], conditions: Conditions, goal: Goal, seed: int
) -> npt.NDArray[np.intp]:
    """Return the candidates that are looked at jointly: all, or the most promising and some at random."""
    if len(left) <= LISTED:
        return left
    mean, deviation = belief.marginals(left)
    half = LISTED // 2
    at_random = np.random.default_rng(seed).permutation(len(left))
    if goal.acquisition == "variance":
        # What is learnt is learnt about all of them: those that are known least, and a sample for the rest.
        first = np.argsort(-deviation, kind="stable")[:half]
    else:
        bound = mean + max(OPTIMISM, goal.kappa) * deviation
        worth = conditions.feasible[left] * (bound - bound.min())
        first = np.argsort(-worth, kind="stable")[: LISTED - half // 2]
    chosen = np.zeros(len(left), dtype=bool)
    chosen[first] = True
    rest = at_random[~chosen[at_random]][: LISTED - len(first)]
    chosen[rest] = True
    return left[chosen]
