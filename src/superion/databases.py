"""URLs of the databases that superion keeps records of its own in."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from superion.errors import InvalidValue, MissingDependency

DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
"""What a URL may begin with, and the driver that is taken for it."""


def read_url(given: str, what: str, field: str) -> URL:
    """Return the URL of a database for `what`, such as "campaigns", with the driver that is used.

    Raises InvalidValue, which names `field`, for what is no URL of a file of SQLite or of PostgreSQL, MissingDependency
    without the driver.
    """
    right = f"sqlite:////folder/{what}.db or postgresql://name:password@host/database is right"
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        # What was given may hold a password, so it is not repeated.
        raise InvalidValue(f"the database of {what} is named by a URL; {right}", field=field) from error
    shown = url.render_as_string(hide_password=True)
    if url.drivername not in DRIVERS:
        raise InvalidValue(
            f"{what} are kept in SQLite or PostgreSQL, not {url.drivername!r}; {right}", field=field, value=shown
        )
    url = url.set(drivername=DRIVERS[url.drivername])
    if url.drivername == "sqlite" and url.database in (None, "", ":memory:"):
        raise InvalidValue(f"{shown} names no file to keep {what} in; {right}", field=field, value=shown)
    if url.drivername != "sqlite":
        try:
            import psycopg  # noqa: F401
        except ImportError as error:
            raise MissingDependency(
                "PostgreSQL needs psycopg: pip install 'superion[group]'", field="install", value="psycopg"
            ) from error
    return url
