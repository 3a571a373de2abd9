"""The published forest, fitted in the same folds as the networks, and the paired difference to it.

The forest of OBELiX (doi:10.1039/D5DD00441A) learns from element amounts in the cell, space group and lattice; here
with 300 trees, amounts of the reduced formula where the cell's content is not known, and 0 for what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.models.distribution import FloatArray
from superion.training.splits import Fold
from superion.training.table import Measurement

N_TREES = 300
CENSORED_AT = -15.0
N_RESAMPLES = 2000


@dataclass(frozen=True)
class PairedDifference:
    """Hold the mean difference of two models' absolute errors on the same rows, with its 95 % interval.

    The interval is a bootstrap over papers: rows of one paper are resampled together, unless all are of one paper,
    which alone would give an interval of no width.
    """

    mean: float
    lower: float
    upper: float


def forest_predictions(rows: Sequence[Measurement], folds: Sequence[Fold], seed: int) -> FloatArray:
    """Return the forest's out-of-fold log10(S/cm), shape (n_rows,)."""
    from sklearn.ensemble import RandomForestRegressor

    features = np.stack([_features(row) for row in rows])
    measured = np.array([CENSORED_AT if row.censored else row.log10_conductivity for row in rows], dtype=np.float64)
    predicted = np.full(len(rows), np.nan)
    for fold in folds:
        forest = RandomForestRegressor(N_TREES, random_state=seed, n_jobs=-1)
        forest.fit(features[fold.train], measured[fold.train])
        # Threads would add the trees up in the order they finish, and the last digit of the report would change.
        forest.set_params(n_jobs=1)
        predicted[fold.test] = forest.predict(features[fold.test])
    return predicted


def paired_difference(error: FloatArray, other: FloatArray, groups: Sequence[str], seed: int) -> PairedDifference:
    """Compare absolute errors, each of shape (n_rows,); below zero when `error` is the smaller."""
    difference = error - other
    _, number = np.unique(np.asarray(groups), return_inverse=True)
    if not number.any():
        number = np.arange(len(number))
    sums, counts = np.bincount(number, difference), np.bincount(number)
    drawn = np.random.default_rng(seed).integers(0, len(sums), (N_RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    lower, upper = np.quantile(means, [0.025, 0.975])
    return PairedDifference(float(difference.mean()), float(lower), float(upper))


def _features(row: Measurement) -> FloatArray:
    formula, cell = row.material.formula, row.material.cell
    times = 1.0 if cell.atoms_per_cell is None else cell.atoms_per_cell / formula.n_atoms
    amounts = np.zeros(len(SYMBOLS))
    for symbol, amount in zip(formula.symbols, formula.amounts, strict=True):
        amounts[ATOMIC_NUMBER[symbol] - 1] = amount * times
    lattice = (0.0,) * 6 if cell.cell_parameters is None else cell.cell_parameters
    return np.concatenate([amounts, [float(cell.space_group_number or 0)], lattice])
