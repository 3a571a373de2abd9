"""Trees beside networks: counted as members, kept in the artefact, and what they learn from a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from superion.errors import InvalidArtefact
from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.artefact import Artefact
from superion.models.forest import LEAF, Forest, formula_features
from superion.models.material import Material
from superion.models.predictor import Predictor
from superion.models.records import ModelName
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.models.tree_ensemble import TreeEnsemble
from superion.training.settings import TreeSettings
from superion.training.trees import MIN_ROWS, grow_trees

from ..training import _builders as tables
from . import _builders

CELL = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
BARE = Material(Formula.parse("Li6PS5Cl"))
FULL = Material(Formula.parse("Li6PS5Cl"), cell=CELL)


def stumps(left: float, right: float, n_trees: int = 6) -> Forest:
    """Return equal trees that ask for the share of lithium."""
    root = 3 * np.arange(n_trees, dtype=np.int32)
    return Forest(
        feature=np.tile(np.array([2, LEAF, LEAF], dtype=np.int16), n_trees),
        threshold=np.tile(np.array([0.4, 0.0, 0.0], dtype=np.float32), n_trees),
        right=np.stack([root + 2, 0 * root, 0 * root], axis=1).ravel(),
        value=np.tile(np.array([0.0, left, right], dtype=np.float32), n_trees),
        roots=root,
    )


def with_trees() -> Artefact:
    forests = {
        (CONDUCTIVITY, "formula"): stumps(-9.0, -3.0),
        (CONDUCTIVITY, "cell"): stumps(-8.0, -2.0),
        (ACTIVATION_ENERGY, "formula"): stumps(0.6, 0.2),
    }
    small = _builders.artefact()
    return replace(small, ensemble=replace(small.ensemble, trees=TreeEnsemble(forests)))  # type: ignore[arg-type]


def test_a_value_on_the_threshold_goes_left() -> None:
    features = np.zeros((3, 118), dtype=np.float32)
    features[:, 2] = np.array([0.3, 0.4, 0.5], dtype=np.float32)
    assert stumps(-9.0, -3.0, 1).predict(features).tolist() == [[-9.0, -9.0, -3.0]]


@pytest.mark.parametrize(
    "damage",
    [
        {"right": np.array([3, 0, 0], np.int32)},
        {"right": np.array([0, 0, 0], np.int32)},
        {"roots": np.array([3], np.int32)},
        {"roots": np.array([-1], np.int32)},
        {"roots": np.array([], np.int32)},
        {"feature": np.array([2, LEAF, 5], np.int16)},
        {"threshold": np.zeros(2, np.float32)},
        {"threshold": np.zeros(3)},
        {
            "feature": np.array([], np.int16),
            "threshold": np.array([], np.float32),
            "right": np.array([], np.int32),
            "value": np.array([], np.float32),
        },
    ],
    ids=[
        "child beyond",
        "child before",
        "root beyond",
        "root before",
        "no root",
        "no leaf at the end",
        "lengths",
        "type",
        "empty",
    ],
)
def test_arrays_that_are_no_trees_are_refused(damage: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidArtefact, match="do not describe trees"):
        replace(stumps(0.0, 1.0, 1), **damage)


def test_a_forest_refuses_rows_without_the_features_that_it_asks_for() -> None:
    with pytest.raises(ValueError, match="a feature that there is not"):
        stumps(0.0, 1.0).predict(np.zeros((1, 2), dtype=np.float32))


def test_networks_and_trees_weigh_the_same() -> None:
    small = with_trees()
    alone = replace(small.ensemble, trees=TreeEnsemble({})).predict([BARE])[CONDUCTIVITY]
    both = small.ensemble.predict([BARE])[CONDUCTIVITY]
    assert both.mean == pytest.approx(0.5 * (alone.mean + -3.0))
    assert both.kinds["forests"] == pytest.approx(-3.0)
    assert both.kinds["networks"] == pytest.approx(alone.mean)


def test_parts_of_the_trees_average_to_all_of_them() -> None:
    eight = replace(stumps(0.0, 0.0, 8), value=np.arange(24, dtype=np.float32))
    ensemble = replace(_builders.ensemble(4), trees=TreeEnsemble({(CONDUCTIVITY, "formula"): eight}))
    found = ensemble.predict([BARE])[CONDUCTIVITY]
    by_tree = eight.predict(formula_features(BARE)[None])[:, 0]
    assert found.kinds["forests"] == pytest.approx(by_tree.mean())
    parts = {round(float(by_tree[part::4].mean()), 9) for part in range(4)}
    assert parts <= set(np.round(found.members[:, 0], 9))


def test_a_target_without_a_forest_is_left_to_the_networks() -> None:
    trees = TreeEnsemble({(CONDUCTIVITY, "formula"): stumps(-9.0, -3.0)})
    ensemble = replace(_builders.ensemble(), trees=trees)
    alone, found = _builders.ensemble().predict([BARE]), ensemble.predict([BARE])
    assert found[ACTIVATION_ENERGY].mean == pytest.approx(alone[ACTIVATION_ENERGY].mean)
    assert len(found[ACTIVATION_ENERGY].members) == len(found[CONDUCTIVITY].members)


def test_trees_survive_saving(tmp_path: Path) -> None:
    small = with_trees()
    small.save(tmp_path)
    asked = [BARE, FULL, "NaCl", _builders.rock_salt()]
    before = Predictor(small, ModelName("small", "3")).predict(asked, temperature_C=[25.0, 90.0]).as_dict()
    assert Predictor.from_folder(tmp_path).predict(asked, temperature_C=[25.0, 90.0]).as_dict() == before


def test_answers_with_trees_do_not_depend_on_company_or_scale() -> None:
    ensemble = with_trees().ensemble
    double = Material(Formula.parse("Li12P2S10Cl2"), cell=CELL)
    together = ensemble.predict([FULL, BARE, double])[CONDUCTIVITY].members
    assert ensemble.predict([BARE])[CONDUCTIVITY].members[:, 0] == pytest.approx(together[:, 1], abs=1e-4)
    assert together[:, 2] == pytest.approx(together[:, 0], abs=1e-4)


def test_too_few_rows_grow_no_forest_and_enough_grow_one() -> None:
    rows = tables.synthetic_rows(2 * MIN_ROWS)
    settings = TreeSettings(n_trees=3)
    few = grow_trees(rows[: MIN_ROWS - 1], settings, -15.0, 0)
    assert few.forests == {}
    enough = grow_trees(rows, settings, -15.0, 0)
    assert set(enough.forests) == {(CONDUCTIVITY, "formula"), (ACTIVATION_ENERGY, "formula")}


def test_a_paper_counts_as_the_square_root_of_its_rows() -> None:
    """Nine rows of one paper against one of another, all of one composition: the leaf is their weighted mean."""
    rows = [tables.row("LiCl", n, log10_conductivity=-8.0, doi="10.1/series") for n in range(9)]
    rows += [tables.row("LiCl", 9, log10_conductivity=-4.0, doi="10.1/other")]
    grown = grow_trees(rows, TreeSettings(n_trees=3), -15.0, 0).by_tree(CONDUCTIVITY, [rows[0].material])
    assert grown is not None and grown.ravel() == pytest.approx([(3.0 * -8.0 + -4.0) / 4.0] * 3)


def test_trees_learn_hot_rows_at_room_temperature_and_censored_rows_at_the_convention() -> None:
    from superion.models.arrhenius import inverse_temperature_step

    step = inverse_temperature_step(150.0)
    hot = [
        tables.row("LiCl", n, log10_conductivity=-7.0 - 0.5 * step, temperature_c=150.0, activation_energy=0.5)
        for n in range(MIN_ROWS)
    ]
    low = [tables.row("LiBr", n, log10_conductivity=-9.0, censored=True) for n in range(MIN_ROWS)]
    grown = grow_trees([*hot, *low], TreeSettings(n_trees=40, feature_share=1.0), -15.0, 0)
    by_tree = grown.by_tree(CONDUCTIVITY, [hot[0].material, low[0].material])
    assert by_tree is not None and by_tree.mean(axis=0) == pytest.approx([-7.0, -15.0], abs=1e-3)
