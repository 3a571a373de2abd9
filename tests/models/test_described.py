"""What is found out about materials together is found out once, and is that of each alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.described import Described
from superion.models.material import Material
from superion.models.process_features import Rows, distances

CELL = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
BARE = Material(Formula.parse("Li6PS5Cl"))
FULL = Material(Formula.parse("Li3PS4"), cell=CELL)
PARTLY = Material(Formula.parse("LiCl"), cell=replace(CELL, atoms_per_cell=None))


def test_something_is_made_once() -> None:
    described, calls = Described([BARE, FULL]), []

    def names(materials: Described) -> list[str]:
        calls.append(1)
        return [material.formula.text for material in materials]

    assert described.once(names) is described.once(names)
    assert described.once(names) == ["Li6PS5Cl", "Li3PS4"] and calls == [1]
    assert Described.of(described) is described
    assert described[0:9] is described and described[1] is FULL
    assert described[1:].once(names) == ["Li3PS4"]
    assert described[::-1].once(names) == ["Li3PS4", "Li6PS5Cl"]


@pytest.mark.parametrize("materials", [[], [BARE], [FULL], [FULL, FULL], [PARTLY, FULL, BARE, FULL]], ids=len)
def test_materials_are_parted_by_whether_the_cell_is_known(materials: list[Material]) -> None:
    full, bare, cells = Described(materials).parted()
    assert full.tolist() == [material is FULL for material in materials]
    assert list(bare) == [material for material in materials if material is not FULL]
    assert list(cells) == [material for material in materials if material is FULL]


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([1, 12, 118]), st.sampled_from([0.05, 0.5, 1.0]))
def test_distances_to_prepared_rows_are_those_to_the_rows(seed: int, n: int, width: int, filled: float) -> None:
    random = np.random.default_rng(seed)
    one, other = (
        (random.normal(size=(rows, width)) * (random.random((rows, width)) < filled)).astype(np.float32)
        for rows in (n, 7)
    )
    expected = np.linalg.norm(one[:, None].astype(np.float64) - other[None], axis=2)
    for found in (distances(one, Rows.of(other)), distances(one, other)):
        assert found == pytest.approx(expected, abs=2e-5)
