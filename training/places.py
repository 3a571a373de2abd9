"""Where MLflow's artefacts lie: the place for new ones, the present place of old ones, and how they are fetched.

MLflow writes the place of an artefact into its database in full. Two things would go wrong with that: a home that is
copied to another folder or machine would read and write in the folder that it was copied from, and an experiment keeps
its place for ever, so that artefacts could never go anywhere else. Hence the database under the home is mended when it
is found in another home, and another place is another experiment.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from superion import home
from superion.errors import InvalidArtefact, InvalidValue, Unavailable

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

DATABASES = ("postgresql", "mysql", "sqlite", "mssql")
"""Kinds of databases that MLflow tracks in; any other URI is that of a server."""

LONGEST_PLACE = 150
"""MLflow has 200 characters for the place of a run, of which 43 are the run's own [characters]."""

FETCH_AGAIN_SECONDS = 60.0
"""Time after which an artefact that came back damaged is fetched again."""

COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's database holds places."""


def is_database(tracking_uri: str) -> bool:
    """Tell whether MLflow tracks in a database itself, and not on a server."""
    return tracking_uri.partition(":")[0].partition("+")[0] in DATABASES


def wanted(tracking_uri: str) -> str | None:
    """Return the URI that new artefacts go under: `SUPERION_ARTIFACTS`, else the home's folder with a database.

    None leaves the choice to the tracking server. Raises InvalidValue for a place that MLflow could not write down.
    """
    place = home.artifact_place()
    if place is None and is_database(tracking_uri):
        place = home.artifact_folder().as_uri()
    if place is not None and len(place) > LONGEST_PLACE:
        raise InvalidValue(
            f"artefacts cannot go to {place}: at most {LONGEST_PLACE} characters are right",
            field=home.ARTIFACTS_VARIABLE,
            value=place,
        )
    return place


def experiment(client: MlflowClient, name: str, place: str | None, *, own: bool) -> str:
    """Return the name of the experiment whose artefacts go to a place; made when it is not there.

    `own` says that the database is the one under the home, which is mended when the home has moved.
    """
    found = client.get_experiment_by_name(name)
    if found is not None and place is not None and found.artifact_location.rstrip("/") != place:
        if own and home.artifact_place() is None and home.artifact_folder().is_dir():
            move(found.artifact_location.rstrip("/"), place)
        else:
            name = f"{name} at {place}"
            found = client.get_experiment_by_name(name)
    if found is None:
        _make(client, name, place)
    return name


def _make(client: MlflowClient, name: str, place: str | None) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_experiment(name, artifact_location=place)
    except MlflowException as error:
        # Another process has made it meanwhile.
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def move(old: str, new: str) -> None:
    """Write in the database under the home that what lay under the URI `old` lies under `new`."""
    with contextlib.closing(sqlite3.connect(home.tracking_database(), timeout=20.0)) as database, database:
        for table, column in COLUMNS:
            database.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                (f"{new}/", len(old) + 2, len(old) + 1, f"{old}/"),
            )
            database.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))


_damaged: dict[tuple[str, str], tuple[float, InvalidArtefact]] = {}
"""By version and run: when to fetch an artefact again, and what was wrong with it."""


def fetch(version: ModelVersion, scratch: Path) -> Path:
    """Fetch the files of a version into `scratch`; returns the folder of the pyfunc model.

    Raises Unavailable when the store does not answer or lacks the version, InvalidArtefact when not all of it came.
    """
    import mlflow

    from superion.models.artefact import check_files
    from superion.training.registry import ARTEFACT_PATH

    key = (str(version.version), str(version.run_id))
    not_before, damage = _damaged.get(key, (0.0, None))
    if damage is not None and time.monotonic() < not_before:
        # Not the same one: each time it is raised it would grow by the places that it went through.
        raise InvalidArtefact(damage.message, field=damage.field, value=damage.value)
    try:
        found = Path(mlflow.artifacts.download_artifacts(artifact_uri=_present(version), dst_path=str(scratch)))
    except Exception as error:
        # Each kind of store has errors of its own, which share no parent: those of boto3, of MLflow, of the system.
        raise Unavailable(
            f"the artefact of version {version.version} cannot be fetched from its store: "
            f"{type(error).__name__}: {str(error)[:300]}",
            field="model",
            value=version.version,
        ) from error
    try:
        check_files(found / ARTEFACT_PATH)
    except InvalidArtefact as error:
        _damaged[key] = time.monotonic() + FETCH_AGAIN_SECONDS, error
        raise
    return found


def _present(version: ModelVersion) -> str:
    """Return where the files of a version are now: in the home's folder, where theirs is gone and this has them."""
    from superion.training import tracking

    uri = f"models:/{version.name}/{version.version}"
    place = urlsplit(str(tracking.client().get_model_version_download_uri(version.name, version.version)))
    written = Path(unquote(place.path))
    if place.scheme != "file" or written.is_dir():
        return uri
    # MLflow puts a model into models/ID/artifacts under the place of its experiment.
    here = home.artifact_folder().joinpath(*written.parts[-3:])
    return here.as_uri() if here.is_dir() else uri
