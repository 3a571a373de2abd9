"""The structure of a parent with substituents on its sites, and more or fewer of the atoms that keep it neutral."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from superion.featurizers.crystal import Crystal
from superion.featurizers.neighbors import neighbor_list

EXCLUSIVE = 1.5
"""Sites of one element that are closer than this are not held at the same time [angstrom]."""
ONE_PLACE = 0.1
"""Sites that are closer than this are one, written apart for each element [angstrom]."""
FULL = 1e-6
"""Atoms of the cell that rounding may leave over."""

PARENT_LATTICE = "lattice and positions are those of the parent"


def carried(
    crystal: Crystal, shares: Mapping[tuple[str, str], float], vary: str | None, total: float | None
) -> tuple[Crystal | None, str | None]:
    """Return the crystal with shares of (host, substituent) replaced on every site of the host, and a note.

    `total` atoms of the element that varies are spread over its sites in proportion to what they hold; where they have
    no room for so many there is no crystal, and the note says so.
    """
    species = [_replaced(dict(site), shares) for site in crystal.species]
    if vary is not None and total is not None:
        held = np.array([site.get(vary, 0.0) for site in species])
        spread = _spread(held, _room(crystal, species, vary), total)
        if spread is None:
            return None, f"no structure: the sites of {vary} in the parent have no room for {total:g} atoms per cell"
        for site, occupancy in zip(species, spread.tolist(), strict=True):
            if vary in site:
                site[vary] = occupancy
    kept = [k for k, site in enumerate(species) if any(occupancy > 0.0 for occupancy in site.values())]
    changed = replace(
        crystal,
        fractional_coordinates=crystal.fractional_coordinates[kept],
        species=tuple(tuple((s, o) for s, o in species[k].items() if o > 0.0) for k in kept),
        labels=None if crystal.labels is None else tuple(crystal.labels[k] for k in kept),
        notes=(*crystal.notes, PARENT_LATTICE),
    )
    return changed, None


def _replaced(site: dict[str, float], shares: Mapping[tuple[str, str], float]) -> dict[str, float]:
    before = dict(site)
    for (host, dopant), share in shares.items():
        if host in before:
            amount = before[host] * share
            site[host] -= amount
            site[dopant] = site.get(dopant, 0.0) + amount
    # What is left of a host that was replaced in tenths may be 1e-17.
    return {symbol: 0.0 if occupancy < 1e-9 else occupancy for symbol, occupancy in site.items()}


def _room(crystal: Crystal, species: list[dict[str, float]], vary: str) -> NDArray[np.float64]:
    """Return the most of an element that each site can hold, shape (n_sites,); 0 where it holds none."""
    here = np.array([vary in site for site in species])
    others = np.array([sum(o for s, o in site.items() if s != vary) for site in species])
    first, second, _, distance = neighbor_list(crystal, EXCLUSIVE)
    one_place = distance <= ONE_PLACE
    others = others + np.bincount(first[one_place], others[second[one_place]], minlength=len(species))
    close = np.bincount(first[here[first] & here[second]], minlength=len(species))
    held = np.array([site.get(vary, 0.0) for site in species])
    # Of split sites each takes its part, or what the parent has on it already.
    return np.where(here, np.maximum(np.maximum(1.0 - others, 0.0) / (1 + close), held), 0.0)


def _spread(held: NDArray[np.float64], room: NDArray[np.float64], total: float) -> NDArray[np.float64] | None:
    """Return occupancies, shape (n_sites,), in proportion to those held, none above the room; None where that fails.

    Sites that are full leave the others more, in the same proportion.
    """
    if total > room.sum() + FULL:
        return None
    spread, open_ = np.zeros_like(held), held > 0.0
    while open_.any() and total - spread.sum() > 0.0:
        factor = (total - spread[~open_].sum()) / held[open_].sum()
        full = open_ & (held * factor >= room)
        if not full.any():
            spread[open_] = held[open_] * factor
            break
        spread[full] = room[full]
        open_ &= ~full
    spread = np.minimum(spread, room)
    # Where nothing of it is left there is no proportion to go by.
    return spread if abs(spread.sum() - total) <= FULL else None
