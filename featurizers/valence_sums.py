"""Bond-valence sums of crystals with disordered sites.

The sum of an ion is taken over its neighbours of opposite charge, each weighted with its occupancy: what the ion meets
on average, given that it is there. A split position thus counts its parts once together. Two sites that cannot be
filled at once, because they lie much closer than a bond and their occupancies leave room for one only, are alternatives
and no neighbours of each other.

The parameters are softBV's, which count neighbours beyond the first shell.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from superion.errors import UnknownBondValence
from superion.featurizers.bond_valence import BondValenceParameters, bond_valence_parameters
from superion.featurizers.crystal import Crystal
from superion.featurizers.crystal_checks import SAME_POSITION
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.neighbors import neighbor_list

__all__ = ["CUTOFF", "Contacts", "bond_valence_sums", "contacts", "global_instability_index"]

CUTOFF = 6.0
"""Range of the sums [angstrom]; beyond it a bond of lithium to a chalcogenide ion is below 0.001 valence units."""
ALTERNATIVE = 0.7
"""Fraction of a bond length below which two sites that share one occupancy are alternatives."""
ONE_ATOM = 1.05
"""Sum of occupancies up to which two positions hold one atom between them."""


class Contacts(NamedTuple):
    """Hold the pairs of sites of a crystal that lie within a cutoff."""

    i: NDArray[np.int64]
    """Shape (n_pairs,), site."""
    j: NDArray[np.int64]
    """Shape (n_pairs,), neighbouring site."""
    distance: NDArray[np.float64]
    """Shape (n_pairs,) [angstrom]."""
    exclusive: NDArray[np.bool_]
    """Shape (n_pairs,): the occupancies at both positions sum to one atom at most."""
    at_position: NDArray[np.float64]
    """Shape (n_sites,): the occupancies at the position of each site, those of sites on the same position included."""


def contacts(crystal: Crystal, cutoff: float = CUTOFF) -> Contacts:
    """Return the pairs of sites within `cutoff` [angstrom]."""
    i, j, _, distance = neighbor_list(crystal, cutoff)
    per_site = np.add.reduceat(crystal.species_occupancies, crystal.species_offsets[:-1])
    same = distance < SAME_POSITION
    at_position = per_site + np.bincount(i[same], weights=per_site[j[same]], minlength=crystal.n_sites).astype(float)
    return Contacts(i, j, distance, at_position[i] + at_position[j] <= ONE_ATOM, at_position)


def bond_valence_sums(
    crystal: Crystal, charges: NDArray[np.float64], pairs: Contacts | None = None
) -> NDArray[np.float64]:
    """Return the bond-valence sum `(n_entries,)` of each species entry [valence units], positive for anions too.

    `charges` is `(n_entries,)`, aligned with `crystal.species_atomic_numbers`; entries of charge 0 have no bonds.

    Raises UnknownBondValence where a pair of ions that lies within the cutoff has no parameters.
    """
    pairs = contacts(crystal) if pairs is None else pairs
    sites = np.repeat(np.arange(crystal.n_sites), np.diff(crystal.species_offsets))
    entries = list(zip(crystal.species_atomic_numbers.tolist(), charges.tolist(), strict=True))
    ions = sorted(set(entries))
    index = {ion: k for k, ion in enumerate(ions)}
    ion_of_entry = np.array([index[ion] for ion in entries])
    held = np.zeros((len(ions), crystal.n_sites))
    np.add.at(held, (ion_of_entry, sites), crystal.species_occupancies)
    sums = np.zeros_like(held)
    cations = [(index, SYMBOLS[z - 1], q) for index, (z, q) in enumerate(ions) if q > 0]
    anions = [(index, SYMBOLS[z - 1], q) for index, (z, q) in enumerate(ions) if q < 0]
    for cation, cation_symbol, cation_charge in cations:
        from_cation = np.flatnonzero(held[cation][pairs.i])
        neighbours = pairs.j[from_cation]
        for anion, anion_symbol, anion_charge in anions:
            bonds = from_cation[held[anion][neighbours] > 0]
            if len(bonds) == 0:
                continue
            parameters = bond_valence_parameters(cation_symbol, cation_charge, anion_symbol, anion_charge)
            i, j, valence = _valences(pairs, bonds, parameters)
            sums[cation] += np.bincount(i, weights=valence * held[anion][j], minlength=crystal.n_sites)
            sums[anion] += np.bincount(j, weights=valence * held[cation][i], minlength=crystal.n_sites)
    return sums[ion_of_entry, sites]


def _valences(
    pairs: Contacts, bonds: NDArray[np.intp], parameters: BondValenceParameters
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return both sites `(n_bonds,)` and the valence `(n_bonds,)` of the given pairs, without alternatives."""
    distance = pairs.distance[bonds]
    alternatives = pairs.exclusive[bonds] & (distance < ALTERNATIVE * parameters.r_min)
    bonds, distance = bonds[~alternatives], distance[~alternatives]
    return pairs.i[bonds], pairs.j[bonds], np.exp((parameters.r0 - distance) / parameters.b)


def global_instability_index(
    crystal: Crystal, charges: NDArray[np.float64], pairs: Contacts | None = None
) -> float | None:
    """Return the root mean square deviation of the bond-valence sums from the charges [valence units].

    Weighted by occupancy; None where a pair of ions has no parameters. After A. Salinas-Sanchez et al., J. Solid State
    Chem. 100, 201-211 (1992).
    """
    try:
        sums = bond_valence_sums(crystal, charges, pairs)
    except UnknownBondValence:
        return None
    return math.sqrt(float(np.average((sums - np.abs(charges)) ** 2, weights=crystal.species_occupancies)))
