"""`superion data check`: what it prints, as text and as JSON, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..training import _builders
from .conftest import Command

HEADER = "id,formula,conductivity_S_per_cm,doi"
CONFLICT = ("x,Li3PS4,1e-3,10.1/high", "y,Li3PS4,1e-6,10.1/low")


def extended(tmp_path: Path, *rows: str) -> Path:
    """Write thirty good rows, and those given."""
    path = tmp_path / "own.csv"
    good = [f"r{n},Li{n + 1}Cl,1e-6,10.1/{n // 3}" for n in range(30)]
    path.write_text("\n".join([HEADER, *good, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_clean_table_is_counted_and_ends_with_0(superion: Command, tmp_path: Path) -> None:
    found = superion("data", "check", "--data", extended(tmp_path))
    assert (found.status, found.err) == (0, "")
    (line,) = found.out.splitlines()
    assert line.startswith("own.csv: 30 rows can be used, 0 cannot; 30 with a conductivity")


def test_a_note_alone_ends_with_0_and_is_said(superion: Command, tmp_path: Path) -> None:
    path = _builders.write_csv(
        tmp_path / "one.csv",
        [{"formula": f"Li{n + 1}Cl", "conductivity_mS_per_cm": 0.1, "doi": "10.1/one"} for n in range(40)],
    )
    found = superion("data", "check", "--data", path)
    assert (found.status, found.err) == (0, "")
    assert "note: all rows are of one paper, so the error on new papers cannot be estimated" in found.out
    assert "read otherwise: line 1 (header): the column 'conductivity_mS_per_cm' is in mS/cm" in found.out


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (CONFLICT, "warning: 2 values of Li3PS4 of no known space group lie 3.0 decades apart"),
        (("bad,Xx,1e-6,",), "failed: line 32 (bad): "),
    ],
    ids=["warning", "failed row"],
)
def test_what_is_wrong_ends_with_1(superion: Command, tmp_path: Path, rows: tuple[str, ...], says: str) -> None:
    found = superion("data", "check", "--data", extended(tmp_path, *rows))
    assert (found.status, found.err) == (1, "")
    assert says in found.out


def test_the_check_is_one_document(superion: Command, tmp_path: Path) -> None:
    found = superion("data", "check", "--data", extended(tmp_path, *CONFLICT, "bad,Xx,1e-6,"), "--json")
    assert (found.status, found.err) == (1, "")
    document = found.document
    assert (document["table"], document["folds_by"], document["counts"]["rows"]) == ("own.csv", "paper", 32)
    assert [row["id"] for row in document["failed"]] == ["bad"]
    (finding,) = document["findings"]
    assert (finding["code"], finding["severity"]) == ("values_disagree", "warning")
    assert [(row["id"], row["line"]) for row in finding["rows"]] == [("x", 32), ("y", 33)]


def test_structures_are_counted(superion: Command, tmp_path: Path) -> None:
    (tmp_path / "cifs").mkdir()
    (tmp_path / "cifs" / "r0.cif").write_text(_builders.cif())
    found = superion("data", "check", "--data", extended(tmp_path), "--cifs", tmp_path / "cifs", "--json")
    assert found.document["counts"]["without_structure"] == 29


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("formula,conductivity_S_per_cm\nLiCl,-3.1\nLiBr,-5\n", "look like log10"),
        ("formula,conductivity_S_per_cm\nLiCl,high\nLiBr,low\n", "holds no number in any of its 2 values"),
        ("formula,conductivity\nLiCl,1e-3\n", "names no unit"),
        ("formula,conductivity_S_per_cm,sigma (mS/cm)\nLiCl,1e-3,1\n", "both mean 'conductivity_S_per_cm'"),
        ("formula\nLiCl\n", "lacks the column"),
    ],
)
def test_a_table_that_cannot_be_read_ends_with_2(superion: Command, tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    for arguments in ((), ("--json",)):
        found = superion("data", "check", "--data", path, *arguments)
        assert (found.status, found.out) == (2, "")
        assert says in found.err and "Traceback" not in found.err


def test_a_check_needs_a_table(superion: Command) -> None:
    found = superion("data", "check")
    assert (found.status, found.out) == (2, "")
    assert "--data" in found.err
