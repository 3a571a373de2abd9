"""The model that is shipped, and databases for campaigns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from superion.loading import load_predictor
from superion.models.predictor import Predictor

from .. import _postgres

_schemas = itertools.count(1)


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """Return the model that is shipped."""
    return load_predictor("release")


@pytest.fixture(scope="module")
def server() -> Iterator[_postgres.Postgres]:
    """Yield a server of PostgreSQL that the tests of the module share."""
    with _postgres.running() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/campaigns.db"
    server = request.getfixturevalue("server")
    name = f"test_{next(_schemas)}"
    server.run(f"CREATE SCHEMA {name}")
    return f"{server.uri()}&options=-csearch_path%3D{name}"
