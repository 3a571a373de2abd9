"""The convex hull of formation energies: how low a composition can go as a mixture of known phases.

The hull is the minimum of a linear programme over the amounts of the phases, whose dual values are the chemical
potentials (`csrc/hull.h`); S. P. Ong, L. Wang, B. Kang, G. Ceder, Chem. Mater. 20, 1798 (2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superion.featurizers._hull import follow_hull
from superion.featurizers.formula import Formula
from superion.models.stability.phases import ChemicalSystem

__all__ = ["HullPoint", "energy_above_hull", "hull_energy"]


@dataclass(frozen=True)
class HullPoint:
    """Hold the mixture of lowest energy at one composition."""

    energy: float
    """[eV/atom]"""
    phases: tuple[tuple[str, float], ...]
    """Reduced formula of each phase, and the fraction of all atoms that is in it."""
    rows: tuple[int, ...]
    """Place of each phase in the table."""
    chemical_potentials: dict[str, float]
    """Per element of the system, relative to the element [eV/atom]. Where fewer phases than elements coexist they are
    those at one corner of a range."""


def hull_energy(system: ChemicalSystem, formula: Formula) -> HullPoint:
    """Find the mixture of lowest energy; raises InvalidFormula for an element that is not in the system."""
    slopes = np.zeros(len(system.energies))
    intervals, phases, amounts, constants, _ = follow_hull(
        system.fractions, system.energies, slopes, system.composition(formula), system.units, 0.0, 0.0
    )
    present = phases[0] >= 0
    rows = tuple(system.rows[phases[0][present]].tolist())
    names = [system.table.formula(row).text for row in rows]
    return HullPoint(
        energy=float(intervals[0, 2]),
        phases=tuple(zip(names, amounts[0][present].tolist(), strict=True)),
        rows=rows,
        chemical_potentials=dict(zip(system.symbols, constants[0].tolist(), strict=True)),
    )


def energy_above_hull(system: ChemicalSystem, formula: Formula, energy: float) -> float:
    """Return the energy that is set free when the phase decomposes [eV/atom]; below 0 for one below the known hull."""
    return energy - hull_energy(system, formula).energy
