"""The lowest energy of a mixture of compositions: of two at every ratio, of several at the worst ratio.

With a share x of the atoms from a and the rest from b, the hull energy f(x) of xa + (1 - x)b is convex and made of
straight pieces. A column that turns b into a, bounded by a row of its own, gives all corners in one call of
`follow_hull`: minimise f(x) + t x for every t from above the steepest slope down to minus infinity, and x steps from
corner to corner. Of several compositions the shares are columns too, and their worst mixture is one minimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superion.featurizers._hull import follow_hull

__all__ = ["Corner", "Mixture", "corners", "worst_mixture"]

_STEEPEST = 1e3
"""Slope of an energy over a share that is not exceeded [eV/atom]: what happens within less than a hundredth of that of
the atoms beside an end, and sets free as much as a reaction does, is a corner at that end."""
_NO_DISTANCE = 1e-9
"""Difference of shares that is none."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Corner:
    """Hold the mixture at one ratio."""

    share: float
    """Of the atoms, from a."""
    energy: float
    """[eV per atom of a and b]"""
    phases: tuple[tuple[int, float], ...]
    """Place of each phase, and atoms of it per atom of a and b."""


@dataclass(frozen=True)
class Mixture:
    """Hold the mixture of several compositions whose reaction sets free most per atom."""

    shares: tuple[float, ...]
    """Of the atoms, from each composition; all 0 where no mixture sets energy free."""
    energy: float
    """[eV per atom of them], 0 or below"""
    phases: tuple[tuple[int, float], ...]
    """Place of each phase, and atoms of it per atom of the compositions."""


def corners(
    fractions: _Floats, energies: _Floats, units: NDArray[np.int64], a: _Floats, b: _Floats
) -> tuple[Corner, ...]:
    """Return where the phases of lowest energy change, from pure b to pure a, both included.

    `fractions` has shape (n_phases, n_elements), `energies` (n_phases,), `units` (n_elements,), the phases that are the
    elements, `a` and `b` (n_elements,): amounts per atom, whose sum need not be 1 where an element is open.
    """
    n_phases, n_elements = fractions.shape
    columns = np.zeros((n_phases + 2, n_elements + 1))
    columns[:n_phases, :n_elements] = fractions
    columns[n_phases, n_elements] = 1.0
    columns[n_phases + 1, :n_elements] = b - a
    columns[n_phases + 1, n_elements] = 1.0
    slopes = np.zeros(n_phases + 2)
    slopes[n_phases + 1] = 1.0
    intervals, phases, amounts, _, _ = follow_hull(
        columns,
        np.append(energies, [0.0, 0.0]),
        slopes,
        np.append(b, 1.0),
        np.append(units, n_phases),
        _STEEPEST,
        -math.inf,
    )
    found = [_end(fractions, energies, units, b, 0.0)]
    for (_, _, energy, share), indices, weights in zip(intervals, phases, amounts, strict=True):
        if found[-1].share + _NO_DISTANCE < share < 1.0 - _NO_DISTANCE:
            present = [(int(j), float(x)) for j, x in zip(indices, weights, strict=True) if 0 <= j < n_phases]
            found.append(Corner(float(share), float(energy), tuple(present)))
    return (*found, _end(fractions, energies, units, a, 1.0))


def worst_mixture(
    fractions: _Floats, energies: _Floats, units: NDArray[np.int64], sides: _Floats, own: Sequence[float]
) -> Mixture:
    """Return the mixture of the compositions `sides`, of shape (n_sides, n_elements), at the worst ratio.

    `own` are the energies that they start from [eV/atom]; the other arguments are those of `corners`.
    """
    n_phases, n_elements = fractions.shape
    # Shares and what is left of one atom sum to 1, so that nothing is made of nothing, for 0 eV, where nothing reacts.
    columns = np.zeros((n_phases + 1 + len(sides), n_elements + 1))
    columns[:n_phases, :n_elements] = fractions
    columns[n_phases:, n_elements] = 1.0
    columns[n_phases + 1 :, :n_elements] = -np.asarray(sides)
    costs = np.concatenate([energies, [0.0], -np.asarray(own)])
    right_side = np.append(np.zeros(n_elements), 1.0)
    intervals, phases, amounts, _, _ = follow_hull(
        columns, costs, np.zeros(len(costs)), right_side, np.append(units, n_phases), 0.0, 0.0
    )
    found = {int(j): float(x) for j, x in zip(phases[0], amounts[0], strict=True) if j >= 0}
    shares = tuple(found.get(n_phases + 1 + n, 0.0) for n in range(len(sides)))
    return Mixture(shares, min(0.0, float(intervals[0, 2])), tuple((j, x) for j, x in found.items() if j < n_phases))


def _end(fractions: _Floats, energies: _Floats, units: NDArray[np.int64], composition: _Floats, share: float) -> Corner:
    intervals, phases, amounts, _, _ = follow_hull(
        fractions, energies, np.zeros(len(energies)), composition, units, 0.0, 0.0
    )
    present = [(int(j), float(x)) for j, x in zip(phases[0], amounts[0], strict=True) if j >= 0]
    return Corner(share, float(intervals[0, 2]), tuple(present))
