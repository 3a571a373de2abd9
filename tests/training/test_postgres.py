"""MLflow on a real PostgreSQL server, which these tests start, with the artefacts in a folder."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from superion import home
from superion.errors import MissingDependency, NotFound, Unavailable
from superion.models.predictor import Predictor
from superion.training import registry, runs, tracking

from .. import _postgres
from . import _builders
from ._noise import MLFLOW
from .conftest import quick_request

pytestmark = MLFLOW

_databases = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[_postgres.Postgres]:
    """Yield a server that the tests of the module share, each with a database of its own."""
    with _postgres.running() as found:
        yield found


@pytest.fixture
def tracked(server: _postgres.Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Yield the URI of an empty database that MLflow is told to track in; the working directory is another folder."""
    name = f"test_{next(_databases)}"
    server.run(f"CREATE DATABASE {name}")
    monkeypatch.setenv(home.TRACKING_VARIABLE, server.uri(name))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield server.uri(name)
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
    _postgres.let_go()


def test_a_model_is_trained_promoted_and_rolled_back(tracked: str, superion_home: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        registry.resolve("champion")
    seeded = registry.seed_release()
    assert (seeded.version, seeded.alias) == ("1", "champion")

    data = _builders.synthetic_csv(tmp_path / "own.csv")
    answer = runs.run(quick_request(data, name="ours"))
    assert (answer["version"], answer["alias"]) == ("2", "challenger")
    run = mlflow.get_run(answer["run_id"])
    assert run.data.params["n_rows"] == "36"
    assert run.data.metrics["gate.n"] > 0
    assert registry.resolve("challenger").version == "2"

    assert registry.promote("challenger").version == "2"
    assert registry.resolve("champion").version == "2"
    assert registry.gate_of("2") == ("champion 1", answer["gate"]["verdict"])
    assert registry.rollback().version == "1"
    assert registry.resolve("rollback").version == "2"
    assert Predictor.from_folder(registry.resolve("2").folder).predict(["Li3PS4"])

    # Everything lies in the database and under the home, and nothing in the folder that this was called from.
    assert run.info.artifact_uri.startswith(f"{superion_home.as_uri()}/artifacts/")
    assert not (superion_home / "mlflow.db").exists()
    assert list(Path.cwd().iterdir()) == []


SEED = "from superion.training import registry; print(registry.seed_release().version)"


@pytest.mark.check
def test_processes_that_come_at_once_to_an_empty_database(tracked: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", SEED]
    several = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    outcomes = [process.communicate(timeout=200) for process in several]
    assert [out.strip() for out, _ in outcomes] == ["1", "1", "1"], outcomes
    assert len(tracking.client().search_model_versions("name='superion'")) == 1


def test_a_server_that_stops_and_starts(tracked: str, server: _postgres.Postgres) -> None:
    registry.seed_release()
    server.stop()
    try:
        with pytest.raises(Unavailable, match=r"does not answer .*refused") as caught:
            registry.resolve("champion")
        assert server.password not in str(caught.value)
    finally:
        server.start()
    assert registry.resolve("champion").version == "1"


def test_a_server_that_was_never_there_is_said_at_once(
    tracked: str, server: _postgres.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(home.TRACKING_VARIABLE, server.uri("absent"))
    with pytest.raises(Unavailable, match='database "absent" does not exist'):
        registry.resolve("champion")


@pytest.mark.timeout(30)  # MLflow by itself would try for more than a minute and a half
def test_a_wrong_password_is_not_repeated(
    tracked: str, server: _postgres.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(home.TRACKING_VARIABLE, tracked.replace(server.password, "not%2Fit"))
    with pytest.raises(Unavailable, match="password authentication failed") as caught:
        registry.resolve("champion")
    assert "not" not in str(caught.value).replace("does not answer", "")


def test_a_driver_that_is_not_installed_is_named(tracked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(home.TRACKING_VARIABLE, tracked.replace("+psycopg", "+pg8000"))
    with pytest.raises(MissingDependency, match=r"pg8000 is not installed.*superion\[group\].*postgresql\+psycopg://"):
        registry.resolve("champion")


@pytest.mark.check
def test_a_dump_is_restored_into_another_database(
    tracked: str, server: _postgres.Postgres, monkeypatch: pytest.MonkeyPatch, superion_home: Path, tmp_path: Path
) -> None:
    """Follow docs/operations.md: `pg_dump` while it runs, `pg_restore` into an empty database, the home copied."""
    kept = registry.seed_release().folder
    dump = tmp_path / "mlflow.dump"

    def address(uri: str) -> str:
        return uri.replace("+psycopg", "")

    dumping = [_postgres.program("pg_dump"), "--format=custom", f"--dbname={address(tracked)}", f"--file={dump}"]
    subprocess.run(dumping, check=True)
    server.run("CREATE DATABASE restored")
    restoring = [
        _postgres.program("pg_restore"),
        f"--dbname={address(server.uri('restored'))}",
        "--no-owner",
        str(dump),
    ]
    subprocess.run(restoring, check=True)

    shutil.copytree(superion_home / "artifacts", tmp_path / "new" / "artifacts")
    superion_home.rename(tmp_path / "gone")
    monkeypatch.setenv(home.HOME_VARIABLE, str(tmp_path / "new"))
    monkeypatch.setenv(home.TRACKING_VARIABLE, server.uri("restored"))
    found = registry.resolve("champion")
    assert found.version == "1"
    assert found.folder.is_relative_to(tmp_path / "new")
    original = tmp_path / "gone" / kept.relative_to(superion_home)
    assert (found.folder / "config.json").read_bytes() == (original / "config.json").read_bytes()
    with mlflow.start_run() as run:
        uri = tracking.log_model(found.folder)
    assert registry.register(run.info.run_id, uri) == ("2", "challenger")
    assert registry.resolve("2").folder.is_relative_to(tmp_path / "new")
    assert not superion_home.exists(), "nothing is written where the old home was"
