"""Partners by name, and what an electrolyte does with each."""

from __future__ import annotations

import numpy as np
import pytest

from superion.errors import InvalidFormula, InvalidValue
from superion.featurizers._hull import follow_hull
from superion.featurizers.formula import Formula
from superion.models.stability import Phase, PhaseTable, analyse, partners
from superion.models.stability.contact_documents import interface_document
from superion.models.stability.interface import react
from superion.models.stability.partners import PARTNERS, ROLES, meet, meet_all, partner_named
from superion.models.stability.phases import MAX_SYSTEM
from superion.models.stability.tables import end_member_table


def test_names():
    assert [partner.name for partner in PARTNERS if partner_named(partner.name) is not partner] == []
    every = [name for partner in PARTNERS for name in (partner.name, *partner.aliases)]
    assert len(set(every)) == len(every)
    for alias, name in {
        "Graphite": "graphite",
        "li-in": "Li-In",
        "NCM811": "NMC811",
        "lco": "LiCoO2",
        "Carbon": "C",
        "Li Metal": "lithium",
    }.items():
        assert partner_named(alias).name == name
    # A formula is one only as it is written.
    assert partner_named("s") is None and partner_named("In") is None and partner_named("licoo2") is None
    for partner in PARTNERS:
        Formula.parse(partner.formula)
        assert set(partner.roles) <= set(ROLES)
        assert ("anode" in partner.roles) == (partner.potential_V is not None)
        if partner.potential_V:
            assert partner.source
    order = [ROLES.index(partner.roles[0]) for partner in PARTNERS]
    assert order == sorted(order)


def test_an_anode_brings_its_potential():
    table = end_member_table()
    met = meet(table, "Li6PS5Cl", "Li-In")
    assert met.interface == react(table, "Li6PS5Cl", "In", 0.62)
    # The charge of the host is no reaction of the contact.
    assert met.interface.kinks[0].reaction_energy_eV_per_atom == 0.0
    assert meet(table, "Li6PS5Cl", "Li-In", 1.0).interface.potential_V == 1.0
    assert meet(table, "Li6PS5Cl", "In").interface.potential_V is None
    assert meet(table, "Li6PS5Cl", "LiCoO2", 4.2).interface.potential_V == 4.2
    other = meet(table, "Li6PS5Cl", "Li2SiO3")
    assert other.partner is None and other.interface.partner.formula.text == "Li2SiO3"


def test_lithium_metal_is_what_the_window_begins_with(computed):
    for formula in ("Li6PS5Cl", "Li7La3Zr2O12", "Li10GeP2S12"):
        worst = meet(computed, formula, "lithium").interface.worst
        found = analyse(computed, formula)
        assert worst.ratio == 1.0
        assert worst.reaction_energy_eV_per_atom == pytest.approx(found.reaction_energy_eV_per_atom, abs=1e-9)
        assert {p.formula for p in worst.products} == {p.formula for p in found.products}


def test_anodes_of_higher_potential_reduce_less(computed):
    energies = {
        met.partner.name: met.interface.electrolyte_alone.reaction_energy_eV_per_atom
        for met in meet_all(computed, "Li6PS5Cl")
        if met.partner.potential_V is not None
    }
    by_potential = [energies[name] for name in ("lithium", "graphite", "silicon", "Li-Al", "Li-In", "lithium titanate")]
    assert by_potential == sorted(by_potential)
    assert by_potential[-1] > by_potential[0] + 0.5


def test_all_partners_and_both_tables(computed):
    for table in (computed, end_member_table()):
        for potential in (None, 4.2):
            met = list(meet_all(table, "Li6PS5Cl", potential))
            assert [each.partner for each in met] == list(PARTNERS)
            assert all(each.fault is None for each in met)
            for each in met:
                own = each.partner.potential_V
                assert each.interface.potential_V == (potential if own is None else own)
    notes = {each.partner.name: " ".join(each.interface.notes) for each in meet_all(end_member_table(), "Li6PS5Cl")}
    assert "no energy of Li4Ti5O12" in notes["lithium titanate"]
    assert "no energy of LiNi0.8Co0.1Mn0.1O2" in notes["NMC811"]


