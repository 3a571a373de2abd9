"""What reacts with water and carbon dioxide, and to what: measured phases, gases among them, and an electrolyte.

A table of computed energies cannot simply be joined to measured gases. Its corrections were fitted to ionic oxides and
sulfides, so that in matbench hydroxides lie 0.5 eV per H too low, carbonates 0.9 per C, sulfates 1.9 per S and P2S5 0.6
per S (means; docs/stability.md): lithium carbonate would form from the oxide with 3.3 in place of the measured 2.3 eV.
So all that is measured here is on one scale, the end members and those of `data/air.csv`, and of the table comes what
calculations do well: by how much an electrolyte differs from the end members with the same bonds that make it up.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, cast

import numpy as np

from superion.errors import InvalidFormula, InvalidTable
from superion.featurizers._hull import follow_hull
from superion.featurizers.formula import Formula
from superion.models.stability.end_members import KJ_PER_MOL, RED_PHOSPHORUS, SOURCES, read_end_members
from superion.models.stability.phases import Phase, PhaseTable
from superion.models.stability.systems import ChemicalSystem

__all__ = [
    "AIR_SOURCES",
    "AirPhases",
    "Measured",
    "State",
    "Water",
    "air_phases",
    "measured_energy",
    "measured_phases",
]

AIR = Path(__file__).parent / "data" / "air.csv"
State = Literal["solid", "liquid", "gas"]
Water = Literal["liquid", "gas"]

AIR_SOURCES = {
    "codata": "Cox, Wagman, Medvedev, CODATA Key Values for Thermodynamics, Hemisphere 1989",
    "crc": SOURCES["crc"],
    "nbs": SOURCES["nbs"],
    "robie1995": "Robie, Hemingway, US Geological Survey Bulletin 2131 (1995)",
}
_HEADER = ["formula", "dHf_kJ_per_mol_formula", "state", "source", "note"]
_WATER = Formula.parse("H2O").canonical
_ELEMENTAL_GASES = frozenset({"H", "N", "O", "F", "Cl"})
_NO_PRODUCT = 100.0
"""Energy of what is not to form [eV/atom]."""


@dataclass(frozen=True)
class Measured:
    """Hold a phase with a measured enthalpy of formation."""

    formula: Formula
    energy: float
    """From the elements, phosphorus red, at 298.15 K [eV/atom]."""
    state: State
    kind: Literal["metal", "insulator"]
    source: str


@dataclass(frozen=True, eq=False)
class AirPhases:
    """Hold the measured phases of some elements with hydrogen, carbon and oxygen."""

    system: ChemicalSystem
    names: Mapping[str, str]
    """How each phase is written, by canonical composition."""
    states: Mapping[str, State]
    """Of what is not solid, by canonical composition."""

    def energy(self, formula: Formula) -> float:
        """Return the energy of one of the phases [eV/atom]."""
        row = self.system.table.row(formula)
        assert row is not None
        return float(self.system.table.energies[row])


@cache
def measured_phases() -> tuple[Measured, ...]:
    """Return what is measured: the molecules and solids of `air.csv`, then the end members; water is there twice.

    The end members that are calculated are left out. Nothing is lost with them: phosphides and alloys do not form in
    air, and one that is exposed starts from the table's energy and the elements, as the calculated rows do themselves.

    Raises InvalidTable for a file that is no such table.
    """
    try:
        with AIR.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        if header != _HEADER:
            raise ValueError(f"its header is {','.join(header)[:80]!r}")
        found = [_measured(*row) for row in rows]
    except (InvalidFormula, ValueError, TypeError) as error:
        raise InvalidTable(f"{AIR.name} cannot be used: {error}", field="path", value=AIR.name) from error
    known = {each.formula.canonical for each in found}
    for row in read_end_members():
        if row.measured and row.formula.canonical not in known:
            state: State = (
                "gas" if row.note.startswith("gas") else "liquid" if row.note.startswith("liquid") else "solid"
            )
            found.append(Measured(row.formula, row.formation_energy, state, row.electronic, row.source))
    return tuple(found)


def air_phases(elements: Iterable[str], water: Water = "liquid") -> AirPhases:
    """Return the measured phases of the elements and of hydrogen, carbon and oxygen, with water in one of its states.

    Without carbon among the elements none is set free, as carbon dioxide is not reduced at room temperature.

    Raises InvalidFormula for an element of which nothing is measured.
    """
    given = frozenset(elements)
    system, names, states = _air_phases(given | {"H", "C", "O"}, water)
    if "C" not in given:
        energies = system.energies.copy()
        for n, row in enumerate(system.rows.tolist()):
            formula = system.table.formula(row)
            if "C" in formula and formula.amount("O") < 2.0 * formula.amount("C"):
                energies[n] = _NO_PRODUCT
        system = replace(system, energies=energies)
    return AirPhases(system, names, states)


def measured_energy(table: PhaseTable, formula: Formula, energy: float) -> tuple[float, tuple[str, ...]]:
    """Return the energy of a solid on the measured scale [eV/atom], from that of a table, and the end members it is of.

    That is the energy of the mixture of measured solids with its composition, and the difference between its own energy
    and that of the same mixture by the table. Only solids that the table has too make up the mixture.

    Raises InvalidFormula for an element of which nothing is measured.
    """
    # With hydrogen, carbon and oxygen, of which there are compounds where there are none of a metal alone.
    system, names, states = _air_phases(frozenset(formula.symbols) | {"H", "C", "O"}, "liquid")
    kept, own = [], []
    for n, row in enumerate(system.rows.tolist()):
        part = system.table.formula(row)
        at = table.row(part)
        if len(part.symbols) == 1 or (at is not None and part.canonical not in states):
            kept.append(n)
            own.append(0.0 if at is None else float(table.energies[at]))
    place = {n: k for k, n in enumerate(kept)}
    units = np.array([place[n] for n in system.units.tolist()], dtype=np.int64)
    intervals, phases, amounts, _, _ = follow_hull(
        np.ascontiguousarray(system.fractions[kept]),
        np.ascontiguousarray(system.energies[kept]),
        np.zeros(len(kept)),
        system.composition(formula),
        units,
        0.0,
        0.0,
    )
    mixture = [(int(j), float(x)) for j, x in zip(phases[0], amounts[0], strict=True) if j >= 0]
    by_table = sum(x * own[j] for j, x in mixture)
    parts = [system.table.formula(int(system.rows[kept[j]])) for j, _ in mixture]
    made_of = tuple(names.get(part.canonical, part.text) for part in parts)
    return float(intervals[0, 2]) + energy - by_table, made_of


def _air_phases(elements: frozenset[str], water: Water) -> tuple[ChemicalSystem, dict[str, str], dict[str, State]]:
    chosen = {
        each.formula.canonical: each
        for each in measured_phases()
        if set(each.formula.symbols) <= elements and (each.formula.canonical != _WATER or each.state == water)
    }
    known = {symbol for each in measured_phases() for symbol in each.formula.symbols}
    for symbol in sorted(elements - known):
        fault = f"no end member of {symbol} is measured: what it turns into in air and water cannot be judged"
        raise InvalidFormula(fault, field="formula", value=symbol)
    phases = [Phase(each.formula, each.energy, kind=each.kind, source=each.source) for each in chosen.values()]
    table = PhaseTable.from_phases("measured phases", phases)
    states: dict[str, State] = {Formula((symbol,), (1.0,)).canonical: "gas" for symbol in _ELEMENTAL_GASES}
    states |= {key: each.state for key, each in chosen.items() if each.state != "solid"}
    names = {Formula((symbol,), (1.0,)).canonical: f"{symbol}2" for symbol in _ELEMENTAL_GASES}
    return table.system(elements), names | {key: each.formula.text for key, each in chosen.items()}, states


def _measured(formula: str, enthalpy: str, state: str, source: str, note: str) -> Measured:
    read = Formula.parse(formula)
    if state not in ("solid", "liquid", "gas") or source not in AIR_SOURCES:
        raise ValueError(f"{formula} has the state {state!r} and the source {source!r}")
    energy = (float(enthalpy) - RED_PHOSPHORUS * read.amount("P")) / read.n_atoms / KJ_PER_MOL
    return Measured(read, energy, cast(State, state), "insulator", source)
