"""Water, carbon dioxide and both: measured reactions, what must hold, and what the literature says."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superion.errors import InvalidFormula, InvalidTable, InvalidValue
from superion.featurizers.formula import Formula
from superion.models.stability import Phase, PhaseTable, air_phases
from superion.models.stability.air_phases import AIR_SOURCES, measured_energy, measured_phases
from superion.models.stability.end_members import KJ_PER_MOL, read_end_members
from superion.models.stability.environment import ATMOSPHERES, MOLAR_VOLUME, expose
from superion.models.stability.tables import end_member_table

ENTHALPY = {
    "LiOH": -484.9, "Li2O": -597.9, "H2O": -285.83, "CO2": -393.51, "H2S": -20.6, "NH3": -45.94, "Li2S": -441.4,
    "Li3N": -164.6, "Li2CO3": -1215.9, "LiOH·H2O": -788.0, "La2O3": -1793.7, "La(OH)3": -1410.0,
    "LiCl": -408.6, "LiCl·3H2O": -1311.3,
}  # fmt: skip


def products(outcome):
    return {product.formula: product.amount for product in outcome.products}


def exposure(found, atmosphere):
    return next(each for each in found.exposures if each.atmosphere == atmosphere)


def energy(outcome, formula):
    """Return the reaction energy of one formula unit [kJ/mol]."""
    return outcome.reaction_energy_eV_per_atom * Formula.parse(formula).n_atoms * KJ_PER_MOL


@pytest.mark.parametrize("table", ["end-members", "computed"])
@pytest.mark.parametrize(
    ("formula", "atmosphere", "reaction"),
    [
        ("Li2O", "carbon dioxide", {"CO2": -1, "Li2CO3": 1}),
        ("Li2O", "water", {"H2O": -3, "LiOH·H2O": 2}),
        ("LiOH", "carbon dioxide", {"CO2": -0.5, "Li2CO3": 0.5, "H2O": 0.5}),
        ("Li2S", "water", {"H2O": -4, "LiOH·H2O": 2, "H2S": 1}),
        ("Li2S", "moist air", {"H2O": -1, "CO2": -1, "Li2CO3": 1, "H2S": 1}),
        ("LiCl", "water", {"H2O": -3, "LiCl·3H2O": 1}),
        ("Li3N", "water", {"H2O": -6, "LiOH·H2O": 3, "NH3": 1}),
        ("Li3N", "moist air", {"H2O": -1.5, "CO2": -1.5, "Li2CO3": 1.5, "NH3": 1}),
    ],
)
def test_measured_reactions(request, table, formula, atmosphere, reaction):
    """Known salts react with their measured enthalpies, whichever table there is."""
    chosen = end_member_table() if table == "end-members" else request.getfixturevalue("computed")
    outcome = exposure(expose(chosen, formula), atmosphere).in_excess
    assert outcome.taken_up == pytest.approx(
        {name: -min(reaction.get(name, 0.0), 0.0) for name in ATMOSPHERES[atmosphere]}, abs=1e-3
    )
    assert products(outcome) == pytest.approx({name: n for name, n in reaction.items() if n > 0}, abs=1e-3)
    expected = sum(n * ENTHALPY[name] for name, n in reaction.items()) - ENTHALPY[formula]
    assert energy(outcome, formula) == pytest.approx(expected, abs=0.5)
    molecules = sum(outcome.taken_up.values())
    assert outcome.energy_per_molecule_eV == pytest.approx(expected / molecules / KJ_PER_MOL, abs=0.01)
    assert outcome.hydrogen_sulfide == pytest.approx(reaction.get("H2S", 0.0), abs=1e-3)


def test_lithium_carbonate_forms_as_measured():
    """By JANAF and NBS -224 to -226 kJ/mol."""
    outcome = exposure(expose(end_member_table(), "Li2O"), "carbon dioxide").worst
    assert energy(outcome, "Li2O") == pytest.approx(-225.0, abs=2.0)


def test_water_vapour_differs_by_its_heat_of_evaporation():
    outcomes = [exposure(expose(end_member_table(), "Li2O", water), "water").in_excess for water in ("liquid", "gas")]
    assert energy(outcomes[1], "Li2O") - energy(outcomes[0], "Li2O") == pytest.approx(-3 * 44.004, abs=0.05)
    with pytest.raises(InvalidValue, match="liquid or gas"):
        expose(end_member_table(), "Li2O", "ice")


@pytest.mark.parametrize("formula", ["Li3PS4", "Li6PS5Cl", "Li10GeP2S12", "Li7P3S11"])
def test_sulfides_give_off_hydrogen_sulfide(computed, formula):
    found = expose(computed, formula)
    outcome = exposure(found, "water").worst
    assert outcome.reaction_energy_eV_per_atom < -0.1
    assert {"Li3PO4", "H2S"} <= set(products(outcome))
    # One molecule for each atom of phosphorus-bound sulfur, and for all of it where there is enough water.
    assert outcome.hydrogen_sulfide >= 4.0 * Formula.parse(formula).amount("P") - 1.0 - 1e-6
    volume = outcome.hydrogen_sulfide * MOLAR_VOLUME / Formula.parse(formula).weight
    assert outcome.hydrogen_sulfide_cm3_per_g == pytest.approx(volume)
    states = dict(zip(products(outcome), outcome.states, strict=True))
    assert states["H2S"] == "gas" and states["Li3PO4"] == "solid"
    assert exposure(found, "carbon dioxide").worst.reaction_energy_eV_per_atom > -0.03


def test_a_thiostannate_stands_water_better_than_thiophosphates(computed):
    """As is observed: G. Sahu et al., Energy Environ. Sci. 7, 1053 (2014)."""
    tin, phosphorus = (
        exposure(expose(computed, formula), "water").worst.reaction_energy_eV_per_atom
        for formula in ("Li4SnS4", "Li3PS4")
    )
    assert phosphorus < tin - 0.1 and tin > -0.03


def test_garnets_turn_into_carbonate_and_hydroxide(computed):
    found = expose(computed, "Li7La3Zr2O12")
    assert "Li2CO3" in products(exposure(found, "carbon dioxide").worst)
    assert {"LiOH"} <= set(products(exposure(found, "water").worst))
    assert exposure(found, "moist air").worst.reaction_energy_eV_per_atom < -0.2
    assert found.electrolyte.above_hull == pytest.approx(0.007, abs=0.002)


@pytest.mark.parametrize("formula", ["Li3PO4", "Li2CO3", "Li1.3Al0.3Ti1.7(PO4)3"])
def test_phosphates_and_carbonate_are_stable(computed, formula):
    for each in expose(computed, formula).exposures:
        assert each.worst.reaction_energy_eV_per_atom == pytest.approx(0.0, abs=0.01)
    own = exposure(expose(computed, "Li3PO4"), "water").worst
    assert products(own) == {"Li3PO4": 1.0} and own.energy_per_molecule_eV is None


def test_lithium_and_hydrides(computed):
    metal = exposure(expose(computed, "Li"), "water").in_excess
    assert products(metal) == pytest.approx({"LiOH·H2O": 1.0, "H2": 0.5}, abs=1e-3)
    hydride = exposure(expose(computed, "LiBH4"), "water").worst
    assert products(hydride) == pytest.approx({"LiBO2": 1.0, "H2": 4.0}, abs=1e-3)


LITHIUM = st.sampled_from(
    "Li3PS4 Li7P3S11 Li6PS5Br Li9N2Cl3 Li2SiO3 Li5La3Ta2O12 Li4SiO4 Li3P Li2PO2N Li7P2S8I LiPF6 Li2WO4".split()  # noqa: SIM905
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LITHIUM, st.sampled_from(["liquid", "gas"]))
def test_what_must_hold(formula, water):
    asked = Formula.parse(formula)
    found = expose(end_member_table(), asked, water)
    for each in found.exposures:
        for outcome in (each.worst, each.in_excess):
            assert outcome.reaction_energy_eV_per_atom <= 0.0
            balance = {symbol: asked.amount(symbol) for symbol in {*asked.symbols, "H", "C", "O"}}
            for name, n in outcome.taken_up.items():
                for symbol in Formula.parse(name).symbols:
                    balance[symbol] += n * Formula.parse(name).amount(symbol)
            for name, n in products(outcome).items():
                for symbol in Formula.parse(name).symbols:
                    balance[symbol] -= n * Formula.parse(name).amount(symbol)
            assert balance == pytest.approx(dict.fromkeys(balance, 0.0), abs=1e-3)
        assert each.in_excess.reaction_energy_eV_per_atom <= each.worst.reaction_energy_eV_per_atom + 1e-9
    lowest = [each.in_excess.reaction_energy_eV_per_atom for each in found.exposures]
    assert lowest[2] <= min(lowest[:2]) + 1e-9
    double = expose(end_member_table(), Formula.from_amounts({s: 2 * asked.amount(s) for s in asked.symbols}), water)
    for one, two in zip(found.exposures, double.exposures, strict=True):
        assert two.worst.reaction_energy_eV_per_atom == pytest.approx(one.worst.reaction_energy_eV_per_atom)
        assert two.worst.hydrogen_sulfide == pytest.approx(2 * one.worst.hydrogen_sulfide, abs=1e-9)


def test_the_scale(computed):
    """A salt that is measured has its measured energy, whatever the table says; of a compound the difference counts."""
    for formula in ("Li2CO3", "LiOH", "Li2S", "La2O3"):
        own = float(computed.energies[computed.row(Formula.parse(formula))])
        found, made_of = measured_energy(computed, Formula.parse(formula), own)
        expected = {each.formula.canonical: each.energy for each in measured_phases() if each.state == "solid"}
        assert found == pytest.approx(expected[Formula.parse(formula).canonical]) and len(made_of) == 1
        assert measured_energy(computed, Formula.parse(formula), own + 0.1)[0] == pytest.approx(found + 0.1)
    _, made_of = measured_energy(computed, Formula.parse("Li6PS5Cl"), 0.0)
    assert set(made_of) == {"LiCl", "P2S5", "Li2S"}
    bare = PhaseTable.from_phases("bare", [Phase(Formula.parse("LiF"), -3.0)])
    assert measured_energy(bare, Formula.parse("LiF"), -3.0)[0] == pytest.approx(-616.0 / 2 / KJ_PER_MOL, abs=0.01)


def test_no_calculated_end_member_is_among_the_measured_phases(computed):
    """And what starts as one has the table's energy all the same."""
    calculated = [row for row in read_end_members() if not row.measured]
    assert len(calculated) == 6
    keys = {each.formula.canonical for each in measured_phases()}
    assert keys.isdisjoint(row.formula.canonical for row in calculated)
    for row in calculated:
        own = float(computed.energies[computed.row(row.formula)])
        found, made_of = measured_energy(computed, row.formula, own)
        assert row.formula.text not in made_of
        assert found == pytest.approx(row.formation_energy, abs=1e-3)


