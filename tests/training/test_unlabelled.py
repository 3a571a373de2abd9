"""Lithium compounds without a label: read, kept apart from what was measured, and followed through a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from superion.errors import InvalidFormula, InvalidTable, InvalidValue
from superion.featurizers.formula import Formula
from superion.models.artefact import Artefact
from superion.models.material import Material
from superion.models.predictor import Predictor
from superion.models.records import ModelName
from superion.training import datasets, pipeline, runs, units
from superion.training.matbench import content
from superion.training.unlabelled import DATA_SET, digest_of, lithium_compounds, unlabelled_materials, without

from . import _builders
from ._noise import MLFLOW
from .conftest import quick_request

pytestmark = MLFLOW

ROWS = (
    "Cl1Li1,-2.1",
    "Li2O1,-1.9",
    "Cl4Li4,-2.0",
    "NaN,0.5",
    "Na1Cl1,-2.1",
    "Li1,0.0",
    "Li3P1S4,-0.7",
    "Al1Ba1Ca1F1H1Li1Na1O8,-1.0",
    "Al1Ba1Ca1F1Li1Na1O8,-1.0",
    "Li0.5Co1O2,-1.1",
)
JOB = pipeline.Job(_builders.table(), _builders.SETTINGS, workers=1)


def written(path: Path, rows: tuple[str, ...] = ROWS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["formula,target", *rows, ""]), encoding="utf-8")
    return path


def materials(*texts: str) -> tuple[Material, ...]:
    return tuple(Material(Formula.parse(text)) for text in texts)


def test_lithium_compositions_of_two_to_seven_elements_are_read_once_each(tmp_path: Path) -> None:
    found = lithium_compounds(written(tmp_path / "a.csv"))
    assert sorted(map(str, found)) == ["AlBaCaFLiNaO8", "ClLi", "Li0.5CoO2", "Li2O", "Li3PS4"]


def test_neither_order_nor_repetition_of_the_rows_changes_what_is_read(tmp_path: Path) -> None:
    one = lithium_compounds(written(tmp_path / "a.csv"))
    other = lithium_compounds(written(tmp_path / "b.csv", (*reversed(ROWS), "Li6P2S8,0.1")))
    assert one == other
    assert [formula.canonical for formula in one] == sorted(formula.canonical for formula in one)


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match=r"a\.csv is no table of formulas and values"):
        lithium_compounds(written(tmp_path / "a.csv", ("LiCl,high",)))
    with pytest.raises(InvalidFormula):
        lithium_compounds(written(tmp_path / "b.csv", ("LiXx,-1.0",)))


def test_the_table_of_the_materials_project_holds_as_many_as_the_documents_say(data_mirror) -> None:  # type: ignore[no-untyped-def]
    found = lithium_compounds(data_mirror("matbench") / "mp_e_form.csv")
    assert len(found) == len({formula.canonical for formula in found}) == 9158
    assert all("Li" in formula and 2 <= len(formula.symbols) <= 7 for formula in found)
    assert {"ClLi", "Li3N", "Li2S"} <= set(map(str, found))


def test_what_was_measured_is_left_out_however_it_is_written() -> None:
    pool = materials("LiCl", "Li2O", "Li3PS4")
    assert without(pool, materials("P2Li6S8", "Cl2Li2", "LiF")) == pool[1:2]
    assert without(pool, []) == pool


def test_the_digest_tells_pools_apart() -> None:
    pool = materials("LiCl", "Li2O")
    assert digest_of(pool) == digest_of(materials("Li2Cl2", "Li4O2"))
    assert len({digest_of(pool), digest_of(pool[::-1]), digest_of(pool[:1]), digest_of(())}) == 4
    assert digest_of(()) is None


POOL = materials("LiF", "Li2O", "Li3AlF6", "Li6P2S8F2")
"""The last is the composition of a measured row, at twice the scale."""


def parent_of(artefact: Artefact) -> Predictor:
    return Predictor(artefact, ModelName("superion", "1"))


def test_every_network_of_a_run_is_shown_the_compounds_that_no_row_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = {row.composition for row in JOB.table.rows}
    assert POOL[-1].formula.canonical in measured, "the case is not the one that is meant"
    shown: list[tuple[Material, ...]] = []
    fit = units.fit_network

    def spied(*args: Any, **named: Any) -> Any:
        shown.append(named["unlabelled"])
        return fit(*args, **named)

    monkeypatch.setattr(units, "fit_network", spied)
    job = replace(JOB, unlabelled=POOL)
    trained = pipeline.train(job, tmp_path / "with")
    assert len(shown) == 2 * (3 + 1) and set(shown) == {POOL[:-1]}
    training = trained.artefact.training
    assert (training["n_unlabelled"], training["unlabelled_digest"]) == (3, digest_of(POOL[:-1]))
    # A model that is fine-tuned is not shown them again.
    tuned = replace(job, parent=parent_of(trained.artefact))
    assert pipeline.unlabelled_of(job) == POOL[:-1] and pipeline.unlabelled_of(tuned) == ()


def test_a_run_is_resumed_only_with_the_compounds_it_was_started_with(tmp_path: Path) -> None:
    job = replace(JOB, unlabelled=POOL)
    pipeline.claim_folder(tmp_path, job)
    pipeline.claim_folder(tmp_path, replace(job, unlabelled=POOL[:-1]))  # what is shown is the same
    for other in (JOB, replace(job, unlabelled=POOL[1:])):
        with pytest.raises(InvalidValue, match="start a new one"):
            pipeline.claim_folder(tmp_path, other)
    noted = json.loads((tmp_path / "job.json").read_text())
    assert noted["unlabelled"] == digest_of(POOL[:-1])


@pytest.fixture
def at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a small table of formation energies into a mirror of its own."""
    mirror = tmp_path / "mirror"
    path = written(mirror / "matbench/mp_e_form.csv")
    (file,) = datasets.data_set(DATA_SET).files
    assert file.derivation is not None
    n_rows, digest = content(path)
    small = replace(file, derivation=replace(file.derivation, n_rows=n_rows, digest=digest))
    monkeypatch.setattr(datasets, "DATA_SETS", (replace(datasets.data_set(DATA_SET), files=(small,)),))
    monkeypatch.setenv("SUPERION_DATA_MIRROR", str(mirror))
    return path


