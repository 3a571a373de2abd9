"""Tables of formation energies: one phase per composition, cut into chemical systems; `table_files` reads them.

Energies are formation energies [eV/atom] relative to the elements, which are phases of energy 0 in every table. Of
several rows with one composition the lowest is the phase; the others are counted as its polymorphs.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidFormula, InvalidTable, InvalidValue
from superion.featurizers._composition import read_compositions
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS, magpie_table
from superion.featurizers.formula import Formula
from superion.models.stability.composition_keys import key_of, keys_of
from superion.models.stability.interphase import Nature, electronic_nature
from superion.models.stability.systems import ChemicalSystem, PhasesByElements

__all__ = [
    "MAX_ENERGY",
    "MAX_SYSTEM",
    "Kind",
    "Phase",
    "PhaseTable",
    "energy_fault",
    "reduced_formula",
]

Kind = Literal["metal", "insulator"]

MAX_ENERGY = 6.0
"""Largest size of a formation energy that is believed [eV/atom].

The 132,752 computed ones of matbench lie from -4.61 (La2O19Th8) to +2.50; energies per formula unit, total energies and
kJ/mol taken for eV/atom mostly lie beyond.
"""
MAX_SYSTEM = 20
"""Most elements of a chemical system.

Electrolytes of high entropy have about 12. In matbench an analysis of 20 elements takes 10 to 50 ms, one of 40 a
quarter of a second and one of 84 six seconds, and a request may ask for thousands.
"""
ELEMENT_TOLERANCE = 1e-6
"""How far below 0 the energy of an element may lie, for rounding [eV/atom]."""

_FAULTS_SHOWN = 8
"""Bad rows that an error lists; the others are counted."""
_SYSTEMS_KEPT = 64
"""Chemical systems that a table keeps."""
_KINDS: tuple[Kind, ...] = ("metal", "insulator")

_Integers = NDArray[np.int64]
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Phase:
    """Hold one phase."""

    formula: Formula
    """Reduced, elements by rising electronegativity."""
    energy: float
    """Formation energy relative to the elements [eV/atom]."""
    band_gap: float | None = None
    """[eV]; None where it is not known."""
    kind: Kind | None = None
    """What the phase is electronically, where somebody has decided it; it goes before the band gap."""
    source: str | None = None

    def __post_init__(self) -> None:
        if fault := energy_fault(self.energy):
            raise InvalidValue(f"energy of {self.formula}: {fault}", field="energy", value=self.energy)
        if self.band_gap is not None and (fault := gap_fault(self.band_gap)):
            raise InvalidValue(f"band gap of {self.formula}: {fault}", field="band_gap", value=self.band_gap)
        if self.kind is not None and self.kind not in _KINDS:
            raise InvalidValue(f"a kind is metal or insulator, not {self.kind!r}", field="kind", value=self.kind)

    @cached_property
    def nature(self) -> Nature:
        """Tell whether it conducts electrons; see `superion.models.stability.interphase.electronic_nature`."""
        return electronic_nature(self)


@dataclass(frozen=True, eq=False)
class PhaseTable:
    """Hold the phases of a source, one per composition; made by `from_phases` and `table_files.read_phase_table`."""

    name: str
    offsets: _Integers
    """`(n_phases + 1,)`: entries of each phase in `numbers` and `amounts`."""
    numbers: _Integers
    amounts: _Floats
    energies: _Floats
    """`(n_phases,)` [eV/atom]."""
    band_gaps: _Floats
    """`(n_phases,)` [eV]; NaN where not known."""
    kinds: NDArray[np.int8]
    """`(n_phases,)`: place in ("metal", "insulator"), -1 where nobody has decided."""
    polymorphs: _Integers
    """`(n_phases,)`: rows with this composition; 0 for an element that no row gives."""
    sources: dict[int, str]
    keys: NDArray[np.uint64]
    """`(n_phases, 2)`: hash of each canonical composition, ascending."""

    @classmethod
    def from_phases(cls, name: str, phases: Iterable[Phase]) -> PhaseTable:
        """Make a table; raises InvalidTable for one without phases and for an element below 0."""
        given = list(phases)
        rows = Rows(
            formulas=[phase.formula for phase in given],
            energies=[phase.energy for phase in given],
            gaps=[math.nan if phase.band_gap is None else phase.band_gap for phase in given],
            kinds=[-1 if phase.kind is None else _KINDS.index(phase.kind) for phase in given],
            sources=[phase.source or "" for phase in given],
            places=[f"phase {n}" for n in range(1, len(given) + 1)],
        )
        return table_of(name, rows, [])

    def __len__(self) -> int:
        return len(self.energies)

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of compositions, energies and band gaps (6 decimals) and kinds, whatever the order."""
        digest = hashlib.sha256(self.keys.astype("<u8").tobytes())
        for values in (self.energies, np.nan_to_num(self.band_gaps, nan=-1.0)):
            digest.update(np.rint(values * 1e6).astype("<i8").tobytes())
        digest.update(self.kinds.tobytes())
        return digest.hexdigest()

    @cached_property
    def _by_elements(self) -> PhasesByElements:
        return PhasesByElements(self.offsets, self.numbers)

    @cached_property
    def _compounds(self) -> NDArray[np.bool_]:
        """Tell for every atomic number whether the table has a compound of it."""
        sizes = np.diff(self.offsets)
        known = np.zeros(len(SYMBOLS) + 1, dtype=bool)
        known[self.numbers[np.repeat(sizes > 1, sizes)]] = True
        return known

    @cached_property
    def _memory(self) -> dict[int, Phase]:
        """Hold the phases that were asked for, at most all of the table."""
        return {}

    def formula(self, row: int) -> Formula:
        """Return the reduced formula of a phase."""
        return self.phase(row).formula

    def phase(self, row: int) -> Phase:
        """Return a phase."""
        if row not in self._memory:
            part = slice(self.offsets[row], self.offsets[row + 1])
            symbols = tuple(SYMBOLS[number - 1] for number in self.numbers[part])
            gap, kind = float(self.band_gaps[row]), int(self.kinds[row])
            self._memory[row] = Phase(
                formula=reduced_formula(Formula(symbols, tuple(self.amounts[part].tolist()))),
                energy=float(self.energies[row]),
                band_gap=None if math.isnan(gap) else gap,
                kind=None if kind < 0 else _KINDS[kind],
                source=self.sources.get(row),
            )
        return self._memory[row]

    def row(self, formula: Formula) -> int | None:
        """Return the place of the phase with this composition, None where there is none."""
        first, second = key_of(formula)
        at = int(np.searchsorted(self.keys[:, 0], first))
        while at < len(self) and self.keys[at, 0] == first:
            if self.keys[at, 1] == second:
                return at
            at += 1
        return None

    def system(self, elements: Iterable[str]) -> ChemicalSystem:
        """Return all phases whose elements are among these.

        Raises InvalidFormula for an element of which the table knows no compound, and for more than `MAX_SYSTEM`.
        """
        return self._systems(tuple(sorted({_number(symbol) for symbol in elements})))

    @cached_property
    def _systems(self):  # type: ignore[no-untyped-def] # a cache of its own for every table
        return lru_cache(maxsize=_SYSTEMS_KEPT)(self._system)

    def __getstate__(self) -> dict[str, object]:
        """Leave out what was kept for speed, which cannot be pickled, so that a used table goes to other processes."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def forget_systems(self) -> None:
        """Drop the systems that are kept from earlier calls."""
        self._systems.cache_clear()

    def _system(self, numbers: tuple[int, ...]) -> ChemicalSystem:
        if not numbers:
            raise InvalidFormula("a chemical system needs an element", field="elements")
        if len(numbers) > MAX_SYSTEM:
            fault = (
                f"a system of {len(numbers)} elements, those of what it meets counted, is too large: "
                f"a hull is computed of at most {MAX_SYSTEM}"
            )
            raise InvalidFormula(fault, field="formula", value=len(numbers))
        for number in numbers:
            if not self._compounds[number]:
                symbol = SYMBOLS[number - 1]
                fault = f"the table {self.name} knows no compound of {symbol}: its stability cannot be judged"
                raise InvalidFormula(fault, field="formula", value=symbol)
        return ChemicalSystem.cut(self, self._by_elements.among(numbers), numbers)


def reduced_formula(formula: Formula) -> Formula:
    """Return a formula over its greatest common divisor, elements by rising electronegativity."""
    reduced = formula.reduced
    order = sorted(zip(reduced.symbols, reduced.amounts, strict=True), key=lambda each: _electronegativity(each[0]))
    return Formula(tuple(symbol for symbol, _ in order), tuple(amount for _, amount in order))


def energy_fault(energy: float) -> str | None:
    """Say what is wrong with a formation energy [eV/atom], None where nothing is."""
    if not math.isfinite(energy):
        return "the formation energy is not finite"
    if abs(energy) > MAX_ENERGY:
        return f"{energy:g} eV/atom is no formation energy per atom; those lie within {MAX_ENERGY:g} of 0"
    return None


def gap_fault(gap: float) -> str | None:
    """Say what is wrong with a band gap [eV], None where nothing is."""
    return None if math.isfinite(gap) and gap >= 0.0 else f"{gap:g} is no band gap"


def _number(symbol: str) -> int:
    if symbol not in ATOMIC_NUMBER:
        raise InvalidFormula(f"{symbol!r} is not an element", field="elements", value=symbol)
    return ATOMIC_NUMBER[symbol]


@lru_cache(maxsize=len(SYMBOLS))
def _electronegativity(symbol: str) -> tuple[float, int]:
    table, number = magpie_table(), ATOMIC_NUMBER[symbol]
    value = float(table.values[number - 1, table.properties.index("Electronegativity")])
    return (math.inf if math.isnan(value) else value, number)


@dataclass
class Rows:
    """Hold rows as they were read; all lists have one entry per row."""

    formulas: Sequence[str | Formula]
    energies: Sequence[float]
    gaps: Sequence[float]
    kinds: Sequence[int]
    sources: Sequence[str]
    places: Sequence[str]
    """Where each row stands, for messages."""


def compositions_of(
    rows: Rows, faults: list[tuple[str, str]]
) -> tuple[_Integers, _Integers, _Floats, NDArray[np.bool_]]:
    """Return offsets, atomic numbers and amounts of all rows, and which formulas can be read; note the others."""
    reasons: dict[str, str] = {}

    def parse(text: str) -> Formula:
        try:
            return Formula.parse(text)
        except InvalidFormula as error:
            reasons[text] = error.message
            return Formula(("H",), (1.0,))

    offsets, numbers, amounts = read_compositions(list(rows.formulas), parse)
    good = np.ones(len(rows.formulas), dtype=bool)
    if reasons:
        for n, formula in enumerate(rows.formulas):
            if isinstance(formula, str) and formula in reasons:
                good[n] = False
                faults.append((rows.places[n], reasons[formula]))
    return offsets, numbers, amounts, good


def table_of(name: str, rows: Rows, faults: list[tuple[str, str]], file: str | None = None) -> PhaseTable:
    """Make a table of rows; raises InvalidTable with all that is wrong, `faults` included."""
    shown = name if file is None else file
    if not rows.formulas and not faults:
        raise InvalidTable(f"{shown} has no rows", field="table", value=shown)
    offsets, numbers, amounts, good = compositions_of(rows, faults)
    energies = np.asarray(rows.energies, dtype=np.float64)
    single = np.diff(offsets) == 1
    wrong = ~(np.abs(energies) <= MAX_ENERGY) | (single & (energies < -ELEMENT_TOLERANCE))
    for n in np.flatnonzero(wrong & good).tolist():
        reason = energy_fault(float(energies[n])) or "an element below 0: energies are relative to the elements"
        faults.append((rows.places[n], reason))
    refuse(shown, faults)
    # Every element is a phase of energy 0, whether or not a row says so: one row more for each, which is not counted.
    present = np.unique(numbers)
    n_given = len(energies)
    offsets = np.concatenate([offsets, offsets[-1] + 1 + np.arange(len(present))])
    numbers, amounts = np.concatenate([numbers, present]), np.concatenate([amounts, np.ones(len(present))])
    energies = np.concatenate([np.where(single, np.maximum(energies, 0.0), energies), np.zeros(len(present))])
    keys = keys_of(offsets, numbers, amounts)
    order = np.lexsort((np.arange(len(energies)), energies, keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)]))
    kept = order[starts]
    given = np.add.reduceat((order < n_given).astype(np.int64), starts)
    sizes = offsets[kept + 1] - offsets[kept]
    new = np.concatenate([[0], np.cumsum(sizes)])
    entries = np.repeat(offsets[kept] - new[:-1], sizes) + np.arange(int(new[-1]))
    gaps = np.concatenate([np.asarray(rows.gaps, dtype=np.float64), np.full(len(present), np.nan)])
    kinds = np.concatenate([np.asarray(rows.kinds, dtype=np.int8), np.full(len(present), -1, dtype=np.int8)])
    named = {n: rows.sources[row] for n, row in enumerate(kept) if row < n_given and rows.sources[row]}
    return PhaseTable(
        name=name,
        offsets=new,
        numbers=np.ascontiguousarray(numbers[entries]),
        amounts=np.ascontiguousarray(amounts[entries]),
        energies=energies[kept],
        band_gaps=gaps[kept],
        kinds=kinds[kept],
        polymorphs=given,
        sources=named,
        keys=keys[kept],
    )


def refuse(shown: str, faults: list[tuple[str, str]]) -> None:
    """Raise InvalidTable with the faults, by place, if there are any."""
    if faults:
        faults.sort(key=lambda fault: int(fault[0].split()[-1]))
        listed = "; ".join(f"{place}: {reason}" for place, reason in faults[:_FAULTS_SHOWN])
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise InvalidTable(f"{shown}: {listed}{more}", field="table", value=shown)