def test_the_scale_foretells_measured_enthalpies(computed, monkeypatch):
    """Compounds of three and more elements, each left out of the measured phases in turn."""
    measured = measured_phases()
    molecular = {"H", "C", "N", "S", "Cl"}
    errors, raw = [], []
    for each in measured:
        row = computed.row(each.formula)
        if each.state == "solid" and len(each.formula.symbols) > 2 and row is not None:
            if molecular & set(each.formula.symbols):
                continue
            others = tuple(other for other in measured if other is not each)
            monkeypatch.setattr(air_phases, "measured_phases", lambda others=others: others)
            own = float(computed.energies[row])
            errors.append(abs(measured_energy(computed, each.formula, own)[0] - each.energy))
            raw.append(abs(own - each.energy))
    # As docs/stability.md says.
    assert len(errors) == 36
    assert [round(sum(each) / len(each), 3) for each in (errors, raw)] == [0.033, 0.083]


def too_low(table, chosen, symbol):
    """Return how far the table lies below measured phases on average, per atom of an element [eV], and of how many.

    A molecule that is measured as a liquid and a gas counts as the liquid.
    """
    found = {}
    for each in measured_phases():
        row = table.row(each.formula)
        if row is not None and chosen(each) and each.formula.text not in found:
            below = (each.energy - float(table.energies[row])) * each.formula.n_atoms
            found[each.formula.text] = below / each.formula.amount(symbol)
    return round(sum(found.values()) / len(found), 1), len(found)


