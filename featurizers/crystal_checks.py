"""Checks of what a `Crystal` is made of: arrays, lattice, the species of its sites and how close those lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from superion.errors import InvalidCrystal
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.positions import close_pairs, group_positions, has_translation_within, lattice_planes

Array = TypeVar("Array", bound=np.ndarray[Any, Any])

Species = tuple[tuple[str, float], ...]
"""What one site holds: (symbol, occupancy) pairs."""

MAX_SITES = 10_000
"""Largest number of sites of a crystal."""
SAME_POSITION = 0.1
"""Distance within which sites share one position [angstrom]."""
MIN_OCCUPANCY = 1e-6
"""Smallest occupancy, the smallest amount that a `Formula` takes; less is a slip of exponent."""
MAX_OCCUPANCY = 1.05
"""Largest summed occupancy of one position; refined occupancies round to slightly more than 1."""
MAX_LENGTH = 1e4
"""Longest lattice vector [angstrom]."""
MIN_TRANSLATION = 0.5
"""Shortest lattice translation [angstrom]; atoms do not come closer."""
MIN_VOLUME_PER_SITE = 0.2
"""Smallest cell volume over the number of sites [angstrom^3]; less is a collapsed lattice."""
_MAX_ENTRY = 1e6


def checked_array(values: ArrayLike, shape: tuple[int, int], field: str) -> NDArray[np.float64]:
    """Return a read-only float64 copy of `values`, checked for shape and finiteness."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as fault:
        raise InvalidCrystal(f"the {field} must be numbers", field=field, value=values) from fault
    wanted = "(3, 3)" if shape[0] == 3 else "(n_sites, 3)"
    if array.ndim != 2 or array.shape[1] != 3 or shape[0] not in (-1, len(array)):
        raise InvalidCrystal(f"the {field} has shape {array.shape}; {wanted} is right", field=field, value=array.shape)
    array = np.ascontiguousarray(array)
    if not np.vdot(array, array) <= _MAX_ENTRY**2:  # else no entry can be too large; also True for NaN
        largest = np.abs(array).max()
        if not math.isfinite(largest):
            raise InvalidCrystal(f"the {field} holds NaN or infinity", field=field)
        if largest > _MAX_ENTRY:
            raise InvalidCrystal(f"the {field} holds {largest:g}; at most 1e6 is accepted", field=field)
    return read_only(array)


def read_only(array: Array) -> Array:
    """Return `array` itself, closed for writing."""
    array.setflags(write=False)
    return array


def checked_species(species: Sequence[Species]) -> tuple[Species, ...]:
    """Return `species` as tuples of (symbol, float) with each element once per site."""
    try:
        species = tuple(species)
        try:
            known = {site: _checked_site(site) for site in dict.fromkeys(species)}
        except TypeError:  # sites that are lists cannot be looked up
            species = tuple([tuple([tuple(pair) for pair in site]) for site in species])  # type: ignore[misc]
            known = {site: _checked_site(site) for site in dict.fromkeys(species)}
    except (TypeError, ValueError) as fault:
        raise InvalidCrystal(
            "species are, per site, (symbol, occupancy) pairs", field="species", value=species
        ) from fault
    return tuple([known[site] for site in species])  # sites repeat by symmetry, so each distinct one is checked once


def _checked_site(site: Species) -> Species:
    if not site:
        raise InvalidCrystal("a site holds no element; leave an empty site out", field="species")
    summed: dict[str, float] = {}
    for symbol, given in site:
        occupancy = float(given)
        if symbol not in ATOMIC_NUMBER:
            raise InvalidCrystal(f"{symbol!r} is not an element symbol", field="species", value=symbol)
        if not MIN_OCCUPANCY <= occupancy <= MAX_OCCUPANCY:  # also False for NaN
            raise InvalidCrystal(
                f"the occupancy of {symbol} is {occupancy:g}; from {MIN_OCCUPANCY:g} to {MAX_OCCUPANCY} is right",
                field="species",
                value=occupancy,
            )
        summed[symbol] = summed.get(symbol, 0.0) + occupancy
    return tuple(summed.items())


def check_lattice(lattice: NDArray[np.float64], n_sites: int) -> None:
    """Raise InvalidCrystal for a lattice too long, too flat for `n_sites`, or with translations that no crystal has."""
    lengths = [math.hypot(*vector) for vector in lattice.tolist()]
    if max(lengths) > MAX_LENGTH:
        raise InvalidCrystal(
            f"a lattice vector is {max(lengths):g} angstrom long; at most {MAX_LENGTH:g} is accepted",
            field="lattice",
            value=max(lengths),
        )
    volume, height = lattice_planes(lattice)
    if volume / n_sites < MIN_VOLUME_PER_SITE:
        raise InvalidCrystal(
            f"the cell volume is {volume:g} angstrom^3 for {n_sites} sites; "
            "the lattice vectors must span a cell, in angstrom",
            field="lattice",
            value=volume,
        )
    # A translation leads at least from one face of the cell to the opposite one.
    if height <= MIN_TRANSLATION and has_translation_within(lattice, MIN_TRANSLATION):
        raise InvalidCrystal(
            f"the lattice repeats within {MIN_TRANSLATION} angstrom, so that every atom lies on its own image; "
            "lattice vectors are given in angstrom",
            field="lattice",
            value=lengths,
        )


def check_positions(
    lattice: NDArray[np.float64],
    fractional: NDArray[np.float64],
    species: tuple[Species, ...],
    labels: tuple[str, ...] | None,
) -> None:
    """Raise InvalidCrystal where the occupancies of sites on one position sum to more than 1.05."""
    totals = {site: math.fsum([occupancy for _, occupancy in site]) for site in dict.fromkeys(species)}
    _, n_groups = group_positions(lattice, fractional, SAME_POSITION)
    if n_groups == len(fractional) and max(totals.values()) <= MAX_OCCUPANCY:
        return
    i, j = close_pairs(lattice, fractional, SAME_POSITION)
    per_site = np.array([totals[site] for site in species])
    sums = per_site.copy()
    np.add.at(sums, i, per_site[j])
    np.add.at(sums, j, per_site[i])
    worst = int(np.argmax(sums))
    if sums[worst] > MAX_OCCUPANCY:
        at = np.unique(np.concatenate([[worst], j[i == worst], i[j == worst]])).tolist()
        names = ", ".join([_named(site, species[site], labels) for site in at[:4]] + ["..."][: len(at) > 4])
        raise InvalidCrystal(
            f"occupancies sum to {sums[worst]:.4g} on one position ({names}); "
            f"at most {MAX_OCCUPANCY} is physical, so an atom is given twice or an occupancy is wrong",
            field="species",
            value=float(sums[worst]),
        )


def _named(site: int, held: Species, labels: tuple[str, ...] | None) -> str:
    content = " + ".join(f"{occupancy:.4g} {symbol}" for symbol, occupancy in held)
    return f"{labels[site] if labels else f'site {site}'}: {content}"
