"""The records of the service over time: an older schema is brought up to date, a newer one is refused."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from superion.errors import Unavailable
from superion.serving import keys, state

from .conftest import running

FIRST = """
CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,
    rate_per_minute REAL, created REAL NOT NULL, revoked REAL);
CREATE TABLE datasets (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT, readers TEXT NOT NULL, purpose TEXT NOT NULL,
    digest TEXT NOT NULL, created REAL NOT NULL, deleted REAL, report TEXT NOT NULL);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, owner TEXT, request TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
    created REAL NOT NULL, started REAL, ended REAL, fits_done INTEGER NOT NULL DEFAULT 0, fits_total INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0, pid INTEGER, pid_started REAL, cancel_asked INTEGER NOT NULL DEFAULT 0,
    run_id TEXT, version TEXT, result TEXT);
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, actor TEXT, action TEXT NOT NULL,
    detail TEXT NOT NULL);
INSERT INTO keys VALUES ('k1', 'ada', 'admin', '{digest}', NULL, 1.0, NULL);
INSERT INTO datasets VALUES ('d1', 'ours', 'ada', 'owner', 'training', 'abc', 2.0, NULL, '{{}}');
INSERT INTO jobs (id, owner, request, state, created) VALUES ('j1', 'ada', '{{}}', 'succeeded', 3.0);
INSERT INTO events (at, actor, action, detail) VALUES (4.0, 'ada', 'key.new', '{{}}');
PRAGMA user_version = 1;
"""
"""The first schema as it was shipped, with a row in each table; a copy, so that an edit of it is noticed."""

TOKEN = "sup_of-ada"


@pytest.fixture
def old(superion_home: Path) -> Path:
    """Return a database of the first schema."""
    superion_home.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(state.database())) as database:
        database.executescript(FIRST.format(digest=keys.digest_of(TOKEN)))
    return state.database()


def version() -> int:
    """Return the version of the schema."""
    with contextlib.closing(sqlite3.connect(state.database())) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def tables() -> dict[str, str]:
    """Return the definition of each table."""
    with contextlib.closing(sqlite3.connect(state.database())) as database:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name: " ".join(sql.split()) for name, sql in found}


def test_an_older_database_is_brought_up_to_date_with_its_rows(old: Path) -> None:
    state.bring_up_to_date()
    assert version() == len(state.MIGRATIONS)
    (key,) = keys.list_keys()
    assert (key.name, key.role) == ("ada", "admin")
    with state.reading() as opened:
        rows = {table: opened.execute(f"SELECT id FROM {table}").fetchone()[0] for table in ("datasets", "jobs")}
    assert rows == {"datasets": "d1", "jobs": "j1"}


def test_an_old_and_a_new_database_end_with_one_schema(old: Path, superion_home: Path) -> None:
    state.bring_up_to_date()
    mended = tables()
    old.rename(superion_home / "aside")
    with state.connection():
        pass
    assert tables() == mended


def test_each_version_leads_to_the_present_one(superion_home: Path) -> None:
    for start in range(1, len(state.MIGRATIONS)):
        state.database().unlink(missing_ok=True)
        superion_home.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(state.database())) as database:
            for script in state.MIGRATIONS[:start]:
                database.executescript(script)
            database.execute(f"PRAGMA user_version = {start}")
        state.bring_up_to_date()
        assert version() == len(state.MIGRATIONS)


def test_several_that_come_at_once_bring_it_up_to_date_once(old: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(state.bring_up_to_date) for _ in range(16)]:
            done.result()
    assert version() == len(state.MIGRATIONS)


def test_a_step_that_fails_leaves_the_older_version(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tables()
    monkeypatch.setattr(state, "MIGRATIONS", (*state.MIGRATIONS, "CREATE TABLE more (id TEXT); CREATE TABLE keys (id)"))
    with pytest.raises(Unavailable, match="already exists"):
        state.bring_up_to_date()
    assert version() == 1
    assert tables() == before


def newer() -> None:
    """Write down that a newer superion has been here."""
    with contextlib.closing(sqlite3.connect(state.database())) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA user_version = {len(state.MIGRATIONS) + 1}")


@pytest.mark.parametrize("use", [state.bring_up_to_date, keys.list_keys, lambda: keys.new_key("bob", "read")])
def test_a_newer_database_is_refused_and_left_alone(old: Path, use: Callable[[], object]) -> None:
    newer()
    before = old.read_bytes()
    with pytest.raises(Unavailable, match=r"written by a newer superion \(its schema is"):
        use()
    assert version() == len(state.MIGRATIONS) + 1
    assert old.read_bytes() == before


def test_without_a_database_none_is_made(superion_home: Path) -> None:
    state.bring_up_to_date()
    assert not superion_home.exists()


def test_a_service_refuses_to_start_on_a_newer_database(old: Path) -> None:
    newer()
    command = [sys.executable, "-c", "from superion.cli import main; main()", "serve", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "written by a newer superion" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.check
def test_a_service_goes_on_with_the_keys_of_an_older_database(old: Path) -> None:
    with running(old.parent, "--workers", "1") as service:
        body = {"materials": [{"formula": "LiF"}]}
        assert service.client.post("/predict", json=body).status_code == 401
        answer = service.client.post("/predict", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
    assert version() == len(state.MIGRATIONS)
