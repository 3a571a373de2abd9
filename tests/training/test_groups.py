"""What belongs together beside papers: compositions, chemical systems, and families with their gaps."""

from __future__ import annotations

import pytest

from superion.training.groups import composition_groups, family, family_groups, has_paper, system_groups

from . import _builders


def test_compositions_are_told_apart_and_their_writing_is_not() -> None:
    one, same, other = composition_groups([_builders.row(text) for text in ("Li6PS5Cl", "Li12P2S10Cl2", "Li5PS5Cl")])
    assert one == same != other


def test_a_chemical_system_is_the_set_of_elements() -> None:
    rows = [_builders.row(text) for text in ("Li6PS5Cl", "Li5.5PS4.5Cl1.5", "ClSPLi", "Li3PS4")]
    assert system_groups(rows) == ["Cl-Li-P-S", "Cl-Li-P-S", "Cl-Li-P-S", "Li-P-S"]


@pytest.mark.parametrize(
    ("text", "name"), [("LGPS", "lgps"), ("  thio- LISICON ", "thio- lisicon"), ("", None), (" ", None), (None, None)]
)
def test_a_family_is_written_in_one_way(text: str | None, name: str | None) -> None:
    assert family(_builders.row(family=text)) == name


def test_a_row_without_a_family_follows_its_composition() -> None:
    rows = [
        _builders.row("Li6PS5Cl", 0),
        _builders.row("Li12P2S10Cl2", 1, family="Argyrodite"),
        _builders.row("Li6PS5Br", 2, family="argyrodite "),
        _builders.row("LiBr", 3),
        _builders.row("Li2Br2", 4),
        _builders.row("LiI", 5),
        _builders.row("LiF", 6, family="argyrodites"),
    ]
    groups = family_groups(rows)
    assert groups[0] == groups[1] == groups[2] == "argyrodite"
    assert groups[3] == groups[4]
    assert len(set(groups)) == 4


@pytest.mark.parametrize(
    ("doi", "has"), [("10.1/x", True), (" | 10.1/x", True), (" | ", False), ("", False), (None, False)]
)
def test_a_paper_is_named_or_not(doi: str | None, has: bool) -> None:
    assert has_paper(_builders.row(doi=doi)) is has