def test_a_contact_of_too_many_elements():
    crowd = "LiNaKMgCaAlSiPSClFONCBHTiZrLa"
    assert len(Formula.parse(crowd).symbols) == MAX_SYSTEM - 1
    met = {each.partner.name: each for each in meet_all(end_member_table(), crowd)}
    assert met["LiFePO4"].fault is None
    assert f"system of {MAX_SYSTEM + 2} elements" in met["NMC811"].fault
    with pytest.raises(InvalidFormula, match=f"system of {MAX_SYSTEM + 2} elements") as caught:
        meet(end_member_table(), crowd, "NMC811")
    assert caught.value.field == "partner"
    for ask in (
        lambda: next(meet_all(end_member_table(), f"{crowd}FeCo")),
        lambda: react(end_member_table(), f"{crowd}FeCo", "Cu"),
    ):
        with pytest.raises(InvalidFormula, match="system of") as caught:
            ask()
        assert caught.value.field == "electrolyte"


def test_a_table_that_knows_no_partner():
    table = PhaseTable.from_phases("na", [Phase(Formula.parse("NaCl"), -2.1), Phase(Formula.parse("Na2O"), -1.4)])
    met = list(meet_all(table, "NaCl"))
    assert [each.partner for each in met] == list(PARTNERS)
    assert all("the table na knows no compound of" in each.fault for each in met)
    document = interface_document(met, None)
    assert document["table"] == "na" and len(document["contacts"]) == len(PARTNERS)
    assert document["electrolyte"]["formula"] == "NaCl"
    assert document["electrolyte"]["energy_above_hull_eV_per_atom"] == 0.0
    assert all("error" in contact for contact in document["contacts"])
    # Where the electrolyte is not known either, that is its fault and not that of 23 partners.
    with pytest.raises(InvalidFormula, match="no compound of Xe") as caught:
        next(meet_all(table, "XeCl2"))
    assert caught.value.field == "electrolyte"


def test_an_equilibrium_that_is_not_found_is_a_fault_of_one_meeting(monkeypatch):
    def react_or_not(table, electrolyte, partner, potential):
        if partner.text == "Cu":
            unbounded = np.array([[1.0], [-1.0]]), np.array([0.0, -1.0]), np.zeros(2), np.ones(1), np.zeros(1, np.int64)
            follow_hull(*unbounded, 0.0, 0.0)
        return react(table, electrolyte, partner, potential)

    monkeypatch.setattr(partners, "react", react_or_not)
    met = list(meet_all(end_member_table(), "Li6PS5Cl"))
    assert [each.partner.name for each in met if each.fault is not None] == ["Cu"]
    assert len(met) == len(PARTNERS)
    (error,) = (each["error"] for each in interface_document(met, None)["contacts"] if "error" in each)
    assert error["code"] == "no_equilibrium" and "the costs have no minimum" in error["message"]


def test_faults():
    table = PhaseTable.from_phases("few", [Phase(Formula.parse(text), -1.0) for text in ("Li2S", "Li3P", "CoS")])
    met = {each.partner.name: each for each in meet_all(table, "Li3PS4")}
    assert "knows no compound of Cu" in met["Cu"].fault and met["Cu"].interface is None
    assert met["S"].fault is None
    with pytest.raises(InvalidFormula, match="no compound of Xe") as caught:
        next(meet_all(table, "Li3XeS4"))
    assert caught.value.field == "electrolyte"
    with pytest.raises(InvalidValue):
        next(meet_all(table, "Li3PS4", 11.0))
    with pytest.raises(InvalidFormula, match="formula or one of lithium, graphite") as caught:
        meet(table, "Li3PS4", "steel")
    assert caught.value.field == "partner"
