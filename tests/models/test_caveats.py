"""Warnings that follow from the formula and the temperature."""

from __future__ import annotations

import pytest

from superion.featurizers.formula import Formula
from superion.models.caveats import caveats


def warned(text: str, *temperatures: float) -> str:
    return "\n".join(caveats(Formula.parse(text), temperatures or (25.0,)))


@pytest.mark.parametrize("text", ["Li6PS5Cl", "Li10GeP2S12", "Li1.3Al0.3Ti1.7(PO4)3", "Li3InCl6", "LiCl"])
def test_an_ordinary_electrolyte_gets_no_warning(text: str) -> None:
    assert warned(text) == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("NaCl", "no lithium"),
        ("Li", "an element"),
        ("LiBH4", "hydroborates"),
        ("Li2B12H12", "hydroborates"),
        ("Li2PO2N", "glasses"),
        ("Li7La3Zr2O12", "tetragonal"),
        ("Li7La3Sn2O12", "tetragonal"),
        ("Li14La6Hf4O24", "tetragonal"),
        ("Li7La3Zr1.5Sn0.5O12", "tetragonal"),
    ],
)
def test_what_one_line_cannot_describe_is_said(text: str, says: str) -> None:
    assert says in warned(text)


@pytest.mark.parametrize("text", ["Li6.25Al0.25La3Zr2O12", "Li6.4La3Zr1.4Ta0.6O12", "Li5La3Ta2O12", "Li7P3S11"])
def test_a_doped_garnet_is_not_taken_for_the_tetragonal_one(text: str) -> None:
    assert "tetragonal" not in warned(text)


@pytest.mark.parametrize("temperature", [-20.0, 25.0, 200.0])
def test_temperatures_within_the_trusted_range_pass(temperature: float) -> None:
    assert warned("Li6PS5Cl", temperature) == ""


def test_each_temperature_outside_is_named_once_in_order() -> None:
    found = warned("Li6PS5Cl", 300.0, 25.0, -40.0, 300.0)
    assert found.startswith("-40, 300 degrees Celsius lies outside -20 to 200")


@pytest.mark.parametrize("text", ["75Li2S-25P2S5", "0.75Li2S·0.25P2S5"])
def test_a_mixture_written_as_an_adduct_is_said_to_be_a_glass(text: str) -> None:
    assert any("glass" in caveat for caveat in caveats(Formula.parse(text), [25.0]))


@pytest.mark.parametrize("text", ["Li3PS4", "Li3BO3·H2O", "Li2SO4·H2O"])
def test_compounds_and_hydrates_are_neither_glasses_nor_hydroborates(text: str) -> None:
    assert caveats(Formula.parse(text), [25.0]) == []
