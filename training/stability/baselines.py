"""Two baselines for what happens against lithium: the nearest composition, and boosting on Magpie features."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.neighbors import NearestNeighbors

from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.magpie_statistics import magpie
from superion.models.distribution import FloatArray
from superion.models.stability.network import OXIDATION_LIMIT, REACTION_ENERGY, REDUCTION_LIMIT, TARGETS
from superion.training.stability.labels import StabilityLabels

BASELINES = ("boosting", "nearest")
AGAINST_LITHIUM = (REACTION_ENERGY, REDUCTION_LIMIT, OXIDATION_LIMIT)
"""Targets that are learned from compounds with lithium and scored on them."""


def baseline_predictions(labels: StabilityLabels, fold: npt.NDArray[np.int64]) -> dict[str, dict[str, FloatArray]]:
    """Predict `AGAINST_LITHIUM` and `class` of lithium compounds in the folds; NaN, shape (n,), for other formulas."""
    rows = np.flatnonzero(labels.with_lithium)
    formulas = [labels.formulas[row] for row in rows]
    fractions = np.zeros((len(rows), len(SYMBOLS)))
    for index, formula in enumerate(formulas):
        for symbol, fraction in zip(formula.symbols, formula.fractions, strict=True):
            fractions[index, ATOMIC_NUMBER[symbol] - 1] = fraction
    features = np.hstack([magpie(formulas), fractions[:, fractions.any(axis=0)]])
    made = {key: {name: np.full(len(labels), np.nan) for name in (*AGAINST_LITHIUM, "class")} for key in BASELINES}
    for name in (*AGAINST_LITHIUM, "class"):
        target: npt.NDArray[Any] = labels.classes[rows].astype(np.float64)
        target[target < 0.0] = np.nan
        if name != "class":
            target = labels.values[rows, TARGETS.index(name)]
        for number in np.unique(fold):
            test = fold[rows] == number
            train = np.isfinite(target) & ~test
            near = NearestNeighbors(n_neighbors=1, metric="manhattan").fit(fractions[train])
            made["nearest"][name][rows[test]] = target[train][near.kneighbors(fractions[test])[1][:, 0]]
            model: Any = HistGradientBoostingClassifier(class_weight="balanced", max_iter=150, random_state=0)
            if name != "class":
                model = HistGradientBoostingRegressor(
                    loss="absolute_error", max_iter=400, learning_rate=0.06, random_state=0
                )
            made["boosting"][name][rows[test]] = model.fit(features[train], target[train]).predict(features[test])
    return made
