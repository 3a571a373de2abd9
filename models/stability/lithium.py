"""A composition in contact with lithium: what it reacts to, how much energy that sets free, its window of potentials.

Lithium is open: at a potential V against lithium metal its chemical potential is -V eV, and the equilibrium is the
mixture of phases that is lowest in E + V n(Li) with the amounts of the other elements held. From 0 V upward the
mixtures are the steps of a staircase, of falling lithium content. The composition is put on the hull first: its own
energy counts in energies set free, but in the search for mixtures it is lowered to the hull where it lies above. It is
then stable between the potential below which it takes up lithium (reduction limit) and the one above which it gives
lithium up (oxidation limit). Y. Zhu, X. He, Y. Mo, ACS Appl. Mater. Interfaces 7, 23685 (2015),
doi:10.1021/acsami.5b07517; W. D. Richards, L. J. Miara, Y. Wang, J. C. Kim, G. Ceder, Chem. Mater. 28, 266 (2016).
"""

# ruff: noqa: N815 # units in names keep their capitals, as in answers

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from superion.errors import InvalidValue
from superion.featurizers._hull import follow_hull_beside
from superion.featurizers.formula import Formula
from superion.models.stability.hull import lowest_mixture
from superion.models.stability.interphase import Interphase, Nature, interphase_class
from superion.models.stability.phases import PhaseTable, energy_fault, reduced_formula
from superion.models.stability.systems import without

__all__ = ["LITHIUM_TOLERANCE", "NEGLIGIBLE_SHARE", "LithiumStability", "Product", "Step", "analyse"]

LITHIUM_TOLERANCE = 1e-3
"""Lithium per atom of the composition that is no difference.

Published amounts are rounded, so that the charges of Li3.833Sn0.833As0.166S4 are off by 6e-4 per atom and those of
Li0.33La0.5566667TiO3 by 2e-8. The lithium content at equilibrium is off by as much, and an exact comparison would find
no window, or a sliver of one. The price: what less than a thousandth of the atoms does is not seen.
"""
NEGLIGIBLE_SHARE = 1e-6
"""Share of the atoms below which a phase is not listed."""
_ROUNDING = 1e-9
"""Difference of energies that is none [eV/atom]."""
_ITSELF = Nature("insulator", "the electrolyte itself", assumed=True)
"""Of the composition within its window."""


@dataclass(frozen=True)
class Product:
    """Hold one phase of a mixture."""

    formula: str
    amount: float
    """Formula units per formula unit of the composition, as that was written."""
    nature: Nature


@dataclass(frozen=True)
class Step:
    """Hold the equilibrium within one interval of potentials."""

    lower_V: float
    """Against lithium metal."""
    upper_V: float | None
    """None where there is no end."""
    lithium_uptake: float
    """Lithium taken up per formula unit of the composition; below 0 where it is given up."""
    products: tuple[Product, ...]
    reaction_energy_lower_eV_per_atom: float
    """Energy of reaction with lithium of the lower potential, per atom of the composition; linear in between."""
    reaction_energy_upper_eV_per_atom: float | None
    interphase: Interphase
    """Class at that end of the step where more energy is set free."""


@dataclass(frozen=True)
class LithiumStability:
    """Hold what `analyse` finds; energies are per atom of the composition."""

    table: str
    formula: str
    energy_eV_per_atom: float
    """Formation energy that the reaction energies start from."""
    energy_source: Literal["given", "table", "hull"]
    hull_energy_eV_per_atom: float
    energy_above_hull_eV_per_atom: float | None
    """None where the composition has no energy of its own; below 0 for a given one below the known hull."""
    decomposition: tuple[Product, ...]
    """The mixture on the hull, without lithium metal."""
    reaction_energy_eV_per_atom: float
    """With lithium metal."""
    reduction_limit_V: float
    oxidation_limit_V: float | None
    products: tuple[Product, ...]
    """The mixture in equilibrium with lithium metal."""
    interphase: Interphase
    """Class of the contact with lithium metal."""
    staircase: tuple[Step, ...]
    """From 0 V upward; its first step alone where the whole was not asked for."""
    notes: tuple[str, ...]


