"""Signs and bonds between like atoms, by the structure alone."""

from __future__ import annotations

import numpy as np
import pytest

from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.species_kinds import candidate_states, species_kinds
from superion.featurizers.valence_sums import contacts

from ._textbook import TEXTBOOKS, around, boxed


def kinds_of(crystal: Crystal, **options: bool) -> set[tuple[str, int, int]]:
    """Return symbol, sign and number of bonds to like atoms of every kind."""
    kinds, kind_of_entry = species_kinds(crystal, contacts(crystal), **options)
    amounts = np.bincount(kind_of_entry, weights=crystal.species_occupancies)
    assert amounts == pytest.approx([kind.amount for kind in kinds])
    return {(kind.symbol, kind.sign, kind.like_bonds) for kind in kinds}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LiBH4", {("Li", 1, 0), ("B", 1, 0), ("H", -1, 0)}),
        ("NH4Cl", {("N", -1, 0), ("H", 1, 0), ("Cl", -1, 0)}),
        ("LiClO4", {("Li", 1, 0), ("Cl", 1, 0), ("O", -1, 0)}),
        ("Na2S2O3", {("Na", 1, 0), ("S", 1, 1), ("S", -1, 1), ("O", -1, 0)}),
        ("NaN3", {("Na", 1, 0), ("N", -1, 1), ("N", -1, 2)}),
        ("Li3Sb", {("Li", 1, 0), ("Sb", -1, 0)}),
        ("BaBiO3", {("Ba", 1, 0), ("Bi", 1, 0), ("O", -1, 0)}),
        ("Li2B12H12", {("Li", 1, 0), ("B", 1, 5), ("H", -1, 0)}),
    ],
)
def test_kinds_of_textbook_crystals(name: str, expected: set[tuple[str, int, int]]) -> None:
    assert kinds_of(TEXTBOOKS[name].crystal) == expected
    assert kinds_of(TEXTBOOKS[name].crystal, count_like=False) == {(s, sign, 0) for s, sign, _ in expected}


def test_thiohypophosphate_and_thiophosphate() -> None:
    """P2S6 4- has a bond between its phosphorus atoms, PS4 3- none."""
    half = [[0, 0, 1.1], *(np.array(around(3, 1.8)) + np.array([0, 0, 1.9]))]
    both = np.vstack([half, -np.array(half)])
    assert kinds_of(boxed(8.0, ["Li"], ["P", "S", "S", "S"] * 2, both)) == {("Li", 1, 0), ("P", 1, 1), ("S", -1, 0)}
    single = boxed(6.5, ["Li"], ["P", "S", "S", "S", "S"], [[0, 0, 0], *around(4, 2.05)])
    assert kinds_of(single) == {("Li", 1, 0), ("P", 1, 0), ("S", -1, 0)}


@pytest.mark.parametrize(("occupancy", "bonds"), [(0.5, 0), (0.52, 0), (1.0, 1)])
def test_halves_of_a_split_site_are_not_bonded(occupancy: float, bonds: int) -> None:
    """Two sulfur sites 2.05 angstrom apart are S2 2- when both are filled and one disordered S2- when half are."""
    crystal = Crystal(
        np.eye(3) * 6.0,
        [[0, 0, 0], [0.5, 0.5, 0.5], [0.5 + 2.05 / 6, 0.5, 0.5]],
        ((("Li", 1.0),), *((("S", occupancy),),) * 2),
    )
    assert kinds_of(crystal) == {("Li", 1, 0), ("S", -1, bonds)}


def test_candidates() -> None:
    states = dict(candidate_states("Fe", 1))
    assert list(states)[:2] == [3, 2]
    assert all(0 < share <= 1 for share in states.values())
    assert [state for state, _ in candidate_states("P", 1)] == [5, 3, 1]  # P4+ and P2+ come from P-P bonds
    assert [state for state, _ in candidate_states("P", 1, like_bonds=1)] == [4, 2]
    assert candidate_states("S", -1) == ((-2, 1.0),)
    assert candidate_states("S", -1, like_bonds=1) == ((-1, 1.0),)
    assert candidate_states("Li", -1) == () == candidate_states("He", 1)


def test_every_element_has_candidates_or_none() -> None:
    for symbol in SYMBOLS:
        for sign in (1, -1):
            assert all(charge * sign > 0 and 0.0 < share <= 1.0 for charge, share in candidate_states(symbol, sign))
    assert candidate_states("Nh", 1) == ()
