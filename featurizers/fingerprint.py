"""A key that crystals share which are one structure, however described, to find what stands twice in a list."""

from __future__ import annotations

from collections import Counter

import numpy as np

from superion.featurizers.crystal import Crystal
from superion.featurizers.occupancies import Floats, Occupancies
from superion.featurizers.spacegroup import TOLERANCE, symmetry_of

__all__ = ["structure_fingerprint"]

OCCUPANCY_STEPS = 100
"""Occupancies are told apart to two decimals, as most refinements state them."""


def structure_fingerprint(crystal: Crystal, tolerance: float = TOLERANCE) -> str:
    """Return the space group that a crystal has and what is on its sets of equivalent positions.

    It is the same for every cell, origin, order of sites and small shift of atoms, such as between a measured and a
    relaxed structure, and says nothing of lengths: crystals that differ in nothing but the place of atoms within their
    sets have one fingerprint. `225 1Cl1.00@48 1Li1.00@48` is rock salt: per primitive cell one position with a whole
    chlorine atom, which 48 operations leave where it is, and one with lithium. Mirror images of a chiral structure have
    space groups of their own, and so two.

    Raises InvalidValue for a `tolerance` [angstrom] out of range, InvalidCrystal where no space group is found.
    """
    contents = Occupancies.of(crystal)
    found = symmetry_of(contents, None, tolerance)
    sets: Counter[str] = Counter()
    for orbit in range(int(found.orbits.max()) + 1):
        members = np.flatnonzero(found.orbits == orbit)
        kind = f"{_text(contents.symbols, contents.amounts[members].mean(axis=0))}@{found.site_symmetry[members[0]]}"
        # Sets of equivalent positions may be listed apart, when the crystal's cell is larger than a primitive one.
        sets[f"{len(members) / found.cells:g}{kind}"] += 1
    return " ".join([str(found.number), *sorted(key for key, n in sets.items() for _ in range(n))])


def _text(symbols: tuple[str, ...], amounts: Floats) -> str:
    """Write what a position holds, by symbol; what lies on a rounding boundary goes up."""
    steps = np.floor(amounts * OCCUPANCY_STEPS + 0.5 + 1e-3) / OCCUPANCY_STEPS
    return "".join(f"{symbol}{step:.2f}" for symbol, step in sorted(zip(symbols, steps, strict=True)) if step > 0.0)
