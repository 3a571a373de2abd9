"""Materials, beliefs and outlooks that the tests of the active learning share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from superion.discovery.choice.belief import Forecast, Space
from superion.discovery.choice.listing import Listing
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training.table import Measurement, read_table

Array = NDArray[np.float64]

FORMULAS = (
    "Li6PS5Cl",
    "Li6PS5Br",
    "Li6PS5I",
    "Li10GeP2S12",
    "Li10SnP2S12",
    "Li3PS4",
    "Li7P3S11",
    "Li4SnS4",
    "Li7La3Zr2O12",
    "Li6.4La3Zr1.4Ta0.6O12",
    "Li5La3Ta2O12",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "LiTi2(PO4)3",
    "Li3YCl6",
    "Li3InCl6",
    "Li3YBr6",
    "Li3ScCl6",
    "Li3N",
    "LiBH4",
    "Li3OCl",
    "Li2S",
    "LiI",
    "Li2O",
    "LiF",
)


def materials(formulas: Sequence[str] = FORMULAS) -> list[Material]:
    """Return materials by composition."""
    return [Material(Formula.parse(formula)) for formula in formulas]


def formula_space(formulas: Sequence[str] = FORMULAS) -> Space:
    """Return formulas as the process compares them."""
    return Space.of(materials(formulas))


def obelix(folder: Path, step: int = 10) -> tuple[Measurement, ...]:
    """Return every `step`-th row of the training table of OBELiX."""
    return read_table(folder / "train.csv").rows[::step]


def varied_forecast(n: int, seed: int = 0) -> Forecast:
    """Return a forecast that differs from candidate to candidate."""
    generator = np.random.default_rng(seed)
    return Forecast(generator.uniform(-8.0, -3.0, n), generator.uniform(0.5, 1.5, n))


def plain_kernel(space: Space, hyperparameters: Array) -> Array:
    """Return the covariance of all candidates, written out once more from what the docstrings say, shape (n, n)."""
    places = iter(hyperparameters)
    total: Array = np.zeros((1, 1))
    for term in space.terms:
        product: Any = np.exp(next(places))
        for name in term:
            block = space.features[name].astype(np.float64)
            product = product * np.exp(-np.sqrt(cdist(block, block) ** 2 + 1e-10) / np.exp(next(places)))
        total = total + product
    return total


def listing(k: int = 8, seed: int = 0, **given: Any) -> Listing:
    """Return a made-up listing on k candidates, which may all be chosen unless told otherwise."""
    generator = np.random.default_rng(seed)
    factor = generator.normal(size=(k, 3))
    fields: dict[str, Any] = {
        "mean": generator.normal(-5.0, 1.0, k),
        "covariance": factor @ factor.T / 3.0 + 0.1 * np.eye(k),
        "noise": np.full(k, 0.3),
        "feasible": np.ones(k),
        "choices": np.arange(k),
        "families": ["sulfides", "oxides"] * k,
    }
    for name, value in given.items():
        fields[name] = np.array(value, dtype=np.intp) if name in ("choices", "pending", "measured") else value
    return Listing(**fields)
