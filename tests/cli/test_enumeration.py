"""`superion enumerate`: series as CSV, as JSON and as structures, and what is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from superion.featurizers import Crystal

ARGYRODITE = Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif"
SERIES = ("enumerate", "--parent", "Li6PS5Cl", "--swap", "S>Se,O", "--swap", "Cl>Br,I", "--swap", "P>Sb,Si,Ge")


def test_a_series_is_a_table(superion) -> None:
    finished = superion(*SERIES, "--step", 0.1, "--vary", "Li")
    rows = list(csv.DictReader(io.StringIO(finished.out)))
    assert finished.status == 0
    assert len(rows) == len({row["id"] for row in rows}) == 1895
    assert "1895 compositions of Li6PS5Cl; oxidation states: Li +1, P +5" in finished.err
    assert {"Li6PS5Br", "Li6.1P0.9Si0.1S5Br", "Li6P0.5Sb0.5S5I"} <= {row["formula"] for row in rows}


def test_a_series_is_one_document(superion, tmp_path: Path) -> None:
    finished = superion(*SERIES, "--step", 0.5, "--plausible", 0.5, "--json", "--out", tmp_path / "series.csv")
    found = finished.document
    assert (found["parent"], found["charges"]["Sb"]) == ("Li6PS5Cl", 5.0)
    assert found["n"] == len(found["candidates"]) > 0
    assert found["n_implausible"] > 0
    assert min(candidate["plausibility"] for candidate in found["candidates"]) >= 0.5
    assert found["refused"]["not neutral, and no element varies to make it so"] > 0
    assert "left out" in finished.err
    written = list(csv.DictReader((tmp_path / "series.csv").read_text().splitlines()))
    assert [row["id"] for row in written] == [candidate["id"] for candidate in found["candidates"]]


def test_the_structure_of_the_parent_is_carried_over(superion, tmp_path: Path) -> None:
    swaps = ("--swap", "Cl>Br", "--swap", "P>Si", "--vary", "Li", "--step", 0.5)
    finished = superion("enumerate", "--parent", ARGYRODITE, *swaps, "--cifs", tmp_path / "cifs")
    rows = list(csv.DictReader(io.StringIO(finished.out)))
    assert {path.name for path in (tmp_path / "cifs").iterdir()} == {row["cif"] for row in rows}
    crystal = Crystal.from_file(tmp_path / "cifs" / "Li6PS5Br.cif")
    assert crystal.formula.reduced.canonical == "Br0.0769Li0.4615P0.0769S0.3846"


def test_a_series_is_predicted(superion, tmp_path: Path) -> None:
    made = superion("enumerate", "--parent", "LiCl", "--swap", "Cl>Br", "--step", 0.5, "--out", tmp_path / "series.csv")
    assert (made.status, made.out) == (0, "")
    formulas = [row["formula"] for row in csv.DictReader((tmp_path / "series.csv").read_text().splitlines())]
    assert [one["formula"] for one in superion("predict", *formulas, "--json").document["predictions"]] == formulas


def test_a_structure_without_room_is_noted(superion, tmp_path: Path) -> None:
    (tmp_path / "LiF.vasp").write_text("LiF\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi F\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n")
    finished = superion("enumerate", "--parent", tmp_path / "LiF.vasp", "--swap", "F>O", "--vary", "Li", "--step", 1)
    (row,) = csv.DictReader(io.StringIO(finished.out))
    assert (row["formula"], row["cif"]) == ("Li2O", "")
    assert "have no room for 2 atoms per cell" in row["note"]
    assert "1 have no structure" in finished.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--parent", "Li6PS5Cl", "--swap", "S-Se"), "write for example S>Se,O"),
        (("--parent", "Li6PS5Xx", "--swap", "S>Se"), "'Xx' is not an element symbol"),
        (("--parent", "missing.cif", "--swap", "S>Se"), "missing.cif"),
        (("--parent", "Li6PS5Cl", "--swap", "S>Se", "--cifs", "folder"), "has no structure to carry over"),
        (("--parent", "Li6PS5Cl", "--swap", "S>Se", "--plausible", 2), "the plausibility lies from 0 to 1"),
        (("--parent", "Li6PS5Cl", "--swap", "S>Se", "--charge", "Se"), "write for example Sb=5"),
        (("--parent", "Li6PS5Cl", "--swap", "S>Se", "--limit", 3), "more than 3 combinations"),
        (("--parent", "Li6PS5Cl", "--swap", "S>Se", "--out", "no/such/folder.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_says_why(superion, arguments: tuple[object, ...], words: str) -> None:
    finished = superion("enumerate", *arguments)
    assert finished.status == 2
    assert finished.out == ""
    assert words in finished.err
    assert "Traceback" not in finished.err
