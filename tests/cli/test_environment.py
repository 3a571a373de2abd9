"""`superion environment`: the table, the JSON and what it says of a bad call."""

from __future__ import annotations

import pytest

from superion.models.stability.contact_documents import environment_document
from superion.models.stability.environment import expose
from superion.models.stability.tables import end_member_table

from .conftest import Command
from .test_interface import rows


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the data sets, so that the table `matbench` is on no machine."""
    monkeypatch.delenv("SUPERION_DATA_MIRROR", raising=False)


def test_json_is_the_document_of_the_exposure(superion: Command) -> None:
    found = superion("environment", "Li6PS5Cl", "--json")
    assert (found.status, found.err) == (0, "")
    assert found.document == environment_document(expose(end_member_table(), "Li6PS5Cl"))
    assert found.document["thermodynamic"] is True
    assert found.document["electrolyte"]["energy_above_hull_eV_per_atom"] is None
    worst = found.document["exposures"][0]["worst"]
    assert worst["hydrogen_sulfide_per_formula"] == pytest.approx(4.0)
    vapour = superion("environment", "Li6PS5Cl", "--vapour", "--json").document
    assert vapour == environment_document(expose(end_member_table(), "Li6PS5Cl", "gas"))


def test_the_table(superion: Command) -> None:
    found = superion("environment", "Li2S")
    assert (found.status, found.err) == (0, "")
    assert rows(found.out) == [
        ["water", "worst ratio", "-0.041", "-0.03", "4 H2O", "2 LiOH·H2O + H2S (g)", "540"],
        ["carbon dioxide", "worst ratio", "0.000", "", "", "no reaction", ""],
        ["moist air", "worst ratio", "-0.400", "-0.60", "1 H2O + 1 CO2", "Li2CO3 + H2S (g)", "540"],
    ]
    assert "thermodynamically, with liquid water" in found.out
    assert "energy above the hull: 0.000 eV/atom, by the table end-members" in found.out
    assert "note: this is thermodynamics" in found.out


def test_more_in_excess(superion: Command) -> None:
    found = superion("environment", "Li2O", "--vapour")
    assert [row[:3] for row in rows(found.out)][:2] == [
        ["water", "worst ratio", "-0.449"],
        ["water", "in excess", "-0.873"],
    ]
    assert "energy above the hull: not known" in superion("environment", "Li3PS4").out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["Li2RuO3"], "knows no compound of Ru"),
        (["H2O"], "no electrolyte"),
        (["NaKRbCsMgCaSrBaScYTiZrHfVNbTaCrMoWMnFeO"], "a system of 22 elements"),
        (["Li6PS5Cl)"], "no bracket is open"),
        (["Li6PS5Cl", "--table", "nowhere.csv"], "no table and no file"),
    ],
)
def test_bad_calls(superion: Command, arguments: list[str], expected: str) -> None:
    found = superion("environment", *arguments)
    assert (found.status, found.out) == (2, "")
    assert expected in found.err
