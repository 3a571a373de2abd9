"""Training on a table of one paper: folds by composition, and everything that is shown of them says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..training import _builders
from ..training._noise import MLFLOW
from .conftest import Command

pytestmark = MLFLOW

QUICK = ("--epochs", 1, "--members", 2, "--folds", 3, "--workers", 1, "--no-unlabelled")


@pytest.fixture
def one_paper(tmp_path: Path) -> Path:
    return _builders.write_csv(
        tmp_path / "own.csv",
        [
            {
                "id": row.id,
                "formula": row.material.formula,
                "conductivity_mS_per_cm": f"{10.0 ** (row.log10_conductivity + 3):.6g}",  # type: ignore[operator]
                "doi": "10.1/one",
            }
            for row in _builders.synthetic_rows(24)
        ],
    )


def test_a_table_of_one_paper_is_trained_on_and_its_error_called_what_it_is(
    superion: Command, mlflow_home: Path, one_paper: Path
) -> None:
    import superion as package
    from superion.training import tracking

    found = superion("train", "--data", one_paper, *QUICK, "--json")
    assert found.status == 0, found.err
    document = found.document
    assert document["folds_by"] == "composition"
    assert document["cross_validation"]["n"] == 24
    assert "note: all rows are of one paper, so the error on new papers cannot be estimated" in found.err
    assert found.err.index("note: all rows are of one paper") < found.err.index("fits: 0 of")
    assert "is in mS/cm; its values were converted to S/cm" in found.err
    difference = document["cross_validation"]["forest"]["censored_at_-15"]["paired_difference"]
    assert difference["lower"] < difference["upper"]

    kept = tracking.client().download_artifacts(document["run_id"], "data_check.json")
    check = json.loads(Path(kept).read_text())
    assert check["folds_by"] == "composition"
    assert [finding["code"] for finding in check["findings"]] == ["small_table", "one_paper"]

    artefact = package.load(document["version"]).artefact
    assert artefact.training["folds_by"] == "composition"
    assert "3 folds grouped by composition" in artefact.card and "grouped by paper" not in artefact.card


def test_the_line_that_a_run_ends_with_does_not_call_it_grouped(
    superion: Command, mlflow_home: Path, one_paper: Path
) -> None:
    found = superion("train", "--data", one_paper, *QUICK)
    assert found.status == 0, found.err
    assert "cross-validation by composition, which says nothing of new papers: MAE " in found.out


def test_a_table_too_small_is_refused_after_it_was_said_what_can_still_be_done(
    superion: Command, mlflow_home: Path, tmp_path: Path
) -> None:
    found = superion("train", "--data", _builders.synthetic_csv(tmp_path / "own.csv", 8), *QUICK)
    assert (found.status, found.out) == (2, "")
    assert "warning: 8 rows have a conductivity" in found.err
    assert "superion evaluate --data TABLE --model release" in found.err.splitlines()[-1]
