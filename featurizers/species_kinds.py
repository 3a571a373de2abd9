"""Sort the species of a crystal into kinds that share an oxidation state: element, sign, and bonds to its own kind.

Metals are cations; an element that occurs with both signs is a cation where it is bonded to a more electronegative
element and an anion elsewhere: sulfur in SO4 and in PS4, hydrogen in NH2 and in BH4, phosphorus in PS4 and in Li3P.
Every bond to an atom of the same element moves the state by one towards zero (P4+ in P2S6, S- in S2).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from superion.featurizers.bond_valence import covalent_radius
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS, magpie_table
from superion.featurizers.valence_sums import Contacts

__all__ = ["ANION_CHARGES", "COVALENT", "Kind", "candidate_states", "electronegativity", "species_kinds"]

ANION_CHARGES: Mapping[str, int] = {
    **{"H": -1, "F": -1, "Cl": -1, "Br": -1, "I": -1, "At": -1},
    **{"O": -2, "S": -2, "Se": -2, "Te": -2, "Po": -2},
    **{"N": -3, "P": -3, "As": -3, "Sb": -3, "Bi": -3},
    **{"C": -4, "Si": -4, "Ge": -4, "Sn": -4, "Pb": -4},
}
"""The charge of an element's anion without bonds to its own kind: what its valence shell lacks."""

COVALENT = frozenset({"B", "C"})
"""Elements whose bonds to their own kind, or of carbon to hydrogen, are too many to count one by one."""
_METALLOIDS = frozenset({"Si", "Ge", "Sn", "Pb", "As", "Sb", "Bi", "Te"})
_HEAVY = frozenset({"Sn", "Pb", "Sb", "Bi", "Te", "I"})
_BOND = 1.25
"""Longest bond over the sum of the covalent radii."""
_METALLOID_BOND = 1.6
"""The same for elements that are anions only where nothing more electronegative is anywhere near."""
_SHORTEST_BOND = 0.6
"""Shortest bond over the sum of the covalent radii: X-ray positions of hydrogen give 0.75."""
_LIKE_BOND = (0.75, 1.2)
"""Range of a bond between atoms of one element, over twice the covalent radius."""
_HALF_A_NEIGHBOUR = 0.5
"""Number of neighbours, counted with their occupancies, from which on they are meant."""
_RARE = 0.004
"""Fraction of an element's ICSD entries below which a state is no candidate."""


@dataclass(frozen=True)
class Kind:
    """Hold what is common to species that share an oxidation state."""

    symbol: str
    sign: int
    """1 for a cation, -1 for an anion."""
    like_bonds: int
    """Number of bonds to atoms of the same element."""
    amount: float
    """Atoms in the cell."""
    in_cluster: bool
    """Whether bonds to like atoms, or carbon's to hydrogen, leave only a mean charge well defined."""


@cache
def electronegativity(symbol: str) -> float:
    table = magpie_table()
    return float(table.values[ATOMIC_NUMBER[symbol] - 1, table.properties.index("Electronegativity")])


@cache
def _counts() -> dict[str, dict[int, int]]:
    text = resources.files("superion.featurizers").joinpath("data/oxidation_states.csv").read_text(encoding="utf-8")
    counts: dict[str, dict[int, int]] = {}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        counts.setdefault(row["symbol"], {})[int(row["state"])] = int(row["count"])
    return counts


@cache
def candidate_states(symbol: str, sign: int, like_bonds: int = 0) -> tuple[tuple[int, float], ...]:
    """Return the states that a kind may have, each with its share among the element's states of that sign in the ICSD.

    Most frequent first; empty where none is known. Elements of the p block keep the states that lack pairs of
    electrons only (P5+, P3+): others stem from bonds between like atoms, which are counted here.
    """
    if sign < 0:
        charge = ANION_CHARGES.get(symbol)
        return () if charge is None else ((min(charge + like_bonds, 0), 1.0),)
    counts = {state: count for state, count in _counts().get(symbol, {}).items() if state > 0}
    group = _main_group_valence(symbol)
    if group is not None:
        counts = {state: count for state, count in counts.items() if (group - state) % 2 == 0}
    total = sum(counts.values())
    kept = [(state - like_bonds, count / total) for state, count in counts.items() if count >= _RARE * total]
    return tuple(sorted(((q, share) for q, share in kept if q > 0), key=lambda pair: (-pair[1], pair[0])))


def _main_group_valence(symbol: str) -> int | None:
    """Return the number of valence electrons of a p-block element, None for any other."""
    table = magpie_table()
    column = float(table.values[ATOMIC_NUMBER[symbol] - 1, table.properties.index("Column")])
    # Magpie knows nothing of the heaviest elements, whose column is no number.
    return int(column) - 10 if column >= 13 and symbol != "He" else None


