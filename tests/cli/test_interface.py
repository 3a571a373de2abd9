"""`superion interface`: one partner and all of them, as a table and as JSON, and what it says of a bad call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superion.featurizers._hull import follow_hull
from superion.models.stability import hull, mixing
from superion.models.stability.contact_documents import interface_document
from superion.models.stability.partners import PARTNERS, meet, meet_all
from superion.models.stability.tables import end_member_table

from .conftest import Command


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the data sets, so that the table `matbench` is on no machine."""
    monkeypatch.delenv("SUPERION_DATA_MIRROR", raising=False)


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table, those of a broken row joined."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if line[:1] == "│":
            cells = [cell.strip() for cell in line.split("│")[1:-1]]
            if cells[0]:
                found.append(cells)
            else:
                found[-1] = [f"{a} {b}".strip() for a, b in zip(found[-1], cells, strict=True)]
    return found


def test_json_is_the_document_of_the_reaction(superion: Command) -> None:
    found = superion("interface", "Li6PS5Cl", "LiCoO2", "--potential", 4.2, "--json")
    assert found.status == 0
    met = meet(end_member_table(), "Li6PS5Cl", "LiCoO2", 4.2)
    assert found.document == interface_document([met], 4.2)
    (contact,) = found.document["contacts"]
    assert contact["partner"]["name"] == "LiCoO2" and contact["partner"]["roles"] == ["cathode"]
    assert contact["potential_V"] == 4.2 and len(contact["kinks"]) > 3
    assert contact["reaction_energy_eV_per_atom"] == min(k["reaction_energy_eV_per_atom"] for k in contact["kinks"])
    assert found.document["warnings"] == [found.err.strip()]
    assert found.err.startswith("the hull is of few phases, the shipped end members")


def test_the_table_has_a_line_for_each_kink(superion: Command) -> None:
    found = superion("interface", "Li6PS5Cl", "LiCoO2")
    assert found.status == 0
    assert rows(found.out) == [
        ["0.000", "0.000", "0.000", "LiCoO2", "LiCoO2", "stable"],
        [
            *("0.549", "-0.293", "-0.293", "0.273 Li6PS5Cl + 0.727 LiCoO2"),
            *("0.273 LiCl + 0.273 Li3PO4 + 0.0909 Li2SO4 + 0.545 Li2S + 0.727 CoS", "mixed-conducting"),
        ],
        [
            *("0.619", "-0.291", "-0.291", "0.333 Li6PS5Cl + 0.667 LiCoO2"),
            *("0.333 LiCl + 0.333 Li3PO4 + 0.667 Li2S + 0.667 CoS + 0.333 S", "mixed-conducting"),
        ],
        ["1.000", "0.000", "0.000", "Li6PS5Cl", "LiCl + 0.5 P2S5 + 2.5 Li2S", "stable"],
    ]
    assert "worst: -0.293 eV/atom, of 0.273 Li6PS5Cl + 0.727 LiCoO2 to 0.273 LiCl" in found.out
    assert "note: the table end-members has no energy of Li6PS5Cl" in found.out
    assert "few phases, the shipped end members" in found.err and "few phases, the shipped end members" not in found.out


def test_a_named_anode(superion: Command) -> None:
    found = superion("interface", "Li6PS5Cl", "li-in")
    assert found.status == 0
    assert "Li6PS5Cl and Li-In (In), lithium open at 0.62 V" in found.out
    assert "Li6PS5Cl alone at 0.62 V: -0.653 eV/atom, to LiCl + 5 Li2S + Li3P" in found.out
    assert "Santhosha" in found.out
    assert rows(found.out)[-1][3] == "+8.00"


def test_no_reaction(superion: Command) -> None:
    found = superion("interface", "Li7La3Zr2O12", "Cu")
    assert found.status == 0
    assert "worst: no reaction" in found.out


def test_all_partners(superion: Command) -> None:
    found = superion("interface", "Li6PS5Cl", "--all")
    assert found.status == 0
    table = rows(found.out)
    assert [row[1] for row in table] == [partner.name for partner in PARTNERS]
    assert table[4][:5] == ["anode", "Li-In", "0.62", "-0.653", "0.000"]
    assert [row[6] for row in table if row[1] == "LiF"] == ["no reaction"]
    assert found.out.count("no energy of Li6PS5Cl") == 1 and "no energy of Li4Ti5O12" in found.out
    opened = superion("interface", "Li6PS5Cl", "--all", "--potential", 4.2, "--json")
    assert opened.document == interface_document(list(meet_all(end_member_table(), "Li6PS5Cl", 4.2)), 4.2)
    assert {contact["potential_V"] for contact in opened.document["contacts"]} == {0, 0.1, 0.33, 0.38, 0.62, 1.55, 4.2}


