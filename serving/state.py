"""What the service keeps of its own: keys, data sets, jobs and what was done to them, in `service.db` under the home.

One SQLite database in write-ahead mode, which the workers, the supervisor, jobs and the command line share. Standard
library only, because the supervisor imports nothing else.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from superion.errors import Unavailable
from superion.home import home

WAIT_SECONDS = 10.0
"""Time that a statement waits for another process to finish writing."""
MAKING_SECONDS = 0.5
"""Time in which a database that is there holds something."""

MIGRATIONS = (
    """
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
    """,
    """
    CREATE TABLE observed (
        day TEXT NOT NULL, version TEXT NOT NULL, feature TEXT NOT NULL, bin TEXT NOT NULL, n INTEGER NOT NULL,
        PRIMARY KEY (day, version, feature, bin)) WITHOUT ROWID;
    CREATE TABLE compared (
        shadow TEXT NOT NULL, champion TEXT NOT NULL, since REAL NOT NULL, n INTEGER NOT NULL DEFAULT 0,
        sum_difference REAL NOT NULL DEFAULT 0, sum_absolute REAL NOT NULL DEFAULT 0,
        sum_squares REAL NOT NULL DEFAULT 0, n_outside_interval INTEGER NOT NULL DEFAULT 0,
        n_outside_domain INTEGER NOT NULL DEFAULT 0, n_failed INTEGER NOT NULL DEFAULT 0,
        n_dropped INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
        PRIMARY KEY (shadow, champion)) WITHOUT ROWID;
    """,
    """
    ALTER TABLE jobs ADD COLUMN attempt_started REAL;
    ALTER TABLE jobs ADD COLUMN attempt_fits INTEGER NOT NULL DEFAULT 0;
    """,
    "ALTER TABLE datasets ADD COLUMN n_bytes INTEGER",
)
"""One script a version of the schema; a change of the schema is a new one at the end, never an edit."""


def database() -> Path:
    """Return the file of the service's database, which may not be there yet."""
    return home() / "service.db"


@contextlib.contextmanager
def connection() -> Iterator[sqlite3.Connection]:
    """Yield a connection in a transaction, which is kept when the block ends well; makes the database when needed.

    Raises Unavailable when the database cannot be opened, read or written: a full disk, say.
    """
    try:
        database().parent.mkdir(parents=True, exist_ok=True)
        opened = sqlite3.connect(database(), timeout=WAIT_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _unavailable(error) from error
    with contextlib.closing(opened):
        try:
            opened.row_factory = sqlite3.Row
            opened.execute("PRAGMA journal_mode = WAL")
            opened.execute("PRAGMA synchronous = FULL")  # what is acknowledged survives a loss of power
            _migrate(opened)
            opened.execute("BEGIN IMMEDIATE")
            yield opened
            opened.execute("COMMIT")
        except sqlite3.Error as error:
            raise _unavailable(error) from error
        finally:
            # Does nothing after a commit; what else ends the block must leave no transaction behind.
            if opened.in_transaction:
                opened.rollback()


@contextlib.contextmanager
def reading() -> Iterator[sqlite3.Connection]:
    """Yield a connection that sees one state of the database and waits for no write to end; it makes nothing.

    Raises Unavailable when there is no database, or it cannot be read.
    """
    try:
        opened = sqlite3.connect(f"{database().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS, isolation_level=None)
    except sqlite3.Error as error:
        raise _unavailable(error) from error
    with contextlib.closing(opened):
        try:
            opened.row_factory = sqlite3.Row
            _refuse_newer(_begun(opened))
            yield opened
        except sqlite3.Error as error:
            raise _unavailable(error) from error


def _begun(opened: sqlite3.Connection) -> int:
    """Begin to read; returns the version of the schema. Raises Unavailable for a database that stays without one."""
    deadline = time.monotonic() + MAKING_SECONDS
    while True:
        opened.execute("BEGIN")
        version: int = opened.execute("PRAGMA user_version").fetchone()[0]
        if version > 0:
            return version
        if time.monotonic() > deadline:
            raise Unavailable("service.db holds nothing, although it is there", field="service.db")
        opened.execute("ROLLBACK")  # another process is about to make it: the file comes first, what it holds after
        time.sleep(0.02)


def bring_up_to_date() -> None:
    """Give the database the present schema, where there is a database.

    Raises Unavailable when a newer superion has written it, or it cannot be read or written.
    """
    if exists():
        with connection():
            pass


def exists() -> bool:
    """Tell whether there is a database; without one there are no keys, data sets or jobs."""
    return database().is_file()


def note_event(opened: sqlite3.Connection, actor: str | None, action: str, detail: Mapping[str, Any]) -> None:
    """Write down who did what, in the transaction that does it."""
    opened.execute(
        "INSERT INTO events (at, actor, action, detail) VALUES (?, ?, ?, ?)",
        (time.time(), actor, action, json.dumps(dict(detail), ensure_ascii=False)),
    )


def _migrate(opened: sqlite3.Connection) -> None:
    version = opened.execute("PRAGMA user_version").fetchone()[0]
    if version == len(MIGRATIONS):
        return
    _refuse_newer(version)
    opened.execute("BEGIN IMMEDIATE")
    version = opened.execute("PRAGMA user_version").fetchone()[0]  # another process may have been quicker
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        for statement in filter(str.strip, script.split(";")):
            opened.execute(statement)
        opened.execute(f"PRAGMA user_version = {number}")
    opened.execute("COMMIT")


def _refuse_newer(version: int) -> None:
    if version > len(MIGRATIONS):
        raise Unavailable(
            f"service.db was written by a newer superion (its schema is {version}, this one knows {len(MIGRATIONS)})",
            field="SUPERION_HOME",
        )


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"the records of the service cannot be read or written: {error}", field="service.db")
