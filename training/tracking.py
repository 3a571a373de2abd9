"""Runs, artefacts and model versions in MLflow: SQLite and a folder under the home unless a server is named."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from superion import home
from superion.errors import MissingDependency, Unavailable
from superion.training import places

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
# Bars of MLflow's own would break the one-document promise of --json to those who read both streams.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

EXPERIMENT = "superion"
ARTEFACT_NAME = "superion"
PYFUNC = Path(__file__).parent / "pyfunc.py"
"""The models-from-code file that `mlflow models serve` runs; nothing is pickled."""

PACKAGES = ("superion", *(f"superion.{name}" for name in ("featurizers", "models", "training", "discovery", "serving")))
"""Those that lie in folders of their own until they are installed."""
CODE_SUFFIXES = (".py", ".so")


def code_digest() -> str:
    """Return the SHA-256 of superion's Python files and compiled modules, with their names in the package.

    The same code installed in another way or place has the same digest, but for what was compiled elsewhere.
    """
    files: dict[str, Path] = {}
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            for path in Path(folder).rglob("*"):
                if path.suffix in CODE_SUFFIXES and path.is_file():
                    files["/".join([*package.split("."), *path.relative_to(folder).parts])] = path
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def client() -> MlflowClient:
    """Return a client of the tracking server, with the experiment made.

    Raises Unavailable when there is no answer, MissingDependency where the driver of the database or the client of the
    object store is not installed.
    """
    with answering():
        try:
            return _client()
        except ModuleNotFoundError as error:
            raise MissingDependency(
                f"{error.name} is not installed, which {home.TRACKING_VARIABLE} or {home.ARTIFACTS_VARIABLE} needs: "
                "pip install 'superion[group]'; for PostgreSQL the URI begins with postgresql+psycopg://",
                field="install",
                value=error.name,
            ) from error


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Raise Unavailable in place of what MLflow and its database raise where a store does not answer."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise Unavailable(
            f"the MLflow tracking store does not answer ({_reason(error)}); look at {home.TRACKING_VARIABLE}, or at "
            f"mlflow.db under {home.HOME_VARIABLE}",
            field=home.TRACKING_VARIABLE,
        ) from error


def _reason(error: Exception) -> str:
    """Return the first line of an error, without the password of the database."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    password = urlsplit(home.tracking_uri()).password
    for text in (password, unquote(password)) if password else ():
        reason = reason.replace(text, "***")
    return reason[:200]


def _client() -> MlflowClient:
    import mlflow

    # Alembic narrates every migration of a new database at INFO, and every failure is logged before it is raised.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    # It warns of each refused insert, which is how MLflow finds out that a model exists.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    uri = home.tracking_uri()
    home.home().mkdir(parents=True, exist_ok=True)
    named = bool(os.environ.get(home.TRACKING_VARIABLE))
    place = places.wanted(uri)
    if place is not None:
        # The default experiment of a database lies in ./mlruns unless this says otherwise.
        os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = place
    if not named:
        _make_database(home.tracking_database())
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    if not named:
        # MLflow has just set it to our own database, which from then on would read as a server that the user named.
        os.environ.pop(home.TRACKING_VARIABLE, None)
    if uri not in _opened:
        _open(uri)
    found = mlflow.MlflowClient(uri, uri)
    mlflow.set_experiment(places.experiment(found, EXPERIMENT, place, own=not named))
    return found


_opened: set[str] = set()
"""The stores that this process has reached before."""


