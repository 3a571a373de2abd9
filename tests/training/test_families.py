"""Families: the table's own word, else the anion."""

from __future__ import annotations

import pytest

from superion.featurizers.formula import Formula
from superion.training.families import OTHER, anion_family, families_of

from . import _builders


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("Li7La3Zr2O12", "oxides"),
        ("Li3PO4", "oxides"),
        ("Li2SO4", "oxides"),
        ("Li6PS5Cl", "sulfides"),
        ("75Li2S-25P2S5", "sulfides"),
        ("Li3YCl6", "chlorides"),
        ("LiPF6", "fluorides"),
        ("Li3N", "nitrides"),
        ("Li2B12H12", "hydrides"),
        ("LiBH4", "hydrides"),
        ("LiAlH4", "hydrides"),
        ("LiH", "hydrides"),
        ("LiNH2", "nitrides"),
        ("LiOH", "oxides"),
        ("Li2SO4H2O", "oxides"),
        ("LiBH4O5", "oxides"),
        ("LiB3O5H2O", "oxides"),
        ("Li3P", "phosphides"),
        ("LiSi", OTHER),
    ],
)
def test_a_formula_is_named_for_its_anion(formula: str, family: str) -> None:
    assert anion_family(Formula.parse(formula)) == family


def test_where_two_anions_hold_as_many_atoms_the_order_of_elements_does_not_matter() -> None:
    assert anion_family(Formula.parse("Li2OHCl")) == anion_family(Formula.parse("ClHOLi2")) == "oxides"


@pytest.mark.parametrize(("given", "family"), [("argyrodites", "argyrodites"), (" ", "sulfides"), (None, "sulfides")])
def test_the_table_is_believed(given: str | None, family: str) -> None:
    assert families_of([_builders.row("Li6PS5Cl", family=given)]) == [family]


def test_a_family_that_is_written_in_several_ways_is_one() -> None:
    written = ["Thio-LISICON", "thio-lisicon ", None, "Sulfides", "thio  LISICON", "THIO LISICON"]
    found = families_of([_builders.row("Li3PS4", number, family=name) for number, name in enumerate(written)])
    assert found == ["Thio-LISICON"] * 2 + ["sulfides"] * 2 + ["thio LISICON"] * 2
