"""Forests as arrays, against the library that grew them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from superion.errors import InvalidArtefact
from superion.featurizers import CellContext, Formula
from superion.models.forest import LEAF, Forest, cell_features, formula_features, has_full_cell
from superion.models.material import Material
from superion.models.targets import CONDUCTIVITY
from superion.models.tree_ensemble import TreeEnsemble
from superion.training.settings import TreeSettings
from superion.training.trees import _grow

CUBIC = CellContext(216, (9.86, 9.86, 9.86, 90.0, 90.0, 90.0), 52.0)


@pytest.fixture(scope="module")
def measured() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    features = random.normal(size=(80, 9)).astype(np.float32)
    return features, features[:, 0] * 2 + np.abs(features[:, 3]) + random.normal(scale=0.1, size=80)


def test_a_forest_answers_what_scikit_learn_answers(measured) -> None:
    features, values = measured
    weights = np.random.default_rng(6).uniform(0.2, 1.0, len(values))
    settings = TreeSettings(n_trees=12, feature_share=0.4)
    forest = _grow(features, values, weights, settings, seed=5)
    oracle = RandomForestRegressor(12, max_features=0.4, bootstrap=False, random_state=5)
    oracle.fit(features, values, sample_weight=weights)
    unseen = np.random.default_rng(4).normal(size=(200, 9)).astype(np.float32)
    by_tree = np.stack([tree.predict(unseen) for tree in oracle.estimators_])
    assert forest.predict(unseen) == pytest.approx(by_tree, abs=1e-6)


def test_arrays_that_could_walk_in_a_circle_are_refused() -> None:
    with pytest.raises(InvalidArtefact):
        Forest(
            feature=np.array([0, 0, LEAF], np.int16),
            threshold=np.zeros(3, np.float32),
            right=np.array([2, 0, 0], np.int32),
            value=np.zeros(3, np.float32),
            roots=np.zeros(1, np.int32),
        )


def test_features_hold_fractions_amounts_and_the_cell() -> None:
    material = Material(Formula.parse("Li6PS5Cl"), None, CUBIC)
    fractions = formula_features(material)
    assert fractions.sum() == pytest.approx(1.0)
    assert fractions[2] == pytest.approx(6 / 13)
    features = cell_features(material)
    assert features[2] == pytest.approx(24.0)
    assert features[118:236] == pytest.approx(fractions)
    assert list(features[236:-1]) == pytest.approx([216, 9.86, 9.86, 9.86, 90, 90, 90])
    # The logarithm of the atoms of the smallest whole-number formula, on the scale of the graph.
    assert features[-1] == pytest.approx(math.log(13) / 2.0 - 1.75)


@pytest.mark.parametrize(
    "cell",
    [
        CellContext(),
        CellContext(216),
        CellContext(216, CUBIC.cell_parameters),
        CellContext(None, CUBIC.cell_parameters, 52.0),
    ],
)
def test_a_cell_is_full_only_with_group_lattice_and_content(cell: CellContext) -> None:
    assert not has_full_cell(Material(Formula.parse("Li6PS5Cl"), None, cell))


def _constant(value: float, n_trees: int) -> Forest:
    return Forest(
        np.full(n_trees, LEAF, np.int16),
        np.zeros(n_trees, np.float32),
        np.zeros(n_trees, np.int32),
        np.full(n_trees, value, np.float32),
        np.arange(n_trees, dtype=np.int32),
    )


def test_each_material_is_answered_by_the_forest_for_its_kind_in_order() -> None:
    trees = TreeEnsemble({(CONDUCTIVITY, "formula"): _constant(-7.0, 8), (CONDUCTIVITY, "cell"): _constant(-3.0, 8)})
    formula = Formula.parse("Li6PS5Cl")
    bare, full = Material(formula), Material(formula, None, CUBIC)
    answers = trees.by_tree(CONDUCTIVITY, [full, bare, full])
    assert answers is not None
    assert answers.shape == (8, 3)
    assert (answers == [-3.0, -7.0, -3.0]).all()


def test_without_a_forest_there_are_no_answers() -> None:
    assert TreeEnsemble({}).by_tree(CONDUCTIVITY, [Material(Formula.parse("LiCl"))]) is None
