"""One row: what is read, what is left unknown with a note, and what makes the row useless."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.errors import SuperionError
from superion.training.columns import RawRow
from superion.training.conductivity import CONDUCTIVITY_RANGE
from superion.training.rows import ParsedRow, parse_row

CELL = {"a": "9.85", "b": "9.85", "c": "9.85", "alpha": "90", "beta": "90", "gamma": "90"}


def parsed(*, surplus: tuple[str, ...] = (), **cells: str | None) -> ParsedRow:
    found: dict[str, Any] = {"formula": "LiCl", "conductivity_S_per_cm": "1e-6"} | cells
    return parse_row(RawRow("a", 2, {key: value for key, value in found.items() if value is not None}, surplus))


def fault(*, surplus: tuple[str, ...] = (), **cells: str | None) -> SuperionError:
    with pytest.raises(SuperionError) as caught:
        parsed(surplus=surplus, **cells)
    return caught.value


def test_what_is_not_given_has_its_default() -> None:
    found = parsed()
    assert (found.log10_conductivity, found.censored, found.temperature_c) == (pytest.approx(-6.0), False, 25.0)
    assert (found.activation_energy, found.kind, found.std_log10, found.doi, found.cif) == (None,) * 5
    assert found.notes == ()
    assert found.cell.cell_parameters is None


@given(st.floats(*CONDUCTIVITY_RANGE))
def test_a_conductivity_is_read_as_its_logarithm(value: float) -> None:
    assert parsed(conductivity_S_per_cm=repr(value)).log10_conductivity == pytest.approx(math.log10(value))


@pytest.mark.parametrize("text", ["<1e-10", "< 1E-10", "<0.0000000001"])
def test_a_value_below_a_limit_is_censored_at_it(text: str) -> None:
    found = parsed(conductivity_S_per_cm=text)
    assert (found.log10_conductivity, found.censored) == (pytest.approx(-10.0), True)


@pytest.mark.parametrize(
    "text",
    ["0", "-1e-3", "nan", "NaN", "inf", "-inf", "1e-31", "101", "fast", "1e-3 S", "1,2e-3", "<", "<<1e-9", ">1e-3",
     "<0", "<-1e-10", "1e-400", "#DIV/0!", "~1e-4", "1e-4±2e-5"],
)  # fmt: skip
def test_what_is_no_conductivity_is_refused_by_name_and_value(text: str) -> None:
    found = fault(conductivity_S_per_cm=text)
    assert found.field == "conductivity_S_per_cm"
    assert text.removeprefix("<") in found.message


def test_a_row_with_an_activation_energy_alone_is_of_use() -> None:
    found = parsed(conductivity_S_per_cm=None, activation_energy_eV="0.3")
    assert (found.log10_conductivity, found.activation_energy) == (None, 0.3)


def test_a_row_without_any_measured_value_is_refused() -> None:
    assert "neither a conductivity nor an activation energy" in fault(conductivity_S_per_cm=None).message
    found = fault(conductivity_S_per_cm=None, activation_energy_eV="high")
    assert "neither" in found.message


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("Li1.0*La3Zr2O12", "LiLa3Zr2O12"),
        ("Li7La3Zr2O12*", "Li7La3Zr2O12"),
        ("Li6PS5Cl†", "Li6PS5Cl"),
        ("Li6PS5Cl?", "Li6PS5Cl"),
        ("Li7.0*La3.0*Zr2O12‡", "Li7La3Zr2O12"),
        ("Li2SO4*2H2O", "Li2SO6H4"),
    ],
)
def test_a_stray_mark_is_said_and_an_adduct_is_kept(text: str, reads: str) -> None:
    found = parsed(formula=text)
    assert found.formula.canonical == type(found.formula).parse(reads).canonical
    (note,) = found.notes
    assert repr(text) in note and repr(str(found.formula)) in note
    assert "*" not in str(found.formula)


@pytest.mark.parametrize("text", [None, "Xx", "Li(", "x", "*", "Li6.5-xLa3"])
def test_a_formula_that_cannot_be_read_is_refused(text: str | None) -> None:
    assert fault(formula=text).field == "formula"


@pytest.mark.parametrize("text", ["nan", "warm", "-200", "1e9", "inf"])
def test_a_temperature_that_cannot_be_is_refused(text: str) -> None:
    assert fault(temperature_C=text).field == "temperature_C"


def test_cells_beyond_the_last_column_make_a_row_doubtful() -> None:
    found = fault(surplus=("2e-3",))
    assert "beyond the last column (2e-3)" in found.message


@pytest.mark.parametrize(
    ("column", "text", "attribute"),
    [
        ("activation_energy_eV", "-0.1", "activation_energy"),
        ("activation_energy_eV", "45", "activation_energy"),
        ("activation_energy_eV", "nan", "activation_energy"),
        ("activation_energy_eV", "~0.3", "activation_energy"),
        ("std_log10", "-1", "std_log10"),
        ("std_log10", "wide", "std_log10"),
        ("kind", "grain", "kind"),
    ],
)
def test_an_optional_value_that_cannot_be_is_unknown_and_noted(column: str, text: str, attribute: str) -> None:
    found = parsed(**{column: text})
    assert getattr(found, attribute) is None
    (note,) = found.notes
    assert column in note and text in note and "taken as unknown" in note


@pytest.mark.parametrize(("text", "kind"), [("bulk", "bulk"), ("Total", "total")])
def test_the_kind_is_bulk_or_total(text: str, kind: str) -> None:
    assert parsed(kind=text).kind == kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ({"total_S_per_cm": "1.0E-06"}, "total"),
        ({"bulk_S_per_cm": "0.000001", "total_S_per_cm": "5e-7"}, "bulk"),
        ({"bulk_S_per_cm": "2e-6", "total_S_per_cm": "1e-6"}, "total"),
        ({"bulk_S_per_cm": "1e-6", "total_S_per_cm": "1e-6"}, None),
        ({"bulk_S_per_cm": "2e-6"}, None),
        ({"bulk_S_per_cm": "<1e-6"}, None),
        ({"bulk_S_per_cm": "1e-6", "kind": "total"}, "total"),
    ],
)
def test_the_column_that_repeats_the_conductivity_tells_its_kind(cells: dict[str, str], kind: str | None) -> None:
    found = parsed(**cells)
    assert (found.kind, found.log10_conductivity, found.notes) == (kind, pytest.approx(-6.0), ())


def test_a_bulk_conductivity_that_cannot_be_read_is_unknown_and_noted() -> None:
    found = parsed(bulk_S_per_cm="low")
    assert found.kind is None
    (note,) = found.notes
    assert "bulk_S_per_cm is 'low'" in note and "taken as unknown" in note


def test_bulk_and_total_columns_are_never_learned() -> None:
    assert "neither" in fault(conductivity_S_per_cm=None, bulk_S_per_cm="1e-6", total_S_per_cm="1e-7").message


def test_a_whole_lattice_is_read_with_its_atoms() -> None:
    found = parsed(**CELL, space_group_number="216", cell_formula="Li24P4S20Cl4").cell
    assert found.cell_parameters == (9.85, 9.85, 9.85, 90.0, 90.0, 90.0)
    assert (found.space_group_number, found.atoms_per_cell) == (216, 52.0)


@pytest.mark.parametrize("missing", CELL)
def test_an_incomplete_lattice_is_unknown_and_noted(missing: str) -> None:
    found = parsed(**{key: value for key, value in CELL.items() if key != missing}, space_group_number="216")
    assert found.cell.cell_parameters is None and found.cell.space_group_number == 216
    assert len(found.notes) == 1 and "lattice is incomplete" in found.notes[0]


@pytest.mark.parametrize("text", ["0", "231", "-1", "62.5", "Pnma"])
def test_a_space_group_that_is_none_is_unknown_and_noted(text: str) -> None:
    found = parsed(**CELL, space_group_number=text)
    assert found.cell.space_group_number is None
    assert found.cell.cell_parameters is not None
    assert any("space_group_number" in note and text in note for note in found.notes)


def test_a_cell_without_volume_is_unknown_and_noted() -> None:
    found = parsed(**(CELL | {"alpha": "10", "beta": "10", "gamma": "170"}))
    assert found.cell.cell_parameters is None
    assert any("taken as unknown" in note for note in found.notes)


def test_a_cell_content_that_cannot_be_read_is_unknown_and_noted() -> None:
    found = parsed(**CELL, cell_formula="24 Li and so on")
    assert found.cell.atoms_per_cell is None and found.cell.cell_parameters is not None
    assert any("content of the cell" in note for note in found.notes)


READ = (
    "formula",
    "conductivity_S_per_cm",
    "temperature_C",
    "activation_energy_eV",
    "space_group_number",
    "a",
    "kind",
    "std_log10",
    "cell_formula",
    "bulk_S_per_cm",
)


@given(st.dictionaries(st.sampled_from(READ), st.text(min_size=1)))
def test_any_text_is_read_or_refused_by_column(cells: dict[str, str]) -> None:
    try:
        found = parsed(**cells)
    except SuperionError as error:
        assert error.field is not None
    else:
        assert found.log10_conductivity is None or math.isfinite(found.log10_conductivity)


@pytest.mark.parametrize("text", ["<1e-10", "<=1e-10", "≤1e-10", "< 1e-10"])
def test_every_sign_of_a_limit_is_read(text: str) -> None:
    parsed = parse_row(RawRow("a", 2, {"formula": "LiCl", "conductivity_S_per_cm": text}))
    assert (parsed.log10_conductivity, parsed.censored) == (pytest.approx(-10.0), True)
