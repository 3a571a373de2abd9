"""Bond-valence sums against a sum over images written out, against the valences of textbook crystals, and at faults."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from superion.errors import UnknownBondValence
from superion.featurizers.bond_valence import bond_valence_parameters
from superion.featurizers.crystal import Crystal
from superion.featurizers.valence_sums import CUTOFF, bond_valence_sums, contacts, global_instability_index

from ._textbook import TEXTBOOKS

LATTICE = np.array([[5.1, 0, 0], [0.4, 5.6, 0], [-0.7, 0.3, 6.2]])
# Mixed cations, a vacancy, a split anion 0.8 angstrom from its other half, and a third anion.
DISORDERED = Crystal(
    LATTICE,
    [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.05, 0.1], [0.5, 0.05, 0.23], [0.1, 0.5, 0.3]],
    ((("Li", 0.6), ("Na", 0.3)), (("P", 0.9), ("Si", 0.1)), (("S", 0.55),), (("S", 0.4),), (("Cl", 1.0),)),
)
CHARGES = np.array([1.0, 1.0, 5.0, 4.0, -2.0, -2.0, -1.0])


def written_out(crystal: Crystal, charges: np.ndarray) -> list[float]:
    """Return the sums by loops over all entries and the images of their cells."""
    entries = [(site, s, occ) for site, held in enumerate(crystal.species) for s, occ in held]
    entries = [(*entry, q) for entry, q in zip(entries, charges.tolist(), strict=True)]
    sums = []
    for site, symbol, _, charge in entries:
        total = 0.0
        for other, partner, occupancy, partner_charge in entries:
            if charge * partner_charge >= 0:
                continue
            pair = ((symbol, charge), (partner, partner_charge))
            cation, anion = pair if charge > 0 else pair[::-1]
            found = bond_valence_parameters(*cation, *anion)
            for shift in itertools.product(range(-3, 4), repeat=3):
                step = crystal.fractional_coordinates[other] + shift - crystal.fractional_coordinates[site]
                distance = float(np.linalg.norm(step @ crystal.lattice))
                if distance <= CUTOFF:
                    total += occupancy * math.exp((found.r0 - distance) / found.b)
        sums.append(total)
    return sums


def test_sums_are_those_written_out() -> None:
    assert bond_valence_sums(DISORDERED, CHARGES) == pytest.approx(written_out(DISORDERED, CHARGES), rel=1e-9)


def test_instability_is_the_weighted_root_mean_square() -> None:
    occupancies = [occupancy for site in DISORDERED.species for _, occupancy in site]
    squares = (np.array(written_out(DISORDERED, CHARGES)) - np.abs(CHARGES)) ** 2
    expected = math.sqrt(np.dot(squares, occupancies) / sum(occupancies))
    assert global_instability_index(DISORDERED, CHARGES) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "name", ["LiF", "LiH", "LiCoO2", "TiO2", "SrTiO3", "MgAl2O4", "CeO2", "LiNbO3", "CaCO3", "K2PtCl6", "Li2Te", "SnO"]
)
def test_sums_of_textbook_crystals_are_near_the_valences(name: str) -> None:
    crystal, states = TEXTBOOKS[name]
    charges = np.array([states[symbol][0] for site in crystal.species for symbol, _ in site], dtype=float)
    sums = bond_valence_sums(crystal, charges)
    assert sums == pytest.approx(np.abs(charges), rel=0.15)


def test_alternatives_are_no_neighbours() -> None:
    """Half an oxygen a third of a bond away from half a lithium is there when the lithium is not."""

    def crystal(lithium: float, oxygen: float) -> Crystal:
        return Crystal(
            np.eye(3) * 9.0,
            [[0, 0, 0], [0.07, 0, 0], [0.22, 0, 0]],
            ((("Li", lithium),), (("O", oxygen),), (("O", 1.0),)),
        )

    charges = np.array([1.0, -2.0, -2.0])
    found = bond_valence_parameters("Li", 1, "O", -2)
    far, near = (math.exp((found.r0 - d) / found.b) for d in (1.98, 0.63))
    assert bond_valence_sums(crystal(0.5, 0.5), charges) == pytest.approx([far, 0.0, 0.5 * far])
    assert bond_valence_sums(crystal(1.0, 0.5), charges) == pytest.approx([far + 0.5 * near, near, far])


def test_sites_on_one_position_are_one_site_of_both() -> None:
    apart = Crystal(LATTICE, [[0, 0, 0], [0, 0, 0], [0.4, 0, 0]], ((("Li", 0.5),), (("Na", 0.5),), (("Cl", 1.0),)))
    together = Crystal(LATTICE, [[0, 0, 0], [0.4, 0, 0]], ((("Li", 0.5), ("Na", 0.5)), (("Cl", 1.0),)))
    charges = np.array([1.0, 1.0, -1.0])
    assert bond_valence_sums(apart, charges) == pytest.approx(bond_valence_sums(together, charges))
    assert contacts(apart).at_position.tolist() == [1.0, 1.0, 1.0]


def test_pairs_without_parameters() -> None:
    crystal = Crystal(LATTICE, [[0, 0, 0], [0.5, 0, 0]], ((("Ac", 1.0),), (("O", 1.0),)))
    with pytest.raises(UnknownBondValence):
        bond_valence_sums(crystal, np.array([3.0, -3.0]))
    assert global_instability_index(crystal, np.array([3.0, -3.0])) is None
    assert bond_valence_sums(crystal, np.array([3.0, 0.0])).tolist() == [0.0, 0.0]
