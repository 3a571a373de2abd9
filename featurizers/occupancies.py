"""What fills the positions of a crystal, as arrays: one row per position, one column per element.

Two sites that are closer than atoms can be are alternatives: the parts of a split position, of which at most one is
filled at a time. `split_share` says to what share two sites are one position; it falls smoothly, so that descriptors
made with it do not jump when a coordinate moves a little.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidValue
from superion.featurizers.crystal import Crystal
from superion.featurizers.crystal_checks import SAME_POSITION
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.neighbors import Pairs, neighbor_list
from superion.featurizers.positions import group_positions

__all__ = ["Occupancies", "check_ion", "count_positions", "expected_nearest", "fall", "split_share"]

ONE_POSITION = 1.0
"""Distance up to which two sites are one position, filled once at most [angstrom]."""
TWO_POSITIONS = 1.4
"""Distance from which two sites are two positions [angstrom].

In the OBELiX training crystals (247 with lithium) hardly any two lithium sites closer than 1.6 angstrom have
occupancies that sum to more than 1.
"""

Floats = npt.NDArray[np.float64]


def fall(distance: Floats, start: float, end: float) -> Floats:
    """Return the weight that falls smoothly from 1 at `start` to 0 at `end`, both [angstrom]."""
    x = np.clip((distance - start) / (end - start), 0.0, 1.0)
    return 1.0 - x * x * (3.0 - 2.0 * x)


def split_share(distance: Floats) -> Floats:
    """Return to what share, 0 to 1, two sites at each distance [angstrom] are one position."""
    return fall(distance, ONE_POSITION, TWO_POSITIONS)


def expected_nearest(i: np.ndarray, distance: Floats, probability: Floats, n_sites: int, reach: float) -> Floats:
    """Return the expected distance `(n_sites,)` of the nearest neighbour that is there [angstrom], at most `reach`.

    Neighbours of site `i`, in order of i, are there with a `probability` each, independently of the others.
    """
    counts = np.bincount(i, minlength=n_sites)
    rank = np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (n_sites, int(counts.max(initial=0)) + 1)
    distances, chances = np.full(shape, reach), np.ones(shape)  # the last column stands for none within reach
    distances[i, rank] = distance
    chances[i, rank] = probability
    order = np.argsort(distances, axis=1, kind="stable")
    distances, chances = np.take_along_axis(distances, order, 1), np.take_along_axis(chances, order, 1)
    none_before = np.cumprod(np.column_stack([np.ones(n_sites), 1.0 - chances[:, :-1]]), axis=1)
    expected: Floats = (distances * chances * none_before).sum(axis=1)
    return expected


def check_ion(ion: str) -> str:
    """Return `ion`, which is the symbol of an element, or raise InvalidValue."""
    if ion not in ATOMIC_NUMBER:
        raise InvalidValue(f"{ion!r} is not an element symbol, such as Li", field="ion", value=ion)
    return ion


@dataclass(frozen=True, eq=False)
class Occupancies:
    """Hold the contents of the positions of a crystal.

    Sites within 0.1 angstrom of each other are one position with the contents of all of them, at their mean weighted by
    occupancy; so it does not matter whether an element is given once or in parts.
    """

    lattice: Floats
    """Shape (3, 3), rows are the lattice vectors [angstrom]."""
    fractional_coordinates: Floats
    """Shape (n_positions, 3)."""
    symbols: tuple[str, ...]
    """The elements of the crystal by atomic number."""
    amounts: Floats
    """Shape (n_positions, n_elements): occupancy of each position by each element."""

    @classmethod
    def of(cls, crystal: Crystal) -> Occupancies:
        """Collect the contents of a crystal."""
        numbers, columns = np.unique(crystal.species_atomic_numbers, return_inverse=True)
        amounts = np.zeros((crystal.n_sites, len(numbers)))
        rows = np.repeat(np.arange(crystal.n_sites), np.diff(crystal.species_offsets))
        np.add.at(amounts, (rows, columns), crystal.species_occupancies)
        symbols = tuple(SYMBOLS[number - 1] for number in numbers)
        fractional = crystal.fractional_coordinates
        groups, n_groups = group_positions(crystal.lattice, fractional, SAME_POSITION)
        if n_groups < crystal.n_sites:
            fractional, amounts = _merged(fractional, amounts, groups)
        return cls(crystal.lattice, fractional, symbols, amounts)

    @property
    def volume(self) -> float:
        """Return the cell volume [angstrom^3]."""
        return abs(float(np.linalg.det(self.lattice)))

    @cached_property
    def totals(self) -> Floats:
        """Return the occupancy `(n_positions,)` of each position by all elements."""
        totals: Floats = self.amounts.sum(axis=1)
        return totals

    def of_element(self, symbol: str) -> Floats:
        """Return the occupancy `(n_positions,)` of each position by one element; 0 for an element that is not there."""
        if symbol not in self.symbols:
            return np.zeros(len(self.amounts))
        return self.amounts[:, self.symbols.index(symbol)]

    def pairs(self, cutoff: float) -> Pairs:
        """Return the pairs of positions no further apart than `cutoff` [angstrom], as `neighbor_list` does."""
        return neighbor_list(self, cutoff)

    @cached_property
    def split_pairs(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
        """Return `i`, `j` and `share` (n_pairs,) of the directed pairs of positions with a `split_share` above 0."""
        i, j, _, distance = self.pairs(TWO_POSITIONS)
        return i, j, split_share(distance)

    def part(self, chosen: npt.NDArray[np.bool_]) -> Occupancies:
        """Return the positions that `chosen` `(n_positions,)` marks."""
        return Occupancies(self.lattice, self.fractional_coordinates[chosen], self.symbols, self.amounts[chosen])


def _merged(fractional: Floats, amounts: Floats, group: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the mean position and the summed contents of each group of sites."""
    n_groups = int(group.max()) + 1
    first = np.zeros(n_groups, dtype=np.intp)
    first[group[::-1]] = np.arange(len(group))[::-1]
    summed = np.zeros((n_groups, amounts.shape[1]))
    np.add.at(summed, group, amounts)
    offset = fractional - fractional[first][group]
    offset -= np.round(offset)  # the image next to the first member
    moved = np.zeros((n_groups, 3))
    np.add.at(moved, group, offset * amounts.sum(axis=1, keepdims=True))
    return fractional[first] + moved / summed.sum(axis=1, keepdims=True), summed


