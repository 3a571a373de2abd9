"""Reading the file: names of columns, encodings, line numbers, and files that are no tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from superion.errors import InvalidTable
from superion.training import columns
from superion.training.columns import ALIASES, COLUMNS, MAX_CELL, read_rows

HEADER = "formula,conductivity_S_per_cm"


def wrote(tmp_path: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path) -> InvalidTable:
    with pytest.raises(InvalidTable) as caught:
        read_rows(path)
    return caught.value


def test_rows_come_in_order_with_lines_and_ids(tmp_path: Path) -> None:
    rows, content = read_rows(wrote(tmp_path, f"id,{HEADER}\na,LiCl,1e-6\n,LiBr,1e-5\n"))
    assert [(row.id, row.line, dict(row.cells)) for row in rows] == [
        ("a", 2, {"id": "a", "formula": "LiCl", "conductivity_S_per_cm": "1e-6"}),
        ("line-3", 3, {"formula": "LiBr", "conductivity_S_per_cm": "1e-5"}),
    ]
    assert content == (tmp_path / "table.csv").read_bytes()


def test_every_column_of_the_contract_is_read_in_any_order_and_case(tmp_path: Path) -> None:
    names = [name.upper() for name in reversed(COLUMNS)]
    values = [f"v{number}" for number in range(len(names))]
    (row,), _ = read_rows(wrote(tmp_path, ",".join(names) + "\n" + ",".join(values)))
    assert {key: row.cells[key] for key in COLUMNS} == dict(zip(reversed(COLUMNS), values, strict=True))


def test_the_headers_of_obelix_are_read_as_they_are(tmp_path: Path) -> None:
    header = (
        "ID,Reduced Composition,Z,True Composition,Ionic conductivity (S cm-1),IC (Total),IC (Bulk),Space group,"
        "Space group #,a,b,c,alpha,beta,gamma,Family,DOI,Checked,Ref,Cif ID,note"
    )
    line = "jqc,Li7BiO6,1,Li7.0Bi1.0O6.0,<1E-10,,,P -1,2,5.5,6.0,5.5,116.9,120.8,62.2,oxo,10.1/x,1,D2,done,poor"
    (row,), _ = read_rows(wrote(tmp_path, f"{header}\n{line}\n"))
    assert dict(row.cells) == {
        "id": "jqc",
        "formula": "Li7BiO6",
        "cell_formula": "Li7.0Bi1.0O6.0",
        "conductivity_S_per_cm": "<1E-10",
        "space_group_number": "2",
        "a": "5.5",
        "b": "6.0",
        "c": "5.5",
        "alpha": "116.9",
        "beta": "120.8",
        "gamma": "62.2",
        "family": "oxo",
        "doi": "10.1/x",
    }


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_stands_for_its_column(tmp_path: Path, alias: str) -> None:
    meaning = ALIASES[alias]
    others = [name for name in ("formula", "conductivity_S_per_cm") if name != meaning]
    header = ",".join([alias.title(), *others])
    (row,), _ = read_rows(wrote(tmp_path, f"{header}\n{','.join('x' * len(header.split(',')))}\n"))
    assert meaning in row.cells


@pytest.mark.parametrize("text", [f"\ufeff{HEADER}\nLiCl,1e-6\n", f"{HEADER}\r\nLiCl,1e-6\r\n", f"{HEADER}\rLiCl,1e-6"])
def test_marks_and_line_ends_of_other_systems_are_no_obstacle(tmp_path: Path, text: str) -> None:
    (row,), _ = read_rows(wrote(tmp_path, text))
    assert row.cells == {"formula": "LiCl", "conductivity_S_per_cm": "1e-6"}


def test_spaces_about_cells_and_names_do_not_count(tmp_path: Path) -> None:
    (row,), _ = read_rows(wrote(tmp_path, " formula , conductivity_S_per_cm \n  LiCl ,\t1e-6 \n"))
    assert row.cells == {"formula": "LiCl", "conductivity_S_per_cm": "1e-6"}


def test_lines_are_counted_through_blank_ones_and_cells_of_many_lines(tmp_path: Path) -> None:
    text = f'family,{HEADER}\n"two\nlines",LiCl,1e-6\n\n , ,\nplain,LiBr,1e-6\n"a\n\n\nb",LiI,1e-6\nlast,LiF,1e-6\n'
    rows, _ = read_rows(wrote(tmp_path, text))
    assert [(row.cells["formula"], row.line) for row in rows] == [("LiCl", 2), ("LiBr", 6), ("LiI", 7), ("LiF", 11)]


def test_a_row_that_is_short_lacks_its_last_cells(tmp_path: Path) -> None:
    (row,), _ = read_rows(wrote(tmp_path, f"{HEADER},family\nLiCl,1e-6\n"))
    assert "family" not in row.cells and row.surplus == ()


def test_cells_beyond_the_last_column_are_kept_to_be_complained_of(tmp_path: Path) -> None:
    rows, _ = read_rows(wrote(tmp_path, f"{HEADER}\nLiCl,1,2e-3\nLiBr,1e-6,,\n"))
    assert [row.surplus for row in rows] == [("2e-3",), ()]


@pytest.mark.parametrize(
    ("header", "field"),
    [("formula", "conductivity_S_per_cm"), ("conductivity_S_per_cm", "formula"), ("x;y", "formula"), ("", "formula")],
)
def test_a_missing_column_is_named_beside_those_that_are_there(tmp_path: Path, header: str, field: str) -> None:
    found = refused(wrote(tmp_path, f"{header}\nLiCl\n"))
    assert found.field == field
    assert repr(field) in found.message and header in found.message


def test_two_columns_of_one_meaning_are_refused(tmp_path: Path) -> None:
    found = refused(wrote(tmp_path, f"{HEADER},Reduced Composition\nLiCl,1,LiBr\n"))
    assert "formula and Reduced Composition both mean 'formula'" in found.message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
        (f"{HEADER}\nLiCl,1e-6\n".encode("utf-16"), "not UTF-8"),
        (HEADER.encode() + b"\nLi\x00Cl,1e-6\n", "null bytes"),
        (HEADER.encode() + b'\n"LiCl,1e-6\n', "line 2"),
        (HEADER.encode() + b'\nLiCl,1e-6\n"Li"Br,1e-6\n', "line 3"),
        (HEADER.encode() + b"\n" + b"x" * (MAX_CELL + 1) + b",1\n", "line 2 has a cell longer"),
        (HEADER.encode() + b"\n" + b"x" * 200_000 + b",1\n", "line 2"),
    ],
    ids=["empty", "mark only", "png", "utf-16", "null", "open quote", "text after quote", "long", "longer than csv"],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in refused(wrote(tmp_path, content)).message


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("conductivity_S_per_cm", "S/cm"),
        ("CONDUCTIVITY_MS_PER_CM", "mS/cm"),
        ("conductivity (mS/cm)", "mS/cm"),
        ("sigma_mS_cm", "mS/cm"),
        ("Ionic conductivity (S cm-1)", "S/cm"),
        ("σ [µS/cm]", "µS/cm"),
        ("conductivity_S_per_m", "S/m"),
        ("conductivity", None),
    ],
)
def test_the_unit_of_the_conductivity_is_that_of_its_header(tmp_path: Path, header: str, unit: str | None) -> None:
    (row,), _ = read_rows(wrote(tmp_path, f"formula,{header}\nLiCl,1.2\n"))
    assert row.cells["conductivity_S_per_cm"] == "1.2"
    assert (row.column.header, row.column.unit) == (header, unit)


def test_conductivities_in_two_units_are_refused_by_name(tmp_path: Path) -> None:
    found = refused(wrote(tmp_path, f"{HEADER},conductivity (mS/cm)\nLiCl,1e-3,1\n"))
    assert found.field == "conductivity_S_per_cm"
    assert "conductivity_S_per_cm and conductivity (mS/cm)" in found.message
    assert "in S/cm and mS/cm" in found.message


def test_a_column_without_a_unit_gives_way_to_one_that_has_one(tmp_path: Path) -> None:
    (row,), _ = read_rows(wrote(tmp_path, f"{HEADER},sigma\nLiCl,1e-3,0.2\n"))
    assert (row.cells["conductivity_S_per_cm"], row.column.unit) == ("1e-3", "S/cm")


def test_a_header_that_names_a_logarithm_is_pointed_out(tmp_path: Path) -> None:
    found = refused(wrote(tmp_path, "formula,log10(conductivity)\nLiCl,-3\n"))
    assert "'log10(conductivity)' seems to be a logarithm" in found.message


def test_bulk_and_total_conductivities_of_obelix_are_kept(tmp_path: Path) -> None:
    header = "Reduced Composition,Ionic conductivity (S cm-1),IC (Total),IC (Bulk)"
    (row,), _ = read_rows(wrote(tmp_path, f"{header}\nLiCl,1e-4,1e-4,2e-3\n"))
    assert row.cells == {
        "formula": "LiCl",
        "conductivity_S_per_cm": "1e-4",
        "total_S_per_cm": "1e-4",
        "bulk_S_per_cm": "2e-3",
    }


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "absent.csv") in refused(tmp_path / "absent.csv").message
    assert "there is no table" in refused(tmp_path).message


def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MAX_TABLE_BYTES", 10)
    assert "larger than" in refused(wrote(tmp_path, f"{HEADER}\nLiCl,1e-6\n")).message


def workbook(path: Path, *rows: list[object]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_an_excel_sheet_reads_as_its_csv_does(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "Table.XLSX",
        ["id", "formula", "conductivity_S_per_cm", "temperature_C"],
        [1, "LiCl", 1.5e-6, 25],
        [None, None, None, None],
        [None, "Li3N", "<1e-10", None],
    )
    rows, _ = read_rows(path)
    assert [(row.id, row.line) for row in rows] == [("1", 2), ("line-4", 4)]
    assert float(rows[0].cells["conductivity_S_per_cm"]) == 1.5e-6
    assert rows[1].cells == {"formula": "Li3N", "conductivity_S_per_cm": "<1e-10"}


def test_an_excel_file_that_is_damaged_is_refused(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "whole.xlsx", ["formula", "conductivity_S_per_cm"]).read_bytes()
    for content in (b"", b"formula,conductivity_S_per_cm\n", whole[: len(whole) // 2]):
        assert "xlsx" in refused(wrote(tmp_path, content, "bad.xlsx")).message


def test_an_empty_excel_sheet_is_refused(tmp_path: Path) -> None:
    assert refused(workbook(tmp_path / "empty.xlsx")).field in ("data", "formula")
