"""Copies of the home: what is in them, that their databases are whole, and what is refused."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from superion import backup
from superion.backup import back_up
from superion.discovery.campaigns.store import CampaignStore
from superion.discovery.goal import Goal
from superion.errors import InvalidValue, NotFound, Unavailable

from .discovery._campaigns import candidates


@pytest.fixture
def home(superion_home: Path) -> Path:
    """Return a home with its databases and files of all kinds."""
    superion_home.mkdir(parents=True)
    for name in backup.DATABASES:
        with contextlib.closing(sqlite3.connect(superion_home / name)) as database, database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE notes (number INTEGER)")
            database.execute("INSERT INTO notes VALUES (1)")
    for name in (
        "artifacts/models/m-1/artifacts/config.json",
        "uploads/a/champion.json",
        "runs/r/member.pt.tmp",
        "models/superion-1-r/config.json",
        "bentoml/metrics-1/counter.db",
        "champion.json",
        "registry.lock",
        "fetched-x/weights",
    ):
        path = superion_home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return superion_home


def numbers(database: Path) -> list[int]:
    """Return what the table of a database holds."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        return [row[0] for row in opened.execute("SELECT number FROM notes ORDER BY number")]


def names(folder: Path) -> list[str]:
    """Return the files in a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_copy_holds_what_cannot_be_made_again(home: Path, tmp_path: Path) -> None:
    done = back_up(tmp_path / "copies" / "monday")
    assert names(done.folder) == [
        "artifacts/models/m-1/artifacts/config.json",
        "campaigns.db",
        "mlflow.db",
        "optuna.db",
        "service.db",
        "uploads/a/champion.json",
    ]
    assert (done.databases, done.n_files) == (["service.db", "campaigns.db", "optuna.db", "mlflow.db"], 2)
    assert numbers(done.folder / "service.db") == [1]
    assert done.folder.stat().st_mode & 0o777 == 0o700
    assert (done.folder / "service.db").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in done.folder.parent.iterdir()] == ["monday"], "nothing else is left"


def test_a_database_is_copied_as_of_one_moment_while_it_is_written(home: Path, tmp_path: Path) -> None:
    """Two rows are written in each transaction: a copy of another kind would sooner or later hold one of them."""
    stop = threading.Event()

    def write() -> None:
        with contextlib.closing(sqlite3.connect(home / "service.db", timeout=60.0)) as database:
            number = 2
            while not stop.is_set():
                with database:
                    database.execute("INSERT INTO notes VALUES (?)", (number,))
                    database.execute("INSERT INTO notes VALUES (?)", (-number,))
                number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        copies = [back_up(tmp_path / f"copy-{n}").folder for n in range(5)]
    finally:
        stop.set()
        thread.join()
    for copy in copies:
        found = set(numbers(copy / "service.db"))
        assert all(-number in found for number in found - {1})
    assert len(numbers(copies[-1] / "service.db")) >= len(numbers(copies[0] / "service.db"))


def test_a_file_that_vanishes_meanwhile_is_no_fault(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.copy2

    def after_deletion(source: Path, target: Path) -> object:
        if source.name == "champion.json":
            source.unlink()
        return real(source, target)

    monkeypatch.setattr(shutil, "copy2", after_deletion)
    assert names(back_up(tmp_path / "copy").folder) == [
        "artifacts/models/m-1/artifacts/config.json",
        "campaigns.db",
        "mlflow.db",
        "optuna.db",
        "service.db",
    ]


def test_a_folder_on_another_disk_is_followed_and_a_circle_is_not(home: Path, tmp_path: Path) -> None:
    (home / "artifacts").rename(tmp_path / "disk")
    (home / "artifacts").symlink_to(tmp_path / "disk")
    (home / "uploads" / "round").symlink_to(home / "uploads")
    copied = names(back_up(tmp_path / "copy").folder)
    assert copied == [
        "artifacts/models/m-1/artifacts/config.json",
        "campaigns.db",
        "mlflow.db",
        "optuna.db",
        "service.db",
        "uploads/a/champion.json",
    ]


@pytest.mark.parametrize("where", ["there", "home/inside"])
def test_a_folder_that_is_no_place_for_a_copy_is_refused(home: Path, tmp_path: Path, where: str) -> None:
    (tmp_path / "there").mkdir()
    target = home / "inside" if where.startswith("home") else tmp_path / where
    with pytest.raises(InvalidValue, match=r"is there already|lies in the home") as caught:
        back_up(target)
    assert caught.value.field == "to"


def test_without_a_home_there_is_nothing_to_copy(superion_home: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="SUPERION_HOME"):
        back_up(tmp_path / "copy")


def test_a_damaged_database_is_not_passed_on(home: Path, tmp_path: Path) -> None:
    with (home / "service.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(Unavailable, match="the backup was not made"):
        back_up(tmp_path / "copies" / "copy")
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_full_disk_leaves_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        back_up(tmp_path / "copies" / "copy")
    assert list((tmp_path / "copies").iterdir()) == []


def test_the_command_says_what_is_not_in_the_copy(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from typer.testing import CliRunner

    from superion.cli import app

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg://localhost/mlflow")
    monkeypatch.setenv("SUPERION_ARTIFACTS", "s3://bucket/superion")
    monkeypatch.setenv("SUPERION_CAMPAIGNS", "postgresql://localhost/campaigns")
    monkeypatch.setenv("SUPERION_TUNING", "postgresql://localhost/tuning")
    done = CliRunner().invoke(app, ["backup", str(tmp_path / "copy")])
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{tmp_path / 'copy'}: service.db, campaigns.db, optuna.db, mlflow.db, 2 files")
    assert "MLFLOW_TRACKING_URI" in done.stderr
    assert "SUPERION_ARTIFACTS" in done.stderr
    assert "SUPERION_CAMPAIGNS" in done.stderr
    assert "SUPERION_TUNING" in done.stderr


def test_campaigns_are_in_a_copy_with_what_was_acknowledged_last(superion_home: Path, tmp_path: Path) -> None:
    with CampaignStore.open() as store:
        store.create("kept", Goal(), candidates(), by="ada")
        done = back_up(tmp_path / "copy")
        store.create("later", Goal(), candidates(), by="ada")
    assert done.databases == ["campaigns.db"]
    with CampaignStore.open(f"sqlite:///{done.folder / 'campaigns.db'}") as copied:
        assert [one.name for one in copied.list()] == ["kept"]
        assert len(copied.state("kept").candidates) == len(candidates())
