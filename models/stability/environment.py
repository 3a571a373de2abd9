"""An electrolyte in water, carbon dioxide and both: what it turns into, and how much energy that sets free.

Thermodynamics only: what can happen, not whether and how fast it does. The mixture of lowest energy of the electrolyte
and the gases, of measured phases (`air_phases`): at the worst ratio, where the energy per atom of all that reacts is
lowest, as at the contact of two solids (W. D. Richards et al., Chem. Mater. 28, 266 (2016)), and with as much water and
carbon dioxide as it takes up. Energies are enthalpies at 298 K: the entropy of a gas is no part of them.
"""

# ruff: noqa: N815 # units in names keep their capitals, as in answers

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidFormula, InvalidValue
from superion.featurizers._hull import follow_hull
from superion.featurizers.formula import Formula
from superion.models.stability.air_phases import AirPhases, State, Water, air_phases, measured_energy
from superion.models.stability.interface import Reactant, reactant, reactant_note
from superion.models.stability.interphase import Nature
from superion.models.stability.lithium import NEGLIGIBLE_SHARE, Product
from superion.models.stability.mixing import Mixture, worst_mixture
from superion.models.stability.phases import PhaseTable

__all__ = ["ATMOSPHERES", "Atmosphere", "Environment", "Exposure", "Outcome", "expose"]

Atmosphere = Literal["water", "carbon dioxide", "moist air"]

ATMOSPHERES: dict[Atmosphere, tuple[str, ...]] = {
    "water": ("H2O",),
    "carbon dioxide": ("CO2",),
    "moist air": ("H2O", "CO2"),
}
"""What reacts in each. Moist air is its water and carbon dioxide; its oxygen takes no part."""
MOLAR_VOLUME = 24_790.0
"""Of an ideal gas at 25 degrees Celsius and 1 bar [cm3/mol]."""
_NO_ENERGY = 1e-6
"""Difference of energies that is none [eV/atom]."""

_HYDROGEN_SULFIDE = Formula.parse("H2S").canonical

_THERMODYNAMIC = (
    "this is thermodynamics: what can react, by enthalpies at 298 K; whether it does so within hours is kinetics"
)
_ENTROPY = (
    "the entropy of gases is left out: to bind carbon dioxide from air costs about 0.7 eV per CO2 of it, and a gas "
    "that is released by a solid and liquid water gains some 0.3 eV per molecule"
)
_MEASURED = (
    "what forms is sought among measured phases only: hydrates and basic carbonates that are not among them, such as "
    "LiBr·2H2O, LiI·2H2O and those of rare earths, are missed, and then more energy is set free than is said"
)


@dataclass(frozen=True)
class Outcome:
    """Hold one reaction, for one formula unit of the electrolyte as it was written."""

    reaction_energy_eV_per_atom: float
    """Per atom of the electrolyte; 0 or below."""
    taken_up: Mapping[str, float]
    """Molecules of water and carbon dioxide."""
    energy_per_molecule_eV: float | None
    """The energy set free over the molecules taken up, of both kinds; None where there are none."""
    products: tuple[Product, ...]
    states: tuple[State, ...]
    """Of the products."""
    hydrogen_sulfide: float
    """Molecules of H2S."""
    hydrogen_sulfide_cm3_per_g: float
    """Of the electrolyte, at 25 degrees Celsius and 1 bar."""


@dataclass(frozen=True)
class Exposure:
    """Hold the reactions in one atmosphere."""

    atmosphere: Atmosphere
    worst: Outcome
    """At the ratio of lowest energy per atom of all that reacts."""
    in_excess: Outcome
    """With as much as is taken up."""


@dataclass(frozen=True)
class Environment:
    """Hold what `expose` finds."""

    table: str
    electrolyte: Reactant
    """By the table."""
    energy_eV_per_atom: float
    """That the reactions start from, on the scale of the measured phases."""
    made_of: tuple[str, ...]
    """The measured solids with which the table is brought to that scale."""
    water: Water
    exposures: tuple[Exposure, ...]
    notes: tuple[str, ...]


