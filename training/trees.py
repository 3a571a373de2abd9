"""Grow the forests of the ensemble: strongly randomised trees, which the networks alone do not replace."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from superion.models.arrhenius import inverse_temperature_step
from superion.models.distribution import FloatArray
from superion.models.forest import LEAF, Forest, cell_features, formula_features, has_full_cell
from superion.models.material import Material
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY, TARGETS
from superion.models.tree_ensemble import KINDS, Kind, TreeEnsemble
from superion.training.groups import paper_groups
from superion.training.settings import TreeSettings
from superion.training.table import Measurement

MIN_ROWS = 10
"""A kind of input with fewer measured rows has no forest of its own."""


def grow_trees(rows: Sequence[Measurement], settings: TreeSettings, censored_at: float, seed: int) -> TreeEnsemble:
    """Grow a forest for each target and each kind of input, formulas and full cells, that has enough rows.

    A conductivity measured away from 25 degrees Celsius is brought there with the row's own activation energy, else
    with the median of the table's, else with the typical one.
    """
    forests: dict[tuple[str, Kind], Forest] = {}
    conductivities, energies = measured_at_reference(rows, censored_at)
    papers = np.array(paper_groups(rows))
    for target, measured in ((CONDUCTIVITY, conductivities), (ACTIVATION_ENERGY, energies)):
        for kind in KINDS:
            usable = np.isfinite(measured)
            if kind == "cell":
                usable &= np.array([has_full_cell(row.material) for row in rows])
            if usable.sum() >= MIN_ROWS:
                features = _features(rows, usable, formula_features if kind == "formula" else cell_features)
                weights = _of_papers(papers[usable])
                forests[target, kind] = _grow(features, measured[usable], weights, settings, seed)
    return TreeEnsemble(forests)


def measured_at_reference(rows: Sequence[Measurement], censored_at: float) -> tuple[FloatArray, FloatArray]:
    """Return log10(S/cm) at 25 degrees Celsius and energies of activation [eV], each (n_rows,), NaN where unknown."""
    energies = np.array([np.nan if row.activation_energy is None else row.activation_energy for row in rows])
    return _at_reference(rows, energies, censored_at), energies


def _at_reference(rows: Sequence[Measurement], energies: FloatArray, censored_at: float) -> FloatArray:
    """Return log10(S/cm) at 25 degrees Celsius, shape (n_rows,), NaN where there is none."""
    typical = next(target.centre for target in TARGETS if target.name == ACTIVATION_ENERGY)
    if np.isfinite(energies).any():
        typical = float(np.nanmedian(energies))
    values = []
    for row, energy in zip(rows, energies, strict=True):
        if row.log10_conductivity is None:
            values.append(np.nan)
            continue
        level = min(row.log10_conductivity, censored_at) if row.censored else row.log10_conductivity
        step = inverse_temperature_step(row.temperature_c)
        values.append(level + step * (energy if np.isfinite(energy) else typical))
    return np.array(values)


def _features(
    rows: Sequence[Measurement],
    usable: npt.NDArray[np.bool_],
    features_of: Callable[[Material], npt.NDArray[np.float32]],
) -> npt.NDArray[np.float32]:
    return np.stack([features_of(row.material) for row, wanted in zip(rows, usable, strict=True) if wanted])


def _of_papers(papers: npt.NDArray[np.str_]) -> FloatArray:
    """Return the weights of rows, shape (n,): a paper counts as the square root of its rows, not as all of them.

    A series of one paper is alike in more than its compositions, and papers to come are what is asked about.
    """
    _, paper_of, n_rows = np.unique(papers, return_inverse=True, return_counts=True)
    return np.asarray(n_rows[paper_of] ** -0.5, dtype=np.float64)


def _grow(
    features: npt.NDArray[np.float32], measured: FloatArray, weights: FloatArray, settings: TreeSettings, seed: int
) -> Forest:
    from sklearn.ensemble import RandomForestRegressor

    # One process: the callers fit units side by side, and the trees are few.
    grown = RandomForestRegressor(
        settings.n_trees, max_features=settings.feature_share, bootstrap=False, random_state=seed, n_jobs=1
    ).fit(features, measured, sample_weight=weights)
    trees = [estimator.tree_ for estimator in grown.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    leaf = np.concatenate([tree.children_left < 0 for tree in trees])
    right = np.concatenate([tree.children_right + root for tree, root in zip(trees, roots, strict=True)])
    return Forest(
        feature=np.where(leaf, LEAF, np.concatenate([tree.feature for tree in trees])).astype(np.int16),
        threshold=np.concatenate([tree.threshold for tree in trees]).astype(np.float32),
        right=np.where(leaf, 0, right).astype(np.int32),
        value=np.concatenate([tree.value[:, 0, 0] for tree in trees]).astype(np.float32),
        roots=roots.astype(np.int32),
    )
