"""`superion tune`, and training with what it found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..training import _builders
from ..training._noise import MLFLOW

pytestmark = MLFLOW

QUICK = ("--epochs", 1, "--members", 2, "--folds", 3, "--no-unlabelled")


def test_settings_are_found_and_trained_with(superion, mlflow_home: Path, tmp_path: Path) -> None:
    from superion.training import tracking

    data, out = _builders.synthetic_csv(tmp_path / "own.csv"), tmp_path / "best.json"
    with data.open("a", encoding="utf-8") as file:
        file.write("bad,Xx,1e-6,,\n")
    command = (
        "tune",
        "--data",
        data,
        *QUICK,
        "--trials",
        2,
        "--workers",
        1,
        "--search",
        "fit.learning_rate,fit.jitter",
    )
    done = superion(*command, "--no-confirm", "--out", out, "--json")
    assert done.status == 0, done.err
    found = done.document
    assert sum(found["trials"].values()) == 2
    assert found["best"]["values"].keys() == {"fit.learning_rate", "fit.jitter"}
    assert "bad" in done.err and "trials: 2 of 2" in done.err
    again = superion(*command, "--no-confirm")
    assert again.status == 0
    assert again.out.startswith(f"study superion, run {found['run_id']}: ")
    assert "best, trial" in again.out and "fit.jitter" in again.out

    rate = json.loads(out.read_text())["found"]["best"]["values"]["fit.learning_rate"]
    trained = superion("train", "--data", data, *QUICK[2:], "--workers", 1, "--settings", out, "--json")
    assert trained.status == 1, trained.err  # a row cannot be used
    parameters = tracking.client().get_run(trained.document["run_id"]).data.params
    assert float(parameters["fit.learning_rate"]) == rate
    assert parameters["fit.epochs"] == "1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--workers", 1, "--scheduler", "tcp://x:1"), "three places to run; give one"),
        (("--trials", 1), "trials is 2 or more"),
        (("--search", "fit.rate"), "there is no setting 'fit.rate' to search"),
        (("--search", "fit.epochs"), "fit.epochs is given or makes no difference"),
        (("--study", "a/b"), "is no name of a study"),
        (("--storage", "mysql://host/trials"), "not 'mysql'"),
        (("--from", "best"), "starts from scratch or champion"),
        (("--settings", "absent.json"), "absent.json cannot be read as settings"),
        (("--data", "absent.csv"), "absent.csv"),
    ],
)
def test_what_cannot_be_searched_is_refused_and_nothing_is_written(
    superion, superion_home: Path, tmp_path: Path, options: tuple[object, ...], said: str
) -> None:
    data = _builders.synthetic_csv(tmp_path / "own.csv")
    done = superion("tune", "--data", data, *QUICK, *options)
    assert done.status == 2
    assert said in " ".join(done.err.split())
    assert not (superion_home / "optuna.db").exists()


def test_settings_of_a_network_are_no_settings_of_fine_tuning(superion, mlflow_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "wide.json"
    path.write_text('{"superion_settings": 1, "values": {"network.width": 96}}')
    data = _builders.synthetic_csv(tmp_path / "own.csv")
    done = superion("train", "--data", data, *QUICK, "--from", "champion", "--settings", path)
    assert done.status == 2
    assert "wide.json has settings of the network" in " ".join(done.err.split())
