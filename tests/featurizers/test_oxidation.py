"""Oxidation states against textbooks, pymatgen and the symmetries they must respect, and where nothing balances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition, Structure

from superion.errors import SuperionError, UnbalancedCharges
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.oxidation import TOLERANCE, OxidationStates, oxidation_states

from ._textbook import TEXTBOOKS, boxed, perovskite, rock_salt, spinel

# One crystal for each way through the search: whole states, bonds between like atoms, both signs of an element, a mean
# charge, a split between sites, and mixed and vacant sites.
WAYS = ["LiF", "FeTiO3", "Na2S2O3", "LiCB11H12", "LiMn2O4", "BaBiO3", "BaTaO2N", "LiNi0.5Mn1.5O4", "Li0.5CoO2"]


def of_entries(crystal: Crystal) -> list[str]:
    return [symbol for site in crystal.species for symbol, _ in site]


def check_consistent(crystal: Crystal, found: OxidationStates) -> None:
    """Assert what holds for every assignment."""
    occupancies = crystal.species_occupancies
    assert found.charges.shape == occupancies.shape
    assert not found.charges.flags.writeable
    total = float(found.charges @ occupancies)
    assert found.residual == pytest.approx(total / occupancies.sum(), abs=1e-12)
    of_one_sign = max(float(np.clip(sign * found.charges, 0, None) @ occupancies) for sign in (1, -1))
    assert abs(total) <= TOLERANCE * of_one_sign + 1e-9
    assert (abs(total) <= 0.001 * of_one_sign + 1e-9) or any("occupancies leave" in note for note in found.notes)
    assert set(found.by_element) == set(of_entries(crystal))
    for symbol, charge in zip(of_entries(crystal), found.charges.tolist(), strict=True):
        assert any(abs(charge - state) < 1e-5 for state in found.by_element[symbol])
        assert charge == round(charge) or any(symbol in note for note in found.notes)


def same_instability(one: OxidationStates, other: OxidationStates) -> bool:
    if one.global_instability is None or other.global_instability is None:
        return one.global_instability is other.global_instability
    return one.global_instability == pytest.approx(other.global_instability, rel=1e-6)


@pytest.mark.parametrize("name", TEXTBOOKS)
def test_textbook_states(name: str) -> None:
    crystal, states = TEXTBOOKS[name]
    found = oxidation_states(crystal)
    check_consistent(crystal, found)
    assert set(found.by_element) == set(states)
    for symbol, expected in states.items():
        assert found.by_element[symbol] == pytest.approx(expected, abs=1e-5), symbol
    assert found.residual == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", [name for name, (crystal, _) in TEXTBOOKS.items() if crystal.is_ordered])
def test_mean_states_are_among_the_guesses_of_pymatgen(name: str) -> None:
    """pymatgen knows the formula only; where it finds states at all, ours are among them."""
    crystal = TEXTBOOKS[name].crystal
    guesses = Composition(crystal.formula.text).reduced_composition.oxi_state_guesses()
    if name in ("Li2O2", "LiClO4", "BaBiO3", "Li2B12H12"):
        assert not guesses  # no peroxide, no Cl7+, no Bi4+ and no B below 3 among its states
        return
    if name == "LiCB11H12":  # gives hydrogen on carbon and on boron the same sign
        return
    found = oxidation_states(crystal).charges
    means = {
        symbol: np.mean([charge for s, charge in zip(of_entries(crystal), found, strict=True) if s == symbol])
        for symbol in crystal.formula.symbols
    }
    assert any(guess == pytest.approx(means, abs=1e-6) for guess in guesses)


@pytest.mark.parametrize("name", WAYS)
def test_states_follow_the_sites(name: str) -> None:
    """Turned, moved, repeated and with the sites in another order, every site keeps its state."""
    crystal = TEXTBOOKS[name].crystal
    found = oxidation_states(crystal)
    random = np.random.default_rng(5)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    order = random.permutation(crystal.n_sites)
    moved = crystal.fractional_coordinates + random.uniform(-2, 2, 3)
    variants = [
        Crystal(crystal.lattice @ turn, moved[order], tuple(crystal.species[k] for k in order)),
        crystal.supercell((2, 1, 1)),
    ]
    entries = np.split(np.arange(len(found.charges)), crystal.species_offsets[1:-1])
    expected = [np.concatenate([found.charges[entries[k]] for k in order]), np.tile(found.charges, 2)]
    for variant, charges in zip(variants, expected, strict=True):
        again = oxidation_states(variant)
        assert again.charges == pytest.approx(charges, abs=1e-9)
        assert again.residual == pytest.approx(found.residual, abs=1e-12)
        assert same_instability(again, found)


@pytest.mark.parametrize("name", WAYS)
def test_halves_of_an_atom_have_its_state(name: str) -> None:
    """An atom written as two halves on one position, on one site or on two, is the same atom."""
    crystal = TEXTBOOKS[name].crystal
    found = oxidation_states(crystal)
    halves = tuple(tuple((symbol, occupancy / 2) for symbol, occupancy in site) for site in crystal.species)
    twice = Crystal(
        crystal.lattice,
        np.repeat(crystal.fractional_coordinates, 2, axis=0),
        tuple(site for site in halves for _ in range(2)),
    )
    again = oxidation_states(twice)
    entries = np.split(np.arange(len(found.charges)), crystal.species_offsets[1:-1])
    assert again.charges == pytest.approx(np.concatenate([np.tile(found.charges[k], 2) for k in entries]), abs=1e-9)
    assert same_instability(again, found)


def test_hydrogen_of_both_signs_in_one_crystal() -> None:
    amide = boxed(5.0, ["Li"], ["N", "H", "H"], [[0, 0, 0], [0.6, 0.8, 0], [-0.6, 0.8, 0]]).to_pymatgen()
    borohydride = TEXTBOOKS["LiBH4"].crystal.to_pymatgen()
    sites = [(site.specie, site.coords) for site in amide]
    sites += [(site.specie, site.coords + np.array([6.0, 0, 0])) for site in borohydride]
    both = Structure([[12.0, 0, 0], [0, 6, 0], [0, 0, 6]], *zip(*sites, strict=True), coords_are_cartesian=True)
    crystal = Crystal.from_pymatgen(both)
    found = oxidation_states(crystal)
    hydrogen = [charge for symbol, charge in zip(of_entries(crystal), found.charges, strict=True) if symbol == "H"]
    assert hydrogen == [1, 1, -1, -1, -1, -1]
    assert found.by_element["N"] == (-3,)


def test_short_distances_of_a_bad_structure_are_no_bonds() -> None:
    """Two sulfur atoms of SiS4 at 2.4 angstrom would be S2 2- with Si2+; the tetrahedron is distorted instead."""
    corners = np.array([[1.2, 0, 1.7], [-1.2, 0, 1.7], [0, 1.9, -1.0], [0, -1.9, -1.0]])
    crystal = boxed(7.5, [], ["Si", "S", "S", "S", "S", "Li", "Li", "Li", "Li"], [[0, 0, 0], *corners, *-1.9 * corners])
    found = oxidation_states(crystal)
    assert (found.by_element["Si"], found.by_element["S"]) == ((4,), (-2,))
    assert any("not taken for bonds" in note for note in found.notes)


@pytest.mark.parametrize(
    ("crystal", "names"),
    [
        (rock_salt(4.0, "Li", "Na"), ("Li", "Na", "100")),
        (rock_salt(4.0, "He", "Ne"), ("He",)),
        (perovskite(3.9, {"La": 0.5}, "Ti"), ("La", "Ti", "O", "-0.5", "8.3%")),
        (spinel(8.3, {"Li": 2.0 / 3}, {"Al": 0.5}, 0.2625), ("Li", "Al", "O")),
    ],
)
def test_what_does_not_balance_is_refused(crystal: Crystal, names: tuple[str, ...]) -> None:
    with pytest.raises(UnbalancedCharges) as caught:
        oxidation_states(crystal)
    assert all(name in str(caught.value) for name in names)
    assert caught.value.as_dict()["code"] == "unbalanced_charges"


def test_the_error_holds_the_commonest_states() -> None:
    with pytest.raises(UnbalancedCharges) as caught:
        oxidation_states(perovskite(3.9, {"La": 0.5}, "Ti"))
    best = caught.value.best
    assert isinstance(best, OxidationStates)
    assert dict(best.by_element) == {"La": (3,), "O": (-2,), "Ti": (4,)}
    assert best.residual == pytest.approx(-0.5 / 4.5)


def test_left_over_charge_is_noted_and_kept() -> None:
    found = oxidation_states(perovskite(3.88, {"La": 0.56, "Li": 0.30}, "Ti"))
    assert found.by_element == {"La": (3,), "Li": (1,), "O": (-2,), "Ti": (4,)}
    assert found.residual == pytest.approx(-0.02 / 4.86)
    assert any("-0.02" in note and "0.3%" in note for note in found.notes)


GRID = [[i / 2, j / 2, k / 2] for i in range(2) for j in range(2) for k in range(2)]
ENTRY = st.tuples(st.sampled_from(SYMBOLS), st.floats(0.1, 0.5).map(lambda value: round(value, 3)))
SITES = st.lists(st.lists(ENTRY, min_size=1, max_size=2, unique_by=lambda pair: pair[0]), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(SITES, st.floats(2.5, 9.0))
def test_any_crystal_is_assigned_or_refused(sites: list[list[tuple[str, float]]], edge: float) -> None:
    crystal = Crystal(np.eye(3) * edge, GRID[: len(sites)], tuple(tuple(site) for site in sites))
    try:
        found = oxidation_states(crystal)
    except SuperionError:
        return
    check_consistent(crystal, found)


CATIONS = {"Li": 1, "Na": 1, "Mg": 2, "Ca": 2, "Al": 3, "La": 3, "Zr": 4, "Ti": 4}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(CATIONS)), min_size=4, max_size=4),
    st.sampled_from([("O", -2), ("S", -2), ("Cl", -1), ("F", -1)]),
)
def test_rock_salts_made_neutral_by_vacancies_get_their_charges(metals: list[str], anion: tuple[str, int]) -> None:
    """Any cations on the four sites of rock salt, thinned out until the anions balance them."""
    total, room = sum(CATIONS[metal] for metal in metals), -4 * anion[1]
    cations, anions = min(1.0, room / total), min(1.0, total / room)
    positions = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    shifted = (np.array(positions) + 0.5).tolist()
    species = tuple(((metal, cations),) for metal in metals) + (((anion[0], anions),),) * 4
    found = oxidation_states(Crystal(np.eye(3) * 4.6, positions + shifted, species))
    assert {symbol: states for symbol, states in found.by_element.items() if symbol != anion[0]} == {
        metal: (CATIONS[metal],) for metal in metals
    }
    assert abs(found.residual) < 1e-9
