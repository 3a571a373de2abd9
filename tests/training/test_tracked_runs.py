"""Runs in MLflow and the versions they leave: what is tracked, who is champion, what can be loaded from where."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest

import superion
from superion import home
from superion.errors import InvalidArtefact, InvalidValue, NotFound
from superion.models.artefact import CONFIG, WEIGHTS
from superion.models.predictor import RELEASE_FOLDER
from superion.training import registry, runs, tracking
from superion.training.table import read_table

from ._noise import MLFLOW
from .conftest import TrainedHome

pytestmark = MLFLOW

ASKED = ["Li6PS5Cl", "Li4.2PS4Cl"]


def client() -> mlflow.MlflowClient:
    return tracking.client()


def aliases() -> dict[str, str]:
    found = client().get_registered_model(registry.MODEL_NAME).aliases
    return {alias: str(version) for alias, version in found.items()}


def answers(model: str) -> list[Any]:
    return superion.load(model).predict(ASKED).as_dict()["predictions"]


@pytest.fixture
def own_aliases(trained_home: TrainedHome) -> Any:
    """Put the aliases back as the two runs left them."""
    yield
    found = client()
    for alias in aliases():
        found.delete_registered_model_alias(registry.MODEL_NAME, alias)
    found.set_registered_model_alias(registry.MODEL_NAME, registry.CHAMPION, "1")
    found.set_registered_model_alias(registry.MODEL_NAME, registry.CHALLENGER, "2")


def test_the_first_run_is_the_champion_and_the_next_the_challenger(trained_home: TrainedHome) -> None:
    assert (trained_home.first["version"], trained_home.first["alias"]) == ("1", "champion")
    assert (trained_home.second["version"], trained_home.second["alias"]) == ("2", "challenger")
    assert aliases() == {"champion": "1", "challenger": "2"}
    assert len(client().search_model_versions("name='superion'")) == 2


def test_a_run_tracks_its_data_settings_and_errors(trained_home: TrainedHome) -> None:
    run = client().get_run(trained_home.first["run_id"])
    table = read_table(trained_home.data)
    assert run.info.status == "FINISHED"
    parameters = run.data.params
    assert parameters["data"] == "own.csv"
    assert parameters["data_digest"] == table.digest
    assert (parameters["n_rows"], parameters["n_failed_rows"], parameters["n_censored"]) == ("37", "1", "1")
    assert (parameters["seed"], parameters["n_folds"], parameters["n_members"]) == ("0", "3", "2")
    assert (parameters["parent"], parameters["fit.epochs"]) == ("scratch", "1")
    reported = trained_home.first["cross_validation"]
    assert run.data.metrics["censored_at_-15.mae"] == pytest.approx(reported["censored_at_-15"]["mae"])
    assert run.data.metrics["interval.coverage"] == pytest.approx(reported["interval"]["coverage"])
    history = client().get_metric_history(run.info.run_id, "mae_of_fold")
    assert [(entry.step, entry.value) for entry in history] == list(enumerate(reported["mae_by_fold"]))


def test_a_run_tracks_the_code_and_figures_of_its_predictions_out_of_fold(trained_home: TrainedHome) -> None:
    for document in (trained_home.first, trained_home.second):
        run_id = document["run_id"]
        assert client().get_run(run_id).data.params["code_digest"] == tracking.code_digest()
        folder = Path(client().download_artifacts(run_id, "figures"))
        assert sorted(path.name for path in folder.iterdir()) == [
            "parity.png",
            "reliability.png",
            "residuals_by_family.png",
            "training.png",
        ]
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())


def test_the_first_run_is_compared_with_the_release_model_and_the_next_with_the_first(
    trained_home: TrainedHome,
) -> None:
    first, second = trained_home.first["gate"], trained_home.second["gate"]
    assert first["champion"] == "the release model" and second["champion"] == "champion 1"
    assert 10 <= first["n"] <= 37
    assert first["verdict"] in ("better", "worse", "not told apart")
    assert set(first["censored_at_-15"]["paired_difference"]) == {"mean", "lower", "upper"}
    # Both learned from the same table.
    assert second["verdict"] == "not comparable: only 0 rows are new to the champion"
    assert second["censored_at_-15"] is None and second["censored_at_-10"] is None
    assert [line for line in trained_home.told if line.startswith("gate against the release model on ")]


def test_the_gate_is_tracked_and_noted_with_the_version(trained_home: TrainedHome) -> None:
    for number, document in (("1", trained_home.first), ("2", trained_home.second)):
        reported = document["gate"]
        tags = client().get_model_version(registry.MODEL_NAME, number).tags
        assert (tags["gate.verdict"], tags["gate.champion"]) == (reported["verdict"], reported["champion"])
        assert registry.gate_of(number) == (reported["champion"], reported["verdict"])
        kept = Path(client().download_artifacts(document["run_id"], "gate.json"))
        assert json.loads(kept.read_text()) == reported
        metrics = client().get_run(document["run_id"]).data.metrics
        assert metrics["gate.n"] == reported["n"]
        if (part := reported["censored_at_-15"]) is not None:
            assert metrics["gate.censored_at_-15.mae"] == pytest.approx(part["mae"])
            assert metrics["gate.censored_at_-15.difference_upper"] == pytest.approx(part["paired_difference"]["upper"])
    assert registry.gate_of("3") is None


def test_bad_rows_and_oddities_are_told_tracked_and_reported(trained_home: TrainedHome) -> None:
    (failed,) = trained_home.first["failed"]
    assert failed["id"] == "bad" and "'Xx'" in failed["reason"]
    said = [line for line in trained_home.told if line.startswith("own.csv, line ")]
    assert [line.split(":")[0] for line in said] == ["own.csv, line 38 (bad)", "own.csv, line 39 (stray)"]
    rows = client().download_artifacts(trained_home.first["run_id"], "rows.txt")
    assert Path(rows).read_text().splitlines() == [line.removeprefix("own.csv, ") for line in said]


def test_everything_lies_under_the_home_and_nothing_is_pickled(trained_home: TrainedHome) -> None:
    files = [path for path in (trained_home.home / "artifacts").rglob("*") if path.is_file()]
    assert {"config.json", "weights.safetensors", "pyfunc.py", "MLmodel"} <= {path.name for path in files}
    assert not [path for path in files if path.suffix in (".pkl", ".pickle", ".joblib", ".pt", ".pth")]
    assert not [path for path in files if path.read_bytes().startswith(b"\x80")]


def test_a_finished_run_leaves_no_networks_behind(trained_home: TrainedHome) -> None:
    assert list((trained_home.home / "runs").iterdir()) == []
    with pytest.raises(NotFound, match="no run"):
        runs.run(trained_home.request(resume=trained_home.first["run_id"]))


@pytest.mark.parametrize("name", ["champion", "1", "models:/superion@champion", "models:/superion/1"])
def test_a_model_is_loaded_by_any_of_its_names(trained_home: TrainedHome, name: str) -> None:
    predictor = superion.load(name)
    assert (predictor.model.name, predictor.model.version) == ("superion", "1")
    assert predictor.model.alias == ("champion" if "champion" in name else None)
    assert predictor.artefact.training["data"] == "own.csv"


def test_versions_are_told_apart(trained_home: TrainedHome) -> None:
    assert superion.load("2").artefact.training["seed"] == 1
    assert superion.load("challenger").model.version == "2"
    assert answers("2") != answers("1")


@pytest.mark.parametrize(
    "name",
    ["3", "0", "rollback", "nobody", "models:/superion@nobody", "models:/superion/99", "models:/other@champion", ""],
)
def test_a_name_that_nobody_has_is_not_found(trained_home: TrainedHome, name: str) -> None:
    with pytest.raises(NotFound) as caught:
        superion.load(name)
    assert caught.value.field == "model"


def test_the_shipped_model_can_still_be_asked_for(trained_home: TrainedHome) -> None:
    assert registry.resolve("champion").folder != RELEASE_FOLDER
    assert not registry.registry_is_new()


def test_promotion_keeps_the_old_champion_for_rollback(trained_home: TrainedHome, own_aliases: None) -> None:
    before = answers("champion")
    assert registry.promote("challenger").version == "2"
    assert aliases() == {"champion": "2", "rollback": "1"}
    assert superion.load().model.version == "2"
    assert answers("rollback") == before
    assert registry.rollback().version == "1"
    assert aliases() == {"champion": "1", "rollback": "2"}
    assert registry.rollback().version == "2"
    assert aliases() == {"champion": "2", "rollback": "1"}


def test_promoting_the_champion_changes_nothing(trained_home: TrainedHome, own_aliases: None) -> None:
    assert registry.promote("1").version == "1"
    assert aliases() == {"champion": "1", "challenger": "2"}


def test_a_version_that_is_not_there_is_not_promoted(trained_home: TrainedHome) -> None:
    with pytest.raises(NotFound):
        registry.promote("17")
    with pytest.raises(NotFound, match="no earlier champion"):
        registry.rollback()
    assert aliases() == {"champion": "1", "challenger": "2"}


def test_a_broken_version_is_not_promoted(trained_home: TrainedHome, tmp_path: Path) -> None:
    shutil.copytree(registry.resolve("2").folder, tmp_path / "broken")
    weights = tmp_path / "broken" / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-10])
    found = client()
    with mlflow.start_run(run_name="broken") as run:
        uri = tracking.log_model(tmp_path / "broken")
    version = tracking.create_version(found, registry.MODEL_NAME, uri, run.info.run_id)
    with pytest.raises(InvalidArtefact, match=WEIGHTS):
        registry.promote(version)
    assert aliases()["champion"] == "1"
    found.delete_model_version(registry.MODEL_NAME, version)


def test_the_model_serves_through_mlflow_alone(trained_home: TrainedHome) -> None:
    client()
    served = mlflow.pyfunc.load_model("models:/superion@champion")
    import pandas

    rows = pandas.DataFrame({"formula": ["Li6PS5Cl", None, "Xx"], "cif": [None, None, None]})
    found = served.predict(rows)
    # Company changes the last digits of single precision.
    served_alone, asked = (answer["conductivity"]["log10_S_per_cm"] for answer in (found[0], answers("champion")[0]))
    assert served_alone == pytest.approx(asked, abs=1e-5)
    assert [("error" in answer) for answer in found] == [False, True, True]


def test_a_champion_whose_folder_is_gone_is_brought_again(trained_home: TrainedHome) -> None:
    folder = registry.resolve("champion").folder
    shutil.rmtree(folder)
    again = registry.resolve("champion")
    assert again.folder == folder and (folder / CONFIG).is_file()


def test_a_tracking_server_is_asked_every_time(trained_home: TrainedHome, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.resolve("champion")
    monkeypatch.setenv(home.TRACKING_VARIABLE, f"sqlite:///{trained_home.home / 'mlflow.db'}")
    assert registry._read("champion") is None
    assert registry.resolve("champion").version == "1"


def stopped(trained_home: TrainedHome, monkeypatch: pytest.MonkeyPatch) -> str:
    """Start a run that stops after three networks; returns its id."""
    started: list[str] = []

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.run(trained_home.request(), progress=stop, started=started.append)
    (run_id,) = started
    assert client().get_run(run_id).info.status in ("FAILED", "KILLED")
    assert len(list((home.run_folder(run_id) / "networks").iterdir())) == 3
    return run_id


def test_a_stopped_run_is_refused_other_settings_and_goes_on_with_its_own(
    trained_home: TrainedHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = stopped(trained_home, monkeypatch)
    for change in ({"seed": 5}, {"epochs": 2}, {"folds": 4}):
        with pytest.raises(InvalidValue, match="other data or with other settings"):
            runs.run(trained_home.request(resume=run_id, **change))
    counted: list[int] = []
    finished = runs.run(trained_home.request(resume=run_id), progress=lambda done, total: counted.append(done))
    assert counted[:4] == [0, 1, 2, 3]
    assert finished["run_id"] == run_id
    # Whoever was cut off before it heard the answer finds the same.
    assert runs.finished(run_id) == finished
    client().delete_registered_model_alias(registry.MODEL_NAME, registry.CHALLENGER)
    assert runs.finished(run_id) == finished
    assert aliases()["challenger"] == finished["version"]
    assert registry.gate_of(finished["version"]) == (finished["gate"]["champion"], finished["gate"]["verdict"])
    assert runs.finished("0" * 32) is None
    assert client().get_run(run_id).info.status == "FINISHED"
    assert finished["cross_validation"] == trained_home.first["cross_validation"]
    assert answers(finished["version"]) == answers("1")
    client().delete_model_version(registry.MODEL_NAME, finished["version"])
    client().set_registered_model_alias(registry.MODEL_NAME, registry.CHALLENGER, "2")


def test_a_run_starts_from_scratch_or_champion_only(trained_home: TrainedHome) -> None:
    with pytest.raises(InvalidValue, match="scratch or champion") as caught:
        runs.run(trained_home.request(start="release"))
    assert caught.value.field == "from"
