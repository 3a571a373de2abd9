"""What predictions are told of hull and networks."""

from __future__ import annotations

import pytest

from superion.featurizers.formula import Formula
from superion.models.stability import analyse, coarse
from superion.models.stability.answers import COARSE, hull_answers, learned_answers
from superion.models.stability.tables import end_member_table


def test_a_formula_of_too_many_elements_has_no_hull_and_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERION_PHASE_TABLE", "default")
    monkeypatch.delenv("SUPERION_DATA_MIRROR", raising=False)
    crowd = Formula.parse("NaKRbCsMgCaSrBaScYTiZrHfVNbTaCrMoWMnFeO")
    (none, warnings), (found, others) = hull_answers([crowd, Formula.parse("LiF")])
    assert none is None and others == (COARSE,)
    assert warnings[0].startswith("against lithium metal there is no hull: a system of 23 elements")
    assert found is not None and found.formula == "LiF"


def test_hull_and_networks_share_one_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERION_PHASE_TABLE", "end-members")
    formulas = [Formula.parse(text) for text in ("Li6PS5Cl", "LiF")]
    calls = []
    monkeypatch.setattr(coarse, "analyse", lambda table, formula: calls.append(formula) or analyse(table, formula))
    coarse._analysis.cache_clear()
    found = [hull for hull, _ in hull_answers(formulas)]
    learned_answers(formulas, 0.9)
    assert calls == formulas
    assert found == [analyse(end_member_table(), formula) for formula in formulas]


def test_the_answer_repeats_what_was_written() -> None:
    written = [Formula.parse(text) for text in ("Li3PO4", "Li3(PO4)")]
    assert written[0] == written[1]
    assert [coarse.analyse_coarsely(formula).formula for formula in written] == ["Li3PO4", "Li3(PO4)"]