def test_a_table_of_ones_own_that_lacks_a_partner(superion: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("formula,formation_energy_eV_per_atom\nLi2S,-1.5\nLi3P,-0.8\nP2S5,-0.4\nCoS,-0.4\n")
    found = superion("interface", "Li3PS4", "--all", "--table", path)
    assert found.status == 0 and found.err == ""
    assert [row[6] for row in rows(found.out) if row[1] == "Cu"] == ["not known"]
    assert "note: Cu: the table mine knows no compound of Cu" in found.out
    document = superion("interface", "Li3PS4", "--all", "--table", path, "--json").document
    (copper,) = (contact for contact in document["contacts"] if contact["partner"]["name"] == "Cu")
    assert copper["error"]["code"] == "invalid_formula"
    one = superion("interface", "Li3PS4", "Cu", "--table", path)
    assert one.status == 2 and "knows no compound of Cu" in one.err


def test_a_table_of_ones_own_that_lacks_every_partner(superion: Command, tmp_path: Path) -> None:
    path = tmp_path / "na.csv"
    path.write_text("formula,formation_energy_eV_per_atom\nNaCl,-2.1\nNa2O,-1.4\n")
    found = superion("interface", "NaCl", "--all", "--table", path)
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("NaCl and its partners, by the hull of the table na")
    assert [row[6] for row in rows(found.out)] == ["not known"] * len(PARTNERS)
    assert "note: Cu: the table na knows no compound of Cu" in found.out
    document = superion("interface", "NaCl", "--all", "--table", path, "--json").document
    assert document["electrolyte"]["energy_eV_per_atom"] == -2.1
    assert [contact["error"]["code"] for contact in document["contacts"]] == ["invalid_formula"] * len(PARTNERS)


def without_a_minimum(*_: object) -> Any:
    """Stand in for a hull that cannot be computed."""
    columns, costs = np.array([[1.0], [-1.0]]), np.array([0.0, -1.0])
    return follow_hull(columns, costs, np.zeros(2), np.ones(1), np.zeros(1, dtype=np.int64), 0.0, 0.0)


@pytest.mark.parametrize("arguments", [["window"], ["environment"], ["interface", "--all"]])
def test_a_hull_that_cannot_be_computed_is_one_line(
    superion: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(hull, "follow_hull", without_a_minimum)
    found = superion(*arguments, "Li6PS5Cl")
    assert (found.status, found.out) == (2, "")
    assert found.err == (
        "superion: the hull cannot be computed, a fault of superion and of no input: the costs have no minimum\n"
    )


def test_a_contact_whose_hull_cannot_be_computed(superion: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "follow_hull", without_a_minimum)
    found = superion("interface", "Li6PS5Cl", "--all")
    assert found.status == 0
    assert [row[6] for row in rows(found.out)] == ["not found"] * len(PARTNERS)
    assert "note: Cu: the hull cannot be computed" in found.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["Li6PS5Cl"], "give a partner, or --all to meet lithium, graphite"),
        (["Li6PS5Cl", "Cu", "--all"], "give a partner, or --all"),
        (["Li6PS5Cl", "steel"], "the partner is a formula or one of lithium, graphite"),
        (["Li6PS5Cl)", "Cu"], "no bracket is open"),
        (["Li6PS5Cl", "LiCoO2", "--potential", "12"], "0 to 10 V"),
        (["Li6PS5Cl", "--all", "--potential", "-1"], "0 to 10 V"),
        (["Li", "Li", "--potential", "1"], "with itself"),
        (["Li3XeS4", "--all"], "knows no compound of Xe"),
        (["NaKRbCsMgCaSrBaScYTiZrHfVNbTaCrMoWMnFeO", "--all"], "a system of 22 elements"),
        (["Li6PS5Cl", "Cu", "--table", "nowhere.csv"], "no table and no file"),
    ],
)
def test_bad_calls(superion: Command, arguments: list[str], expected: str) -> None:
    found = superion("interface", *arguments)
    assert (found.status, found.out) == (2, "")
    assert expected in found.err
