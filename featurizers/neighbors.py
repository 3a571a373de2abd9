"""Periodic neighbours of the sites of a crystal.

The pair `(i, j, shift)` leads from site `i` to the image of site `j` displaced by `shift` lattice vectors:
`r_ij = r_j - r_i + shift @ lattice`, with the coordinates exactly as the crystal gives them. Pairs are directed and
ordered by `i`, then `j`, then `shift`. `csrc/neighbors.h` states the rest: images of a site are its neighbours, the
site itself is not, two sites on one position are a pair of distance zero, and a shell that lies on the cutoff to within
1e-9 of it is in the list whole.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidCrystal, InvalidValue
from superion.featurizers._neighbors import find_neighbors

__all__ = ["MAX_PAIRS", "HasSites", "Pairs", "nearest_neighbors", "neighbor_list"]

MAX_PAIRS = 20_000_000
"""Most pairs returned unless asked otherwise; they take 0.7 GB, and finding them at most 5.1 GB.

A search limited to `max_pairs` looks at no more than 1,000,000 + 8 n_sites + 2 max_pairs periodic images, or is refused
before it holds any. It takes at most `BYTES_PER_IMAGE` for each of these and `BYTES_PER_PAIR` for each of `max_pairs`.
Only cells of a few sites with cutoffs of hundreds of angstrom come near (one site and 19 million pairs took 3.0 GB);
10,000 sites and 19 million pairs took 0.7 GB.
"""
BYTES_PER_IMAGE = 100
"""Most memory that a search takes per periodic image that it looks at [bytes]."""
BYTES_PER_PAIR = 48
"""Most memory that a search takes per pair, the growth of its arrays counted in [bytes]."""

Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64]]
"""The arrays `i` (n_pairs,), `j` (n_pairs,), `shift` (n_pairs, 3) and `distance` (n_pairs,) [angstrom]."""


class HasSites(Protocol):
    """Anything with a lattice and sites in it."""

    @property
    def lattice(self) -> npt.NDArray[np.float64]:
        """Shape (3, 3) [angstrom]; the rows are the lattice vectors."""

    @property
    def fractional_coordinates(self) -> npt.NDArray[np.float64]:
        """Shape (n_sites, 3); need not lie in [0, 1)."""


def neighbor_list(crystal: HasSites, cutoff: float, *, max_pairs: int = MAX_PAIRS) -> Pairs:
    """Find all directed pairs of sites no further apart than `cutoff` [angstrom].

    Returns `i` int64 (n_pairs,), `j` int64 (n_pairs,), `shift` int32 (n_pairs, 3) and `distance` float64 (n_pairs,)
    [angstrom]. `max_pairs` bounds the memory too, as `MAX_PAIRS` says; 0 sets no limit.

    Raises InvalidValue for a cutoff that is not above zero or gives more than `max_pairs` pairs, and InvalidCrystal for
    a lattice without volume or for numbers that are not finite.
    """
    return _find(crystal, cutoff, 0, max_pairs)


def nearest_neighbors(crystal: HasSites, cutoff: float, count: int, *, max_pairs: int = MAX_PAIRS) -> Pairs:
    """Find the `count` nearest neighbours of every site, among those no further than `cutoff` [angstrom].

    All neighbours that tie with the last one to within 1e-3 angstrom are kept, so a site may have more than `count`:
    keeping part of a shell would make the graph depend on the orientation and numbering of the crystal. Returns what
    `neighbor_list` does; a pair may be there without its reverse.

    Raises what `neighbor_list` does, and InvalidValue for a count below 1.
    """
    if count < 1:
        raise InvalidValue("the number of nearest neighbours must be 1 or more", field="count", value=count)
    return _find(crystal, cutoff, count, max_pairs)


def _find(crystal: HasSites, cutoff: float, max_neighbors: int, max_pairs: int) -> Pairs:
    if max_pairs < 0:
        raise InvalidValue("the limit on pairs must be 0 (none) or more", field="max_pairs", value=max_pairs)
    lattice = np.ascontiguousarray(crystal.lattice, dtype=np.float64)
    fractional = np.ascontiguousarray(crystal.fractional_coordinates, dtype=np.float64)
    if lattice.shape != (3, 3):
        raise InvalidCrystal("the lattice must have shape (3, 3)", field="lattice", value=lattice.shape)
    if fractional.ndim != 2 or fractional.shape[1] != 3:
        raise InvalidCrystal(
            "the fractional coordinates must have shape (n_sites, 3)",
            field="fractional_coordinates",
            value=fractional.shape,
        )
    pairs: Pairs = find_neighbors(lattice, fractional, float(cutoff), max_neighbors, max_pairs)
    return pairs
