"""What predictions are told of hull and networks."""

from __future__ import annotations

import pytest

from superion.featurizers.formula import Formula
from superion.models.stability import LithiumStability, PhaseTable, analyse, coarse
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

    def counted(table: PhaseTable, formula: Formula, *, whole: bool) -> LithiumStability:
        calls.append((formula, whole))
        return analyse(table, formula, whole=whole)

    monkeypatch.setattr(coarse, "analyse", counted)
    coarse._analysis.cache_clear()
    found = [hull for hull, _ in hull_answers(formulas, whole=False)]
    learned_answers(formulas, 0.9)
    assert calls == [(formula, False) for formula in formulas]
    assert found == [analyse(end_member_table(), formula, whole=False) for formula in formulas]


def test_what_is_kept_of_a_formula_has_the_staircase_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERION_PHASE_TABLE", "end-members")
    formulas = [Formula.parse("Li6PS5Cl")]
    for whole, steps in ((False, 1), (True, 6), (False, 1), (True, 6)):
        ((found, _),) = hull_answers(formulas, whole=whole)
        assert found is not None and len(found.staircase) == steps
    assert hull_answers(formulas) == hull_answers(formulas, whole=True)


def test_the_answer_repeats_what_was_written() -> None:
    written = [Formula.parse(text) for text in ("Li3PO4", "Li3(PO4)")]
    assert written[0] == written[1]
    assert [coarse.analyse_coarsely(formula).formula for formula in written] == ["Li3PO4", "Li3(PO4)"]
