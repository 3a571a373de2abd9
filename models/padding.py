"""Formulas as rows of equal length, for networks that take arrays in place of graphs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula

Numbers = npt.NDArray[np.int64]
Fractions = npt.NDArray[np.float32]


def padded_elements(formulas: Sequence[Formula]) -> tuple[Numbers, Fractions]:
    """Return atomic numbers and fractions, each of shape (n, n_elements) for the most elements of a formula.

    What is left of a row of a formula with fewer has the number 0 and the fraction 0.
    """
    counts = np.array([len(formula.symbols) for formula in formulas], dtype=np.int64)
    shape = len(formulas), int(counts.max(initial=1))
    numbers, fractions = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
    if formulas:
        filled = np.arange(shape[1]) < counts[:, None]
        numbers[filled] = [ATOMIC_NUMBER[symbol] for formula in formulas for symbol in formula.symbols]
        fractions[filled] = np.concatenate([formula.fractions for formula in formulas])
    return numbers, fractions
