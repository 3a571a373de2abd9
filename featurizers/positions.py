"""Positions in a periodic cell: which ones lie close to each other, and how far a lattice translation leads."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidCrystal, InvalidValue
from superion.featurizers._neighbors import find_neighbors, number_groups

MAX_CLOSE_PAIRS = 1_000_000
"""Largest number of pairs of positions that coincide; 10,000 sites that all have 50 others on them are no crystal."""

_ORIGIN = np.zeros((1, 3))


def close_pairs(
    lattice: NDArray[np.float64], fractional: NDArray[np.float64], cutoff: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs i < j of positions `(n, 3)` within `cutoff` [angstrom] of each other, periodically.

    Raises InvalidCrystal for more than `MAX_CLOSE_PAIRS` of them.
    """
    try:
        i, j, _, _ = find_neighbors(lattice, fractional, cutoff, 0, MAX_CLOSE_PAIRS)
    except InvalidValue as fault:
        raise _too_close(cutoff) from fault
    each_once = i < j
    return i[each_once], j[each_once]


def group_positions(
    lattice: NDArray[np.float64], fractional: NDArray[np.float64], distance: float
) -> tuple[NDArray[np.int64], int]:
    """Number the groups `(n,)` that positions `(n, 3)` within `distance` [angstrom] of each other form.

    Groups are numbered in the order of their first members; their number is returned too. Raises InvalidCrystal for
    more than `MAX_CLOSE_PAIRS` close pairs.
    """
    try:
        groups, n_groups = number_groups(lattice, fractional, distance, MAX_CLOSE_PAIRS)
    except InvalidValue as fault:
        raise _too_close(distance) from fault
    return groups, n_groups


def _too_close(distance: float) -> InvalidCrystal:
    return InvalidCrystal(f"too many sites lie within {distance} angstrom of each other", field="coordinates")


def lattice_planes(lattice: NDArray[np.float64]) -> tuple[float, float]:
    """Return the volume of a cell [angstrom^3] and the smallest distance between its opposite faces [angstrom].

    Both are 0 for a lattice without volume.
    """
    a, b, c = lattice.tolist()
    faces = [_cross(b, c), _cross(c, a), _cross(a, b)]
    volume = abs(sum(x * y for x, y in zip(a, faces[0], strict=True)))
    largest = max(math.hypot(*face) for face in faces)
    return volume, volume / largest if largest > 0.0 else 0.0


def _cross(p: list[float], q: list[float]) -> tuple[float, float, float]:
    return p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]


def has_translation_within(lattice: NDArray[np.float64], length: float) -> bool:
    """Tell whether a translation of the lattice is no longer than `length` [angstrom]."""
    try:
        return len(find_neighbors(lattice, _ORIGIN, length, 0, 1000)[0]) > 0
    except InvalidValue:
        return True  # more images within that length than can be counted