def _open(uri: str) -> None:
    """Reach a store for the first time; a database gets its tables, by one process at a time."""
    import mlflow
    import sqlalchemy

    if places.is_database(uri):
        if not uri.startswith("sqlite"):
            # MLflow would try for two minutes to reach a server that is down, and hold up whoever asks.
            engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
            engine.connect().close()
        with locked("tracking"):
            mlflow.MlflowClient(uri, uri).search_experiments(max_results=1)
    _opened.add(uri)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock between the processes that share a home."""
    import fcntl

    home.home().mkdir(parents=True, exist_ok=True)
    with (home.home() / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make_database(path: Path) -> None:
    """Make MLflow's database where there is none, aside, and move it into place when it is complete.

    A process that looks while the tables are made would migrate them too, and the two break each other's schema.
    """
    import mlflow

    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        mlflow.MlflowClient(f"sqlite:///{draft}", f"sqlite:///{draft}").search_experiments(max_results=1)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)  # unlike a rename, never replaces what another process has made meanwhile
    finally:
        draft.unlink(missing_ok=True)


def log_model(folder: Path) -> str:
    """Log an artefact folder as a pyfunc model of the active run; returns its URI."""
    import mlflow

    # MLflow keeps the base name of the folder, and the registry looks the artefact up by it.
    with tempfile.TemporaryDirectory() as scratch:
        staged = Path(scratch) / ARTEFACT_NAME
        shutil.copytree(folder, staged)
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(PYFUNC),
            artifacts={ARTEFACT_NAME: str(staged)},
            pip_requirements=["superion[predict]"],
        )
    return str(info.model_uri)


def log_release(folder: Path) -> str:
    """Log the release model as a run of its own and register it; returns its version."""
    import mlflow

    from superion.models.artefact import Artefact
    from superion.training.registry import MODEL_NAME

    found = client()
    artefact = Artefact.load(folder)
    with mlflow.start_run(run_name="release") as run:
        mlflow.set_tag("superion.origin", "release")
        mlflow.log_params(
            {key: value for key, value in artefact.training.items() if isinstance(value, str | int | float)}
        )
        uri = log_model(folder)
    return create_version(found, MODEL_NAME, uri, run.info.run_id)


def create_version(
    found: MlflowClient, name: str, model_uri: str, run_id: str, tags: Mapping[str, str] | None = None
) -> str:
    """Make a version of the registered model `name`, which is made when it is not there, with tags of its own."""
    import mlflow

    noted = {**(tags or {}), "run_id": run_id}

    with contextlib.redirect_stderr(io.StringIO()):  # MLflow prints there, between the JSON lines of the service's log
        return str(mlflow.register_model(model_uri, name, tags=noted).version)


def local_folder(name: str, version: str, run_id: str | None) -> Path:
    """Return the folder that the artefact of a version is kept in on this machine; not made here."""
    return home.home() / "models" / f"{name}-{version}-{run_id or 'none'}"


def local_artefact(version: ModelVersion) -> Path:
    """Return the artefact folder of a version, fetched from the store when it is not on this machine.

    Raises Unavailable when the store does not answer, InvalidArtefact when what it holds is not complete.
    """
    from superion.training.registry import ARTEFACT_PATH

    kept = local_folder(version.name, str(version.version), version.run_id)
    if not (kept / "config.json").is_file():
        home.home().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.home(), prefix="fetched-") as scratch:
            fetched = places.fetch(version, Path(scratch)) / ARTEFACT_PATH
            kept.parent.mkdir(parents=True, exist_ok=True)
            if kept.exists() and not (kept / "config.json").is_file():
                shutil.rmtree(kept)
            try:
                fetched.rename(kept)
            except OSError:
                # Another process has brought it meanwhile, and may be reading it.
                if not (kept / "config.json").is_file():
                    raise
    return kept


@dataclass(frozen=True)
class RunRecord:
    """Hold what was tracked of a run."""

    name: str | None
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]


def run_records(run_ids: Collection[str]) -> dict[str, RunRecord]:
    """Return what was tracked of runs, by their ids; one that is not there is left out.

    Raises Unavailable when nobody answers.
    """
    from mlflow.exceptions import MlflowException

    asked, found = client(), {}
    with answering():
        for run_id in run_ids:
            try:
                run = asked.get_run(run_id)
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    continue
                raise
            finite = {key: value for key, value in run.data.metrics.items() if math.isfinite(value)}
            found[run_id] = RunRecord(run.info.run_name, dict(run.data.params), finite)
    return found
