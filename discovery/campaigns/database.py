"""The database of campaigns: how it is opened, read in one moment and written all or not at all."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from superion import home
from superion.databases import read_url
from superion.discovery.campaigns.schema import SCHEMA_VERSION, metadata, schema_version
from superion.errors import Unavailable

BUSY_SECONDS = 30.0
"""How long one that writes waits for another that does [s]."""

_LOCK = 0x5375_7065
"""Number of the lock that who makes the tables holds in PostgreSQL."""


class CampaignDatabase:
    """Hold an open database; threads may share it."""

    def __init__(self, url: URL) -> None:
        self.url = url
        sqlite = url.get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(url) if sqlite else create_engine(url, pool_pre_ping=True)
        level: dict[str, Any] = {} if sqlite else {"isolation_level": "REPEATABLE READ"}
        self._readers = self._engine.execution_options(**level)
        self._writers = self._engine.execution_options(superion_writes=True)

    @classmethod
    def open(cls, url: str | None = None) -> CampaignDatabase:
        """Open the database that `url` names, else `SUPERION_CAMPAIGNS`, else `campaigns.db` in the home folder.

        Its tables are made where there are none. Raises InvalidValue for what is no URL of SQLite or PostgreSQL,
        MissingDependency without its driver, Unavailable for a database that cannot be opened, or is of a newer
        superion.
        """
        database = cls(_read_url(url))
        try:
            database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection to which the database stays as it is at the first look; raises Unavailable."""
        with self._told_faults(), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection whose writes are kept, on disk, when the block ends, and none of them if it raises.

        Raises Unavailable.
        """
        with self._told_faults(), self._writers.begin() as connection:
            yield connection

    def _prepare(self) -> None:
        """Make the tables where there are none, and check that they are those of this superion."""
        with self.reading() as connection:
            there = inspect(connection).has_table(schema_version.name)
        if not there:
            with self.writing() as connection:
                self._make_tables(connection)
        with self.reading() as connection:
            found = connection.execute(select(schema_version.c.version)).scalars().all()
        if found != [SCHEMA_VERSION]:
            version = ", ".join(map(str, found)) or "none"
            newer = found and max(found) > SCHEMA_VERSION
            raise Unavailable(
                f"the campaigns in {self} are of schema version {version}, and this superion knows {SCHEMA_VERSION}"
                + ("; a newer superion made them: install that, or name another database" if newer else ""),
                field=home.CAMPAIGNS_VARIABLE,
                value=str(self),
            )

    def _make_tables(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        # Somebody else may have made them since.
        if not inspect(connection).has_table(schema_version.name):
            metadata.create_all(connection)
            connection.execute(insert(schema_version).values(version=SCHEMA_VERSION))

    @contextmanager
    def _told_faults(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise Unavailable(
                f"the database of campaigns {self} {_why(self.url, error)}",
                field=home.CAMPAIGNS_VARIABLE,
                value=str(self),
            ) from error
        except PoolTimeout as error:
            raise Unavailable(
                f"the database of campaigns {self} has no connection left for this: {error}",
                field=home.CAMPAIGNS_VARIABLE,
                value=str(self),
            ) from error

    def __str__(self) -> str:
        file = _file(self.url)
        return str(file) if file is not None else self.url.render_as_string(hide_password=True)


def _read_url(given: str | None) -> URL:
    given = given or home.campaigns_url()
    if given is None:
        file = home.campaigns_database()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                f"the folder of the campaigns {file.parent} cannot be made: {error.strerror or error}",
                field=home.HOME_VARIABLE,
                value=str(file.parent),
            ) from error
        return URL.create("sqlite", database=str(file))
    return read_url(given, "campaigns", "database")


def _sqlite_engine(url: URL) -> Engine:
    # A connection for each block: nothing open is left for a process that forks.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        # Python's driver would begin transactions where it thinks fit; `begin` below does.
        connection.isolation_level = None
        with closing(connection.cursor()) as cursor:
            _write_ahead(cursor)
            # On disk before it is acknowledged.
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("superion_writes", False)
        # A transaction that reads and then writes would fail, not wait, where another has written in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Have a database keep a log that is written ahead; where others do the same to a new one, wait for them.

    SQLite itself does not wait here, whatever its timeout: two that ask at once might wait for each other.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _file(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or url.database is None or url.database.startswith("file:"):
        return None
    return Path(url.database)


def _why(url: URL, error: DBAPIError) -> str:
    """Say what is wrong with a database, from the error of its driver."""
    said = str(error.orig).strip().partition("\n")[0]
    file = _file(url)
    if file is None:
        return f"does not answer: {said}"
    reason = _fault_of_file(file)
    if "not a database" in said or "malformed" in said:
        reason = "is not a database of SQLite, or is damaged"
    elif "full" in said:
        reason = "cannot be written: the disk is full"
    elif "locked" in said or "busy" in said:
        reason = f"is held by another program for longer than {BUSY_SECONDS:g} s"
    return f"{reason or 'cannot be used'} ({said})"


def _fault_of_file(file: Path) -> str | None:
    folder = file.absolute().parent
    if not folder.is_dir():
        return f"cannot be opened: there is no folder {folder}"
    if file.is_dir():
        return "cannot be opened: it is a folder"
    if file.exists() and not os.access(file, os.R_OK):
        return "cannot be opened: its permissions do not let it be read"
    if file.exists() and not os.access(file, os.W_OK):
        return "cannot be written: its permissions do not allow it"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"cannot be written: the permissions of the folder {folder} do not allow it"
    return None
