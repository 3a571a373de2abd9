"""Hashes of compositions, by which a table of phases finds one of its own."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import CANONICAL_DECIMALS, Formula

__all__ = ["key_of", "keys_of"]

_SCALE = 10**CANONICAL_DECIMALS
_SALTS = np.array([[1 << 32], [1 << 48]], dtype=np.uint64)
_KEPT = 512
"""Formulas whose keys are kept: a prediction asks for each twice, of two tables."""


def keys_of(offsets: NDArray[np.int64], numbers: NDArray[np.int64], amounts: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return two 64-bit hashes `(n, 2)` of each composition, equal where `Formula.canonical` is.

    Each is the sum over the elements of a mixed number (splitmix64) of element and rounded fraction, so that the order
    of the elements is no part.
    """
    if len(offsets) == 1:
        return np.empty((0, 2), dtype=np.uint64)
    first = offsets[:-1]
    totals = np.repeat(np.add.reduceat(amounts, first), np.diff(offsets))
    steps = np.floor(amounts / totals * _SCALE + 0.5 + 1e-6).astype(np.uint64)
    words = numbers.astype(np.uint64) * np.uint64(2 * _SCALE) + steps
    return np.ascontiguousarray(np.add.reduceat(_mix(words + _SALTS), first, axis=1).T)


@lru_cache(maxsize=_KEPT)
def key_of(formula: Formula) -> tuple[np.uint64, np.uint64]:
    """Return the two hashes of one formula; those of the last 512 are kept."""
    numbers = np.array([ATOMIC_NUMBER[symbol] for symbol in formula.symbols])
    first, second = keys_of(np.array([0, len(numbers)]), numbers, np.array(formula.amounts, dtype=np.float64))[0]
    return first, second


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix numbers, modulo 2**64."""
    z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
