"""Chemical systems: the phases of a table that are made of some elements and no others, as arrays for the hull."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidFormula
from superion.featurizers._hull import has_column_near
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.formula import CANONICAL_DECIMALS, Formula

if TYPE_CHECKING:
    from superion.models.stability.phases import PhaseTable

__all__ = ["ChemicalSystem", "OpenSystem", "PhasesByElements", "without"]

_PHASES_PER_SET = 64
"""A table is looked through rather than asked for every set of some elements, where it has not so many phases for each.

About what a set that is looked up costs, in phases that are looked through.
"""

_SAME_KEY = 2.0 * 10.0**-CANONICAL_DECIMALS
"""More than atomic fractions differ by between formulas of one key."""

_Integers = NDArray[np.int64]
_Floats = NDArray[np.float64]
_Number = TypeVar("_Number", np.int64, np.float64)


@dataclass(frozen=True, eq=False)
class ChemicalSystem:
    """Hold the phases made of a set of elements, as arrays for the hull."""

    table: PhaseTable
    symbols: tuple[str, ...]
    """The elements, by atomic number."""
    rows: _Integers
    """`(n_phases,)`: place of each phase in the table."""
    fractions: _Floats
    """`(n_phases, n_elements)`: atomic fractions."""
    energies: _Floats
    """`(n_phases,)` [eV/atom]."""
    units: _Integers
    """`(n_elements,)`: the phase that is the element."""

    @classmethod
    def cut(cls, table: PhaseTable, rows: _Integers, numbers: Sequence[int]) -> ChemicalSystem:
        """Put together the phases `rows` of a table, made of the elements `numbers`, each with a phase of its own."""
        column = np.zeros(len(SYMBOLS) + 1, dtype=np.int64)
        column[list(numbers)] = np.arange(len(numbers))
        first = table.offsets[rows]
        sizes = table.offsets[rows + 1] - first
        ends = np.cumsum(sizes)
        owner = np.repeat(np.arange(len(rows)), sizes)
        entries = (first - (ends - sizes))[owner] + np.arange(int(ends[-1]))
        fractions = np.zeros((len(rows), len(numbers)))
        fractions[owner, column[table.numbers[entries]]] = table.amounts[entries]
        fractions /= fractions.sum(axis=1, keepdims=True)
        units = np.full(len(numbers), -1, dtype=np.int64)
        single = np.flatnonzero(sizes == 1)
        units[column[table.numbers[first[single]]]] = single
        symbols = tuple(SYMBOLS[number - 1] for number in numbers)
        return cls(table, symbols, rows, fractions, table.energies[rows], units)

    def composition(self, formula: Formula) -> _Floats:
        """Return the atomic fractions `(n_elements,)` of a formula; raises InvalidFormula for an element not in it."""
        found = np.zeros(len(self.symbols))
        for symbol, fraction in zip(formula.symbols, formula.fractions.tolist(), strict=True):
            if symbol not in self.places:
                system = "-".join(self.symbols)
                raise InvalidFormula(f"{symbol} is not in the system {system}", field="formula", value=formula.text)
            found[self.places[symbol]] = fraction
        return found

    def row(self, formula: Formula, composition: _Floats) -> int | None:
        """Return what `table.row` does of a formula whose `composition` in the system is known."""
        # Formulas of one key have fractions that round to the same four decimals.
        return self.table.row(formula) if has_column_near(self.fractions, composition, _SAME_KEY) else None

    @cached_property
    def places(self) -> dict[str, int]:
        """Return the column of each element."""
        return {symbol: n for n, symbol in enumerate(self.symbols)}

    @cached_property
    def _opened(self) -> dict[str, OpenSystem]:
        return {}

    def opened(self, symbol: str) -> OpenSystem:
        """Return the system with one element open, which must be in it; kept with the system, one for each element."""
        if symbol not in self._opened:
            self._opened[symbol] = self._open(symbol)
        return self._opened[symbol]

    def _open(self, symbol: str) -> OpenSystem:
        element = self.places[symbol]
        out = int(self.units[element])
        fractions = without(self.fractions, out)
        units = without(self.units, element)
        return OpenSystem(
            rows=without(self.rows, out),
            fractions=np.concatenate([fractions[:, :element], fractions[:, element + 1 :]], axis=1),
            open_fractions=np.ascontiguousarray(fractions[:, element]),
            energies=without(self.energies, out),
            units=units - (units > out),
        )


@dataclass(frozen=True, eq=False)
class OpenSystem:
    """Hold the phases of a system but the open element, whose amount is free."""

    rows: _Integers
    fractions: _Floats
    """`(n_phases, n_elements - 1)`: atomic fractions without the open element."""
    open_fractions: _Floats
    """`(n_phases,)`: of the open element."""
    energies: _Floats
    units: _Integers

    @cached_property
    def slopes(self) -> _Floats:
        """Return what each energy changes by with the chemical potential of the open element `(n_phases,)`."""
        return -self.open_fractions


class PhasesByElements:
    """Find the phases of a table whose elements are among some, by the set of elements that each is made of."""

    def __init__(self, offsets: _Integers, numbers: _Integers) -> None:
        bits = np.left_shift(np.uint64(1), ((numbers - 1) % 64).astype(np.uint64))
        halves = [np.where((numbers - 1) // 64 == half, bits, np.uint64(0)) for half in (0, 1)]
        self._masks = np.array([np.bitwise_or.reduceat(half, offsets[:-1]) for half in halves])
        """`(2, n_phases)`: which elements each phase has, as bits."""

    @cached_property
    def _phases_of(self) -> dict[int, _Integers]:
        """Return the phases of every set of elements that has some, by the bits of the set."""
        order = np.lexsort(self._masks)
        low, high = self._masks[:, order]
        starts = np.flatnonzero(np.concatenate([[True], (low[1:] != low[:-1]) | (high[1:] != high[:-1])]))
        sets = (int(a) | int(b) << 64 for a, b in zip(low[starts], high[starts], strict=True))
        ends = itertools.pairwise([*starts.tolist(), len(order)])
        return {one: order[first:last] for one, (first, last) in zip(sets, ends, strict=True)}

    def among(self, numbers: Sequence[int]) -> _Integers:
        """Return the phases, ascending, of which every element is among these atomic numbers."""
        if _PHASES_PER_SET << len(numbers) > self._masks.shape[1]:
            every = sum(1 << (number - 1) for number in numbers)
            outside = [~np.uint64(every >> shift & (1 << 64) - 1) for shift in (0, 64)]
            return np.flatnonzero(((self._masks[0] & outside[0]) | (self._masks[1] & outside[1])) == 0)
        sets = [0]
        for number in numbers:
            sets += [one | 1 << (number - 1) for one in sets]
        return np.sort(np.concatenate([self._phases_of[one] for one in sets if one in self._phases_of]))


def without(values: NDArray[_Number], place: int) -> NDArray[_Number]:
    """Return an array without one entry of its first axis; `np.delete` takes three times as long."""
    return np.concatenate([values[:place], values[place + 1 :]])
