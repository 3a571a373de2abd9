"""What a prediction says where the hull says nothing."""

from __future__ import annotations

import pytest

from superion.featurizers.formula import Formula
from superion.models.stability.answers import COARSE, hull_answers


def test_a_formula_of_too_many_elements_has_no_hull_and_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERION_PHASE_TABLE", "default")
    monkeypatch.delenv("SUPERION_DATA_MIRROR", raising=False)
    crowd = Formula.parse("NaKRbCsMgCaSrBaScYTiZrHfVNbTaCrMoWMnFeO")
    (none, warnings), (found, others) = hull_answers([crowd, Formula.parse("LiF")])
    assert none is None and others == (COARSE,)
    assert warnings[0].startswith("against lithium metal there is no hull: a system of 23 elements")
    assert found is not None and found.formula == "LiF"
