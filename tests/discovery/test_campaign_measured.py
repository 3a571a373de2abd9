"""Measurements that a campaign begins with, and those that it gives back as a table to learn from."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from superion.discovery.campaigns.store import CampaignStore, NewCampaign
from superion.discovery.candidates import CandidateList, read_candidates
from superion.discovery.goal import Goal
from superion.errors import InvalidValue
from superion.featurizers.crystal import Crystal
from superion.training.table import MeasurementTable, read_table

from ._campaigns import candidates, first

ARGYRODITE = Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif"


def table(folder: Path, *lines: str, cifs: Path | None = None) -> MeasurementTable:
    """Read a table of measurements of these lines."""
    (folder / "measured.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_table(folder / "measured.csv", cifs)


def begin(folder: Path, found: CandidateList, measured: MeasurementTable) -> NewCampaign:
    """Begin a campaign, and hold that it is read as it was made."""
    with CampaignStore.open(f"sqlite:///{folder}/campaigns.db") as store:
        made = store.create("lab", Goal(), found, measured=measured, by="ada")
        state = store.state("lab")
        assert (state.candidates, state.observations) == (made.candidates, made.observations)
        assert store.events("lab")[0].detail["notes"] == [str(note) for note in made.notes]
    return made


def test_rows_of_candidates_become_observations(tmp_path: Path) -> None:
    measured = table(
        tmp_path,
        "id,formula,conductivity_S_per_cm,temperature_C,activation_energy_eV,kind,doi,source,std_log10",
        "a,Cl2P2S10Li12,1.2e-3,30,0.3,total,10.1000/x,,",
        "b,Li6PS5Cl,<1e-3,25,,,,a thesis,0.2",
        "c,Li7La3Zr2O12,,25,0.4,,,,",
    )
    made = begin(tmp_path, candidates(), measured)
    assert made.candidates == candidates().candidates
    assert [(one.number, one.candidate, one.censored, one.source) for one in made.observations] == [
        (1, "Li6PS5Cl", False, "10.1000/x"),
        (2, "Li6PS5Cl", True, "a thesis"),
    ]
    first_, second = made.observations
    assert (first_.log10_conductivity, first_.temperature_c, first_.activation_energy, first_.kind, first_.given) == (
        math.log10(1.2e-3),
        30.0,
        0.3,
        "total",
        "1.2e-03 S/cm",
    )
    assert second.given == "<1e-03 S/cm"
    assert [(note.id, note.line, note.reason) for note in made.notes] == [
        ("b", 3, "its standard deviation of 0.2 decades is not kept"),
        ("c", 4, "has no conductivity, and a campaign keeps no activation energy alone"),
    ]


def test_what_is_no_candidate_is_known_all_the_same(tmp_path: Path) -> None:
    measured = table(
        tmp_path,
        "id,formula,conductivity_S_per_cm,family",
        "LiI,Li3N,1e-3,Nitrides",
        "x,Li6N2,2e-3,",
        "y,LiBr,1e-8,nitrides",
        "LiI (2),LiCl,1e-9,",
    )
    made = begin(tmp_path, candidates("LiI", "Li2O"), measured)
    assert [(one.id, one.material.formula.text, one.family) for one in made.candidates[2:]] == [
        ("LiI (2)", "Li3N", "Nitrides"),
        ("y", "LiBr", "Nitrides"),
        ("LiI (2) (2)", "LiCl", "chlorides"),
    ]
    assert [one.candidate for one in made.observations] == ["LiI (2)", "LiI (2)", "y", "LiI (2) (2)"]
    assert [note.reason for note in made.notes] == [
        "is none of the candidates, and was added to them as measured, called 'LiI (2)'",
        "is none of the candidates, and was added to them as measured",
        "is none of the candidates, and was added to them as measured, called 'LiI (2) (2)'",
    ]
    # What is measured is not suggested.
    assert [made.candidates[place].id for place in made.left] == ["LiI", "Li2O"]


def test_structures_tell_materials_of_one_composition_apart(tmp_path: Path) -> None:
    folder = tmp_path / "structures"
    folder.mkdir()
    crystal = Crystal.from_file(ARGYRODITE)
    shutil.copy(ARGYRODITE, folder / "one.cif")
    crystal.perturb(0.05, 1).to_file(folder / "two.cif")
    crystal.perturb(0.05, 2).to_file(tmp_path / "three.cif")
    found = read_candidates(folder)
    assert [one.id for one in found.candidates] == ["one", "two"]
    shutil.copytree(folder, tmp_path / "cifs")
    shutil.copy(tmp_path / "three.cif", tmp_path / "cifs" / "three.cif")
    text = found.candidates[0].material.formula.text
    measured = table(
        tmp_path,
        "id,formula,conductivity_S_per_cm",
        f"two,{text},1e-3",
        f"three,{text},1e-4",
        f"bare,{text},1e-5",
        cifs=tmp_path / "cifs",
    )
    made = begin(tmp_path, found, measured)
    assert [one.candidate for one in made.observations] == ["two", "three", "bare"]
    assert made.candidates[2].material.crystal is not None
    assert made.candidates[3].material.crystal is None
    assert "has the composition of 'one', 'two', 'three', and does not tell which" in made.notes[1].reason


def test_a_structure_measured_of_a_formula_is_that_candidate(tmp_path: Path) -> None:
    (tmp_path / "cifs").mkdir()
    shutil.copy(ARGYRODITE, tmp_path / "cifs" / "row.cif")
    text = Crystal.from_file(ARGYRODITE).formula.reduced.text
    measured = table(tmp_path, "id,formula,conductivity_S_per_cm", f"row,{text},1e-3", cifs=tmp_path / "cifs")
    assert [one.candidate for one in begin(tmp_path, candidates(text), measured).observations] == [text]


def test_what_was_measured_is_learned_from(tmp_path: Path) -> None:
    folder = tmp_path / "structures"
    folder.mkdir()
    shutil.copy(ARGYRODITE, folder / "a cell.cif")
    (tmp_path / "candidates.csv").write_text(
        "id,formula,family,cif,space_group_number,a,b,c,alpha,beta,gamma,cell_formula\n"
        "a cell,Li6PS5Cl,Argyrodites,,,,,,,,,\n"
        "garnet,Li6.55La3Zr1.55Ta0.45O12,,,230,12.9,12.9,12.9,90,90,90,Li52.4La24Zr12.4Ta3.6O96\n"
        "glass,75Li2S-25P2S5,glasses,,,,,,,,,\n"
        "third,Li0.3333333333333333La0.5566666666666666TiO3,,,,,,,,,,\n"
        "../x,LiI,,,,,,,,,,\n"
        "glass (2),Li2O,,,,,,,,,,\n"
    )
    with CampaignStore.open(f"sqlite:///{tmp_path}/campaigns.db") as store:
        store.create("lab", Goal(), read_candidates(tmp_path / "candidates.csv", folder), by="ada")
        store.suggest("lab", first(6), by="ada")

        def observe(candidate: str, value: str | None, **more) -> None:
            store.observe("lab", candidate=candidate, value=value, by="ada", **more)

        observe("a cell", "1.23 mS/cm", kind="total", activation_energy_eV=0.31, source="https://doi.org/10.1000/ab.c")
        observe("garnet", "-3.3", unit="log10(S/cm)", temperature_C=30.5, source='book 3, "page 4"\nline 2')
        observe("glass", "<1e-10")
        observe("glass", "1e-12", temperature_C=-40)
        observe("third", "1e-5")
        observe("../x", None, failed=True, note="it melted")
        observe("glass (2)", "3e-7", kind="bulk")
        store.observe("lab", candidate="third", value="1e-9", by="ada", repeat=True)
        store.undo("lab", by="ada")
        state, exported = store.state("lab"), store.export_rows("lab")
    exported.write_table(tmp_path / "table.csv")
    assert exported.write_structures(tmp_path / "cifs") == 1
    assert [one.candidate for one in exported.failed] == ["../x"]
    read = read_table(tmp_path / "table.csv", tmp_path / "cifs")
    assert read.failed == ()
    assert [row.id for row in read.rows] == ["a cell", "garnet", "glass", "glass (3)", "third", "glass (2)"]
    measured = [one for one in state.observations if not one.failed]
    for row, one in zip(read.rows, measured, strict=True):
        candidate = state.candidates[state.place[one.candidate]]
        assert row.material.formula == candidate.material.formula
        assert row.material.formula.text == candidate.material.formula.text
        assert row.material.crystal == candidate.material.crystal
        assert row.family == candidate.family
        assert row.log10_conductivity == one.log10_conductivity
        assert (row.censored, row.temperature_c, row.kind) == (one.censored, one.temperature_c, one.kind)
        assert row.activation_energy == one.activation_energy
        cell, expected = row.material.cell, candidate.material.cell
        assert (cell.space_group_number, cell.cell_parameters) == (
            expected.space_group_number,
            expected.cell_parameters,
        )
        assert (cell.atoms_per_cell or 0.0) == pytest.approx(expected.atoms_per_cell or 0.0, rel=1e-12)
    assert (read.rows[0].doi, read.rows[0].source) == ("10.1000/ab.c", None)
    assert (read.rows[1].doi, read.rows[1].source) == (None, 'book 3, "page 4"\nline 2')
    assert exported.rows[0]["conductivity_S_per_cm"] == "1.23e-03"
    assert exported.rows[0]["cif"] == "a_cell.json"
    # The structure brings no notes of its own: it is what the campaign holds.
    assert [note.reason for note in read.notes if note.id == "a cell"] == []


def test_a_campaign_begins_where_another_ended(tmp_path: Path) -> None:
    with CampaignStore.open(f"sqlite:///{tmp_path}/campaigns.db") as store:
        store.create("one", Goal(), candidates(), by="ada")
        for number, name in enumerate(("Li6PS5Cl", "LiI"), 1):
            store.observe("one", candidate=name, value=10.0**-number, by="ada", unasked=True)
        store.export_rows("one").write_table(tmp_path / "table.csv")
        made = store.create("two", Goal(), candidates(), measured=read_table(tmp_path / "table.csv"), by="ada")
        kept = [(one.candidate, one.log10_conductivity) for one in store.state("one").observations]
        assert [(one.candidate, one.log10_conductivity) for one in made.observations] == kept
        assert (len(made.candidates), made.notes) == (8, ())


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with CampaignStore.open(f"sqlite:///{tmp_path}/campaigns.db") as store:
        store.create("lab", Goal(), candidates(), by="ada")
        exported = store.export_rows("lab")
    with pytest.raises(InvalidValue, match="cannot be written"):
        exported.write_table(tmp_path / "no" / "table.csv")
    with pytest.raises(InvalidValue, match="no folder to write to"):
        exported.write_structures(tmp_path / "file" / "cifs")
