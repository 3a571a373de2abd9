"""Hull energies and titration against pymatgen, on random lithium compositions."""

from __future__ import annotations

import numpy as np
import pytest

from superion.featurizers.formula import Formula
from superion.models.stability import analyse, hull_energy
from superion.models.stability.lithium import LITHIUM_TOLERANCE

OTHERS = "H B C N O F Na Mg Al Si P S Cl K Ca Ti V Mn Fe Ni Zn Ga Ge As Se Br Y Zr Nb In Sn Sb I La Ta W Bi".split()  # noqa: SIM905
WIDEST = 30.0
"""Largest amount over the smallest. pymatgen takes a potential where 1e-5 of lithium is added, and where the amounts
differ more, as in Mg150VI3, that still is in the facet on the other side within its tolerance."""


def compositions(table, seed, count):
    """Yield random compositions: made up, compounds of the table, and mixtures of two compounds."""
    rng = np.random.default_rng(seed)
    for n in range(count):
        elements = rng.choice(OTHERS, size=rng.integers(1, 5), replace=False).tolist()
        if n % 3 == 0:
            yield Formula.from_amounts({e: float(rng.integers(1, 13)) for e in ["Li", *elements]})
            continue
        system = table.system(["Li", *elements])
        chosen = rng.choice(len(system.rows), size=min(n % 3, len(system.rows)), replace=False)
        amounts: dict[str, float] = {}
        for row in system.rows[chosen].tolist():
            formula = table.formula(row)
            for symbol, amount in zip(formula.symbols, formula.amounts, strict=True):
                amounts[symbol] = amounts.get(symbol, 0.0) + amount
        if set(amounts) - {"Li"} and max(amounts.values()) <= WIDEST * min(amounts.values()):
            yield Formula.from_amounts(amounts)


def entries_of(table, elements):
    """Return the phases of a system as pymatgen has them."""
    from pymatgen.analysis.phase_diagram import PDEntry
    from pymatgen.core import Composition

    system = table.system(elements)
    found = []
    for row, energy in zip(system.rows.tolist(), system.energies.tolist(), strict=True):
        composition = Composition(table.formula(row).text)
        found.append(PDEntry(composition, energy * composition.num_atoms))
    return found


def compare(table, formula):
    """Hold everything that pymatgen gives too."""
    from pymatgen.analysis.phase_diagram import PhaseDiagram
    from pymatgen.core import Composition, Element

    found = analyse(table, formula)
    lithium = Element("Li")
    diagram = PhaseDiagram(entries_of(table, {*formula.symbols, "Li"}))
    composition = Composition(dict(zip(formula.symbols, formula.amounts, strict=True)))
    hull = diagram.get_hull_energy_per_atom(composition)
    assert found.hull_energy_eV_per_atom == pytest.approx(hull, abs=1e-6)
    # A row of the profile holds from its chemical potential downward. The amount is counted per formula unit.
    profile = diagram.get_element_profile(lithium, composition)
    profile.sort(key=lambda each: -each["chempot"])
    volts = np.array([-each["chempot"] for each in profile])
    content = np.array([each["critical_composition"].get_atomic_fraction(lithium) for each in profile])
    rest = composition.num_atoms - composition["Li"]
    uptake = rest * content / (1.0 - content) - composition["Li"]
    inside = np.flatnonzero(np.abs(uptake) <= LITHIUM_TOLERANCE * composition.num_atoms)
    if inside.size:
        reduction = volts[inside[0]]
        oxidation = volts[inside[-1] + 1] if inside[-1] + 1 < len(volts) else None
    else:
        above = np.flatnonzero(uptake > 0.0)
        reduction = oxidation = volts[above[-1] + 1] if above.size else 0.0
    assert found.reduction_limit_V == pytest.approx(reduction, abs=1e-6)
    assert found.oxidation_limit_V == (None if oxidation is None else pytest.approx(oxidation, abs=1e-6))
    # With lithium metal: the energy of the first row, in which lithium itself has none.
    first = profile[0]["critical_composition"]
    scale = rest / (first.num_atoms - first["Li"])
    energy = diagram.get_hull_energy(first) * scale / composition.num_atoms
    if 0 not in inside:
        assert found.reaction_energy_eV_per_atom == pytest.approx(energy - found.energy_eV_per_atom, abs=1e-6)
    kept = np.ones(len(volts), dtype=bool)
    kept[inside[1:]] = False
    np.testing.assert_allclose([step.lower_V for step in found.staircase], volts[kept], atol=1e-6)
    uptake[inside] = 0.0
    np.testing.assert_allclose([step.lithium_uptake for step in found.staircase], uptake[kept], atol=1e-6)
    system = table.system(formula.symbols)
    potentials = hull_energy(system, formula).chemical_potentials
    share = dict(zip(formula.symbols, formula.fractions, strict=True))
    assert sum(share[s] * potentials[s] for s in share) == pytest.approx(hull, abs=1e-6)


def test_agrees_with_pymatgen(computed):
    for formula in compositions(computed, 1, 500):
        compare(computed, formula)


@pytest.mark.check
@pytest.mark.timeout(1800)
def test_agrees_with_pymatgen_on_many(computed):
    for formula in compositions(computed, 2, 5000):
        compare(computed, formula)