def told(request: runs.Request) -> tuple[tuple[Material, ...], list[str]]:
    said: list[str] = []
    return runs._unlabelled(request, said.append), said


def test_a_run_from_scratch_takes_them_where_they_are_at_hand_and_says_so(
    at_hand: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = runs.Request([tmp_path / "own.csv"])
    found, (line,) = told(request)
    assert found == unlabelled_materials(at_hand) and len(found) == 5
    assert "5 lithium compounds of mp-formation-energies" in line and "--no-unlabelled" in line
    assert told(replace(request, unlabelled=False)) == ((), [])
    assert told(replace(request, start="champion")) == ((), [])
    at_hand.write_text(at_hand.read_text() + "Li2S1,-1.0\n")
    with pytest.raises(InvalidTable, match="has 11 rows, not 10"):
        told(request)
    monkeypatch.delenv("SUPERION_DATA_MIRROR")
    found, (line,) = told(request)
    assert found == () and "superion data fetch mp-formation-energies" in line


def test_a_tracked_run_says_how_many_and_which(at_hand: Path, mlflow_home: Path, tmp_path: Path) -> None:
    from superion.training.tracking import client

    data = _builders.synthetic_csv(tmp_path / "own.csv")
    finished = runs.run(replace(quick_request(data), unlabelled=True))
    parameters = client().get_run(finished["run_id"]).data.params
    assert parameters["n_unlabelled"] == "5"
    assert parameters["unlabelled_digest"] == digest_of(unlabelled_materials(at_hand))
    assert parameters["fit.unlabelled_weight"] == "0.1"
