"""Checks of a table: every fault is found where it is, and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training.checks import check_table
from superion.training.findings import NOTE, WARNING, DataCheck, Finding
from superion.training.table import Measurement, read_table

from . import _builders


def checked(rows: Sequence[Measurement], **options: Any) -> DataCheck:
    return check_table(_builders.table(rows), **options)


def findings(rows: Sequence[Measurement], code: str) -> list[Finding]:
    return [finding for finding in checked(rows).findings if finding.code == code]


def lines(finding: Finding) -> list[int]:
    return [row.line for row in finding.rows]


def read(tmp_path: Path, header: str, *rows: str) -> DataCheck:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return check_table(read_table(path))


def of_group(number: int, group: int | None, **fields: Any) -> Measurement:
    row = _builders.row("Li3PS4", number, **fields)
    return replace(row, material=Material(Formula.parse("Li3PS4"), None, CellContext(space_group_number=group)))


def test_a_good_table_has_nothing_to_find() -> None:
    found = checked(_builders.synthetic_rows())
    assert (found.findings, found.is_clean, found.folds_by) == ((), True, "paper")


def test_what_a_table_holds_is_counted() -> None:
    rows = _builders.synthetic_rows(34)
    rows.append(_builders.row("LiCl", 34, family="Salt", log10_conductivity=None, activation_energy=0.3, doi=" | "))
    rows.append(_builders.row("Li2Cl2", 35, family="salt ", doi="https://doi.org/10.1/0"))
    assert checked(rows).counts == {
        "rows": 36,
        "failed": 0,
        "with_conductivity": 35,
        "with_activation_energy": 18,
        "censored": 1,
        "without_doi": 1,
        "without_structure": 36,
        "papers": 17,
        "compositions": 35,
        "families": 1,
    }


@pytest.mark.parametrize(
    ("value", "temperature", "censored", "found"),
    [
        (0.05, 25.0, False, False),
        (0.051, 25.0, False, True),
        (0.051, 40.0, False, True),
        (0.051, 41.0, False, False),
        (0.125, 300.0, False, False),
        (11.0, 700.0, False, True),
        (1.0, 25.0, True, False),
    ],
)
def test_conductivities_above_any_known_are_named(
    value: float, temperature: float, censored: bool, found: bool
) -> None:
    odd = _builders.row(
        "LiCl", 50, log10_conductivity=math.log10(value), temperature_c=temperature, censored=censored, doi="10.1/x"
    )
    got = findings([*_builders.synthetic_rows(), odd], "conductivity_too_high")
    assert [lines(finding) for finding in got] == ([[52]] if found else [])
    assert all(finding.severity == WARNING and f"{value:.3g} S/cm" in finding.rows[0].reason for finding in got)


def test_a_column_that_is_mostly_too_high_is_told_to_be_in_another_unit(tmp_path: Path) -> None:
    found = read(tmp_path, "formula,conductivity_S_per_cm", *(f"Li{n}Cl,{n / 2}" for n in range(1, 20)))
    (finding,) = [finding for finding in found.findings if finding.code == "conductivity_too_high"]
    assert len(finding.rows) == 19
    assert "name the column conductivity_mS_per_cm" in finding.advice
    converted = read(tmp_path, "formula,conductivity_mS_per_cm", *(f"Li{n}Cl,{n / 2}" for n in range(1, 20)))
    assert not [finding for finding in converted.findings if finding.code == "conductivity_too_high"]


@pytest.mark.parametrize(
    ("temperatures", "found"),
    [
        ([298.15, 298.15], True),
        ([298.15, 25.0, 350.0], True),
        ([300.0, 100.0], False),
        ([25.0, 25.0], False),
        ([249.0, 300.0], False),
        ([250.0], True),
    ],
)
def test_temperatures_in_kelvin_are_suspected(temperatures: list[float], found: bool) -> None:
    rows = [_builders.row(f"Li{n + 1}Cl", n, temperature_c=value) for n, value in enumerate(temperatures)]
    got = findings(rows, "temperature_in_kelvin")
    assert len(got) == found
    for finding in got:
        assert lines(finding) == [n + 2 for n, value in enumerate(temperatures) if value != 25.0]
        assert "subtract 273.15" in finding.advice


def test_values_of_one_material_that_disagree_are_shown_with_their_papers() -> None:
    rows = [
        of_group(0, 62, log10_conductivity=-3.0, doi="10.1/high"),
        of_group(1, 62, log10_conductivity=-4.0, doi="10.1/low", kind="total"),
        _builders.row("LiCl", 2, log10_conductivity=-9.0),
    ]
    (finding,) = findings(rows, "values_disagree")
    assert finding.severity == WARNING and "1.0 decades apart" in finding.message
    assert [str(row) for row in finding.rows] == [
        "line 2 (row-0): Li3PS4, 0.001 S/cm, 25 C, 10.1/high",
        "line 3 (row-1): Li3PS4, 0.0001 S/cm, total, 25 C, 10.1/low",
    ]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({}, {}, True),
        ({}, {"log10_conductivity": -3.9}, False),
        ({"group": 62}, {}, False),
        ({"group": None}, {"group": None}, True),
        ({"group": None}, {"group": 137}, False),
        ({"temperature_c": 30.0}, {}, True),
        ({"temperature_c": 30.1}, {}, False),
        ({"censored": True}, {}, False),
        ({}, {"censored": True}, True),
        ({"censored": True}, {"censored": True}, False),
        ({"log10_conductivity": None}, {}, False),
    ],
)
def test_values_disagree_only_where_they_are_of_the_same(
    one: dict[str, Any], other: dict[str, Any], found: bool
) -> None:
    same = {"group": 137, "log10_conductivity": -3.0}
    rows = [of_group(0, **(same | one)), of_group(1, **(same | {"log10_conductivity": -4.5} | other))]
    assert len(findings(rows, "values_disagree")) == found


temperatures = st.sampled_from([20.0, 23.0, 25.0, 27.5, 30.0, 33.0])
entries = st.tuples(temperatures, st.sampled_from([-3.0, -3.5, -4.0, -5.0]), st.booleans())


@given(st.lists(entries, max_size=10))
@settings(deadline=None)
def test_values_disagree_where_some_pair_does(values: list[tuple[float, float, bool]]) -> None:
    rows = [
        of_group(number, 62, temperature_c=temperature, log10_conductivity=value, censored=censored)
        for number, (temperature, value, censored) in enumerate(values)
    ]
    apart = [
        high.log10_conductivity - low.log10_conductivity  # type: ignore[operator]
        for high in rows
        for low in rows
        if not high.censored and abs(high.temperature_c - low.temperature_c) <= 5.0
    ]
    got = findings(rows, "values_disagree")
    assert len(got) == (max(apart, default=0.0) >= 1.0)
    if got:
        assert f"{max(apart):.1f} decades" in got[0].message


def test_a_row_that_repeats_another_names_it() -> None:
    rows = [
        _builders.row("LiCl", 0, doi="10.1/x"),
        _builders.row("LiBr", 1, doi="10.1/x"),
        _builders.row("Cl2Li2", 2, doi="10.1/x"),
        _builders.row("LiCl", 3, doi="10.1/x"),
    ]
    (finding,) = findings(rows, "rows_repeated")
    assert lines(finding) == [4, 5]
    assert finding.rows[0].reason.startswith("repeats line 2 (row-0): Cl2Li2, 1e-06 S/cm")


@pytest.mark.parametrize(
    "change",
    [{"temperature_c": 26.0}, {"log10_conductivity": -6.1}, {"censored": True}, {"activation_energy": 0.3},
     {"kind": "bulk"}, {"doi": "10.1/y"}, {"source": "a book"}],
)  # fmt: skip
def test_rows_that_differ_in_anything_measured_are_no_repeats(change: dict[str, Any]) -> None:
    one = _builders.row("LiCl", 0, doi="10.1/x")
    assert findings([one, replace(one, id="again")], "rows_repeated")
    assert not findings([one, replace(one, id="other", **change)], "rows_repeated")


def distinct(n: int, doi: str | None) -> list[Measurement]:
    return [replace(row, doi=doi) for row in _builders.synthetic_rows(n)]


@pytest.mark.parametrize(
    ("rows", "code", "folds_by"),
    [
        (distinct(36, "10.1/x"), "one_paper", "composition"),
        (distinct(36, None), "no_papers", "composition"),
        ([*distinct(35, "10.1/x"), _builders.row("LiF", 40, doi="10.1/y")], "papers_too_few", "composition"),
        (_builders.synthetic_rows(36), None, "paper"),
    ],
    ids=["one", "none", "too few", "enough"],
)
def test_papers_that_do_not_tell_the_error_on_new_ones_are_said(
    rows: list[Measurement], code: str | None, folds_by: str
) -> None:
    found = checked(rows)
    assert found.folds_by == folds_by
    assert [finding.code for finding in found.findings] == ([code] if code else [])
    for finding in found.findings:
        assert finding.severity == NOTE
        assert "the error on new papers cannot be estimated" in finding.message
        assert "follow compositions" in finding.advice


def test_a_small_table_is_told_what_to_expect() -> None:
    (finding,) = checked(_builders.synthetic_rows(29)).findings
    assert (finding.code, finding.severity) == ("small_table", NOTE)
    assert "29 rows have a conductivity" in finding.message and "2 largest errors of 29" in finding.message
    assert "--from champion" in finding.advice
    assert checked(_builders.synthetic_rows(30)).findings == ()


@pytest.mark.parametrize("n", [2, 9, 11])
def test_a_table_that_cannot_be_trained_on_is_told_what_is_left(n: int) -> None:
    found = checked(_builders.synthetic_rows(n))
    (finding,) = found.findings
    assert (finding.code, finding.severity, found.folds_by, found.is_clean) == ("cannot_train", WARNING, None, False)
    assert "superion predict FORMULA --model release" in finding.advice
    assert "superion evaluate --data TABLE --model release" in finding.advice
    assert "superion" not in finding.message


def test_the_folds_asked_for_decide_whether_a_small_table_is_enough() -> None:
    rows = distinct(12, None)
    assert checked(rows, n_folds=5).folds_by is None
    assert checked(rows, n_folds=6).folds_by == "composition"


@pytest.mark.parametrize(
    ("cells", "found"), [(["30 kJ/mol", "28"], 2), (["300", ""], 1), (["30 kJ/mol", "0.3"], 0), (["", ""], 0)]
)
def test_activation_energies_in_another_unit_are_found(tmp_path: Path, cells: list[str], found: int) -> None:
    check = read(
        tmp_path,
        "formula,conductivity_S_per_cm,activation_energy_eV",
        *(f"Li{number + 1}Cl,1e-6,{cell}" for number, cell in enumerate(cells)),
    )
    got = [finding for finding in check.findings if finding.code == "activation_energies_unread"]
    assert [len(finding.rows) for finding in got] == ([found] if found else [])
    assert all("1 kJ/mol is 0.010364 eV" in finding.advice for finding in got)


def test_rows_that_failed_and_what_was_read_otherwise_are_part_of_the_check(tmp_path: Path) -> None:
    found = read(tmp_path, "id,formula,conductivity_S_per_cm", "a,LiCl,1 mS/cm", "b,Xx,1e-6")
    assert [note.id for note in found.failed] == ["b"] and found.counts["failed"] == 1
    assert "was read as 0.001 S/cm" in found.notes[0].reason
    assert found.digest and not found.is_clean


def test_the_training_split_of_obelix_is_as_it_is_known(data_mirror) -> None:  # type: ignore[no-untyped-def]
    found = check_table(read_table(data_mirror("obelix") / "train.csv"))
    assert found.folds_by == "paper"
    assert {finding.code for finding in found.findings} == {"values_disagree"}
    assert (found.counts["papers"], found.counts["compositions"], found.counts["without_doi"]) == (173, 390, 0)
    assert all(len({row.line for row in finding.rows}) >= 2 for finding in found.findings)
