"""Bond-valence parameters against the table they come from, the relations between them, radii, and what is refused."""

from __future__ import annotations

import csv
import math
import warnings
from pathlib import Path

import ase.data
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Element, Species

from superion.errors import InvalidValue, UnknownBondValence
from superion.featurizers.bond_valence import (
    bond_valence_parameters,
    covalent_radius,
    estimated_parameters,
    principal_quantum_number,
    softbv_radius,
    tabulated_charges,
)

Row = dict[str, str]

# r0, alpha, r_min and d0 as BVlain 0.25.1 has them, of pairs of each block, sign and charge.
GOLDEN = {
    ("Li", 1, "O", -2): (1.17096, 1.937984, 1.940013, 0.98816),
    ("Li", 1, "S", -2): (1.46652, 1.531394, 2.40971, 1.04027),
    ("Li", 1, "Cl", -1): (1.39892, 1.577287, 2.39647, 0.49302),
    ("Li", 1, "N", -3): (1.1543, 1.569859, 2.132557, 2.054953),
    ("Li", 1, "I", -1): (1.64829, 1.360544, 2.78807, 0.44117),
    ("P", 5, "S", -2): (2.14917, 1.766784, 1.951558, 3.939695),
    ("S", 6, "O", -2): (1.6422, 2.267574, 1.381015, 4.96726),
    ("Sc", 3, "F", -1): (1.65325, 2.061856, 1.913247, 1.533224),
    ("Zn", 2, "Te", -2): (2.15126, 1.623377, 2.590758, 1.333912),
    ("Sb", 3, "S", -2): (2.36947, 1.941748, None, None),
}


def rows() -> list[Row]:
    """Return the table as it lies in the package."""
    path = Path(__file__).resolve().parents[2] / "featurizers" / "data" / "softbv_pairs.csv"
    return list(csv.DictReader(line for line in path.read_text().splitlines() if not line.startswith("#")))


def key_of(row: Row) -> tuple[str, int, str, int]:
    return row["cation"], int(row["cation_charge"]), row["anion"], int(row["anion_charge"])


@pytest.mark.parametrize("pair", GOLDEN)
def test_tabulated_pairs_are_those_of_softbv(pair: tuple[str, int, str, int]) -> None:
    found = bond_valence_parameters(*pair)
    r0, alpha, r_min, d0 = GOLDEN[pair]
    assert found.source == "softBV"
    assert (found.r0, 1 / found.b) == pytest.approx((r0, alpha), rel=1e-6)
    if r_min is not None:
        assert (found.r_min, found.d0) == pytest.approx((r_min, d0), rel=1e-9)


def test_every_pair_obeys_the_relation_of_depth() -> None:
    """The factor is V for s- and p-block cations and 2 sqrt(2 V) for the others, V the product of the charges."""
    factors = set()
    for row in rows():
        cation, charge, anion, anion_charge = key_of(row)
        found = bond_valence_parameters(cation, charge, anion, anion_charge)
        rows_of = math.sqrt(Element(cation).row * Element(anion).row)
        factor = found.d0 / (14.4 * found.b**2 / (2 * found.r_min * rows_of))
        product = -charge * anion_charge
        heavy = Element(cation).block in "df"
        expected = 2 * math.sqrt(2 * product) if heavy else product
        factors.add(heavy)
        assert factor == pytest.approx(expected, rel=3e-4), row
    assert factors == {True, False}


def test_minima_follow_the_sums_of_ionic_radii() -> None:
    """softBV's minima are 0.2 angstrom shorter; so must be those derived here, of pairs whose b has no sign there."""
    tabulated, derived = [], []
    for row in rows():
        cation, charge, anion, anion_charge = key_of(row)
        found = bond_valence_parameters(cation, charge, anion, anion_charge)
        assert found.b > 0 and found.d0 > 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # pymatgen tells of each radius that it does not have
            radii = Species(cation, charge).ionic_radius, Species(anion, anion_charge).ionic_radius
        if None not in radii and cation != "H":
            (tabulated if row["r_min"] else derived).append(found.r_min - sum(radii))
    assert len(tabulated) > 450 and len(derived) > 80
    assert np.median(tabulated) == pytest.approx(np.median(derived), abs=0.05)
    assert min(derived) > -0.75 and max(derived) < 0.35


@pytest.mark.parametrize(
    ("pair", "distance"),
    [
        (("Ba", 2, "I", -1), 3.59),  # BaI2, mean of 7 + 2
        (("Be", 2, "S", -2), 2.10),  # BeS
        (("B", 3, "Cl", -1), 1.75),  # BCl3
        (("Mg", 2, "Te", -2), 2.77),  # MgTe
    ],
)
def test_minima_left_out_by_the_source(pair: tuple[str, int, str, int], distance: float) -> None:
    assert bond_valence_parameters(*pair).r_min == pytest.approx(distance, abs=0.25)


