"""Oxidation states of formulas, held against what chemists write and against pymatgen's guesses."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition

from superion.errors import InvalidValue, UnbalancedCharges
from superion.featurizers.charge_balance import TOLERANCE
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.formula import Formula
from superion.featurizers.formula_charges import formula_charges, substituent_charge


def charges(text: str, **given_charges: float) -> dict[str, float]:
    """Return the oxidation states of a formula."""
    return dict(formula_charges(Formula.parse(text), given_charges))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Li6PS5Cl", {"Li": 1, "P": 5, "S": -2, "Cl": -1}),
        ("Li2SO4", {"Li": 1, "S": 6, "O": -2}),
        ("LiBH4", {"Li": 1, "B": 3, "H": -1}),
        ("LiOH", {"Li": 1, "O": -2, "H": 1}),
        ("LiNH2", {"Li": 1, "N": -3, "H": 1}),
        ("Li3P", {"Li": 1, "P": -3}),
        ("Li7La3Zr2O12", {"Li": 1, "La": 3, "Zr": 4, "O": -2}),
        ("Li0.33La0.56TiO3", {"Li": 1, "La": 3, "Ti": 4, "O": -2}),  # its rounded amounts leave 0.01
        ("Li1.3Al0.3Ti1.7(PO4)3", {"Li": 1, "Al": 3, "Ti": 4, "P": 5, "O": -2}),
        ("Li6.6Sb0.4Si0.6S5I", {"Li": 1, "Sb": 5, "Si": 4, "S": -2, "I": -1}),
        ("LiFePO4", {"Li": 1, "Fe": 2, "P": 5, "O": -2}),
        ("FePO4", {"Fe": 3, "P": 5, "O": -2}),
        ("LiMn2O4", {"Li": 1, "Mn": 3.5, "O": -2}),
        ("Li2.9PO3.3N0.46", {"Li": 1, "P": 5, "O": -2, "N": -3}),
    ],
)
def test_states_are_those_that_chemists_write(text: str, expected: dict[str, float]) -> None:
    assert charges(text) == expected


@pytest.mark.parametrize(
    "text", ["Li10GeP2S12", "Li3YCl6", "LiNbOCl4", "Li7P3S11", "LiAlCl4", "Li4Ti5O12", "Li2CO3", "Li3OCl", "LiTi2P3O12"]
)
def test_states_are_the_most_likely_of_pymatgen(text: str) -> None:
    assert charges(text) == Composition(text).oxi_state_guesses()[0]


def test_lithium_that_was_not_found_is_allowed_for() -> None:
    assert charges("Li45.888La24Zr11.808Ta3.952O96") == {"Li": 1, "La": 3, "Zr": 4, "Ta": 5, "O": -2}
    with pytest.raises(UnbalancedCharges):
        charges("Li40La24Zr16O96")


def test_a_state_that_leaves_less_over_is_preferred() -> None:
    # Fe2+ would leave two per cent of the charge over.
    assert charges("LiFe0.08Al0.92Si2O6")["Fe"] == 3


def test_the_order_of_the_elements_does_not_count() -> None:
    assert charges("ClS5PLi6") == charges("Li6PS5Cl")


def test_a_state_that_is_given_is_taken() -> None:
    assert charges("LiFePO4", Fe=2.0) == charges("LiFePO4")
    with pytest.raises(UnbalancedCharges, match="make LiFePO4 neutral"):
        charges("LiFePO4", Fe=3.0)


def test_a_cluster_is_neutral_once_its_charge_is_given() -> None:
    with pytest.raises(UnbalancedCharges, match="give the charge"):
        charges("Li2B12H12")
    assert charges("Li2B12H12", B=10 / 12) == {"Li": 1, "B": 10 / 12, "H": -1}


@pytest.mark.parametrize("state", [-5.0, 9.0, math.nan, math.inf])
def test_a_state_that_no_ion_has(state: float) -> None:
    with pytest.raises(InvalidValue, match="lie from -4 to 8"):
        charges("LiF", Li=state)


def test_a_state_of_an_element_that_is_not_there() -> None:
    with pytest.raises(InvalidValue, match="LiF holds no S"):
        charges("LiF", S=-2.0)


@pytest.mark.parametrize("text", ["Li", "LiNa", "Cl2", "LiHe"])
def test_what_is_no_salt(text: str) -> None:
    with pytest.raises(UnbalancedCharges, match=r"give (its|the) charge"):
        charges(text)


@given(st.dictionaries(st.sampled_from(SYMBOLS), st.floats(0.01, 50.0), min_size=1, max_size=9))
@settings(max_examples=100, deadline=None)
def test_any_formula_has_neutral_charges_or_none(amounts: dict[str, float]) -> None:
    formula = Formula.from_amounts(amounts)
    try:
        found = formula_charges(formula)
    except UnbalancedCharges as error:
        assert error.field == "formula"
        return
    parts = [found[symbol] * amount for symbol, amount in amounts.items()]
    positive, negative = math.fsum(max(part, 0.0) for part in parts), math.fsum(max(-part, 0.0) for part in parts)
    assert abs(positive - negative) <= TOLERANCE * max(positive, negative) + 1e-4 * max(amounts.values())


@given(st.floats(0.05, 0.95), st.sampled_from(["Si", "Ge", "Sn"]), st.sampled_from(["Cl", "Br", "I"]))
@settings(max_examples=50)
def test_neutral_series_stay_neutral(x: float, dopant: str, halide: str) -> None:
    x = round(x, 3)
    formula = Formula.from_amounts({"Li": 6 + x, "P": 1 - x, dopant: x, "S": 5, halide: 1})
    found = formula_charges(formula)
    total = math.fsum(found[symbol] * amount for symbol, amount in zip(formula.symbols, formula.amounts, strict=True))
    assert abs(total) <= TOLERANCE * 12
    assert found == {"Li": 1, "P": 5, dopant: 4, "S": -2, halide: -1}


@pytest.mark.parametrize(
    ("symbol", "host", "state"),
    [("Sb", 5, 5), ("Ta", 4, 5), ("W", 4, 6), ("Ge", 5, 4), ("Fe", 3, 3), ("Mn", 4, 4), ("Cl", -2, -1), ("N", -2, -3)],
)
def test_a_substituent_takes_a_common_state_near_that_of_its_host(symbol: str, host: float, state: int) -> None:
    found = substituent_charge(symbol, host)
    assert found is not None
    assert found[0] == state
    assert 0.0 < found[1] <= 1.0


def test_a_substituent_without_a_state_of_that_sign() -> None:
    assert substituent_charge("Na", -2) is None
    assert substituent_charge("He", 1) is None
