"""Tables with their structures: nothing is lost, nothing outside the folder is read, every oddity is noted."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superion.errors import InvalidTable
from superion.training.table import MeasurementTable, joined, read_table

from . import _builders

HEADER = "id,formula,conductivity_S_per_cm"


def wrote(tmp_path: Path, *lines: str, header: str = HEADER, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def cifs(tmp_path: Path) -> Path:
    folder = tmp_path / "cifs"
    folder.mkdir()
    (folder / "a.cif").write_text(_builders.cif())
    (folder / "named.cif").write_text(_builders.cif(5.5, "Br"))
    (folder / "broken.cif").write_text("data_\n_cell_length_a five\n")
    (tmp_path / "secret.cif").write_text(_builders.cif(4.0, "F"))
    return folder


def notes(table: MeasurementTable) -> list[str]:
    return [str(note) for note in table.notes]


def test_bad_rows_are_listed_with_line_and_reason_and_good_ones_kept(tmp_path: Path) -> None:
    table = read_table(wrote(tmp_path, "a,LiCl,1e-6", "b,Xx,1e-6", "c,LiBr,-1", "d,LiI,<1e-10", "e,,1e-6", "f,LiF,"))
    assert [row.id for row in table.rows] == ["a", "d"]
    assert [(note.id, note.line) for note in table.failed] == [("b", 3), ("c", 4), ("e", 6), ("f", 7)]
    assert "'Xx'" in table.failed[0].reason and "must lie between" in table.failed[1].reason
    assert str(table.failed[0]).startswith("line 3 (b): ")
    assert (len(table), table.n_censored, table.n_with_structure) == (2, 1, 0)


def test_the_line_of_a_fault_is_right_after_a_cell_of_many_lines(tmp_path: Path) -> None:
    path = wrote(tmp_path, 'a,LiCl,1e-6,"a\nlong\nstory"', "", "b,Xx,1", header=f"{HEADER},family")
    (note,) = read_table(path).failed
    line = path.read_text().splitlines().index("b,Xx,1") + 1
    assert note.line == line == 6


cell = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
rows = st.lists(
    st.tuples(st.sampled_from(["LiCl", "Li3N", "Xx", ""]) | cell, st.sampled_from(["1e-6", "<1e-9", "", "x"]) | cell),
    max_size=8,
)


@given(rows)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_of_the_file_is_either_used_or_listed(tmp_path: Path, cells: list[tuple[str, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["formula", "conductivity_S_per_cm"])
    writer.writerows([("LiCl", "1e-6"), *cells])
    path = tmp_path / "any.csv"
    path.write_bytes(text.getvalue().encode())
    table = read_table(path)
    blank = sum(not (one.strip() or other.strip()) for one, other in cells)
    assert len(table.rows) + len(table.failed) + blank == 1 + len(cells)
    lines = sorted([row.line for row in table.rows] + [note.line for note in table.failed])
    assert len(set(lines)) == len(lines)


def test_repeated_ids_are_refused_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="'a' stands on lines 2 and 4") as caught:
        read_table(wrote(tmp_path, "a,LiCl,1e-6", "b,LiBr,1e-6", "a,LiI,1e-6"))
    assert caught.value.field == "id"


def test_a_table_without_a_usable_row_is_refused_with_the_first_fault(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match=r"no usable row.*line 2 \(a\)"):
        read_table(wrote(tmp_path, "a,Xx,1e-6", "b,Yy,1e-6"))
    with pytest.raises(InvalidTable, match="no usable row"):
        read_table(wrote(tmp_path))


@pytest.mark.parametrize(
    ("header", "cells", "says"),
    [
        ("conductivity_S_per_cm", ["-3.2", "-10", "<-9"], "look like log10.*0.000631 in place of -3.2"),
        ("conductivity_S_per_cm", ["-3.2", "", "-1"], "lie from -3.2 to -1"),
        ("conductivity_mS_per_cm", ["-3.2"], "'conductivity_mS_per_cm'.*look like log10"),
        ("conductivity_S_per_cm", ["high", "low"], "holds no number in any of its 2 values, 'high' on line 2"),
        ("conductivity_S_per_cm", ["1,2e-3", "2,5e-4"], "the decimal sign must be a point"),
        ("conductivity_S_per_cm", ["1 ohm", "2 ohm"], "must be a number in S/cm"),
        ("conductivity", ["1e-3", "2e-3"], "'conductivity' names no unit; name the column conductivity_S_per_cm"),
        ("sigma", ["fast"], "a number in a unit that it names"),
    ],
)
def test_a_column_of_which_no_value_can_be_right_is_refused_as_a_whole(
    tmp_path: Path, header: str, cells: list[str], says: str
) -> None:
    lines = [f'a{number},LiCl,"{cell}",0.3' for number, cell in enumerate(cells)]
    with pytest.raises(InvalidTable, match=says) as caught:
        read_table(wrote(tmp_path, *lines, header=f"id,formula,{header},activation_energy_eV"))
    assert caught.value.field == "conductivity_S_per_cm"


def test_a_single_value_that_looks_like_a_logarithm_is_a_bad_row_and_no_more(tmp_path: Path) -> None:
    table = read_table(wrote(tmp_path, "a,LiCl,1e-3", "b,LiBr,-3", "c,LiI,high"))
    assert [note.id for note in table.failed] == ["b", "c"]


def test_negative_values_that_are_no_logarithms_are_bad_rows(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="must lie between"):
        read_table(wrote(tmp_path, "a,LiCl,-1e-3", "b,LiCl,-2e-4"))


def test_a_column_in_another_unit_is_converted_exactly_with_one_note(tmp_path: Path) -> None:
    table = read_table(
        wrote(tmp_path, "a,LiCl,1.2", "b,LiBr,<0.7", "c,LiI,3e-2", header="id,formula,conductivity (mS/cm)")
    )
    values = [row.log10_conductivity for row in table.rows]
    assert values == [math.log10(1.2e-3), math.log10(0.7e-3), math.log10(3e-5)]
    assert [row.censored for row in table.rows] == [False, True, False]
    assert notes(table) == [
        "line 1 (header): the column 'conductivity (mS/cm)' is in mS/cm; its values were converted to S/cm"
    ]


def test_a_column_without_a_unit_is_read_where_the_cells_name_theirs(tmp_path: Path) -> None:
    table = read_table(wrote(tmp_path, "a,LiCl,1.2 mS/cm", "b,LiBr,0.5", header="id,formula,conductivity"))
    assert [row.log10_conductivity for row in table.rows] == [math.log10(1.2e-3)]
    (failed,) = table.failed
    assert "neither the header 'conductivity' nor the value '0.5' names a unit" in failed.reason
    assert notes(table) == ["line 2 (a): the conductivity '1.2 mS/cm' was read as 0.0012 S/cm"]


def test_the_kinds_of_obelix_are_those_of_the_column_that_repeats_the_value(data_mirror) -> None:  # type: ignore[no-untyped-def]
    rows = read_table(data_mirror("obelix") / "train.csv").rows
    kinds = Counter(row.kind for row in rows)
    assert kinds == {None: 448, "total": 29, "bulk": 1}
    assert {row.id: row.kind for row in rows}["vqu"] == "bulk"


def test_a_structure_belongs_to_the_row_that_names_it_or_has_its_id(tmp_path: Path, cifs: Path) -> None:
    path = wrote(tmp_path, "a,LiCl,1e-6,", "b,LiBr,1e-6,named.cif", "c,LiI,1e-6,", header=f"{HEADER},cif")
    table = read_table(path, cifs)
    by_id = {row.id: row.material for row in table.rows}
    assert by_id["a"].crystal is not None and by_id["a"].crystal.lattice[0, 0] == 5.13
    assert by_id["b"].crystal is not None and by_id["b"].crystal.lattice[0, 0] == 5.5
    assert by_id["c"].crystal is None
    assert (table.n_with_structure, notes(table)) == (2, [])
    assert by_id["a"].cell.space_group_number == 221


LATTICE = "a,b,c,alpha,beta,gamma"
CUBE = (9.0, 9.0, 9.0, 90.0, 90.0, 90.0)


def test_a_cell_that_the_table_describes_goes_before_that_of_the_structure(tmp_path: Path, cifs: Path) -> None:
    header = f"{HEADER},{LATTICE},cell_formula,space_group_number"
    path = wrote(tmp_path, "a,LiCl,1e-6,9,9,9,90,90,90,Li16Cl16,225", header=header)
    cell = read_table(path, cifs).rows[0].material.cell
    assert (cell.cell_parameters, cell.atoms_per_cell, cell.space_group_number) == (CUBE, 32.0, 225)


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("space_group_number", "225"),
        ("cell_formula", "Li16Cl16"),
        (f"{LATTICE},cell_formula", "9,9,9,90,90,90,Li16Cl16"),
    ],
)
def test_a_cell_that_the_table_describes_in_part_is_that_of_the_structure_with_a_note(
    tmp_path: Path, cifs: Path, columns: str, cells: str
) -> None:
    table = read_table(wrote(tmp_path, f"a,LiCl,1e-6,{cells}", header=f"{HEADER},{columns}"), cifs)
    assert (table.rows[0].material.cell.space_group_number, table.rows[0].material.cell.atoms_per_cell) == (221, 2.0)
    assert ["taken from the structure" in note for note in notes(table)] == [True]


def test_a_structure_with_an_odd_cell_leaves_its_row_as_a_formula_and_the_others_alone(
    tmp_path: Path, cifs: Path
) -> None:
    odd = (
        _builders.cif()
        .replace("_cell_angle_gamma 90", "_cell_angle_gamma 5")
        .replace("_cell_length_a 5.13", "_cell_length_a 60")
    )
    (cifs / "odd.cif").write_text(odd)
    table = read_table(wrote(tmp_path, "odd,LiCl,1e-6", "a,LiCl,1e-6"), cifs)
    assert [row.material.crystal is None for row in table.rows] == [True, False]
    assert [note.id for note in table.notes] == ["odd"]


def test_a_lattice_without_content_is_completed_by_the_structure(tmp_path: Path, cifs: Path) -> None:
    header = f"{HEADER},{LATTICE}"
    cell = read_table(wrote(tmp_path, "a,LiCl,1e-6,9,9,9,90,90,90", header=header), cifs).rows[0].material.cell
    assert (cell.cell_parameters, cell.atoms_per_cell) == ((5.13, 5.13, 5.13, 90.0, 90.0, 90.0), 2.0)


def test_a_lattice_alone_is_completed_by_its_volume_with_a_note(tmp_path: Path) -> None:
    header = f"{HEADER},{LATTICE}"
    table = read_table(wrote(tmp_path, "a,LiCl,1e-6,9,9,9,90,90,90", "b,LiCl,1e-6,,,,,,", header=header))
    known, unknown = (row.material.cell for row in table.rows)
    assert known.cell_parameters == CUBE
    assert known.atoms_per_cell is not None and known.atoms_per_cell % 2 == 0 and 20 <= known.atoms_per_cell <= 60
    assert unknown.atoms_per_cell is None
    (note,) = notes(table)
    assert f"taken to hold {known.atoms_per_cell:g} atoms" in note


@pytest.mark.parametrize("named", ["../secret.cif", "/etc/../secret.cif", "..", ".", "/", "x/../../secret.cif"])
def test_a_table_reaches_nothing_outside_its_folder(tmp_path: Path, cifs: Path, named: str) -> None:
    table = read_table(wrote(tmp_path, f"z,LiF,1e-6,{named}", header=f"{HEADER},cif"), cifs)
    assert table.n_with_structure == 0
    assert any("is not in the folder" in note for note in notes(table))


@pytest.mark.parametrize("name", ["../secret", "x/a", "cifs/a", "/a", "a" * 300])
def test_an_id_that_is_no_file_name_has_no_structure(tmp_path: Path, cifs: Path, name: str) -> None:
    table = read_table(wrote(tmp_path, f"{name},LiCl,1e-6"), cifs)
    assert (table.n_with_structure, notes(table)) == (0, [])


def test_a_structure_that_cannot_be_read_leaves_the_formula_and_a_note(tmp_path: Path, cifs: Path) -> None:
    table = read_table(wrote(tmp_path, "broken,LiCl,1e-6"), cifs)
    assert table.rows[0].material.crystal is None
    (note,) = notes(table)
    assert note.startswith("line 2 (broken): cif 'broken.cif' not read, used as formula: ")


def test_a_structure_that_is_not_there_is_noted_only_when_it_was_named(tmp_path: Path, cifs: Path) -> None:
    path = wrote(tmp_path, "x,LiCl,1e-6,gone.cif", "y,LiCl,1e-6,", header=f"{HEADER},cif")
    (note,) = notes(read_table(path, cifs))
    assert note == "line 2 (x): cif 'gone.cif' is not in the folder; used as formula"
    (note,) = notes(read_table(path))
    assert "no folder of CIFs was given" in note


def test_a_structure_of_another_composition_is_noted(tmp_path: Path, cifs: Path) -> None:
    (note,) = notes(read_table(wrote(tmp_path, "a,LiBr,1e-6"), cifs))
    assert "the CIF holds LiCl, the row LiBr: 50.0 % of the atoms differ" in note


def test_a_folder_of_structures_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="does not exist"):
        read_table(wrote(tmp_path, "a,LiCl,1e-6"), tmp_path / "absent")


def test_the_digest_changes_with_the_table_and_with_every_structure_read(tmp_path: Path, cifs: Path) -> None:
    path = wrote(tmp_path, "a,LiCl,1e-6")
    alone, with_cif = read_table(path), read_table(path, cifs)
    assert alone.digest == read_table(path).digest != with_cif.digest
    (cifs / "unused.cif").write_text(_builders.cif())
    assert read_table(path, cifs).digest == with_cif.digest
    (cifs / "a.cif").write_text(_builders.cif(5.14))
    assert read_table(path, cifs).digest != with_cif.digest
    assert read_table(wrote(tmp_path, "a,LiCl,2e-6")).digest != alone.digest


def test_what_was_read_in_place_of_what_stood_there_is_noted(tmp_path: Path) -> None:
    (note,) = notes(read_table(wrote(tmp_path, "a,Li1.0*Cl,1e-6")))
    assert note == "line 2 (a): formula 'Li1.0*Cl' was read as 'LiCl'"


def test_tables_are_joined_with_everything_they_hold(tmp_path: Path) -> None:
    one = read_table(wrote(tmp_path, "a,LiCl,1e-6", "b,Xx,1", name="one.csv"))
    two = read_table(wrote(tmp_path, "a,LiBr,1e-6", "c,Li1.0*I,1e-6", name="two.csv"))
    both = joined([one, two])
    assert [row.id for row in both.rows] == ["one.csv:a", "two.csv:a", "c"]
    assert [note.id for note in both.failed] == ["b"] and [note.id for note in both.notes] == ["c"]
    assert both.name == "one.csv + two.csv"
    assert both.digest not in (one.digest, two.digest)
    assert joined([two, one]).digest != both.digest
    assert joined([one]) is one


def test_the_composition_ignores_order_and_scale(tmp_path: Path) -> None:
    one, other = read_table(wrote(tmp_path, "a,Li6PS5Cl,1e-6", "b,Cl2S10P2Li12,1e-6")).rows
    assert one.composition == other.composition


def test_the_training_split_of_obelix_is_read_whole(data_mirror, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from superion.training.datasets import unpacked

    folder = data_mirror("obelix")
    table = read_table(folder / "train.csv", unpacked(folder / "train_cifs.zip", tmp_path / "cifs"))
    assert (len(table), table.n_censored, table.n_with_structure, table.failed) == (478, 29, 254, ())
    limits = {row.log10_conductivity for row in table.rows if row.censored}
    assert limits == {-10.0, -8.0}
    assert all(row.doi for row in table.rows)


def test_the_table_of_activation_energies_is_read_whole(data_mirror) -> None:  # type: ignore[no-untyped-def]
    table = read_table(data_mirror("obelix") / "activation_energies.csv")
    assert (len(table), table.failed) == (367, ())
    assert sum(row.activation_energy is not None for row in table.rows) > 350
    assert not any(row.doi for row in table.rows)
