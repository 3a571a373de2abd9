"""Conductivities in words: units in headers and cells, exact conversion, and columns that cannot be right."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.errors import InvalidTable
from superion.training.conductivity import (
    POWERS,
    ConductivityColumn,
    conductivity_column,
    looks_like_logarithm,
    read_conductivity,
    refuse_column,
)

SIEMENS = ConductivityColumn()


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("conductivity_S_per_cm", "S/cm"),
        ("conductivity_mS_per_cm", "mS/cm"),
        ("conductivity (mS/cm)", "mS/cm"),
        ("conductivity [mS cm-1]", "mS/cm"),
        ("Conductivity, mS cm^-1", "mS/cm"),
        ("conductivity (mS·cm⁻¹)", "mS/cm"),
        ("ionic conductivity / S/cm", None),
        ("ionic_conductivity_mS_cm", "mS/cm"),
        ("Li-ion conductivity (S/m)", "S/m"),
        ("sigma_mS_cm", "mS/cm"),
        ("sigma_RT_S_per_cm", "S/cm"),
        ("σ (uS/cm)", "µS/cm"),
        ("conductivity µS/m", "µS/m"),
        ("σ (μS/cm)", "µS/cm"),
        ("sigma", None),
        ("ionic conductivity", None),
    ],
)
def test_headers_of_conductivities_and_their_units(header: str, unit: str | None) -> None:
    found = conductivity_column(f" {header} ")
    if header == "ionic conductivity / S/cm":
        assert found is None
        return
    assert found == ConductivityColumn(header, unit)


@pytest.mark.parametrize(
    "header",
    ["formula", "IC (Total)", "log10 conductivity", "std_log10", "conductivity (S)", "conductivity_std", "sigma_error",
     "electronic conductivity (S/cm)", "thermal conductivity (W/m)", "activation_energy_eV", "conductivity (kS/cm)",
     "conductivity_MS_per_cm"],
)  # fmt: skip
def test_other_headers_are_none(header: str) -> None:
    assert conductivity_column(header) is None


@pytest.mark.parametrize(
    ("header", "is_one"),
    [("log10_conductivity", True), ("Log(σ / S cm-1)", True), ("sigma_log10", True), ("std_log10", False)],
)
def test_a_logarithm_is_known_by_its_header(header: str, is_one: bool) -> None:
    assert looks_like_logarithm(header) is is_one


@given(st.integers(1, 999_999), st.integers(-12, -4), st.sampled_from(sorted(POWERS)), st.booleans())
def test_a_unit_moves_the_decimal_point_and_nothing_else(
    digits: int, exponent: int, unit: str, in_the_cell: bool
) -> None:
    text = f"{digits}e{exponent}"
    exact = math.log10(float(f"{digits}e{exponent + POWERS[unit]}"))
    if in_the_cell:
        found = read_conductivity(f"{text} {unit}", SIEMENS)
        assert found.note is not None and repr(f"{text} {unit}") in found.note
    else:
        found = read_conductivity(text, ConductivityColumn("x", unit))
        assert found.note is None
    assert found.log10 == exact


@given(st.floats(1e-12, 1e-3), st.sampled_from(sorted(POWERS)))
def test_one_value_is_the_same_in_every_unit(value: float, unit: str) -> None:
    text = f"{value / 10.0 ** POWERS[unit]!r}{unit}"
    assert read_conductivity(text, SIEMENS).log10 == pytest.approx(math.log10(value), abs=1e-12)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.2 mS/cm", 1.2e-3),
        ("1.2mS/cm", 1.2e-3),
        ("1.2e-3 S/cm", 1.2e-3),
        ("1.2E-3 S cm-1", 1.2e-3),
        ("0.12 S/m", 1.2e-3),
        ("1200 µS/cm", 1.2e-3),
        ("1.2 mS cm^-1", 1.2e-3),
        ("1.2 mS per cm", 1.2e-3),
    ],
)
def test_a_unit_in_the_cell_is_read_and_said(text: str, value: float) -> None:
    found = read_conductivity(text, SIEMENS)
    assert (found.log10, found.censored) == (math.log10(value), False)
    assert found.note == f"the conductivity {text!r} was read as 0.0012 S/cm"


def test_a_unit_in_the_cell_goes_before_that_of_the_header() -> None:
    column = ConductivityColumn("conductivity (mS/cm)", "mS/cm")
    assert read_conductivity("1e-3 S/cm", column).log10 == -3.0
    assert read_conductivity("1", column).log10 == -3.0


def test_a_limit_has_its_unit_too() -> None:
    found = read_conductivity("< 0.5 mS/cm", SIEMENS)
    assert (found.log10, found.censored) == (math.log10(5e-4), True)
    assert found.note is not None and "read as <0.0005 S/cm" in found.note


@pytest.mark.parametrize(
    "text", ["1.2 kS/cm", "1.2 MS/cm", "1 S", "1.2 W/m", "mS/cm", "1.2 mS/cm?", "1.2 mS/mm", "1 Sm"]
)
def test_a_unit_that_is_not_known_is_refused_with_the_value(text: str) -> None:
    with pytest.raises(InvalidTable) as caught:
        read_conductivity(text, SIEMENS)
    assert caught.value.field == "conductivity_S_per_cm" and caught.value.value == text
    assert "a number in S/cm" in caught.value.message


@pytest.mark.parametrize("text", ["200000 mS/cm", "1e-28 mS/cm", "0 mS/cm", "-1 mS/cm"])
def test_the_range_is_that_of_the_value_in_siemens_per_cm(text: str) -> None:
    with pytest.raises(InvalidTable, match="must lie between 1e-30 and 100 S/cm"):
        read_conductivity(text, SIEMENS)


def test_the_message_names_the_header_and_its_unit() -> None:
    with pytest.raises(InvalidTable, match=r"sigma_mS_cm is 'x'; it must be a number in mS/cm"):
        read_conductivity("x", ConductivityColumn("sigma_mS_cm", "mS/cm"))


@given(
    st.text(alphabet="0123456789eE+-_.<=≤ mµSscm/per⁻¹∞naif٣\n", max_size=30), st.sampled_from(["S/cm", "mS/cm", None])
)
def test_any_cell_is_read_or_refused(text: str, unit: str | None) -> None:
    try:
        found = read_conductivity(text, ConductivityColumn("x", unit))
    except InvalidTable as error:
        assert error.field == "conductivity_S_per_cm"
    else:
        assert -30.0 <= found.log10 <= 2.0


@given(st.lists(st.sampled_from(["1e-3", "-3", "x", "0", "<1e-9", "1 mS/cm"]), max_size=5))
def test_a_column_with_one_good_value_is_never_refused(cells: list[str]) -> None:
    refuse_column(list(enumerate([*cells, "1e-4"], start=2)), SIEMENS)


def test_an_empty_column_is_none_to_complain_of() -> None:
    refuse_column([], ConductivityColumn("sigma", None))
