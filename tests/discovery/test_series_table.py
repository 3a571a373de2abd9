"""A doping series in files, and that predictions read them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from superion.discovery import Plan, Swap, doping_series
from superion.discovery.series_table import COLUMNS, as_dict, csv_text, write_structures
from superion.errors import InvalidCrystal, InvalidValue
from superion.featurizers import Crystal, Formula

ARGYRODITE = Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif"
PLAN = Plan((Swap.parse("P>Si"), Swap.parse("Cl>Br")), step=0.5, vary="Li", at_once=2)


def test_the_table_holds_every_candidate() -> None:
    found = doping_series(Formula.parse("Li6PS5Cl"), PLAN)
    rows = list(csv.DictReader(io.StringIO(csv_text(found, found.candidates))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["formula"] for row in rows] == [candidate.formula.text for candidate in found.candidates]
    first, last = rows[0], rows[-1]
    assert (first["id"], first["parent"], first["substitutions"]) == ("Li6.5P0.5Si0.5S5Cl", "Li6PS5Cl", "P>Si 0.5")
    assert (first["varied"], first["cif"], first["note"]) == ("0.5", "", "")
    assert float(first["plausibility"]) == pytest.approx(found.candidates[0].plausibility, abs=1e-4)
    assert last["substitutions"] == "P>Si 1; Cl>Br 1"


def test_plain_values_of_a_candidate() -> None:
    (candidate,) = doping_series(
        Formula.parse("LiMn2O4"), Plan((Swap.parse("Mn>Ni"),), 1.0, charges={"Ni": 3.5})
    ).candidates
    assert as_dict(candidate, "LiMn2O4") == {
        "id": "LiNi2O4",
        "formula": "LiNi2O4",
        "parent": "LiMn2O4",
        "substitutions": [{"host": "Mn", "dopant": "Ni", "share": 1.0, "charge": 3.5, "bond_misfit": None}],
        "varied": 0.0,
        "plausibility": 0.5,
        "bond_misfit": None,
        "cif": None,
        "note": None,
    }


def test_structures_are_named_as_the_table_says(tmp_path: Path) -> None:
    found = doping_series(Crystal.from_file(ARGYRODITE), PLAN)
    assert write_structures(found.candidates, tmp_path / "new" / "cifs") == len(found.candidates)
    for row in csv.DictReader(io.StringIO(csv_text(found, found.candidates))):
        read = Crystal.from_file(tmp_path / "new" / "cifs" / row["cif"])
        assert read.formula.canonical == Formula.parse(row["formula"]).canonical


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    found = doping_series(Crystal.from_file(ARGYRODITE), PLAN)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InvalidValue, match="is no folder to write to"):
        write_structures(found.candidates, tmp_path / "taken")
    name = f"{found.candidates[0].formula.text}.cif"
    (tmp_path / name).mkdir()
    with pytest.raises(InvalidCrystal, match="cannot be written"):
        write_structures(found.candidates, tmp_path)
