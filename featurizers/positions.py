"""Positions in a periodic cell: which ones coincide, and which images of one atom are distinct."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidCrystal, InvalidValue
from superion.featurizers.neighbors import neighbor_list

MAX_CLOSE_PAIRS = 1_000_000
"""Largest number of pairs of positions that coincide; 10,000 sites that all have 50 others on them are no crystal."""

_GRID = 100_000
"""Steps per lattice vector at which images of one atom are told apart."""
_GRID_SHIFT = 0.2137
"""Offset of the grid, so that no common fraction lies on the boundary between two steps."""


class _Sites(NamedTuple):
    lattice: NDArray[np.float64]
    fractional_coordinates: NDArray[np.float64]


def close_pairs(
    lattice: NDArray[np.float64], fractional: NDArray[np.float64], cutoff: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs i < j of positions `(n, 3)` within `cutoff` [angstrom] of each other, periodically.

    Raises InvalidCrystal for more than `MAX_CLOSE_PAIRS` of them.
    """
    try:
        i, j, _, _ = neighbor_list(_Sites(lattice, fractional), cutoff, max_pairs=MAX_CLOSE_PAIRS)
    except InvalidValue as fault:
        raise InvalidCrystal(
            f"too many sites lie within {cutoff} angstrom of each other", field="coordinates"
        ) from fault
    each_once = i < j
    return i[each_once], j[each_once]


def has_translation_within(lattice: NDArray[np.float64], length: float) -> bool:
    """Tell whether a translation of the lattice is no longer than `length` [angstrom]."""
    try:
        return len(neighbor_list(_Sites(lattice, np.zeros((1, 3))), length, max_pairs=1000)[0]) > 0
    except InvalidValue:
        return True  # more images within that length than can be counted


def group_positions(n_positions: int, pairs: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.intp]:
    """Number the groups `(n_positions,)` that `pairs` connect, in order of their first members."""
    root = np.arange(n_positions)
    i, j = pairs
    while len(i):
        low = np.minimum(root[i], root[j])
        if np.array_equal(root[i], low) and np.array_equal(root[j], low):
            break
        np.minimum.at(root, i, low)
        np.minimum.at(root, j, low)
    return np.unique(root, return_inverse=True)[1]


def orbit(images: NDArray[np.float64], n_expected: int, lattice: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return which of the `images` `(n_operations, 3)` of one atom to keep so that each position stays once."""
    steps = np.floor(images * _GRID + _GRID_SHIFT).astype(np.int64) % _GRID
    _, kept = np.unique(steps @ np.array([_GRID * _GRID, _GRID, 1]), return_index=True)
    if len(kept) != n_expected:  # a position fell on a boundary of the grid after all
        groups = group_positions(len(images), close_pairs(lattice, images, 1e-3))
        _, kept = np.unique(groups, return_index=True)
    return np.sort(kept)