def test_what_the_computed_table_is_off_by(computed):
    """The figures of docs/stability.md, for which measured phases are on a scale of their own."""

    def salts(anion, symbols):
        return lambda each: (
            each.state == "solid"
            and re.search(anion, each.formula.text) is not None
            and len(each.formula.symbols) == 3
            and set(each.formula.symbols) > symbols
        )

    assert too_low(computed, salts(r"OH$|\(OH\)\d$", {"H", "O"}), "H") == (0.5, 17)
    assert too_low(computed, salts("CO3$", {"C", "O"}), "C") == (0.9, 13)
    assert too_low(computed, salts("SO4$", {"S", "O"}), "S") == (1.9, 7)
    for name, symbol, expected in (("P2S5", "S", 0.6), ("H2O", "O", 1.2), ("H2S", "S", 1.2), ("CO2", "C", 1.3)):
        key = Formula.parse(name).canonical
        assert too_low(computed, lambda each, key=key: each.formula.canonical == key, symbol) == (expected, 1)
    own = {name: computed.energies[computed.row(Formula.parse(name))] for name in ("Li2O", "Li2CO3")}
    gas = ENTHALPY["CO2"] / KJ_PER_MOL
    assert round(6 * own["Li2CO3"] - 3 * own["Li2O"] - gas, 1) == -3.3
    assert round((ENTHALPY["Li2CO3"] - ENTHALPY["Li2O"] - ENTHALPY["CO2"]) / KJ_PER_MOL, 1) == -2.3


