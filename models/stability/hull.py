"""The convex hull of formation energies: how low a composition can go as a mixture of known phases.

The hull is the minimum of a linear programme over the amounts of the phases, whose dual values are the chemical
potentials (`csrc/hull.h`); S. P. Ong, L. Wang, B. Kang, G. Ceder, Chem. Mater. 20, 1798 (2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superion.featurizers._hull import follow_hull
from superion.featurizers.formula import Formula
from superion.models.stability.systems import ChemicalSystem

__all__ = ["HullPoint", "Mixture", "energy_above_hull", "hull_energy", "lowest_mixture"]


@dataclass(frozen=True)
class Mixture:
    """Hold the mixture of lowest energy at one composition, by places alone."""

    energy: float
    """[eV/atom]"""
    phases: tuple[tuple[int, float], ...]
    """Place of each phase in the table, and the fraction of all atoms that is in it."""
    chemical_potentials: tuple[float, ...]
    """Of each element of the system, relative to the element [eV/atom]."""


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


def lowest_mixture(system: ChemicalSystem, composition: NDArray[np.float64]) -> Mixture:
    """Find the mixture of lowest energy at the atomic fractions `(n_elements,)` that `system.composition` gives."""
    slopes = np.zeros(len(system.energies))
    intervals, phases, amounts, constants, _ = follow_hull(
        system.fractions, system.energies, slopes, composition, system.units, 0.0, 0.0
    )
    listed = zip(phases[0].tolist(), amounts[0].tolist(), strict=True)
    return Mixture(
        energy=float(intervals[0, 2]),
        phases=tuple((int(system.rows[place]), share) for place, share in listed if place >= 0),
        chemical_potentials=tuple(constants[0].tolist()),
    )


def hull_energy(system: ChemicalSystem, formula: Formula) -> HullPoint:
    """Find the mixture of lowest energy; raises InvalidFormula for an element that is not in the system."""
    found = lowest_mixture(system, system.composition(formula))
    return HullPoint(
        energy=found.energy,
        phases=tuple((system.table.formula(row).text, share) for row, share in found.phases),
        rows=tuple(row for row, _ in found.phases),
        chemical_potentials=dict(zip(system.symbols, found.chemical_potentials, strict=True)),
    )


def energy_above_hull(system: ChemicalSystem, formula: Formula, energy: float) -> float:
    """Return the energy that is set free when the phase decomposes [eV/atom]; below 0 for one below the known hull."""
    return energy - hull_energy(system, formula).energy