def species_kinds(
    crystal: Crystal, pairs: Contacts, *, count_like: bool = True
) -> tuple[list[Kind], NDArray[np.int64]]:
    """Return the kinds, in order of atomic number, sign and bonds, and the kind `(n_entries,)` of each species entry.

    Without `count_like` no bonds between like atoms are taken into account.
    """
    numbers = crystal.species_atomic_numbers
    sites = np.repeat(np.arange(crystal.n_sites), np.diff(crystal.species_offsets))
    elements = [SYMBOLS[z - 1] for z in np.unique(numbers)]
    column = np.searchsorted(np.unique(numbers), numbers)
    held = np.zeros((len(elements), crystal.n_sites))
    np.add.at(held, (column, sites), crystal.species_occupancies)
    bonds = _Bonds(elements, held, pairs)
    sign = np.ones(held.shape, dtype=np.int64)
    like = np.zeros(held.shape, dtype=np.int64)
    for row, element in enumerate(elements):
        sign[row] = bonds.signs(element)
        like[row] = bonds.like(element, sign[row]) if count_like else 0
    keys = np.stack([column, sign[column, sites], like[column, sites]], axis=1)
    unique, kind = np.unique(keys, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    organic = bonds.has_organic_carbon()
    kinds = [
        Kind(
            elements[row],
            int(its_sign),
            int(n),
            float(np.bincount(kind, weights=crystal.species_occupancies)[index]),
            bool(n) or (organic and elements[row] == "C"),
        )
        for index, (row, its_sign, n) in enumerate(unique.tolist())
    ]
    return kinds, kind


class _Bonds:
    """Count the bonded neighbours of each site by element."""

    def __init__(self, elements: list[str], held: NDArray[np.float64], pairs: Contacts) -> None:
        self.elements = elements
        self.held = held
        longest = 2 * _METALLOID_BOND * max(covalent_radius(element) for element in elements)
        short = pairs.distance < longest
        self.i, self.j = pairs.i[short], pairs.j[short]
        self.distance, self.exclusive = pairs.distance[short], pairs.exclusive[short]

    def count(self, element: str, other: str, low: float, high: float, alone: bool = False) -> NDArray[np.float64]:
        """Return how many atoms `(n_sites,)` of `other` lie within a range of bond lengths of each site of `element`.

        `low` and `high` are in units of the sum of the covalent radii; `alone` leaves out neighbours that may be
        the same atom.
        """
        ours, theirs = self.held[self.elements.index(element)], self.held[self.elements.index(other)]
        radii = covalent_radius(element) + covalent_radius(other)
        bonded = (self.distance > low * radii) & (self.distance < high * radii) & (ours[self.i] > 0)
        if alone:
            bonded &= ~self.exclusive
        return np.bincount(self.i[bonded], weights=theirs[self.j[bonded]], minlength=len(ours)).astype(float)

    def signs(self, element: str) -> NDArray[np.int64]:
        """Return the sign `(n_sites,)` that the element has at each site."""
        n_sites = self.held.shape[1]
        stronger = [
            other
            for other in self.elements
            if other in ANION_CHARGES and electronegativity(other) > electronegativity(element)
        ]
        if element not in ANION_CHARGES:
            return np.ones(n_sites, dtype=np.int64)
        if not stronger or not candidate_states(element, 1):
            return -np.ones(n_sites, dtype=np.int64)
        reach = _METALLOID_BOND if element in _METALLOIDS else _BOND
        neighbours = np.sum([self.count(element, other, _SHORTEST_BOND, reach) for other in stronger], axis=0)
        return np.where(neighbours >= _HALF_A_NEIGHBOUR, 1, -1)

    def like(self, element: str, sign: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of bonds `(n_sites,)` of each site to atoms of the same element.

        Metals and the cations of heavy metalloids have none: edge-sharing octahedra bring Sb5+ as close as Sb-Sb bonds.
        """
        none = np.zeros(self.held.shape[1], dtype=np.int64)
        if element == "H" or (element not in ANION_CHARGES and element != "B"):
            return none
        count = np.rint(self.count(element, element, *_LIKE_BOND, alone=True)).astype(np.int64)
        return np.where(sign > 0, none, count) if element in _HEAVY else count

    def has_organic_carbon(self) -> bool:
        """Tell whether hydrogen is bonded to carbon."""
        if not {"C", "H"} <= set(self.elements):
            return False
        return bool(self.count("C", "H", _SHORTEST_BOND, _BOND).any())
