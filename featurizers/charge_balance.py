"""Find the charges of the kinds of species in a crystal that leave it neutral and cost least.

A combination of charges costs `-ln(share in the ICSD)` for every state, the square of the charge left over in units of
one per cent, and the square of the difference between the charges and the mean bond-valence sums. One kind may have a
mean charge, at a price, where its element is known for mixed valence.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superion.errors import UnknownBondValence
from superion.featurizers.crystal import Crystal
from superion.featurizers.species_kinds import ANION_CHARGES, Kind, candidate_states
from superion.featurizers.valence_sums import Contacts, bond_valence_sums

__all__ = ["LEFT_OVER_UNIT", "MIXED_VALENT", "TOLERANCE", "ChargeBalance", "Choice"]

TOLERANCE = 0.04
"""Largest charge that may be left over, as a fraction of that of the cations (or anions, the larger one).

Rounded occupancies leave less than 0.01; lithium that a refinement did not locate leaves more.
"""
LEFT_OVER_UNIT = 0.01
"""Fraction left over that costs one; twice as much costs four."""
_MIXED_COST = 4.0
"""Cost of a mean charge, on top of that of the states it lies between: as much as two per cent left over."""
_VALENCE_WIDTH = (0.1, 0.15)
"""Deviation of a bond-valence sum that costs one: the first, plus the second times the charge [valence units]."""
_VALENCE_COST = 9.0
"""Most that the bond-valence sums of one kind cost: a badly determined site must not decide alone."""
_MAX_COMBINATIONS = 10_000
"""Most combinations of states that are compared; beyond it the rarest states go first."""
_REDOX_ACTIVE = """
    Ti V Cr Mn Fe Co Ni Cu Nb Mo Tc Ru Rh Pd Ag Ta W Re Os Ir Pt Au Ce Pr Sm Eu Tb Yb U Ga In Tl Sn Pb Sb Bi
