"""An electrolyte in contact with a partner: what the two react to at any ratio, and how much energy that sets free.

The mixture of lowest energy of x atoms of electrolyte and 1 - x of the partner, at every x: W. D. Richards, L. J.
Miara, Y. Wang, J. C. Kim, G. Ceder, Chem. Mater. 28, 266 (2016), doi:10.1021/acs.chemmater.5b04082. Energies are per
atom of the two reactants, lithium counted, whether it is open or not. The reaction energy starts from the reactants as
they are; the mutual part of it starts from what each decomposes to alone, and is 0 where the contact adds nothing: Y.
Zhu, X. He, Y. Mo, J. Mater. Chem. A 4, 3253 (2016), doi:10.1039/C5TA08574H.

With lithium open at a potential V against lithium metal, its chemical potential is -V eV and energies are E + V n(Li).
The partner is then what it is in equilibrium with that lithium: that a cathode is charged or an anode takes lithium up
is what they are for, and no reaction of the contact. What it sets free on the way is given apart.
"""

# ruff: noqa: N815 # units in names keep their capitals, as in answers

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from superion.errors import InvalidFormula, InvalidValue
from superion.featurizers.formula import Formula
from superion.models.stability.hull import hull_energy
from superion.models.stability.interphase import Interphase, interphase_class
from superion.models.stability.lithium import NEGLIGIBLE_SHARE, Product
from superion.models.stability.mixing import Corner, corners
from superion.models.stability.phases import MAX_SYSTEM, PhaseTable
from superion.models.stability.systems import ChemicalSystem

__all__ = [
    "MAX_POTENTIAL",
    "Interface",
    "Kink",
    "Reactant",
    "checked_potential",
    "electrolyte_itself",
    "react",
    "reactant",
    "reactant_note",
]

MAX_POTENTIAL = 10.0
"""Highest potential that is taken [V against lithium metal]."""
_ROUNDING = 1e-9
"""Difference of energies that is none [eV/atom]."""
_NOTED = 5e-4
"""Energy above the hull from which a note says so, as it shows fewer digits [eV/atom]."""


@dataclass(frozen=True)
class Reactant:
    """Hold what a reaction starts from."""

    formula: Formula
    energy: float
    """Formation energy [eV/atom]."""
    source: Literal["table", "hull"]
    """Whether the table has the composition, or it is taken to lie on the hull."""
    hull_energy: float
    """[eV/atom]"""

    @property
    def above_hull(self) -> float | None:
        """Return the energy above the hull [eV/atom]; None where the composition has no energy of its own."""
        # The table's key is rounded and the hull is not: a phase of the table can lie below the hull next to it.
        return None if self.source == "hull" else max(0.0, _rounded(self.energy - self.hull_energy))


@dataclass(frozen=True)
class Kink:
    """Hold the reaction at one ratio, at which the products change."""

    ratio: float
    """Atoms of the electrolyte over atoms of both."""
    electrolyte_amount: float
    """Formula units; with the partner's they are 1."""
    partner_amount: float
    reaction_energy_eV_per_atom: float
    """From the reactants as they are, but with lithium open the partner as it is in equilibrium with it."""
    mutual_energy_eV_per_atom: float
    """From the phases that each reactant decomposes to alone, at the same potential; 0 at both ends."""
    lithium_uptake: float
    """Lithium taken from outside for these amounts, below 0 where it is given up; 0 where lithium is not open."""
    products: tuple[Product, ...]
    """Amounts for those of the reactants."""
    interphase: Interphase


@dataclass(frozen=True)
class Interface:
    """Hold what `react` finds."""

    table: str
    electrolyte: Reactant
    partner: Reactant
    potential_V: float | None
    """At which lithium is open; None where it is not."""
    partner_alone_eV_per_atom: float
    """Set free by the partner alone in contact with open lithium, and part of no reaction energy; 0 where it is not."""
    kinks: tuple[Kink, ...]
    """From pure partner to pure electrolyte; in between the energies are straight lines."""
    notes: tuple[str, ...]

    @property
    def worst(self) -> Kink:
        """Return the kink of the lowest reaction energy."""
        return min(self.kinks, key=lambda kink: (round(kink.reaction_energy_eV_per_atom, 9), kink.ratio))

    @property
    def worst_mutual(self) -> Kink:
        """Return the kink of the lowest mutual energy."""
        return min(self.kinks, key=lambda kink: (round(kink.mutual_energy_eV_per_atom, 9), kink.ratio))

    @property
    def electrolyte_alone(self) -> Kink:
        """Return the end without partner, where only an open lithium reacts with the electrolyte."""
        return self.kinks[-1]


