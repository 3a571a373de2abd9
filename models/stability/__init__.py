"""Which phases a composition decomposes to, alone and in contact with lithium, from tables of formation energies."""

from __future__ import annotations

from superion.models.stability.hull import HullPoint, energy_above_hull, hull_energy
from superion.models.stability.lithium import LithiumStability, Product, Step, analyse
from superion.models.stability.phases import ChemicalSystem, Phase, PhaseTable, read_phase_table

__all__ = [
    "ChemicalSystem",
    "HullPoint",
    "LithiumStability",
    "Phase",
    "PhaseTable",
    "Product",
    "Step",
    "analyse",
    "energy_above_hull",
    "hull_energy",
    "read_phase_table",
]
