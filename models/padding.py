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
    widest = max((len(formula.symbols) for formula in formulas), default=1)
    numbers = np.zeros((len(formulas), widest), dtype=np.int64)
    fractions = np.zeros((len(formulas), widest), dtype=np.float32)
    for row, formula in enumerate(formulas):
        count = len(formula.symbols)
        numbers[row, :count] = [ATOMIC_NUMBER[symbol] for symbol in formula.symbols]
        fractions[row, :count] = formula.fractions
    return numbers, fractions