"""
MIXED_VALENT = frozenset(_REDOX_ACTIVE.split())
"""Elements that are found with a mean charge, or with two states on different sites."""


_Combinations = tuple[NDArray[np.float64], NDArray[np.float64], int | None]
"""Charges `(n_combinations, n_kinds)`, their costs `(n_combinations,)`, and the kind that has a mean charge."""


@dataclass(frozen=True)
class Choice:
    """Hold the charges of all kinds."""

    charges: tuple[float, ...]
    cost: float
    mixed: int | None = None
    """Index of the kind with a mean charge, if one has."""


class ChargeBalance:
    """Compare the combinations of charges of one crystal."""

    def __init__(self, crystal: Crystal, pairs: Contacts, kinds: list[Kind], kind_of_entry: NDArray[np.int64]) -> None:
        self.crystal = crystal
        self.pairs = pairs
        self.kinds = kinds
        self.kind_of_entry = kind_of_entry
        self.amounts = np.array([kind.amount for kind in kinds])
        self.candidates = [candidate_states(kind.symbol, kind.sign, kind.like_bonds) for kind in kinds]
        self._valence_costs: dict[tuple[int, float], float] = {}

    def unknown(self, besides: Collection[str] = ()) -> str | None:
        """Return an element without a known state, other than those given."""
        for kind, states in zip(self.kinds, self.candidates, strict=True):
            if not states and kind.symbol not in besides:
                return kind.symbol
        return None

    def best(self) -> Choice | None:
        """Return the cheapest neutral choice, None where nothing is neutral within the tolerance."""
        if self.unknown() is not None:
            return None
        charges, costs = self._combinations(())
        left_over = self.left_over(charges)
        neutral = np.abs(left_over) <= TOLERANCE
        whole = (charges[neutral], (costs + (left_over / LEFT_OVER_UNIT) ** 2)[neutral], None)
        return self._cheapest([whole, *self._mixed()])

    def commonest(self) -> Choice | None:
        """Return the commonest state of every kind, neutral or not."""
        if self.unknown() is not None:
            return None
        return Choice(tuple(float(states[0][0]) for states in self.candidates), 0.0)

    def with_mean(self, element: str) -> Choice | None:
        """Return the commonest states of the others with the mean charge of one element that balances them."""
        if self.unknown(besides=(element,)) is not None:
            return None
        free = [index for index, kind in enumerate(self.kinds) if kind.symbol == element]
        charges, costs = self._combinations(free)
        means = -(charges @ self.amounts) / self.amounts[free].sum()
        highest = max((state for state, _ in candidate_states(element, 1)), default=0)
        possible = np.flatnonzero((means >= ANION_CHARGES.get(element, 0)) & (means <= highest))
        if len(possible) == 0:
            return None
        charges[:, free] = means[:, None]
        k = possible[_order(charges[possible], costs[possible])[0]]
        return Choice(tuple(charges[k].tolist()), float(costs[k]))

    def left_over(self, charges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the charge left over `(n_combinations,)`, as a signed fraction of that of the cations or anions."""
        positive = np.maximum(charges, 0.0) @ self.amounts
        negative = np.maximum(-charges, 0.0) @ self.amounts
        return (positive - negative) / np.maximum(np.maximum(positive, negative), 1e-12)

    def sums(self, index: int, charge: float) -> NDArray[np.float64]:
        """Return the bond-valence sums of the entries of one kind of cation, equal to its charge where unknown."""
        charges = np.array([min(states[0][0], 0) if states else 0 for states in self.candidates], dtype=np.float64)
        charges[index] = charge
        ours = self.kind_of_entry == index
        try:
            return bond_valence_sums(self.crystal, charges[self.kind_of_entry], self.pairs)[ours]
        except UnknownBondValence:
            return np.full(int(ours.sum()), charge)

    def occupancies(self, index: int) -> NDArray[np.float64]:
        """Return the occupancies of the entries of one kind."""
        return self.crystal.species_occupancies[self.kind_of_entry == index]

    def _combinations(self, without: Collection[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return combinations of states `(n_combinations, n_kinds)` and their costs; kinds in `without` have 0."""
        states = [[(0, 1.0)] if index in without else list(found) for index, found in enumerate(self.candidates)]
        while math.prod(len(found) for found in states) > _MAX_COMBINATIONS:
            max(states, key=len).pop()
        picks = np.indices([len(found) for found in states]).reshape(len(states), -1)
        columns = [np.array(found, dtype=np.float64)[pick] for found, pick in zip(states, picks, strict=True)]
        charges, shares = np.moveaxis(np.stack(columns, axis=1), 2, 0)
        return charges.copy(), -np.log(shares).sum(axis=1)

    def _mixed(self) -> Iterator[_Combinations]:
        """Yield, for each kind that may have one, the combinations in which its mean charge makes the cell neutral."""
        for index, kind in enumerate(self.kinds):
            states = sorted(self.candidates[index])
            if kind.symbol not in MIXED_VALENT or kind.sign < 0 or len(states) < 2:
                continue
            charges, costs = self._combinations((index,))
            means = -(charges @ self.amounts) / kind.amount
            charges[:, index] = means
            charge, cost = np.array([(q, -math.log(share)) for q, share in states]).T
            between = (means > charge[0]) & (means < charge[-1]) & ~np.isin(means, charge)
            costs = costs + np.interp(means, charge, cost) + _MIXED_COST
            yield charges[between], costs[between], index

    def _cheapest(self, alternatives: Iterable[_Combinations]) -> Choice | None:
        """Return the cheapest combination, bond-valence sums included; they are taken only where they can matter."""
        best = None
        for charges, costs, mixed in alternatives:
            for k in _order(charges, costs):
                if best is not None and costs[k] >= best.cost:
                    break
                found = charges[k].tolist()
                cost = float(costs[k]) + sum(
                    self._valence_cost(index, charge)
                    for index, charge in enumerate(found)
                    if len(self.candidates[index]) > 1
                )
                if best is None or cost < best.cost - 1e-6:
                    best = Choice(tuple(found), cost, mixed)
        return best

    def _valence_cost(self, index: int, charge: float) -> float:
        """Return what the bond-valence sums of a kind cost if it has this charge.

        On a mixed site the bonds are those of the majority, so that a kind's sums count by its share of its sites.
        """
        key = (index, round(charge, 6))
        if key not in self._valence_costs:
            ours = self.kind_of_entry == index
            mean = np.average(self.sums(index, charge), weights=self.occupancies(index))
            share = np.average(self._shares()[ours], weights=self.occupancies(index))
            width = _VALENCE_WIDTH[0] + _VALENCE_WIDTH[1] * charge
            self._valence_costs[key] = float(share) * min(float(((mean - charge) / width) ** 2), _VALENCE_COST)
        return self._valence_costs[key]

    def _shares(self) -> NDArray[np.float64]:
        """Return the share `(n_entries,)` of each entry in the atoms at its position."""
        return self.crystal.species_occupancies / np.repeat(
            self.pairs.at_position, np.diff(self.crystal.species_offsets)
        )


def _order(charges: NDArray[np.float64], costs: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the order of combinations by cost, then by charges."""
    # Rounded, so that the last bits of a sum, which the order of the sites decides, do not choose.
    return np.lexsort((*charges.T[::-1], np.round(costs, 6)))
