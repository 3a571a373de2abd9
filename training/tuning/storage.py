"""Where Optuna keeps the trials of a search: a database of its own, or a schema of its own beside MLflow's.

Both Optuna and MLflow note the version of their tables in a table `alembic_version`, so that they cannot share a
schema.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from superion import home
from superion.databases import read_url
from superion.errors import InvalidValue, Unavailable
from superion.training import tracking

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

SCHEMA = "superion_tuning"
_LOCK = 0x5475
"""First number of the locks that those who work on a study hold in PostgreSQL."""
STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def place(given: str | None) -> URL:
    """Return the database of trials: what is given, else `SUPERION_TUNING`, else beside MLflow's.

    Beside MLflow's is the same database where that is PostgreSQL, and `optuna.db` in the home folder where it is not.
    Raises InvalidValue for what is no URL of SQLite or PostgreSQL, or for the file of MLflow's own, MissingDependency
    without the driver.
    """
    named, mlflow = given or home.tuning_url(), home.tracking_uri()
    if named is None:
        named = mlflow if mlflow.startswith("postgres") else f"sqlite:///{home.tuning_database()}"
    url = read_url(named, "trials", home.TUNING_VARIABLE)
    if url.drivername == "sqlite" and mlflow.startswith("sqlite"):
        files = {Path(one.database or "").resolve() for one in (url, make_url(mlflow))}
        if len(files) == 1:
            raise InvalidValue(
                "that is the database of MLflow, and Optuna needs one of its own",
                field=home.TUNING_VARIABLE,
                value=url.render_as_string(),
            )
    return url


@contextlib.contextmanager
def opened(url: URL) -> Iterator[RDBStorage]:
    """Open the database of trials; its tables, and its schema in PostgreSQL, are made where there are none.

    Raises Unavailable for a database that cannot be opened, or fails later.
    """
    from optuna.exceptions import StorageInternalError

    found = _open(url)
    try:
        yield found
    except (StorageInternalError, DBAPIError) as error:
        raise _unavailable(url, error) from error
    finally:
        found.remove_session()
        found.engine.dispose()


def _open(url: URL) -> RDBStorage:
    from optuna.exceptions import StorageInternalError
    from optuna.storages import RDBStorage

    options: dict[str, Any] = {}
    try:
        if url.drivername == "sqlite":
            if url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            options["connect_args"] = {"timeout": 30}
        else:
            options |= {"connect_args": {"options": f"-csearch_path={SCHEMA}"}, "pool_pre_ping": True}
        with _making_tables(url):
            return RDBStorage(url.render_as_string(hide_password=False), engine_kwargs=options)
    except (DBAPIError, StorageInternalError, OSError) as error:
        raise _unavailable(url, error) from error


@contextlib.contextmanager
def _making_tables(url: URL) -> Iterator[None]:
    """Let one at a time make the tables, in a schema that is there: two at once are in each other's way."""
    if url.drivername == "sqlite":
        with tracking.locked("optuna"):
            yield
        return
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:  # PostgreSQL lets go when it ends
        connection.execute(text("SELECT pg_advisory_lock(:ours, 0)"), {"ours": _LOCK})
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        yield


def _unavailable(url: URL, error: Exception) -> Unavailable:
    """Return what says that the database of trials does not answer."""
    reason = str(getattr(error, "orig", None) or error).splitlines()[0][:200]
    shown = url.render_as_string(hide_password=True)
    return Unavailable(
        f"the database of trials {shown} does not answer: {reason}", field=home.TUNING_VARIABLE, value=shown
    )


@contextlib.contextmanager
def held(study: str, url: URL) -> Iterator[None]:
    """Hold a study, so that one process at a time works on it: in this home, and in a PostgreSQL that homes share.

    Raises Unavailable while another has it, or where the database does not answer.
    """
    home.home().mkdir(parents=True, exist_ok=True)
    with (home.home() / f"tuning-{study}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _taken(study) from error
        if url.drivername == "sqlite":
            yield
            return
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            connection = engine.connect()
        except DBAPIError as error:
            raise _unavailable(url, error) from error
        with connection:  # PostgreSQL lets go when it ends, however that comes
            lock = text("SELECT pg_try_advisory_lock(:ours, hashtext(:study))")
            if not connection.execute(lock, {"ours": _LOCK, "study": study}).scalar():
                raise _taken(study)
            yield


def _taken(study: str) -> Unavailable:
    return Unavailable(
        f"another process is at work on the study {study!r}; wait for it, or name another study",
        field="study",
        value=study,
    )


def check_name(study: str) -> None:
    """Raise InvalidValue for what is no name of a study."""
    if not STUDY_NAME.fullmatch(study):
        raise InvalidValue(
            f"{study!r} is no name of a study: letters, digits, dots, dashes and underscores, 100 at most, are right",
            field="study",
            value=study,
        )