def expose(table: PhaseTable, formula: str | Formula, water: Water = "liquid") -> Environment:
    """Expose a composition to water, carbon dioxide and both; water is a liquid, or a gas of its own enthalpy.

    Raises InvalidFormula for a formula that cannot be read or an element that the table does not know, InvalidValue for
    water that is neither.
    """
    given = Formula.parse(formula) if isinstance(formula, str) else formula
    if water not in ("liquid", "gas"):
        raise InvalidValue(f"water is liquid or gas, not {water!r}", field="water", value=water)
    if set(given.symbols) <= {"H", "C", "O"}:
        raise InvalidFormula(f"{given} is no electrolyte", field="formula", value=given.text)
    own = reactant(table.system(given.symbols), given)
    air = air_phases(given.symbols, water)
    start, made_of = measured_energy(table, given, own.energy)
    exposures = tuple(_exposure(air, given, start, atmosphere) for atmosphere in ATMOSPHERES)
    notes = [_THERMODYNAMIC, _ENTROPY, _MEASURED, reactant_note(table, own)]
    return Environment(
        table.name, own, start, made_of, water, exposures, tuple(note for note in notes if note is not None)
    )


def _exposure(air: AirPhases, formula: Formula, start: float, atmosphere: Atmosphere) -> Exposure:
    molecules = ATMOSPHERES[atmosphere]
    gases = [Formula.parse(text) for text in molecules]
    sides = np.array([air.system.composition(each) for each in (formula, *gases)])
    energies = [start, *(air.energy(gas) for gas in gases)]
    system = air.system
    worst = worst_mixture(system.fractions, system.energies, system.units, sides, energies)
    excess = _saturated(air, sides, energies)
    found = _outcome(air, formula, molecules, worst)
    more = _outcome(air, formula, molecules, excess)
    # Equal but for rounding: the worst ratio has all that is taken up.
    same = found.reaction_energy_eV_per_atom - more.reaction_energy_eV_per_atom < _NO_ENERGY
    return Exposure(atmosphere, found, found if same else more)


def _saturated(air: AirPhases, sides: NDArray[np.float64], own: list[float]) -> Mixture:
    """Return the mixture of lowest energy for one atom of the first side and any amount of the others."""
    system = air.system
    n_phases = len(system.energies)
    intervals, phases, amounts, _, _ = follow_hull(
        np.ascontiguousarray(np.concatenate([system.fractions, -sides[1:]])),
        np.append(system.energies, -np.array(own[1:])),
        np.zeros(n_phases + len(own) - 1),
        sides[0],
        system.units,
        0.0,
        0.0,
    )
    found = {int(j): float(x) for j, x in zip(phases[0], amounts[0], strict=True) if j >= 0}
    shares = (1.0, *(found.get(n_phases + n, 0.0) for n in range(len(own) - 1)))
    return Mixture(shares, float(intervals[0, 2]) - own[0], tuple((j, x) for j, x in found.items() if j < n_phases))


def _outcome(air: AirPhases, formula: Formula, molecules: tuple[str, ...], found: Mixture) -> Outcome:
    """Return a mixture as the reaction of one formula unit."""
    share, *gases = found.shares
    if share < NEGLIGIBLE_SHARE or found.energy > -_NO_ENERGY:
        own = Product(formula.text, 1.0, Nature("insulator", "the electrolyte itself", assumed=True))
        return Outcome(0.0, dict.fromkeys(molecules, 0.0), None, (own,), ("solid",), 0.0, 0.0)
    units = formula.n_atoms / share
    taken = {
        name: units * x / Formula.parse(name).n_atoms if x > NEGLIGIBLE_SHARE else 0.0
        for name, x in zip(molecules, gases, strict=True)
    }
    products, states, sulfide = [], [], 0.0
    for n, x in found.phases:
        phase = air.system.table.phase(int(air.system.rows[n]))
        key = phase.formula.canonical
        if x > NEGLIGIBLE_SHARE:
            name = air.names.get(key, phase.formula.text)
            amount = units * x / Formula.parse(name).n_atoms
            products.append(Product(name, amount, phase.nature))
            states.append(air.states.get(key, "solid"))
            sulfide += amount if key == _HYDROGEN_SULFIDE else 0.0
    total = sum(taken.values())
    return Outcome(
        reaction_energy_eV_per_atom=found.energy / share,
        taken_up=taken,
        energy_per_molecule_eV=found.energy * units / total if total > 0.0 else None,
        products=tuple(products),
        states=tuple(states),
        hydrogen_sulfide=sulfide,
        hydrogen_sulfide_cm3_per_g=sulfide * MOLAR_VOLUME / formula.weight,
    )
