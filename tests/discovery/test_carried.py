"""Structures of a series: the parent's, with the composition of the candidate and no site too full."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure

from superion.discovery import Plan, Series, Swap, doping_series
from superion.discovery.carried import carried
from superion.errors import UnbalancedCharges
from superion.featurizers import Crystal, find_symmetry
from superion.training.datasets import require

ARGYRODITE = Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif"


def rocksalt(lithium: float = 1.0) -> Crystal:
    """Return LiF, with so much lithium on its site."""
    lattice = 2.0 * np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    return Crystal(lattice, np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]), ((("Li", lithium),), (("F", 1.0),)))


def series(crystal: Crystal, *swaps: str, **options: Any) -> Series:
    """Return the series of a crystal."""
    return doping_series(crystal, Plan(tuple(map(Swap.parse, swaps)), **options))


@pytest.fixture(scope="module")
def argyrodite() -> Crystal:
    """Return Li6PS5Cl with mixed anion sites and half-filled lithium sites."""
    return Crystal.from_file(ARGYRODITE)


def test_structures_have_the_composition_of_their_candidates(argyrodite: Crystal) -> None:
    found = series(argyrodite, "S>Se,O", "Cl>Br", "P>Si,Sb", vary="Li", step=0.25)
    assert len(found.candidates) > 50
    for candidate in found.candidates:
        assert candidate.crystal is not None
        assert candidate.crystal.formula.canonical == candidate.formula.canonical
        assert candidate.crystal.space_group_number == argyrodite.space_group_number
        assert "lattice and positions are those of the parent" in candidate.crystal.notes
        for site in candidate.crystal.species:
            assert sum(occupancy for _, occupancy in site) <= 1.0 + 1e-9


def test_the_symmetry_is_kept(argyrodite: Crystal) -> None:
    found = series(argyrodite, "P>Si", "Cl>Br", vary="Li", step=0.5, at_once=2)
    assert find_symmetry(argyrodite).number == 216
    for candidate in found.candidates:
        assert candidate.crystal is not None
        assert find_symmetry(candidate.crystal).number == 216


def test_a_structure_is_read_by_others(argyrodite: Crystal) -> None:
    (candidate,) = series(argyrodite, "P>Si", vary="Li", step=0.5, most=0.5).candidates
    assert candidate.crystal is not None
    read = Structure.from_str(candidate.crystal.to_cif(), fmt="cif")
    fractions = {str(element): read.composition.get_atomic_fraction(element) for element in read.composition}
    expected = dict(zip(candidate.formula.symbols, candidate.formula.fractions.tolist(), strict=True))
    assert fractions == pytest.approx(expected, abs=1e-6)


def test_lithium_has_room_or_there_is_no_structure() -> None:
    full = series(rocksalt(), "F>O", vary="Li", step=0.5)
    assert [candidate.formula.text for candidate in full.candidates] == ["Li1.5F0.5O0.5", "Li2O"]
    for candidate in full.candidates:
        assert candidate.crystal is None
        assert candidate.note is not None
        assert "have no room for" in candidate.note
    (vacant,) = series(rocksalt(), "F>Cl", "Li>Mg", vary="Li", step=0.25, most=0.25, at_once=1).candidates[1:]
    assert vacant.formula.text == "Li0.5Mg0.25F"
    assert vacant.crystal is not None
    assert dict(vacant.crystal.species[0]) == pytest.approx({"Li": 0.5, "Mg": 0.25})


def test_sites_that_are_full_leave_the_others_more() -> None:
    lattice = 6.0 * np.eye(3)
    places = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])
    species = ((("Li", 0.9),), (("Li", 0.3),), (("Cl", 1.0),), (("Li", 0.0001), ("Al", 0.0666)))
    crystal = Crystal(lattice, places, species)
    found = series(crystal, "Cl>S", vary="Li", step=0.5, most=0.5, charges={"Li": 1.0, "Al": 3.0, "Cl": -1.4})
    assert found.candidates
    changed = found.candidates[0].crystal
    assert changed is not None
    first, second, _, last = (dict(site).get("Li", 0.0) for site in changed.species)
    assert first == 1.0
    assert second / last == pytest.approx(3000.0)
    assert changed.formula.amount("Li") > crystal.formula.amount("Li")


def test_atoms_of_which_none_are_left_cannot_be_spread() -> None:
    shares = {("Li", "Na"): 1.0}
    changed, note = carried(rocksalt(0.5), shares, "Li", 0.3)
    assert changed is None
    assert note is not None
    gone, _ = carried(rocksalt(0.5), shares, "Li", 0.0)
    assert gone is not None
    assert gone.species == ((("Na", 0.5),), (("F", 1.0),))


def test_split_sites_are_not_held_at_the_same_time() -> None:
    lattice = 8.0 * np.eye(3)
    places = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.5, 0.5, 0.5]])  # 0.8 angstrom apart
    crystal = Crystal(lattice, places, ((("Li", 0.4),), (("Li", 0.4),), (("Cl", 0.8),)))
    found = series(crystal, "Cl>O", vary="Li", step=0.25, most=0.5)
    (quarter, half) = found.candidates
    assert quarter.crystal is not None
    assert [dict(site).get("Li") for site in quarter.crystal.species[:2]] == pytest.approx([0.5, 0.5])
    assert half.crystal is None


def test_elements_of_one_place_that_are_written_apart_leave_each_other_room() -> None:
    lattice = 6.0 * np.eye(3)
    places = np.array([[0.0, 0.0, 0.0], [0.001, 0.0, 0.0], [0.5, 0.5, 0.5]])
    crystal = Crystal(lattice, places, ((("Li", 0.2),), (("Al", 0.6),), (("Cl", 1.0),)))
    shares = {("Cl", "S"): 0.1}
    changed, _ = carried(crystal, shares, "Li", 0.4)
    assert changed is not None
    assert changed.formula.amount("Li") == pytest.approx(0.4)
    assert carried(crystal, shares, "Li", 0.41)[0] is None


def test_a_site_without_atoms_is_gone() -> None:
    (candidate,) = series(rocksalt(), "F>Cl", step=1.0).candidates
    assert candidate.crystal is not None
    assert candidate.crystal.species == ((("Li", 1.0),), (("Cl", 1.0),))
    lattice = 6.0 * np.eye(3)
    places = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5]])
    crystal = Crystal(lattice, places, ((("Li", 1.0),), (("Li", 1.0),), (("O", 1.0),)))
    (gone,) = series(crystal, "O>F", vary="Li", step=1.0).candidates
    assert gone.crystal is not None
    assert gone.crystal.n_sites == 3
    assert gone.crystal.formula.amount("Li") == pytest.approx(1.0)


def test_measured_crystals(data_mirror: Callable[[str], Path]) -> None:
    data_mirror("obelix")
    swaps = {"P": "Si", "Zr": "Ta", "Ti": "Al", "Ge": "Sn", "S": "Cl", "O": "F", "Cl": "Br", "Ta": "Zr", "La": "Sr"}
    with_structure = 0
    archive = next(path for path in require("obelix") if path.suffix == ".zip")
    with zipfile.ZipFile(archive) as opened:
        names = sorted(name for name in opened.namelist() if name.endswith(".cif"))[::4]
        crystals = [Crystal.from_cif(opened.read(name)) for name in names]
    for crystal in crystals:
        here = [f"{host}>{dopant}" for host, dopant in swaps.items() if host in crystal.formula][:2]
        if not here or "Li" not in crystal.formula:
            continue
        try:
            found = series(crystal, *here, vary="Li", step=0.5)
        except UnbalancedCharges:
            continue  # a refinement that lost more of the lithium than is allowed for
        for candidate in found.candidates:
            if candidate.crystal is not None:
                with_structure += 1
                assert candidate.crystal.formula.canonical == candidate.formula.canonical
    assert with_structure > 150


@given(st.floats(0.02, 0.98), st.sampled_from(["P>Si", "S>Cl", "Cl>S", "P>Al"]))
@settings(max_examples=20, deadline=None)
def test_any_share_keeps_the_composition(share: float, swap: str) -> None:
    crystal = Crystal.from_file(ARGYRODITE)
    share = round(share, 3)
    for candidate in series(crystal, swap, vary="Li", step=share, most=share).candidates:
        if candidate.crystal is None:
            assert candidate.note is not None
            continue
        amounts = candidate.crystal.formula
        scale = amounts.n_atoms / candidate.formula.n_atoms
        for symbol in candidate.formula.symbols:
            assert amounts.amount(symbol) == pytest.approx(candidate.formula.amount(symbol) * scale, abs=1e-4)
