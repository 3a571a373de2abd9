"""Metal or insulator: the table's word goes before a gap, a gap before a rule, and what that does to one contact."""

from __future__ import annotations

import re

import pytest

from superion.featurizers.formula import Formula
from superion.models.stability import Phase, PhaseTable, analyse
from superion.models.stability.end_members import read_end_members
from superion.models.stability.interphase import electronic_nature
from superion.models.stability.tables import end_member_table


@pytest.mark.parametrize(
    ("kind", "gap", "expected"),
    [
        ("metal", 0.24, ("metal", "given in the table", False)),
        (None, 0.24, ("insulator", "band gap 0.24 eV", False)),
        (None, 0.09, ("metal", "band gap 0.09 eV", False)),
        (None, None, ("metal", "alloy without a known band gap", True)),
    ],
)
def test_the_tables_word_a_gap_and_a_rule_decide_in_this_order(kind, gap, expected):
    found = electronic_nature(Phase(Formula.parse("Li3Al2"), -0.2, gap, kind))
    assert (found.kind, found.reason, found.assumed) == expected


@pytest.mark.parametrize(("kind", "expected"), [("metal", "mixed-conducting"), (None, "passivating")])
def test_the_class_of_one_contact_depends_on_the_table(kind, expected):
    phases = [
        Phase(Formula.parse("Li3Al2"), -0.3, 0.24, kind),
        Phase(Formula.parse("Li2O"), -2.1, 5.0),
        Phase(Formula.parse("Al2O3"), -0.5, 5.9),
    ]
    found = analyse(PhaseTable.from_phases("made up", phases), "Al2O3")
    assert {product.formula for product in found.products} == {"Li3Al2", "Li2O"}
    assert found.interphase == expected


def test_the_end_members_that_the_computed_gaps_contradict_are_documented(computed, root):
    ours, differ = end_member_table(), set()
    for member in read_end_members():
        row, own = computed.row(member.formula), ours.row(member.formula)
        if row is not None and own is not None:
            kinds = {electronic_nature(phase).kind for phase in (computed.phase(row), ours.phase(own))}
            differ |= {member.formula.text} if len(kinds) > 1 else set()
    (rows,) = re.findall(
        r"(\d+) rows depart from it, with a note:(.*?)\.\n",
        (root / "docs" / "end-members.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    listed = {
        word for word in re.findall(r"\w+", rows[1]) if word in {each.formula.text for each in read_end_members()}
    }
    assert differ == listed and len(differ) == int(rows[0])
    stability = (root / "docs" / "stability.md").read_text(encoding="utf-8")
    assert "Li3Al2" in stability and f"{int(rows[0]) - 1} more" in stability