def test_what_cannot_be_judged(computed):
    with pytest.raises(InvalidFormula, match="no end member of Ru is measured") as caught:
        expose(computed, "Li2RuO3")
    assert caught.value.value == "Ru"
    with pytest.raises(InvalidFormula, match="knows no compound of Xe"):
        expose(computed, "Li3XeS4")
    with pytest.raises(InvalidFormula, match="no electrolyte"):
        expose(computed, "H2O")
    with pytest.raises(InvalidFormula):
        expose(computed, "Li3PS4)")


def test_notes(computed):
    notes = " ".join(expose(computed, "Li6PS5Cl").notes)
    assert "thermodynamics" in notes and "entropy" in notes and "measured phases only" in notes
    assert "above the hull" in notes and "LiBr·2H2O" in notes
    assert "no energy of Li6PS5Cl" in " ".join(expose(end_member_table(), "Li6PS5Cl").notes)


def test_every_molecule_of_water_is_bound_in_a_hydrate_of_lithium_chloride():
    """Each sets free more than it does as a liquid, and less than the one before."""
    found = {each.formula.canonical: each.energy * each.formula.n_atoms * KJ_PER_MOL for each in measured_phases()}
    hydrates = [found[Formula.parse(text).canonical] for text in ("LiCl", "LiCl·H2O", "LiCl·2H2O", "LiCl·3H2O")]
    steps = [after - before - ENTHALPY["H2O"] for before, after in itertools.pairwise(hydrates)]
    assert steps == pytest.approx([-18.5, -14.2, -12.8], abs=0.1)


def test_the_file_of_measured_phases():
    found = measured_phases()
    keys = [(each.formula.canonical, each.state) for each in found]
    assert len(set(keys)) == len(keys)
    doubled = [key for key, _ in keys if sum(key == other for other, _ in keys) > 1]
    assert set(doubled) == {Formula.parse("H2O").canonical}
    assert all(-6.0 < each.energy < 1.0 for each in found)
    assert {each.source for each in found} & set(AIR_SOURCES) == set(AIR_SOURCES)


@pytest.mark.parametrize(
    "text",
    [
        "formula,energy\nH2O,1\n",
        "formula,dHf_kJ_per_mol_formula,state,source,note\nH2O,1,plasma,crc,\n",
        "formula,dHf_kJ_per_mol_formula,state,source,note\nH2O,1,gas,hearsay,\n",
        "formula,dHf_kJ_per_mol_formula,state,source,note\nH2Q,1,gas,crc,\n",
        "formula,dHf_kJ_per_mol_formula,state,source,note\nH2O,1,gas\n",
        "",
    ],
)
def test_another_file_is_refused(monkeypatch, tmp_path, text):
    path = tmp_path / "air.csv"
    path.write_text(text)
    monkeypatch.setattr(air_phases, "AIR", path)
    with pytest.raises(InvalidTable, match=r"air\.csv"):
        measured_phases.__wrapped__()
