"""What chemistry expects before anything is measured: the order of anions, and nothing that breaks it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.discovery.choice.chemical_prior import HARDEST, LEVEL, MIDDLE, SLOPE, SOFTEST, chemical_forecast
from superion.featurizers.formula import Formula


def expected(*formulas: str) -> list[float]:
    """Return the expected log10 conductivities of formulas."""
    return chemical_forecast([Formula.parse(formula) for formula in formulas]).mean.tolist()


def test_the_softer_the_anion_the_better_the_conductor() -> None:
    sulfide, bromide, chloride, oxide, fluoride = expected("Li3PS4", "Li3YBr6", "Li3YCl6", "Li3PO4", "Li3YF6")
    assert sulfide > bromide > chloride > oxide > fluoride
    mixed = expected("Li6PS5Cl", "Li6PS5Br", "Li3OCl", "Li2O", "LiCl")
    assert expected("LiCl")[0] < mixed[0] < mixed[1] <= sulfide
    assert mixed[3] < mixed[2] < mixed[4]


def test_the_mean_is_over_the_anions_alone_and_by_their_amounts() -> None:
    # Cations change nothing; three oxygens to a chlorine count thrice.
    one, other = expected("LiCl", "Li3InCl6")
    assert one == pytest.approx(other)
    values = {"O": 3.44, "Cl": 3.16}
    (found,) = expected("Li7O3Cl")
    softness = (3 * values["O"] + values["Cl"]) / 4
    assert found == pytest.approx(LEVEL + SLOPE * (softness - MIDDLE), abs=0.02)


def test_what_is_softer_than_sulfur_is_no_better() -> None:
    sulfide, *softer = expected("Li2S", "LiBH4", "Li3P", "LiI", "Li2Se", "Li2Te")
    assert all(value <= sulfide + 1e-9 for value in softer)
    selenide, telluride = softer[3:]
    assert selenide == telluride == pytest.approx(sulfide, abs=0.2)


def test_odd_compositions_have_an_expectation_too() -> None:
    # No oxidation states make them neutral, or they have no anion at all.
    for formula in ("Li7PS1Cl9", "LiO9", "Li", "LiAl", "Cu3Au", "Li15Si4", "He", "LiXe"):
        (value,) = expected(formula)
        assert LEVEL + SLOPE * (HARDEST - MIDDLE) <= value <= LEVEL + SLOPE * (SOFTEST - MIDDLE)
    (metal,) = expected("LiMg")
    assert metal > LEVEL + SLOPE * (HARDEST - MIDDLE)
    assert chemical_forecast([]).mean.shape == (0,)


def test_it_is_as_unsure_of_all() -> None:
    found = chemical_forecast([Formula.parse("LiF"), Formula.parse("Li3PS4")])
    assert found.deviation.shape == (2,)
    assert found.deviation[0] == found.deviation[1] > 0.0


@given(
    st.dictionaries(
        st.sampled_from(["Li", "Na", "La", "Zr", "P", "S", "O", "Cl", "Br", "I", "F", "N", "H", "B", "Te", "Ar"]),
        st.floats(0.05, 12.0),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=80, deadline=None)
def test_any_formula_has_a_finite_expectation_that_its_scale_does_not_change(amounts: dict[str, float]) -> None:
    texts = ["".join(f"{symbol}{factor * n:.4f}" for symbol, n in amounts.items()) for factor in (1, 3)]
    one, other = expected(*texts)
    assert np.isfinite(one)
    assert one == pytest.approx(other, abs=1e-2)
