"""Lists of candidates: from tables and folders, each material once, nothing lost in silence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from superion.discovery import CandidateList, read_candidates
from superion.errors import InvalidTable
from superion.featurizers import Crystal
from superion.training.datasets import require

ARGYRODITE = Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif"


def table(folder: Path, *lines: str, cifs: Path | None = None) -> CandidateList:
    """Read a table of these lines."""
    path = folder / "candidates.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_candidates(path, cifs)


def reasons(found: CandidateList) -> list[tuple[str, int, str]]:
    """Return what is said of rows that are no candidates."""
    return [(note.id, note.line, note.reason) for note in found.failed]


def test_a_formula_alone_is_a_candidate(tmp_path: Path) -> None:
    found = table(tmp_path, "formula", "Li6PS5Cl", "Li7La3Zr2O12")
    assert [(one.id, one.material.formula.text, one.family) for one in found.candidates] == [
        ("line-2", "Li6PS5Cl", "sulfides"),
        ("line-3", "Li7La3Zr2O12", "oxides"),
    ]
    assert (found.name, found.failed, found.notes) == ("candidates.csv", (), ())
    assert len(found.digest) == 64


def test_families_and_structures_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "cifs").mkdir()
    shutil.copy(ARGYRODITE, tmp_path / "cifs" / "a.cif")
    lines = ("id,formula,family,cif", "a,Li6PS5Cl,argyrodites,", "b,Li6PS5Br,argyrodites,a.cif", "c,LiF,,missing.cif")
    found = table(tmp_path, *lines, cifs=tmp_path / "cifs")
    crystals = [one.material.crystal for one in found.candidates]
    assert crystals[:2] == [Crystal.from_file(ARGYRODITE)] * 2
    assert crystals[2] is None
    assert [one.family for one in found.candidates] == ["argyrodites", "argyrodites", "fluorides"]
    said = [(note.id, note.reason) for note in found.notes]
    assert ("c", "cif 'missing.cif' is not in the folder; used as formula") in said
    assert any(name == "b" and "of the atoms differ" in reason for name, reason in said)


def test_the_digest_is_of_the_structures_too(tmp_path: Path) -> None:
    (tmp_path / "cifs").mkdir()
    bare = table(tmp_path, "id,formula", "a,Li6PS5Cl", cifs=tmp_path / "cifs")
    shutil.copy(ARGYRODITE, tmp_path / "cifs" / "a.cif")
    described = table(tmp_path, "id,formula", "a,Li6PS5Cl", cifs=tmp_path / "cifs")
    assert bare.digest != described.digest


def test_rows_that_cannot_be_used_are_listed(tmp_path: Path) -> None:
    found = table(tmp_path, "id,formula", "a,Li6PS5Cl", "b,Li6PS5Xx", "c,", "d,LiF,more")
    assert [one.id for one in found.candidates] == ["a"]
    assert [(name, line) for name, line, _ in reasons(found)] == [("b", 3), ("c", 4), ("d", 5)]
    assert "'Xx' is not an element symbol" in reasons(found)[0][2]


def test_the_same_material_is_one_candidate(tmp_path: Path) -> None:
    found = table(tmp_path, "id,formula", "a,Li6PS5Cl", "b,ClS5PLi6", "c,Li6PS5Br", "d,Li6PS5Cl")
    assert [one.id for one in found.candidates] == ["a", "c"]
    same = "the same material as 'a': one of them is a candidate"
    assert reasons(found) == [("b", 3, same), ("d", 5, same)]


def test_a_material_with_its_cell_is_another(tmp_path: Path) -> None:
    cell = "formula,space_group_number,a,b,c,alpha,beta,gamma"
    lines = ("Li7La3Zr2O12,230,12.97,12.97,12.97,90,90,90", "Li7La3Zr2O12,142,13.13,13.13,12.66,90,90,90")
    assert len(table(tmp_path, cell, *lines, "Li7La3Zr2O12,,,,,,,")) == 3


def test_a_table_of_measurements_is_a_list_of_candidates(tmp_path: Path, data_mirror) -> None:
    data_mirror("obelix")
    path = next(path for path in require("obelix") if path.name == "train.csv")
    found = read_candidates(path)
    assert len(found) + len(found.failed) == 478
    assert {one.family for one in found.candidates} >= {"LGPS", "NASICON", "garnet"}
    assert all("the same material as" in reason for _, _, reason in reasons(found))


def test_a_folder_of_structures(tmp_path: Path) -> None:
    shutil.copy(ARGYRODITE, tmp_path / "argyrodite.cif")
    shutil.copy(ARGYRODITE, tmp_path / "copy.cif")
    (tmp_path / "LiF.vasp").write_text("LiF\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi F\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n")
    (tmp_path / "damaged.cif").write_text("data_\n")
    (tmp_path / "notes.txt").write_text("no structure")
    (tmp_path / "folder.cif").mkdir()
    found = read_candidates(tmp_path)
    assert [(one.id, one.family) for one in found.candidates] == [("LiF", "fluorides"), ("argyrodite", "sulfides")]
    assert all(one.material.crystal is not None for one in found.candidates)
    assert {name for name, _, _ in reasons(found)} == {"copy", "damaged"}
    assert (found.name, len(found.digest)) == (tmp_path.name, 64)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("id,composition", "a,LiF"), "lacks the column 'formula'"),
        (("id,formula", "a,LiF", "a,LiCl"), "the id 'a' stands on lines 2 and 3"),
        (("formula", "Xx"), "holds no candidate; the first fault: line 2"),
        (("formula",), "holds no candidate"),
        ((), "is empty"),
    ],
)
def test_a_table_without_candidates(tmp_path: Path, lines: tuple[str, ...], words: str) -> None:
    path = tmp_path / "candidates.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(InvalidTable, match=words):
        read_candidates(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="there is no table"):
        read_candidates(tmp_path / "missing.csv")
    with pytest.raises(InvalidTable, match="the folder of CIFs"):
        table(tmp_path, "formula", "LiF", cifs=tmp_path / "missing")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidTable, match="holds no candidate"):
        read_candidates(empty)
    with pytest.raises(InvalidTable, match="has no other beside it"):
        read_candidates(empty, empty)


def test_two_files_of_one_name(tmp_path: Path) -> None:
    for name in ("LiF.vasp", "LiF.cif"):
        (tmp_path / name).write_text("")
    with pytest.raises(InvalidTable, match=r"LiF.cif and LiF.vasp would both be the candidate 'LiF'"):
        read_candidates(tmp_path)
