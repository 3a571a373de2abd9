"""From a table to a champion and its report, on the command line, as a user goes through it."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..training import _builders
from ..training._noise import MLFLOW
from .conftest import Command

pytestmark = MLFLOW

QUICK = ("--epochs", 2, "--members", 2, "--folds", 3, "--workers", 1, "--no-unlabelled")
ERRORS = {"mae", "rmse", "r2", "spearman"}
FAILED = [
    ("beta-Li3PS4", 3),
    ("lithium nitride", 18),
    ("lithium sulfide", 19),
    ("lithium oxide", 20),
    ("lithium fluoride", 21),
    ("lithium chloride", 22),
    ("lithium phosphate", 23),
]
"""Rows of the literature table without a conductivity, and their lines."""


@dataclass(frozen=True)
class Shell:
    """Hold a home in which the command was run as a program of its own, and how that went."""

    home: Path
    trained: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Iterator[Shell]:
    """Train on the literature table in a process of its own; the tests of this module share its home."""
    import mlflow

    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(mlflow_database, home / "mlflow.db")
    root = Path(__file__).resolve().parents[2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPERION_HOME", str(home))
        command = [sys.executable, "-m", "superion.cli", "train", "--data", "training/data/electrolytes.csv"]
        arguments = [*map(str, QUICK), "--json"]
        trained = subprocess.run([*command, *arguments], cwd=root, capture_output=True, text=True, timeout=280)
        yield Shell(home, trained)
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)


@pytest.fixture
def literature(root: Path) -> Path:
    return root / "training" / "data" / "electrolytes.csv"


def keys_of_the_contract(report: dict[str, Any]) -> None:
    assert set(report) == {
        "n",
        "n_censored",
        "n_with_structure",
        "failed",
        "censored_at_-15",
        "censored_at_-10",
        "uncensored",
        "with_structure",
        "interval",
        "insulators",
        "by_family",
    }
    for part in ("censored_at_-15", "censored_at_-10", "uncensored"):
        assert set(report[part]) == ERRORS
    assert {name: set(part) for name, part in report["with_structure"].items()} == {
        "censored_at_-15": ERRORS,
        "censored_at_-10": ERRORS,
    }
    assert set(report["interval"]) == {
        "confidence",
        "coverage",
        "mean_width",
        "nll",
        "miscalibration_area",
        "coverage_by_measured_level",
        "coverage_by_predicted_third",
        "spearman_error_std",
    }
    assert set(report["interval"]["coverage_by_predicted_third"]) == {"lowest", "middle", "highest"}
    assert set(report["insulators"]) == {
        "threshold_log10",
        "n",
        "n_insulators",
        "n_ambiguous",
        "roc_auc",
        "average_precision",
    }
    for part in report["by_family"].values():
        assert set(part) == {"n", "n_censored", "mae", "mae_at_-10", "bias", "coverage"}
    assert sum(part["n"] for part in report["by_family"].values()) == report["n"]
    assert set(report["interval"]["coverage_by_measured_level"]) == {"below -9", "-9 to -6", "above -6"}


def test_training_prints_one_document_and_its_progress_elsewhere(shell: Shell) -> None:
    document = json.loads(shell.trained.stdout)
    assert (document["version"], document["alias"]) == ("1", "champion")
    assert [fault["id"] for fault in document["failed"]] == [name for name, _ in FAILED]
    assert document["cross_validation"]["n"] == 15
    assert set(document["cross_validation"]["censored_at_-15"]) == ERRORS
    assert document["gate"]["champion"] == "the release model"
    assert f"gate against the release model: {document['gate']['verdict']}\n" in shell.trained.stderr
    assert "fits: 0 of 12" in shell.trained.stderr and "fits: 12 of 12" in shell.trained.stderr
    assert f"--resume {document['run_id']}" in shell.trained.stderr


def test_rows_that_could_not_be_used_are_listed_with_their_lines_and_the_status_is_1(shell: Shell) -> None:
    assert shell.trained.returncode == 1
    for name, line in FAILED:
        assert f"electrolytes.csv, line {line} ({name}): the row has neither" in shell.trained.stderr


def test_training_says_nothing_that_is_not_superions(shell: Shell) -> None:
    for noise in ("Warning", "INFO", "Traceback", "\x1b["):
        assert noise not in shell.trained.stderr


def test_the_report_has_the_form_of_the_contract(shell: Shell, superion: Command, literature: Path) -> None:
    found = superion("evaluate", "--data", literature, "--json")
    assert found.status == 1
    report = found.document
    keys_of_the_contract(report)
    assert (report["n"], report["n_censored"], report["n_with_structure"]) == (15, 0, 0)
    assert [fault["id"] for fault in report["failed"]] == [name for name, _ in FAILED]
    for name, line in FAILED:
        assert f"electrolytes.csv, line {line} ({name}): the row has neither" in found.err


def test_a_table_without_faults_ends_with_0(shell: Shell, superion: Command, tmp_path: Path) -> None:
    data = _builders.synthetic_csv(tmp_path / "own.csv", 20)
    found = superion("evaluate", "--data", data, "--confidence", 0.5, "--json")
    assert (found.status, found.err) == (0, "")
    report = found.document
    keys_of_the_contract(report)
    assert (report["n"], report["n_censored"], report["failed"]) == (20, 1, [])
    assert report["interval"]["confidence"] == 0.5


def test_a_row_without_a_conductivity_is_not_scored_and_said_so(
    shell: Shell, superion: Command, tmp_path: Path
) -> None:
    data = tmp_path / "own.csv"
    data.write_text("id,formula,conductivity_S_per_cm,activation_energy_eV\na,LiCl,1e-9,\nb,Li3N,,0.3\n")
    found = superion("evaluate", "--data", data, "--json")
    assert found.status == 1
    assert found.document["failed"] == [{"id": "b", "reason": "the row has no conductivity"}]
    assert "own.csv, line 3 (b): the row has no conductivity" in found.err


def test_structures_are_scored_with_their_rows(shell: Shell, superion: Command, tmp_path: Path) -> None:
    (tmp_path / "cifs").mkdir()
    (tmp_path / "cifs" / "a.cif").write_text(_builders.cif())
    data = tmp_path / "own.csv"
    data.write_text("id,formula,conductivity_S_per_cm\na,LiCl,1e-9\nb,LiBr,<1e-10\nc,Li1.0*Cl,1e-6\n")
    found = superion("evaluate", "--data", data, "--cifs", tmp_path / "cifs", "--json")
    assert found.status == 0
    assert (found.document["n"], found.document["n_with_structure"], found.document["n_censored"]) == (3, 1, 1)
    assert "own.csv, line 4 (c): formula 'Li1.0*Cl' was read as 'LiCl'" in found.err


def test_the_report_is_readable_without_json(shell: Shell, superion: Command, literature: Path) -> None:
    found = superion("evaluate", "--data", literature)
    assert "15 rows, 0 below a limit, 0 with a structure" in found.out
    assert "censored at -15" in found.out and "coverage" in found.out
    assert "nan" not in found.out.lower()


def test_a_figure_and_the_rows_are_written_beside_the_report(
    shell: Shell, superion: Command, literature: Path, tmp_path: Path
) -> None:
    plot, rows = tmp_path / "figure.png", tmp_path / "rows.csv"
    found = superion("evaluate", "--data", literature, "--plot", plot, "--rows", rows, "--json")
    assert found.status == 1
    keys_of_the_contract(found.document)
    assert "garnet" in found.document["by_family"]
    assert plot.read_bytes().startswith(b"\x89PNG")
    with rows.open(newline="", encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    columns = ["id", "formula", "temperature", "measured", "censored", "mean", "lower", "upper"]
    assert list(written[0]) == [*columns, "in_domain", "distance", "novelty"]
    assert len(written) == found.document["n"] == 15
    errors = [abs(float(row["mean"]) - float(row["measured"])) for row in written]
    assert sum(errors) / 15 == pytest.approx(found.document["uncensored"]["mae"], abs=1e-5)


def test_the_champion_answers(shell: Shell, superion: Command) -> None:
    found = superion("predict", "Li6PS5Cl", "--json")
    assert found.status == 0
    assert found.document["model"] == {"name": "superion", "version": "1", "alias": "champion"}
    (answer,) = found.document["predictions"]
    assert answer["activation_energy_eV"] is None
    assert answer["domain"]["nearest"][0]["formula"] == "Li6PS5Cl"


def test_fine_tuning_the_champion_makes_a_challenger_that_can_be_promoted(
    shell: Shell, superion: Command, tmp_path: Path
) -> None:
    data = _builders.synthetic_csv(tmp_path / "own.csv", 24)
    found = superion("train", "--data", data, "--from", "champion", "--name", "tuned", *QUICK, "--json")
    assert found.status == 0, found.err
    assert (found.document["version"], found.document["alias"]) == ("2", "challenger")
    gate = found.document["gate"]
    assert gate["champion"] == "champion 1" and f"gate against champion 1 on {gate['n']} rows" in found.err
    promoted = superion("promote", "challenger")
    assert promoted.out == "version 2 is the champion\n"
    assert promoted.err == f"when it was trained, compared with champion 1: {gate['verdict']}\n"
    assert superion("predict", "LiCl", "--json").document["model"]["version"] == "2"
    assert superion("rollback").out == "version 1 is the champion\n"
    assert superion("predict", "LiCl", "--model", "models:/superion/2", "--json").document["model"]["version"] == "2"


def test_a_stopped_run_is_resumed(
    shell: Shell, superion: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from superion.training import units

    data = _builders.synthetic_csv(tmp_path / "own.csv", 24)
    fitted: list[str] = []
    real = units._fit

    def killed(work: units.Work, unit: units.Unit) -> None:
        if len(fitted) == 2:
            raise SystemExit(137)
        fitted.append(unit.file)
        real(work, unit)

    with monkeypatch.context() as patch:
        patch.setattr(units, "_fit", killed)
        stopped = superion("train", "--data", data, *QUICK)
    assert stopped.status == 137
    run_id = stopped.err.partition("--resume ")[2].split()[0]
    other = superion("train", "--data", data, *QUICK, "--resume", run_id, "--seed", 3)
    assert other.status == 2 and "other data or with other settings" in other.err
    finished = superion("train", "--data", data, *QUICK, "--resume", run_id)
    assert finished.status == 0, finished.err
    assert finished.out.startswith(f"run {run_id}: registered as version ")
    assert "grouped cross-validation MAE" in finished.out
    again = superion("train", "--data", data, *QUICK, "--resume", run_id)
    assert again.status == 2 and f"no run {run_id!r} to resume" in " ".join(again.err.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train"], "Missing option '--data'"),
        (["train", "--data", "absent.csv"], "there is no table 'absent.csv'"),
        (["train", "--data", "{own}", "--seed", "-1"], "Invalid value for '--seed'"),
        (["train", "--data", "{own}", "--workers", "0"], "Invalid value for '--workers'"),
        (["train", "--data", "{own}", "--members", "1"], "members must lie between 2 and 50"),
        (["train", "--data", "{own}", "--folds", "1"], "folds must lie between 2 and 100"),
        (["train", "--data", "{own}", "--epochs", "0"], "epochs must lie between 1 and"),
        (["train", "--data", "{own}", "--device", "tpu"], "the device is cpu or cuda"),
        (["train", "--data", "{own}", "--from", "nothing"], "starts from scratch or champion"),
        (["train", "--data", "{own}", "--resume", "nobody"], "no run 'nobody' to resume"),
        (["train", "--data", "{own}", "--cifs", "nowhere"], "the folder of CIFs 'nowhere' does not exist"),
        (["evaluate", "--data", "absent.csv"], "there is no table"),
        (["evaluate", "--data", "{own}", "--confidence", "2"], "the confidence must lie between"),
        (["evaluate", "--data", "{own}", "--model", "nobody"], "holds no superion 'nobody'"),
        (["evaluate", "--data", "absent.csv", "--plot", "a.jpg"], "a figure is written as .png, .svg, .pdf"),
        (["evaluate", "--data", "absent.csv", "--plot", "nowhere/a.png"], "the folder of 'nowhere/a.png'"),
        (["evaluate", "--data", "absent.csv", "--rows", "a.xlsx"], "rows are written as .csv"),
        (["promote"], "Missing argument"),
        (["promote", "99"], "holds no superion '99'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_call_that_cannot_be_followed_ends_with_2_and_says_why(
    shell: Shell, superion: Command, tmp_path: Path, arguments: list[str], says: str
) -> None:
    own = _builders.synthetic_csv(tmp_path / "own.csv", 20)
    found = superion(*(argument.format(own=own) for argument in arguments))
    assert (found.status, found.out) == (2, "")
    assert says in " ".join(found.err.split())
    assert "Traceback" not in found.err
