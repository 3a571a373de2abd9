"""The registry of a new home: what stands in for it, and how it is seeded once, whoever comes first."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from superion import home
from superion.errors import InvalidArtefact, NotFound, Unavailable
from superion.models.predictor import RELEASE_FOLDER
from superion.training import registry, tracking

from ..models import _builders as models
from ._noise import MLFLOW

pytestmark = MLFLOW


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a small model in the place of the shipped one."""
    folder = models.saved(tmp_path / "release")
    monkeypatch.setattr(registry, "RELEASE_FOLDER", folder)
    return folder


@pytest.mark.parametrize("name", ["champion", "1", "models:/superion@champion", "models:/superion/1"])
def test_the_shipped_model_stands_for_an_empty_registry(superion_home: Path, name: str) -> None:
    found = registry.resolve(name)
    assert (found.version, found.folder, found.alias) == ("1", RELEASE_FOLDER, "champion")
    assert not superion_home.exists(), "asking must not make a home"


def test_nothing_else_stands_in_an_empty_registry(mlflow_home: Path) -> None:
    (mlflow_home / "mlflow.db").rename(mlflow_home / "aside")
    assert registry.registry_is_new()
    (mlflow_home / "aside").rename(mlflow_home / "mlflow.db")
    for name in ("challenger", "2", "champion"):
        with pytest.raises(NotFound):
            registry.resolve(name)