def count_positions(contents: Occupancies, chosen: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return how many positions each chosen site is, its vacant share and its entropy [Boltzmann constant], each
    (n_chosen,).

    With e_ij the share to which sites i and j are one position (`split_share`), a site is 1 / (1 + sum of e_ij over the
    other chosen ones) positions: exact for groups of sites that all exclude each other, as the 96h pairs of cubic
    garnets; of a chain of close sites along a channel it counts too few. What is vacant, and what the entropy is of, is
    the site together with all sites that it excludes, chosen or not.
    """
    i, j, share = contents.split_pairs
    n_sites = len(chosen)
    others = np.bincount(i, share * chosen[j], n_sites)
    vacant = np.maximum(0.0, 1.0 - contents.totals - np.bincount(i, share * contents.totals[j], n_sites))
    of_atoms = -_x_log_x(contents.amounts).sum(axis=1)
    entropy = of_atoms + np.bincount(i, share * of_atoms[j], n_sites) - _x_log_x(vacant)
    positions: Floats = np.asarray(1.0 / (1.0 + others), dtype=np.float64)
    return positions[chosen], vacant[chosen], np.maximum(0.0, entropy)[chosen]


def _x_log_x(x: Floats) -> Floats:
    """Return x log x, which is 0 at 0, and also above 1, where occupancies only round to more."""
    clipped = np.clip(x, 1e-300, 1.0)
    product: Floats = clipped * np.log(clipped)
    return product
