"""Doping series: neutral, each composition once, with what may not be refused and counted."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition

from superion.discovery import Plan, Series, Swap, doping_series
from superion.discovery.series import NO_LITHIUM, NOT_NEUTRAL, REPEATED, TOO_LITTLE, read_charges
from superion.errors import InvalidValue, UnbalancedCharges
from superion.featurizers import Formula


def series(parent: str, *swaps: str, **options: Any) -> Series:
    """Return the series of a formula."""
    return doping_series(Formula.parse(parent), Plan(tuple(map(Swap.parse, swaps)), **options))


def formulas(found: Series) -> list[str]:
    """Return the compositions as they are written."""
    return [candidate.formula.text for candidate in found.candidates]


def test_an_isovalent_series() -> None:
    found = series("Li6PS5Cl", "Cl>Br", step=0.25)
    assert formulas(found) == ["Li6PS5Cl0.75Br0.25", "Li6PS5Cl0.5Br0.5", "Li6PS5Cl0.25Br0.75", "Li6PS5Br"]
    assert [candidate.varied for candidate in found.candidates] == [0.0] * 4
    assert found.refused == {}


def test_lithium_makes_up_for_a_charge_that_is_missing() -> None:
    found = series("Li6PS5Cl", "P>Si", "S>Cl", vary="Li", step=0.5, most=0.5)
    assert formulas(found) == ["Li6.5P0.5Si0.5S5Cl", "Li3.5PS2.5Cl3.5", "Li4P0.5Si0.5S2.5Cl3.5"]
    assert [candidate.varied for candidate in found.candidates] == [0.5, -2.5, -2.0]


def test_another_element_may_vary() -> None:
    found = series("Li7La3Zr2O12", "Zr>Ta", vary="O", step=0.5, most=0.5)
    assert formulas(found) == ["Li7La3ZrTaO12.5"]


def test_substituents_may_make_up_for_each_other() -> None:
    alone = series("Li6PS5Cl", "P>Si", "S>Cl", step=0.2)
    assert formulas(alone) == ["Li6SiS4Cl2"]
    assert alone.refused == {NOT_NEUTRAL: 34}
    found = series("Li7La3Zr2O12", "La>Ba", "Zr>Ta", step=0.25)
    assert "Li7La2.25Ba0.75Zr1.25Ta0.75O12" not in formulas(found)  # 0.375 of Zr is no step
    assert formulas(series("Li7La3Zr2O12", "La>Ba", "Zr>Ta", step=0.125))[0] == "Li7La2.25Ba0.75Zr1.25Ta0.75O12"


def test_what_is_no_candidate_is_counted() -> None:
    assert series("Li6PS5Cl", "P>Si", step=0.5).refused == {NOT_NEUTRAL: 2}
    assert series("LiF", "Li>Mg", vary="Li", step=0.5).refused == {NO_LITHIUM: 1, TOO_LITTLE: 1}
    assert series("LiF", "F>Cl", step=1.0).refused == {}
    lithium_gone = series("Li3N", "Li>Na", step=1.0)
    assert (lithium_gone.candidates, lithium_gone.refused) == ((), {NO_LITHIUM: 1})


def test_a_composition_comes_once() -> None:
    # Bromine on the place of sulfur and on that of chlorine are one composition.
    found = series("Li6PS5Cl", "S>Br", "Cl>Br", vary="Li", step=0.2)
    assert len({candidate.formula.canonical for candidate in found.candidates}) == len(found.candidates)
    assert sum(found.refused.values()) == found.refused.get(REPEATED, 0) + found.refused.get(TOO_LITTLE, 0)
    one = series("LiAlCl4", "Cl>Br", step=0.25, most=0.25)
    two = series("Li2Al2Cl8", "Cl>Br", step=0.25, most=0.25)
    assert one.candidates[0].formula.canonical == two.candidates[0].formula.canonical


def test_no_more_than_so_many_substituents_at_once() -> None:
    swaps = ("S>Se,O", "Cl>Br,I")
    one = series("Li6PS5Cl", *swaps, step=0.5, at_once=1)
    assert len(one.candidates) == 8
    assert max(len(candidate.substitutions) for candidate in series("Li6PS5Cl", *swaps, step=0.5).candidates) == 2
    three = series("Li6PS5Cl", *swaps, step=0.25, at_once=3)
    assert max(len(candidate.substitutions) for candidate in three.candidates) == 3


def test_the_whole_of_a_host_is_not_replaced_more_than_once() -> None:
    for candidate in series("Li6PS5Cl", "S>Se,O", step=0.25).candidates:
        assert math.fsum(substitution.share for substitution in candidate.substitutions) <= 1.0
        assert candidate.formula.amount("S") + candidate.formula.amount("Se") + candidate.formula.amount("O") == 5.0


@given(
    st.sampled_from([("Li6PS5Cl", ("S>Se,O", "Cl>Br,I", "P>Sb,Si,Ge")), ("Li7La3Zr2O12", ("Zr>Ta,W", "La>Sr,Ce"))]),
    st.sampled_from([0.2, 0.25, 0.3, 0.5]),
    st.integers(1, 3),
)
@settings(max_examples=12, deadline=None)
def test_every_candidate_is_neutral(parent: tuple[str, tuple[str, ...]], step: float, at_once: int) -> None:
    found = series(parent[0], *parent[1], step=step, at_once=at_once, vary="Li")
    assert found.candidates
    keys = set()
    for candidate in found.candidates:
        # Read by another program, and added up with the states that are stated.
        amounts = Composition(candidate.formula.text).get_el_amt_dict()
        assert math.fsum(found.charges[s] * amount for s, amount in amounts.items()) == pytest.approx(0.0, abs=1e-4)
        assert 0.0 < candidate.plausibility <= 1.0
        keys.add(candidate.formula.canonical)
    assert len(keys) == len(found.candidates)


def test_likely_substituents_are_more_plausible() -> None:
    found = series("Li6PS5Cl", "P>Si,Ge,Sb", "S>Se,O", "Cl>Br,I,F", vary="Li", step=1.0, at_once=1)
    by_dopant = {candidate.substitutions[0].dopant: candidate for candidate in found.candidates}
    plausible = {dopant: candidate.plausibility for dopant, candidate in by_dopant.items()}
    assert plausible["Br"] > max(plausible["I"], plausible["F"])
    assert plausible["Se"] > plausible["O"]
    assert plausible["Si"] > plausible["Ge"] > plausible["Sb"]
    assert by_dopant["Se"].misfit == pytest.approx((1.98 - 1.84) / (1.84 + (0.17 + 0.29 + 0.38) / 3))
    assert by_dopant["O"].misfit is not None
    assert by_dopant["O"].misfit < 0


def test_an_ion_of_unknown_size_is_neither_likely_nor_unlikely() -> None:
    (mixed,) = series("LiMn2O4", "Mn>Ni", step=1.0, charges={"Ni": 3.5}).candidates
    assert (mixed.misfit, mixed.plausibility) == (None, 0.5)


def test_a_charge_that_is_given_is_taken() -> None:
    found = series("Li6PS5Cl", "P>Sb", vary="Li", step=1.0, charges={"Sb": 3.0})
    assert formulas(found) == ["Li8SbS5Cl"]
    assert found.charges["Sb"] == 3.0
    assert read_charges(["Sb=3", " B = 0.8"]) == {"Sb": 3.0, "B": 0.8}


@pytest.mark.parametrize(
    ("parent", "swaps", "options", "words"),
    [
        ("Li6PS5Cl", (), {}, "at least one swap"),
        ("Li6PS5Cl", ("O>S",), {}, "holds no O that could be replaced"),
        ("Li6PS5Cl", ("S>Se", "S>O"), {}, "S is replaced in two swaps"),
        ("Li6PS5Cl", ("S>Se",), {"vary": "Na"}, "holds no Na that could vary"),
        ("Li6PS5Cl", ("S>Se",), {"charges": {"Na": 1.0}}, "neither in Li6PS5Cl nor a substituent"),
        ("Li6PS5Cl", ("S>Se",), {"step": 0.0}, "the step lies from"),
        ("Li6PS5Cl", ("S>Se",), {"step": math.nan}, "the step lies from"),
        ("Li6PS5Cl", ("S>Se",), {"step": 0.5, "most": 0.4}, "largest share lies from the step"),
        ("Li6PS5Cl", ("S>Se",), {"most": 1.1}, "largest share"),
        ("Li6PS5Cl", ("S>Se",), {"at_once": 0}, "at least one substituent"),
        ("Li6PS5Cl", ("S>Se",), {"limit": 0}, "the limit is at least 1"),
        ("Li6PS5Cl", ("S>Se",), {"limit": 9}, "more than 9 combinations"),
    ],
)
def test_a_plan_that_does_not_hold(parent: str, swaps: tuple[str, ...], options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        series(parent, *swaps, **options)


def test_ten_steps_are_ten_combinations() -> None:
    assert len(series("Li6PS5Cl", "S>Se", limit=10).candidates) == 10


@pytest.mark.parametrize(("swap", "words"), [("S>Na", "Na has no oxidation state"), ("S>He", "He has no oxidation")])
def test_an_ion_of_the_wrong_sign(swap: str, words: str) -> None:
    with pytest.raises(UnbalancedCharges, match=words):
        series("Li6PS5Cl", swap)


def test_a_parent_whose_charges_are_unknown() -> None:
    with pytest.raises(UnbalancedCharges, match="give the charge"):
        series("Li2B12H12", "B>Al")


@pytest.mark.parametrize("text", ["Sb", "Sb=", "Sb=five", "=5x"])
def test_a_charge_that_cannot_be_read(text: str) -> None:
    with pytest.raises(InvalidValue, match="write for example Sb=5"):
        read_charges([text])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("S", "cannot be read"),
        ("S>", "cannot be read"),
        (">Se", "cannot be read"),
        ("S>Se;O", "cannot be read"),
        ("S>Se,,O", "cannot be read"),
        ("s>Se", "'s' in the swap"),
        ("S>Sx", "'Sx' in the swap"),
        ("S>S", "names an element twice"),
        ("S>Se,Se", "names an element twice"),
    ],
)
def test_a_swap_that_cannot_be_read(text: str, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        Swap.parse(text)


@given(st.text(max_size=20) | st.from_regex(r"[A-Z][a-z]?>[A-Z][a-z]?(,[A-Z][a-z]?)*", fullmatch=True))
def test_any_text_is_a_swap_or_refused(text: str) -> None:
    try:
        swap = Swap.parse(text)
    except InvalidValue as error:
        assert error.field == "swap"
        return
    assert Swap.parse(str(swap)) == swap


def test_a_swap_is_read_with_spaces_and_written_without() -> None:
    assert str(Swap.parse(" S > Se , O ")) == "S>Se,O"
