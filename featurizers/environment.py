"""The surroundings of the mobile ion: its bonds to anions, its coordination and the cations next to it.

The coordination number is the effective one of Hoppe (Z. Kristallogr. 150, 23 (1979)), which needs no cutoff: a bond of
reduced length x counts exp(1 - (x / x_mean)^6), where x_mean is the mean over the bonds with these very weights. The
reduced length is the distance over the sum of the radii of ion and anion, so that a large anion counts beside a small
one; with anions of one element it makes no difference. Where `data/ionic_radii.csv` lacks a radius, all radii are taken
as equal. Here a bond counts times the occupancy of the anion, and not at all where ion and anion exclude each other
(`split_share`). Means over the ions are weighted by their occupancies. `ionic_radii.anions` says what an anion is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superion.featurizers.crystal import Crystal
from superion.featurizers.ionic_radii import anions, ionic_radii
from superion.featurizers.occupancies import Floats, Occupancies, check_ion, expected_nearest, fall, split_share

__all__ = ["IonEnvironment", "ion_environment"]

REACH = 5.0
"""Largest distance from an ion that is looked at [angstrom]."""
CATION_FULL, CATION_NONE = 3.5, 4.5
"""Distances up to which a cation counts as a neighbour and from which it does not [angstrom]."""
_MAX_ROUNDS = 100
_CONVERGED = 1e-10


@dataclass(frozen=True)
class IonEnvironment:
    """Hold the descriptors of the surroundings of one ion.

    Without ions, and without an anion within 5 angstrom of any, all are NaN; an ion that has none takes no part.
    """

    bond_shortest: float
    """Shortest distance between an ion and an anion [angstrom]; closer than 1.2 exclude each other."""
    bond_mean: float
    """Mean bond length, each weighted as said above [angstrom]."""
    bond_spread: float
    """Standard deviation of the reduced bond lengths around one ion over their mean [1]."""
    off_centre: float
    """Distance of the ion from the mean position of its anions, each weighted as its bond is [angstrom]."""
    coordination: float
    """Effective number of anions around an ion [1]."""
    coordination_spread: float
    """Standard deviation of that number among the ions [1]; 0 where all are alike."""
    anion_mixing: float
    """Chance that two bonds of an ion, drawn by their weights, lead to different elements [1]."""
    anion_disorder: float
    """Chance that an anion next to an ion is on a mixed or partly vacant position: 1 minus its occupancy there [1]."""
    cation_distance: float
    """Expected distance from an ion to the nearest other cation [angstrom], at most 5."""
    cation_neighbors: float
    """Expected number of other cations within about 4 angstrom (smooth from 3.5 to 4.5) [1]."""


def ion_environment(crystal: Crystal, ion: str = "Li") -> IonEnvironment:
    """Describe the surroundings of `ion`. Raises InvalidValue for an ion that is no element."""
    contents = Occupancies.of(crystal)
    return describe_environment(contents, anions(contents), check_ion(ion))


def describe_environment(contents: Occupancies, is_anion: npt.NDArray[np.bool_], ion: str) -> IonEnvironment:
    """Do what `ion_environment` does for contents that are at hand, with their anions marked as `anions` does."""
    ions = contents.of_element(ion)
    others = contents.amounts * [symbol != ion for symbol in contents.symbols]
    by_anions, by_cations = others * is_anion, others * ~is_anion
    i, j, shift, distance = contents.pairs(REACH)
    chosen = (ions[i] > 0.0) & (split_share(distance) < 1.0)
    i, j, shift, distance = i[chosen], j[chosen], shift[chosen], distance[chosen]
    apart = 1.0 - split_share(distance)
    occupancy = apart * by_anions.sum(axis=1)[j]
    bonds = occupancy > 0.0
    n_sites = len(ions)
    reduced = distance[bonds] / _touching(contents, by_anions, ion)[j[bonds]]
    mean, weight = effective_bonds(i[bonds], reduced, occupancy[bonds], n_sites)
    number = np.bincount(i[bonds], weight, n_sites)
    share = np.where(number > 0.0, ions, 0.0)  # of the ions, those with an anion near them
    if not share.sum() > 0.0:
        return IonEnvironment(*[math.nan] * 10)
    share /= share.sum()
    each = np.maximum(number, 1e-300)

    def of_bonds(values: Floats) -> Floats:
        """Return the weighted mean over the bonds of each ion."""
        return np.bincount(i[bonds], weight * values, n_sites) / each

    spread = np.sqrt(of_bonds((reduced - mean[i[bonds]]) ** 2)) / mean
    vectors = (contents.fractional_coordinates[j] - contents.fractional_coordinates[i] + shift)[
        bonds
    ] @ contents.lattice
    centre = np.stack([of_bonds(component) for component in vectors.T], axis=1)
    elements = by_anions[j[bonds]]
    largest = np.minimum(1.0, elements.max(axis=1))
    elements = elements / elements.sum(axis=1, keepdims=True)
    same = sum(of_bonds(column) ** 2 for column in elements.T)
    coordination = float(share @ number)
    return IonEnvironment(
        float(distance[bonds & (apart >= 0.5)].min(initial=REACH)),
        float(share @ of_bonds(distance[bonds])),
        float(share @ spread),
        float(share @ np.linalg.norm(centre, axis=1)),
        coordination,
        math.sqrt(max(0.0, float(share @ (number - coordination) ** 2))),
        max(0.0, 1.0 - float(share @ same)),
        max(0.0, 1.0 - float(share @ of_bonds(largest))),
        *_cations(i, j, distance, apart, by_cations.sum(axis=1), ions / ions.sum()),
    )


def _touching(contents: Occupancies, by_anions: Floats, ion: str) -> Floats:
    """Return the distance (n_positions,) at which the ion touches the anions of a position; 1 for unknown radii."""
    of_cations, of_anions = ionic_radii((*contents.symbols, ion))
    held = by_anions.sum(axis=1)
    radius = np.where(by_anions > 0.0, by_anions * of_anions[:-1], 0.0).sum(axis=1) / np.where(held > 0.0, held, 1.0)
    touching = radius + of_cations[-1]
    return np.ones_like(held) if np.isnan(touching).any() else touching


def effective_bonds(i: np.ndarray, length: Floats, occupancy: Floats, n_sites: int) -> tuple[Floats, Floats]:
    """Return the mean length (n_sites,) of the bonds of each site, as long as one can be without any, and their
    weights.

    Starts at the expected length of the shortest bond, which in an ordered crystal is the shortest; an anion that is
    hardly ever there, however close, does not hide the others. Stops when no mean changes by more than 1e-10.
    """
    mean = expected_nearest(i, length, np.minimum(1.0, occupancy), n_sites, float(length.max(initial=1.0)))
    for _ in range(_MAX_ROUNDS):
        weight = occupancy * np.exp(1.0 - (length / mean[i]) ** 6)
        total = np.bincount(i, weight, n_sites)
        updated = np.divide(np.bincount(i, weight * length, n_sites), total, out=mean.copy(), where=total > 0.0)
        change = float(np.abs(updated - mean).max(initial=0.0))
        mean = updated
        if change < _CONVERGED:
            break
    return mean, weight


def _cations(
    i: np.ndarray, j: np.ndarray, distance: Floats, apart: Floats, occupancy: Floats, share: Floats
) -> tuple[float, float]:
    """Return the expected distance to the nearest other cation and the expected number of them."""
    nearest = expected_nearest(i, distance, np.minimum(1.0, occupancy[j]) * apart, len(share), REACH)
    near = fall(distance, CATION_FULL, CATION_NONE)
    around = np.bincount(i, near * apart * occupancy[j], len(share))
    return float(share @ nearest), float(share @ around)