def test_a_tracking_server_is_never_taken_for_new(superion_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.registry_is_new()
    monkeypatch.setenv(home.TRACKING_VARIABLE, "http://127.0.0.1:9")
    assert not registry.registry_is_new()


def test_seeding_registers_the_shipped_model_once(mlflow_home: Path, release: Path) -> None:
    for _ in range(2):
        found = registry.seed_release()
        assert (found.version, found.alias) == ("1", "champion")
        assert (found.folder / "config.json").read_bytes() == (release / "config.json").read_bytes()
    (version,) = tracking.client().search_model_versions("name='superion'")
    run = mlflow.get_run(version.run_id)
    assert run.data.tags["superion.origin"] == "release"
    assert run.data.params["seed"] == "7"


def test_seeding_leaves_a_registry_alone_that_holds_a_version(mlflow_home: Path, tmp_path: Path, release: Path) -> None:
    other = models.saved(tmp_path / "other", name="other")
    client = tracking.client()
    with mlflow.start_run() as run:
        uri = tracking.log_model(other)
    assert registry.register(run.info.run_id, uri) == ("1", "champion")
    assert registry.seed_release().version == "1"
    assert len(client.search_model_versions("name='superion'")) == 1


def test_a_seeding_that_was_killed_before_the_champion_had_its_name_is_made_good(
    mlflow_home: Path, release: Path
) -> None:
    assert tracking.log_release(release) == "1"
    with pytest.raises(NotFound, match="no superion 'champion'"):
        registry.resolve("champion")
    assert registry.seed_release().version == registry.resolve("champion").version == "1"
    assert len(tracking.client().search_model_versions("name='superion'")) == 1
    # Where there are several, nobody can know which it was.
    tracking.log_release(release)
    tracking.client().delete_registered_model_alias("superion", "champion")
    with pytest.raises(NotFound, match="no superion 'champion'"):
        registry.seed_release()


SEED = """
import sys
from pathlib import Path
from superion.training import registry
registry.RELEASE_FOLDER = Path(sys.argv[1])
from superion.models.predictor import Predictor
print(registry.seed_release().version)
Predictor.from_folder(registry.resolve("champion").folder).predict(["LiCl"])
"""


@pytest.mark.check
def test_two_processes_that_seed_at_once_make_one_version(mlflow_home: Path, release: Path) -> None:
    command = [sys.executable, "-c", SEED, str(release)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = [process.communicate(timeout=200) for process in both]
    assert [process.returncode for process in both] == [0, 0], outcomes
    assert [out.strip() for out, _ in outcomes] == ["1", "1"]
    assert len(tracking.client().search_model_versions("name='superion'")) == 1


def test_two_that_fetch_one_version_leave_the_first_folder_alone(mlflow_home: Path, release: Path) -> None:
    kept = registry.seed_release().folder
    (version,) = tracking.client().search_model_versions("name='superion'")
    mark = kept / "mark"
    mark.write_text("in use")
    hidden = kept.with_name("hidden")
    kept.rename(hidden)
    real = mlflow.artifacts.download_artifacts

    def meanwhile(**asked: object) -> object:
        """Download while another process puts its own copy into place."""
        fetched = real(**asked)
        hidden.rename(kept)
        return fetched

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow.artifacts, "download_artifacts", meanwhile)
        assert tracking.local_artefact(version) == kept
    assert mark.read_text() == "in use"


def test_a_registry_without_versions_stands_for_the_release(superion_home: Path) -> None:
    with pytest.raises(NotFound):
        registry.rollback()  # whatever asks MLflow first makes an empty database
    assert not registry.registry_is_new()
    found = registry.resolve_or_release("champion")
    assert (found.version, found.folder, found.alias) == ("1", registry.RELEASE_FOLDER, "champion")
    with pytest.raises(NotFound):
        registry.resolve_or_release("challenger")


def test_a_damaged_database_is_said_to_be_unavailable(superion_home: Path) -> None:
    superion_home.mkdir(parents=True, exist_ok=True)
    (superion_home / "mlflow.db").write_text("garbage")
    with pytest.raises(Unavailable, match="tracking store does not answer"):
        registry.resolve("champion")


def test_a_shadow_is_set_and_cleared_and_the_champion_stays(mlflow_home: Path, tmp_path: Path, release: Path) -> None:
    registry.seed_release()
    with mlflow.start_run() as run:
        uri = tracking.log_model(models.saved(tmp_path / "other", name="other"))
    version, alias = registry.register(run.info.run_id, uri)
    assert (version, alias, registry.shadow_version()) == ("2", "challenger", None)
    assert registry.set_shadow("challenger").version == "2"
    assert registry.shadow_version() == "2"
    assert registry.resolve("shadow").version == "2"
    assert registry.resolve("champion").version == "1"
    registry.clear_shadow()
    registry.clear_shadow()
    assert registry.shadow_version() is None
    with pytest.raises(NotFound):
        registry.resolve("shadow")


def test_a_version_that_does_not_work_is_no_shadow(mlflow_home: Path, release: Path) -> None:
    folder = registry.seed_release().folder
    (folder / "weights.safetensors").write_bytes(b"garbage")
    with pytest.raises(InvalidArtefact):
        registry.set_shadow("1")
    with pytest.raises(NotFound):
        registry.set_shadow("9")
    assert registry.shadow_version() is None


WITHOUT_MLFLOW = """
import sys
from superion.training import registry
print(registry.resolve("champion").version, registry.shadow_version(), "mlflow" in sys.modules)
"""


def test_champion_and_shadow_are_read_without_an_import_of_mlflow(mlflow_home: Path) -> None:
    registry.seed_release()
    registry.set_shadow("1")
    assert registry._read("champion") == registry.resolve("champion")

    def answered() -> list[str]:
        command = [sys.executable, "-c", WITHOUT_MLFLOW]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.split()

    assert answered() == ["1", "1", "False"]
    registry.clear_shadow()
    assert answered() == ["1", "None", "False"]
    shutil.rmtree(registry.resolve("champion").folder)
    assert answered() == ["1", "None", "True"], "files that are not here are fetched, which takes MLflow"


def test_a_database_that_cannot_be_read_is_left_to_mlflow(mlflow_home: Path) -> None:
    assert registry._aliases() == {}
    with contextlib.closing(sqlite3.connect(mlflow_home / "mlflow.db")) as database, database:
        database.execute("ALTER TABLE registered_model_aliases RENAME TO other")
    assert registry._aliases() is None
