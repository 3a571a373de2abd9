"""Checks of what a `Crystal` is made of: arrays and the species of its sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from superion.errors import InvalidCrystal
from superion.featurizers.element_data import ATOMIC_NUMBER

Array = TypeVar("Array", bound=np.ndarray[Any, Any])

Species = tuple[tuple[str, float], ...]
"""What one site holds: (symbol, occupancy) pairs."""

MAX_OCCUPANCY = 1.05
"""Largest summed occupancy of one position; refined occupancies round to slightly more than 1."""


def checked_array(values: ArrayLike, shape: tuple[int, int], field: str) -> NDArray[np.float64]:
    """Return a read-only float64 copy of `values`, checked for shape and finiteness."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as fault:
        raise InvalidCrystal(f"the {field} must be numbers", field=field, value=values) from fault
    wanted = "(3, 3)" if shape[0] == 3 else "(n_sites, 3)"
    if array.ndim != 2 or array.shape[1] != 3 or shape[0] not in (-1, len(array)):
        raise InvalidCrystal(f"the {field} has shape {array.shape}; {wanted} is right", field=field, value=array.shape)
    if not np.isfinite(array).all():
        raise InvalidCrystal(f"the {field} holds NaN or infinity", field=field)
    if np.abs(array).max(initial=0.0) > 1e6:
        raise InvalidCrystal(f"the {field} holds {np.abs(array).max():g}; at most 1e6 is accepted", field=field)
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array


def read_only(array: Array) -> Array:
    """Return `array` itself, closed for writing."""
    array.setflags(write=False)
    return array


def checked_species(species: Sequence[Species]) -> tuple[Species, ...]:
    """Return `species` as tuples of (symbol, float) with each element once per site."""
    known: dict[Any, Species] = {}  # sites repeat by symmetry, so each distinct one is checked once
    checked = []
    try:
        for site in species:
            key = tuple((symbol, float(occupancy)) for symbol, occupancy in site)
            if key not in known:
                known[key] = _checked_site(key)
            checked.append(known[key])
    except (TypeError, ValueError) as fault:
        raise InvalidCrystal(
            "species are, per site, (symbol, occupancy) pairs", field="species", value=species
        ) from fault
    return tuple(checked)


def _checked_site(site: Species) -> Species:
    if not site:
        raise InvalidCrystal("a site holds no element; leave an empty site out", field="species")
    summed: dict[str, float] = {}
    for symbol, occupancy in site:
        if symbol not in ATOMIC_NUMBER:
            raise InvalidCrystal(f"{symbol!r} is not an element symbol", field="species", value=symbol)
        if not 0 < occupancy <= MAX_OCCUPANCY:  # also False for NaN
            raise InvalidCrystal(
                f"the occupancy of {symbol} is {occupancy:g}; above 0 and at most {MAX_OCCUPANCY} is right",
                field="species",
                value=occupancy,
            )
        summed[symbol] = summed.get(symbol, 0.0) + occupancy
    return tuple(summed.items())
