"""The sublattice of the mobile ion: how many ions and vacancies it has, and how far it is from one to the next.

The positions of the sublattice are the sites that hold the ion at all; refined structures split many of them into parts
that exclude each other, which `occupancies.count_positions` counts once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from superion.featurizers.crystal import Crystal
from superion.featurizers.occupancies import (
    Occupancies,
    check_ion,
    count_positions,
    expected_nearest,
    fall,
    split_share,
)

__all__ = ["MobileSublattice", "mobile_sublattice"]

REACH = 8.0
"""Largest distance between ions that is told from larger ones [angstrom]."""
NEIGHBOR_FULL, NEIGHBOR_NONE = 4.0, 5.0
"""Distances up to which an ion counts as a neighbour and from which it does not [angstrom]; about one jump."""


@dataclass(frozen=True)
class MobileSublattice:
    """Hold the descriptors of the sublattice of one ion; without ions in the crystal all but the densities are NaN."""

    ion_density: float
    """Ions per volume [1/angstrom^3]; 0 without ions."""
    position_density: float
    """Positions of the sublattice, split sites counted once, per volume [1/angstrom^3]; 0 without ions."""
    vacancy_fraction: float
    """Vacant share, vacancies / (vacancies + ions), of the positions, from 0 on [1].

    A position is vacant as far as no element is on it or on a site that it excludes, so what other elements take on a
    shared site is neither vacancy nor ion.
    """
    site_vacancy_fraction: float
    """The same when every site is a position of its own, as if the parts of a split one could all be filled [1]."""
    foreign_fraction: float
    """Share of the atoms on the sites of the ion that are not the ion [1]."""
    entropy: float
    """Entropy of which atom or vacancy, and which part of a split site, is found at a position [Boltzmann constant].

    Mean over the positions, each taken to be independent of the others.
    """
    shortest_distance: float
    """Shortest distance between two positions of the sublattice [angstrom], up to 8; closer than 1.2 they are one."""
    jump_distance: float
    """Distance from a position to the nearest other one, filled or not, mean over the ions [angstrom], at most 8."""
    ion_distance: float
    """Expected distance from an ion to the nearest other ion, mean over the ions [angstrom], at most 8.

    Positions are taken to be filled independently, with their occupancies as probabilities.
    """
    ion_neighbors: float
    """Expected number of ions within about 4.5 angstrom of an ion (smooth from 4 to 5), mean over the ions [1]."""


def mobile_sublattice(crystal: Crystal, ion: str = "Li") -> MobileSublattice:
    """Describe the sublattice of `ion`. Raises InvalidValue for an ion that is no element."""
    return describe_sublattice(Occupancies.of(crystal), check_ion(ion))


def describe_sublattice(contents: Occupancies, ion: str) -> MobileSublattice:
    """Do what `mobile_sublattice` does for contents that are at hand."""
    n_ions = float(contents.of_element(ion).sum())
    if n_ions == 0.0:
        return MobileSublattice(0.0, 0.0, *[math.nan] * 8)
    bearing = contents.of_element(ion) > 0.0
    positions, vacant, entropy = count_positions(contents, bearing)
    at_sites = float(np.maximum(0.0, 1.0 - contents.totals[bearing]).sum())
    n_vacant = float((positions * vacant).sum())
    n_atoms = float(contents.totals[bearing].sum())
    return MobileSublattice(
        n_ions / contents.volume,
        float(positions.sum()) / contents.volume,
        n_vacant / (n_vacant + n_ions),
        at_sites / (at_sites + n_ions),
        max(0.0, 1.0 - n_ions / n_atoms),
        float((positions * entropy).sum() / positions.sum()),
        *_distances(contents.part(bearing), ion),
    )


def _distances(sublattice: Occupancies, ion: str) -> tuple[float, float, float, float]:
    """Return the shortest distance, the mean jump, the expected distance of ions and the number of them around one."""
    ions = sublattice.of_element(ion)
    weight = ions / ions.sum()
    i, j, _, distance = sublattice.pairs(REACH)
    apart = 1.0 - split_share(distance)
    shortest = float(distance[apart >= 0.5].min(initial=REACH))
    near = fall(distance, NEIGHBOR_FULL, NEIGHBOR_NONE)
    around = np.bincount(i, near * apart * ions[j], len(ions))
    jump = expected_nearest(i, distance, apart, len(ions), REACH)
    between = expected_nearest(i, distance, np.minimum(1.0, ions[j]) * apart, len(ions), REACH)
    return shortest, float(weight @ jump), float(weight @ between), float(weight @ around)
