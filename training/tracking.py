"""Runs, artefacts and model versions in MLflow: SQLite and a folder under the home unless a server is named."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from superion import home
from superion.errors import Unavailable

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
    """Return a client of the tracking server, with the experiment made; raises Unavailable when there is no answer."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return _client()
    except (MlflowException, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Unavailable(
            f"the MLflow tracking store does not answer ({reason}); look at {home.TRACKING_VARIABLE}, or at mlflow.db "
            f"under {home.HOME_VARIABLE}",
            field=home.TRACKING_VARIABLE,
        ) from error


def _client() -> MlflowClient:
    import mlflow

    # Alembic narrates every migration of a new database at INFO.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    uri = home.tracking_uri()
    home.home().mkdir(parents=True, exist_ok=True)
    named = bool(os.environ.get(home.TRACKING_VARIABLE))
    if not named:
        # Opening a database makes the folder of its default experiment, which is ./mlruns unless this says otherwise.
        os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = home.artifact_folder().as_uri()
        _make_database(home.tracking_database())
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    if not named:
        # MLflow has just set it to our own database, which from then on would read as a server that the user named.
        os.environ.pop(home.TRACKING_VARIABLE, None)
    found = mlflow.MlflowClient(uri, uri)
    if found.get_experiment_by_name(EXPERIMENT) is None:
        location = None if named else home.artifact_folder().as_uri()
        found.create_experiment(EXPERIMENT, artifact_location=location)
    mlflow.set_experiment(EXPERIMENT)
    return found


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


def create_version(found: MlflowClient, name: str, model_uri: str, run_id: str) -> str:
    """Make a version of the registered model `name`, which is made when it is not there."""
    import mlflow

    return str(mlflow.register_model(model_uri, name, tags={"run_id": run_id}).version)


def local_artefact(version: ModelVersion) -> Path:
    """Return the artefact folder of a version, fetched from the server's store when it is not on this machine."""
    import mlflow

    from superion.training.registry import ARTEFACT_PATH

    kept = home.home() / "models" / f"{version.name}-{version.version}-{version.run_id or 'none'}"
    if not (kept / "config.json").is_file():
        home.home().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.home()) as scratch:
            uri = f"models:/{version.name}/{version.version}"
            fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=scratch))
            kept.parent.mkdir(parents=True, exist_ok=True)
            if kept.exists() and not (kept / "config.json").is_file():
                shutil.rmtree(kept)
            try:
                (fetched / ARTEFACT_PATH).rename(kept)
            except OSError:
                # Another process has brought it meanwhile, and may be reading it.
                if not (kept / "config.json").is_file():
                    raise
    return kept