@pytest.mark.parametrize(
    ("pair", "n_neighbours", "distance"),
    [
        (("Li", 1, "H", -1), 6, 2.042),  # LiH
        (("Li", 1, "As", -3), 4, 2.66),  # Li3As
        (("Al", 3, "H", -1), 6, 1.715),  # AlH3
        (("B", 3, "H", -1), 4, 1.22),  # LiBH4
        (("H", 1, "O", -2), 1, 0.957),  # H2O
        (("Li", 1, "Bi", -3), 4, 2.91),  # Li3Bi, estimated
        (("Ho", 3, "Cl", -1), 6, 2.61),  # Li3HoCl6, estimated
        (("Er", 3, "Br", -1), 6, 2.76),  # Li3ErBr6, estimated
        (("Sm", 3, "Cl", -1), 6, 2.70),  # Cs2NaSmCl6, estimated
    ],
)
def test_bonds_beyond_the_peer_sum_to_the_valence(
    pair: tuple[str, int, str, int], n_neighbours: int, distance: float
) -> None:
    found = bond_valence_parameters(*pair)
    total = n_neighbours * math.exp((found.r0 - distance) / found.b)
    assert total == pytest.approx(pair[1], rel=0.2)
    assert found.source != "softBV"


def test_estimates_are_as_near_as_the_documentation_says() -> None:
    minima, depths = [], []
    for row in rows():
        if not row["r_min"]:
            continue
        try:
            estimate = estimated_parameters(*key_of(row))
        except UnknownBondValence:
            continue
        minima.append(abs(estimate.r_min - float(row["r_min"])))
        depths.append(abs(estimate.d0 / float(row["d0"]) - 1))
    assert len(minima) > 500
    assert np.median(minima) < 0.03 and np.quantile(minima, 0.9) < 0.11
    assert np.median(depths) < 0.02 and np.quantile(depths, 0.9) < 0.5


@pytest.mark.parametrize(
    "pair", [("Li", 1, "H", -1), ("Na", 1, "H", -1), ("Na", 1, "P", -3), ("K", 1, "As", -3), ("Y", 3, "S", -2)]
)
def test_softness_gives_b(pair: tuple[str, int, str, int]) -> None:
    assert estimated_parameters(*pair).b == pytest.approx(bond_valence_parameters(*pair).b, abs=0.002)


def test_an_ion_without_softness_takes_that_of_its_element() -> None:
    """softBV has no softness of Tb4+; read as a number, it would make the bond three times as soft as any."""
    assert 0.35 < bond_valence_parameters("Tb", 4, "F", -1).b < 0.6


def test_other_charges_of_an_anion_take_its_row() -> None:
    sulfide, disulfide = (bond_valence_parameters("Li", 1, "S", charge) for charge in (-2, -1))
    assert (disulfide.r0, disulfide.b) == (sulfide.r0, sulfide.b)
    assert "S2-" in disulfide.source
    assert disulfide.d0 == pytest.approx(sulfide.d0 / 2 * sulfide.r_min / disulfide.r_min, rel=1e-4)


@given(st.floats(0.001, 0.999))
def test_mean_charges_lie_between_whole_ones(weight: float) -> None:
    low, high = bond_valence_parameters("Ti", 3, "O", -2), bond_valence_parameters("Ti", 4, "O", -2)
    mean = bond_valence_parameters("Ti", 3 + weight, "O", -2)
    for name in ("r0", "b", "r_min", "d0"):
        ends = getattr(low, name), getattr(high, name)
        assert getattr(mean, name) == pytest.approx((1 - weight) * ends[0] + weight * ends[1], rel=1e-6)
    assert bond_valence_parameters("Li", 0.5, "O", -2).r0 == pytest.approx(1.17096)


@pytest.mark.parametrize("pair", [("Li", 1, "He", -1), ("Ne", 1, "O", -2), ("Ac", 3, "O", -2), ("Li", 1, "Al", -3)])
def test_unknown_pairs_are_refused(pair: tuple[str, int, str, int]) -> None:
    with pytest.raises(UnknownBondValence):
        bond_valence_parameters(*pair)


@pytest.mark.parametrize(
    ("pair", "field"),
    [
        (("Xx", 1, "O", -2), "cation"),
        (("Li", 1, "D", -1), "anion"),
        (("Li", -1, "O", -2), "cation_charge"),
        (("Li", 0, "O", -2), "cation_charge"),
        (("Li", 1, "O", 2), "anion_charge"),
        (("Li", math.nan, "O", -2), "cation_charge"),
    ],
)
def test_pairs_that_are_none_are_refused(pair: tuple[str, float, str, float], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        bond_valence_parameters(*pair)
    assert caught.value.field == field


def test_radii_and_quantum_numbers_against_ase_and_pymatgen() -> None:
    for number in range(1, 97):
        symbol = ase.data.chemical_symbols[number]
        assert covalent_radius(symbol) == pytest.approx(ase.data.covalent_radii[number])
        period = Element(symbol).row
        assert principal_quantum_number(symbol) == (period - 2 if period > 7 else period), symbol
    with pytest.raises(UnknownBondValence):
        covalent_radius("Og")
    with pytest.raises(InvalidValue):
        principal_quantum_number("Xx")


def test_radii_and_charges_of_softbv() -> None:
    assert [softbv_radius("Li", 1), softbv_radius("O", -2), softbv_radius("H", -1), softbv_radius("H", 1)] == [
        1.31,
        1.33,
        1.14,
        0.37,
    ]
    assert softbv_radius("Ti", 3.8) == softbv_radius("Ti", 4)
    assert tabulated_charges("S") == (-2, 4, 6)
    assert tabulated_charges("Fe") == (2, 3, 4)
    assert tabulated_charges("He") == ()
    with pytest.raises(UnknownBondValence):
        softbv_radius("Li", -1)