def analyse(
    table: PhaseTable, formula: str | Formula, energy: float | None = None, *, whole: bool = True
) -> LithiumStability:
    """Analyse a composition; `energy` is its formation energy [eV/atom], else the table's is taken, else the hull's.

    Without `whole` the staircase ends with its first step, which spares most of the time; nothing else differs. Raises
    InvalidFormula for a formula that cannot be read or an element that the table does not know, InvalidValue for an
    energy that is none.
    """
    given = Formula.parse(formula) if isinstance(formula, str) else formula
    if energy is not None and (fault := energy_fault(energy)):
        raise InvalidValue(f"energy: {fault}", field="energy", value=energy)
    return _Analysis(table, given, energy).result(whole)


class _Analysis:
    """Carry one analysis; all amounts and energies inside are per atom of the composition."""

    def __init__(self, table: PhaseTable, formula: Formula, energy: float | None) -> None:
        self.table, self.formula = table, formula
        self.notes: list[str] = []
        self.system = table.system({*formula.symbols, "Li"})
        self.lithium = formula.amount("Li") / formula.n_atoms
        self.composition = self.system.composition(formula)
        hull = lowest_mixture(self.system, self.composition)
        self.hull, self.mixture = hull.energy, hull.phases
        self.row = self.system.row(formula, self.composition)
        self.source: Literal["given", "table", "hull"]
        self.energy, self.source = self.hull, "hull"
        if energy is not None:
            self.energy, self.source = energy, "given"
        elif self.row is not None:
            self.energy, self.source = float(table.energies[self.row]), "table"
        self.above = self.energy - self.hull
        # The table's key is rounded and the hull is not: a phase of the table can lie below the hull next to it.
        if abs(self.above) < _ROUNDING or (self.source == "table" and self.above < 0.0):
            self.above = 0.0
        if self.above < 0.0:
            self.notes.append(
                "the given energy lies below the hull of the table, so the composition is a phase of its own"
            )

    @cached_property
    def own(self) -> Product:
        """Return the composition itself, as what is there within its window."""
        itself = reduced_formula(self.formula) if self.row is None else self.table.formula(self.row)
        return Product(itself.text, _units(1.0, self.formula, itself), _ITSELF)

    def result(self, whole: bool) -> LithiumStability:
        """Return the answer, with the whole staircase or its first step."""
        if self.formula.symbols == ("Li",):
            reduction, oxidation, steps = self.emptied()
        else:
            reduction, oxidation, steps = self.staircase(whole)
        first = steps[0]
        products = first.products or (self.own,)
        reaction = first.reaction_energy_lower_eV_per_atom
        itself = len(products) == 1 and products[0].nature is _ITSELF
        natures = [] if itself else [product.nature for product in products]
        return LithiumStability(
            table=self.table.name,
            formula=self.formula.text,
            energy_eV_per_atom=self.energy,
            energy_source=self.source,
            hull_energy_eV_per_atom=self.hull,
            energy_above_hull_eV_per_atom=None if self.source == "hull" else self.above,
            decomposition=tuple(self.product(row, share) for row, share in self.mixture if share > NEGLIGIBLE_SHARE),
            reaction_energy_eV_per_atom=reaction,
            reduction_limit_V=reduction,
            oxidation_limit_V=oxidation,
            products=products,
            interphase=interphase_class(reaction, natures) if natures else "stable",
            staircase=steps,
            notes=tuple(self.notes),
        )

    def emptied(self) -> tuple[float, float | None, tuple[Step, ...]]:
        """Return the limits and the only step of lithium itself, which is gone at any potential above 0."""
        self.notes.append("lithium itself")
        freed = 0.0 if self.above <= 0.0 else -self.above  # never above 0, and no negative zero
        return 0.0, 0.0, (Step(0.0, None, -self.formula.n_atoms, (), freed, None, "stable"),)

    def staircase(self, whole: bool) -> tuple[float, float | None, tuple[Step, ...]]:
        """Return the limits and the steps, all or the first."""
        opened = self.system.opened("Li")
        floor = min(self.energy, self.hull)
        intervals, mixtures = follow_hull_beside(
            opened.fractions,
            opened.energies,
            opened.slopes,
            without(self.composition, self.system.places["Li"]),
            opened.units,
            floor,
            -self.lithium,
            0.0,
            -math.inf,
            # Beyond the window, where there is less lithium, nothing bears on the limits or on the first step.
            math.inf if whole else LITHIUM_TOLERANCE - self.lithium,
            sys.maxsize if whole else 1,
        )
        pieces = [_Piece(abs(t), -end, fixed, -slope) for t, end, fixed, slope in intervals]
        inside = [n for n, piece in enumerate(pieces) if abs(piece.lithium - self.lithium) <= LITHIUM_TOLERANCE]
        reduction, oxidation = self.limits(pieces, inside)
        steps: list[Step] = []
        for n, piece in enumerate(pieces if whole else pieces[:1]):
            if inside and n == inside[0]:
                top = pieces[inside[-1]].upper
                left = floor - self.energy
                ends = (None, None) if math.isinf(top) else (top, left)
                steps.append(Step(piece.lower, ends[0], 0.0, (self.own,), left, ends[1], "stable"))
            elif not inside or n < inside[0] or n > inside[-1]:
                # The last column is the composition itself.
                phases = [(j, share) for j, share in mixtures[n] if j < len(opened.rows) and share > NEGLIGIBLE_SHARE]
                steps.append(self.step(piece, [(int(opened.rows[j]), share) for j, share in phases]))
        return reduction, oxidation, tuple(steps)

    def limits(self, pieces: list[_Piece], inside: list[int]) -> tuple[float, float | None]:
        """Return the potentials between which the lithium content at equilibrium is that of the composition."""
        if not inside:
            above = [piece for piece in pieces if piece.lithium - self.lithium > 0.0]
            if not above:
                self.notes.append("there is more lithium than the phases can hold; the rest is lithium metal, at 0 V")
                return 0.0, 0.0
            self.notes.append(
                "there is no window of potentials, both limits are where the lithium content passes that of the "
                "composition: its charges do not balance, or it is a mixture of phases that differ in lithium"
            )
            return above[-1].upper, above[-1].upper
        first, last = pieces[inside[0]], pieces[inside[-1]]
        if len(inside) > 1 or abs(first.lithium - self.lithium) > _ROUNDING:
            self.notes.append(
                "the amounts are rounded: lithium contents that differ by less than a thousandth of the atoms are "
                "taken for one, and the window is all of theirs"
            )
        if math.isinf(last.upper):
            self.notes.append("there is no oxidation limit, as there is no lithium to extract")
            return first.lower, None
        return first.lower, last.upper

    def step(self, piece: _Piece, mixture: list[tuple[int, float]]) -> Step:
        """Return one step beyond the window; shares in the mixture are atoms with the lithium that came in."""
        products = tuple(self.product(row, share) for row, share in mixture)
        bottom, top = self.reaction(piece, -piece.lower) + 0.0, None  # no negative zero
        lowest = -math.inf
        if not math.isinf(piece.upper):
            top = self.reaction(piece, -piece.upper)
            lowest = min(bottom, top)
        return Step(
            piece.lower,
            None if top is None else piece.upper,
            (piece.lithium - self.lithium) * self.formula.n_atoms,
            products,
            bottom,
            top,
            interphase_class(lowest, [product.nature for product in products]),
        )

    def reaction(self, piece: _Piece, potential: float) -> float:
        """Return the energy of reaction at a chemical potential of lithium [eV]."""
        return piece.fixed - potential * piece.lithium - self.energy + potential * self.lithium

    def product(self, row: int, share: float) -> Product:
        """Return a phase that holds this share of the atoms."""
        phase = self.table.phase(row)
        return Product(phase.formula.text, _units(share, self.formula, phase.formula), phase.nature)


class _Piece(NamedTuple):
    """Hold one interval of potentials [V] in which the mixture is one."""

    lower: float
    upper: float
    fixed: float
    """Energy of the mixture without what lithium counts for [eV]."""
    lithium: float
    """In the mixture."""


def _units(share: float, whole: Formula, part: Formula) -> float:
    """Return formula units of the part per formula unit of the whole, of the share of its atoms that is in the part."""
    return share * whole.n_atoms / part.n_atoms