def react(
    table: PhaseTable, electrolyte: str | Formula, partner: str | Formula, potential: float | None = None
) -> Interface:
    """Let two compositions react, with lithium open at a potential [V against lithium metal] or, with None, closed.

    Raises InvalidFormula for a formula that cannot be read, an element that the table does not know or more than
    `phases.MAX_SYSTEM` elements, InvalidValue for a potential out of range.
    """
    ours = _parsed(electrolyte, "electrolyte")
    theirs = _parsed(partner, "partner")
    if potential is not None:
        potential = checked_potential(potential)
    system = _system(table, ours, theirs, potential is not None)
    sides = (reactant(system, ours), reactant(system, theirs))
    a, b = (system.composition(side.formula) for side in sides)
    if potential is None:
        found = corners(system.fractions, system.energies, system.units, a, b)
        rows, lithium = system.rows, (0.0, 0.0)
    else:
        opened, place = system.opened("Li"), system.symbols.index("Li")
        lithium = (float(a[place]), float(b[place]))
        a, b = np.delete(a, place), np.delete(b, place)
        energies = opened.energies + potential * opened.open_fractions
        found = corners(opened.fractions, energies, opened.units, a, b)
        rows = opened.rows
    volts = potential or 0.0
    own = [side.energy + volts * content for side, content in zip(sides, lithium, strict=True)]
    ends = found[-1].energy, found[0].energy
    alone = 0.0 if potential is None else _rounded(ends[1] - own[1])
    own[1] = own[1] if potential is None else ends[1]
    kinks = []
    for corner in found:
        phases = [(int(rows[j]), x) for j, x in corner.phases if x > NEGLIGIBLE_SHARE]
        energy = _less(corner, own[0], own[1])
        mutual = _less(corner, ends[0], ends[1])
        content = corner.share * lithium[0] + (1.0 - corner.share) * lithium[1]
        uptake = 0.0 if potential is None else _lithium(table, phases) - content
        kinks.append(_kink(table, sides, corner.share, energy, mutual, uptake, phases))
    return Interface(table.name, *sides, potential, alone, tuple(kinks), _notes(table, sides))


def reactant(system: ChemicalSystem, formula: Formula) -> Reactant:
    """Return a composition with the table's energy of it, else that of the hull."""
    table, hull = system.table, hull_energy(system, formula).energy
    row = table.row(formula)
    if row is None:
        return Reactant(formula, hull, "hull", hull)
    return Reactant(formula, float(table.energies[row]), "table", hull)


def electrolyte_itself(table: PhaseTable, electrolyte: str | Formula) -> Reactant:
    """Return an electrolyte before it meets anything; raises InvalidFormula, of the field `electrolyte`."""
    ours = _parsed(electrolyte, "electrolyte")
    return reactant(_system(table, ours, ours, opened=False), ours)


def checked_potential(potential: float) -> float:
    """Return a potential; raises InvalidValue for one that is out of range."""
    if not 0.0 <= potential <= MAX_POTENTIAL:  # also False for NaN
        fault = f"a potential lies from 0 to {MAX_POTENTIAL:g} V against lithium metal, not {potential:g}"
        raise InvalidValue(fault, field="potential_V", value=potential)
    return potential


def _parsed(formula: str | Formula, field: str) -> Formula:
    if isinstance(formula, Formula):
        return formula
    try:
        return Formula.parse(formula)
    except InvalidFormula as error:
        raise InvalidFormula(error.message, field=field, value=formula) from error


def _system(table: PhaseTable, ours: Formula, theirs: Formula, opened: bool) -> ChemicalSystem:
    elements = {*ours.symbols, *theirs.symbols}
    if opened and elements == {"Li"}:
        raise InvalidFormula("lithium does not react with itself", field="partner", value=theirs.text)
    try:
        return table.system({*elements, "Li"} if opened else elements)
    except InvalidFormula as error:
        alone = error.value in ours.symbols or len(ours.symbols) > MAX_SYSTEM
        field = "electrolyte" if alone else "partner"
        raise InvalidFormula(error.message, field=field, value=error.value) from error


def _less(corner: Corner, a: float, b: float) -> float:
    """Return the energy of a corner less that of what it starts from."""
    return _rounded(corner.energy - corner.share * a - (1.0 - corner.share) * b)


def _rounded(energy: float) -> float:
    return 0.0 if abs(energy) < _ROUNDING else energy


def _lithium(table: PhaseTable, phases: list[tuple[int, float]]) -> float:
    formulas = [(table.phase(row).formula, x) for row, x in phases]
    return math.fsum(x * formula.amount("Li") / formula.n_atoms for formula, x in formulas)


def _kink(
    table: PhaseTable,
    sides: tuple[Reactant, Reactant],
    share: float,
    energy: float,
    mutual: float,
    uptake: float,
    phases: list[tuple[int, float]],
) -> Kink:
    units = share / sides[0].formula.n_atoms, (1.0 - share) / sides[1].formula.n_atoms
    scale = 1.0 / math.fsum(units)
    products = []
    for row, x in phases:
        phase = table.phase(row)
        products.append(Product(phase.formula.text, scale * x / phase.formula.n_atoms, phase.nature))
    return Kink(
        ratio=share,
        electrolyte_amount=scale * units[0],
        partner_amount=scale * units[1],
        reaction_energy_eV_per_atom=energy,
        mutual_energy_eV_per_atom=mutual,
        lithium_uptake=0.0 if abs(uptake) < NEGLIGIBLE_SHARE else scale * uptake,
        products=tuple(products),
        interphase=interphase_class(energy, [product.nature for product in products]),
    )


def _notes(table: PhaseTable, sides: tuple[Reactant, Reactant]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for side in sides if (note := reactant_note(table, side)) is not None))


def reactant_note(table: PhaseTable, side: Reactant) -> str | None:
    """Say what the energy of a reactant is worth, where there is something to say."""
    if side.source == "hull":
        return (
            f"the table {table.name} has no energy of {side.formula}: it is taken to lie on the hull; a less stable "
            "one sets more energy free, a more stable one less"
        )
    above = side.energy - side.hull_energy
    if above > _NOTED:
        return f"{side.formula} lies {above:.3f} eV/atom above the hull, and that counts as set free too"
    return None
