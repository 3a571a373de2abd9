"""Where trials are kept: beside MLflow's records and never among them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from sqlalchemy import NullPool, create_engine, inspect

from superion.errors import InvalidValue, Unavailable
from superion.training import tracking
from superion.training.tuning import storage

from ... import _postgres
from .._noise import MLFLOW
from .conftest import asked

pytestmark = MLFLOW


def test_trials_are_in_a_file_of_the_home_unless_told(superion_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert storage.place(None).render_as_string() == f"sqlite:///{superion_home / 'optuna.db'}"
    monkeypatch.setenv("SUPERION_TUNING", "postgres://anna@host/trials")
    assert storage.place(None).render_as_string() == "postgresql+psycopg://anna@host/trials"
    assert storage.place("sqlite:////data/a.db").database == "/data/a.db"


def test_beside_a_server_of_mlflow_they_are_in_the_home(superion_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert storage.place(None).database == str(superion_home / "optuna.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg://anna@host/mlflow")
    assert storage.place(None).database == "mlflow"


@pytest.mark.parametrize(
    "url",
    ["mysql://anna@host/trials", "trials.db", "redis://host", "sqlite://", "postgresql://anna:secret@host:port/a"],
)
def test_what_is_no_database_for_trials_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        storage.place(url)
    assert caught.value.field == "SUPERION_TUNING"
    assert "secret" not in caught.value.message


def test_the_file_of_mlflow_is_refused(superion_home: Path) -> None:
    with pytest.raises(InvalidValue, match="the database of MLflow"):
        storage.place(f"sqlite:///{superion_home / 'other' / '..' / 'mlflow.db'}")


def test_a_database_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database, and longer than a header of one would be" * 20)
    for url in (f"sqlite:///{tmp_path / 'file'}", "postgresql://anna:secret@127.0.0.1:1/trials"):
        with pytest.raises(Unavailable, match="does not answer") as caught, storage.opened(storage.place(url)):
            pass
        assert "secret" not in caught.value.message


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "x" * 101])
def test_what_is_no_name_of_a_study_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="is no name of a study"):
        storage.check_name(name)


def test_a_study_has_one_process_at_a_time(superion_home: Path) -> None:
    superion_home.mkdir()
    code = (
        "import sys\nfrom superion.training.tuning import storage\n"
        "with storage.held('ours', storage.place(None)):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with (
            pytest.raises(Unavailable, match="another process is at work on the study 'ours'"),
            storage.held("ours", storage.place(None)),
        ):
            pass
        with storage.held("theirs", storage.place(None)):
            pass
        other.communicate()
    with storage.held("ours", storage.place(None)):
        pass


@pytest.fixture
def server() -> Iterator[_postgres.Postgres]:
    with _postgres.running() as found:
        yield found
        _postgres.let_go()


@pytest.mark.check
def test_in_postgresql_they_have_a_schema_beside_that_of_mlflow(
    server: _postgres.Postgres, superion_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import mlflow

    from superion.training import clusters
    from superion.training.tuning.study import search

    server.run("CREATE DATABASE shared")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri("shared"))
    monkeypatch.chdir(tmp_path)
    try:
        with clusters.local(1) as client:
            found = search(asked(trials=2), client)
            again = search(asked(trials=2), client)
        assert (found["trials"]["finished"], again["run_id"]) == (2, found["run_id"])
        engine = create_engine(server.uri("shared"), poolclass=NullPool)
        theirs, ours = (set(inspect(engine).get_table_names(schema)) for schema in ("public", storage.SCHEMA))
        assert {"studies", "trials", "alembic_version"} <= ours
        assert {"runs", "alembic_version"} <= theirs
        assert not {"studies", "trials"} & theirs
        assert tracking.client().get_run(found["run_id"]).info.status == "FINISHED"
        monkeypatch.setenv("SUPERION_HOME", str(tmp_path / "another"))
        with storage.held("ours", storage.place(None)):
            monkeypatch.setenv("SUPERION_HOME", str(tmp_path / "third"))
            with pytest.raises(Unavailable, match="another process"), storage.held("ours", storage.place(None)):
                pass
            with storage.held("theirs", storage.place(None)):
                pass
        with storage.held("ours", storage.place(None)), storage.opened(storage.place(None)) as found_storage:
            assert len(optuna.load_study(study_name="ours", storage=found_storage).trials) == 2
    finally:
        while mlflow.active_run():
            mlflow.end_run()
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
