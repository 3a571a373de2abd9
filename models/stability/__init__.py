"""Which phases a composition decomposes to, alone and in contact, from tables of formation energies."""

from __future__ import annotations

from superion.models.stability.environment import Environment, expose
from superion.models.stability.hull import HullPoint, energy_above_hull, hull_energy
from superion.models.stability.interface import Interface, react
from superion.models.stability.lithium import LithiumStability, Product, Step, analyse
from superion.models.stability.phases import Phase, PhaseTable
from superion.models.stability.systems import ChemicalSystem
from superion.models.stability.table_files import read_phase_table

__all__ = [
    "ChemicalSystem",
    "Environment",
    "HullPoint",
    "Interface",
    "LithiumStability",
    "Phase",
    "PhaseTable",
    "Product",
    "Step",
    "analyse",
    "energy_above_hull",
    "expose",
    "hull_energy",
    "react",
    "read_phase_table",
]
