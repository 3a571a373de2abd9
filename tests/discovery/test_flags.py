"""What a chemist is warned of: held against materials whose handling is common knowledge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.discovery.advice.element_supply import supply_of
from superion.discovery.advice.flags import NOT_FROM_ROCK, RARE_BELOW, Flag, flags_of
from superion.discovery.advice.hazards import TOXIC
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.formula import Formula


def subjects(text: str, name: str) -> list[str]:
    return [flag.subject for flag in flags_of(Formula.parse(text)) if flag.name == name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Li6PS5Cl", ["sulfide"]),
        ("Li10GeP2S12", ["sulfide"]),
        ("Li6PS5I", ["sulfide"]),
        ("Li2SO4", []),
        ("Li4SnSe4", ["selenide"]),
        ("Li3YCl6", ["chloride"]),
        ("Li3InBr6", ["bromide"]),
        ("LiI", ["iodide"]),
        ("LiClO4", []),
        ("LiF", []),
        ("LiPF6", ["complex fluoride"]),
        ("LiBH4", ["hydridoborate"]),
        ("LiAlH4", ["hydride"]),
        ("Li2B12H12", ["closo-borate"]),
        ("LiCB9H10", ["closo-borate"]),
        ("Li3N", ["nitride"]),
        ("LiNH2", ["nitride"]),
        ("LiNO3", []),
        ("Li2.9PO3.3N0.46", ["oxynitride"]),
        ("LiSCN", ["cyanide or thiocyanate"]),
        ("Li3P", ["phosphide"]),
        ("Li3PO4", []),
        ("Li7La3Zr2O12", ["lithium garnet"]),
        ("Li6.25Al0.25La3Zr2O12", ["lithium garnet"]),
        ("Li5La3Ta2O12", ["lithium garnet"]),
        ("Li0.33La0.56TiO3", []),
        ("Li1.3Al0.3Ti1.7(PO4)3", []),
        ("Li4SiO4", ["lithium-rich oxide"]),
        ("Li2SiO3", []),
        ("Li14ZnGe4O16", ["lithium-rich oxide"]),
        ("Li2CO3", []),
        ("LiOH", ["hydroxide"]),
        ("Li3OCl", ["antiperovskite"]),
        ("Li2OHCl", ["antiperovskite"]),
    ],
)
def test_sensitivity_to_air_is_that_of_the_class(text: str, expected: list[str]) -> None:
    assert subjects(text, "air-sensitive") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Li6AsS5I", ["As"]),
        ("Li3TlCl6", ["Tl"]),
        ("PbLi2S2", ["Pb"]),
        ("Li2CrO4", ["Cr"]),
        ("LiCrO2", []),
        ("Li3VO4", ["V"]),
        ("LiVO2", []),
        ("Li6.6Si0.6Sb0.4S5I", []),
        ("Li7La3Zr2O12", []),
        # No known states make it neutral, and then the worst is taken.
        ("LiCr5O", ["Cr"]),
    ],
)
def test_toxic_elements_are_named_in_the_states_in_which_they_are(text: str, expected: list[str]) -> None:
    assert subjects(text, "toxic") == expected


def test_scarce_elements_are_rare_and_common_ones_are_not() -> None:
    rare = {symbol for symbol in SYMBOLS if subjects(symbol, "rare")}
    scarce = "Ge In Te Ru Rh Pd Re Os Ir Pt Au Sc Lu Tm Tb Dy"
    assert rare >= set(scarce.split())
    common = "Li Na K H B C N O F Mg Al Si P S Cl Ca Ti Mn Fe Zn Zr Sn Br I La Ce Y"
    assert rare & set(common.split()) == set()


def test_radioactive_elements_are_flagged() -> None:
    flagged = {symbol for symbol in SYMBOLS if subjects(symbol, "radioactive")}
    assert flagged == {"Tc", "Pm"} | {symbol for symbol, number in ATOMIC_NUMBER.items() if number >= 84}


@given(st.dictionaries(st.sampled_from(SYMBOLS), st.floats(0.05, 20.0), min_size=1, max_size=6))
def test_any_formula_has_flags_that_say_what_they_are_about(amounts: dict[str, float]) -> None:
    formula = Formula.from_amounts(amounts)
    flags = flags_of(formula)
    assert len(set(flags)) == len(flags)
    for flag in flags:
        subject, _, reason = flag.why.partition(": ")
        assert subject == flag.subject and reason
        if flag.name != "air-sensitive":
            assert subject in amounts
    named = {flag.subject for flag in flags if flag.name == "toxic"}
    assert named >= {symbol for symbol in amounts if symbol in TOXIC and TOXIC[symbol].from_charge is None}
    for symbol in set(amounts) - NOT_FROM_ROCK:
        abundance = supply_of(symbol).abundance
        if abundance is not None and abundance < RARE_BELOW:
            assert any(flag.name == "rare" and flag.subject == symbol for flag in flags)
    # Scale does not matter.
    assert flags_of(Formula.from_amounts({symbol: 2 * amount for symbol, amount in amounts.items()})) == flags


def test_a_reason_gives_the_numbers_it_rests_on() -> None:
    (flag,) = [flag for flag in flags_of(Formula.parse("Li10GeP2S12")) if flag.name == "rare"]
    assert flag == Flag("rare", "Ge: 1.5 mg in a kg of the Earth's crust, 914 US dollars per kg")
