"""The registered models: versions of one MLflow model, with the aliases `champion`, `challenger` and `rollback`.

Looking a model up costs MLflow's import, about three seconds. Two cases need none: a home without a database has an
empty registry, which stands for the release model as version 1; and while the database file has not changed since the
champion was last looked up, a note beside it (`champion.json`) still holds. A tracking server is always asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superion import home
from superion.errors import NotFound, Unavailable
from superion.models.predictor import RELEASE_FOLDER

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODEL_NAME = "superion"
CHAMPION, CHALLENGER, ROLLBACK = "champion", "challenger", "rollback"
FIRST_VERSION = "1"
ARTEFACT_PATH = "artifacts/superion"
"""Where the artefact folder lies within a registered pyfunc model."""
GATE_VERDICT, GATE_CHAMPION = "gate.verdict", "gate.champion"
"""Tags of a version: how it compared with the champion when it was trained, and which that was."""


@dataclass(frozen=True)
class RegisteredModel:
    """Hold one version of the registered model and the folder its artefact can be read from."""

    version: str
    folder: Path
    alias: str | None = None


def resolve(model: str) -> RegisteredModel:
    """Find the model for an alias, a version number or a `models:/` URI.

    Raises NotFound for an alias or a version that the registry does not hold.
    """
    reference = model.removeprefix("models:/")
    if model.startswith("models:/"):
        reference = reference.removeprefix(f"{MODEL_NAME}@").removeprefix(f"{MODEL_NAME}/")
    if registry_is_new() and reference in (CHAMPION, FIRST_VERSION):
        return RegisteredModel(FIRST_VERSION, RELEASE_FOLDER, CHAMPION)
    if reference == CHAMPION:
        return _noted_champion() or _look_up(CHAMPION)
    return _look_up(reference)


def resolve_or_release(model: str) -> RegisteredModel:
    """Find a model as `resolve` does; a registry without any version stands for the release model as version 1.

    Such a registry is made by whatever asks MLflow first; it must not hide the model that is shipped. Raises NotFound
    for what the registry does not hold.
    """
    try:
        return resolve(model)
    except NotFound:
        if model in (CHAMPION, FIRST_VERSION, f"models:/{MODEL_NAME}@{CHAMPION}") and is_empty():
            return RegisteredModel(FIRST_VERSION, RELEASE_FOLDER, CHAMPION)
        raise


def is_empty() -> bool:
    """Tell whether the registry holds no version of the model."""
    from superion.training import tracking

    return not tracking.client().search_model_versions(f"name='{MODEL_NAME}'", max_results=1)


def registry_is_new() -> bool:
    """Tell whether the default database does not exist yet, so that the registry is certainly empty."""
    return not os.environ.get(home.TRACKING_VARIABLE) and not home.tracking_database().exists()


def seed_release() -> RegisteredModel:
    """Register the release model as version 1 with the alias `champion` when the registry holds no version.

    Returns the champion. Safe to call from several processes at once: one seeds, the others wait.
    """
    from superion.training import tracking

    with _locked("registry"):
        client = tracking.client()
        if not client.search_model_versions(f"name='{MODEL_NAME}'", max_results=1):
            version = tracking.log_release(RELEASE_FOLDER)
            client.set_registered_model_alias(MODEL_NAME, CHAMPION, version)
    return resolve(CHAMPION)


def register(run_id: str, model_uri: str) -> tuple[str, str]:
    """Register a run's model; returns its version and alias: `challenger`, or `champion` in an empty registry."""
    from superion.training import tracking

    with _locked("registry"):
        client = tracking.client()
        empty = not client.search_model_versions(f"name='{MODEL_NAME}'", max_results=1)
        version = tracking.create_version(client, MODEL_NAME, model_uri, run_id)
        alias = CHAMPION if empty else CHALLENGER
        client.set_registered_model_alias(MODEL_NAME, alias, version)
    return version, alias


def tag(version: str, tags: Mapping[str, str]) -> None:
    """Note tags with a version."""
    from superion.training import tracking

    client = tracking.client()
    for key, value in tags.items():
        client.set_model_version_tag(MODEL_NAME, version, key, value)


def gate_of(version: str) -> tuple[str, str] | None:
    """Return what a version was compared with when it was trained and the verdict, None when it was not."""
    from superion.training import tracking

    found = _find(tracking.client(), version)
    if found is None or GATE_VERDICT not in found.tags:
        return None
    return found.tags.get(GATE_CHAMPION, "the champion"), found.tags[GATE_VERDICT]


def promote(version: str) -> RegisteredModel:
    """Make a version the champion and keep the old champion as `rollback`.

    The version is loaded first; one that cannot be loaded is refused and nothing changes. Raises NotFound for a version
    that is not there, InvalidArtefact for one that is damaged.
    """
    from superion.models.predictor import Predictor
    from superion.training import tracking

    with _locked("registry"):
        client = tracking.client()
        chosen = _look_up(version)
        Predictor.from_folder(chosen.folder).check()
        before = _alias_version(client, CHAMPION)
        if before == chosen.version:
            return RegisteredModel(chosen.version, chosen.folder, CHAMPION)
        client.set_registered_model_alias(MODEL_NAME, CHAMPION, chosen.version)
        if before is not None:
            client.set_registered_model_alias(MODEL_NAME, ROLLBACK, before)
        if _alias_version(client, CHALLENGER) == chosen.version:
            client.delete_registered_model_alias(MODEL_NAME, CHALLENGER)
    return resolve(CHAMPION)


def rollback() -> RegisteredModel:
    """Make the champion before this one the champion again; the two change places.

    Raises NotFound when there was none before.
    """
    from superion.training import tracking

    version = _alias_version(tracking.client(), ROLLBACK)
    if version is None:
        raise NotFound("there is no earlier champion to go back to", field="alias", value=ROLLBACK)
    return promote(version)


def _look_up(reference: str) -> RegisteredModel:
    from superion.training import tracking

    client = tracking.client()
    stamp = _database_stamp()
    alias = None if reference.isdigit() else reference
    found = _find(client, reference)
    if found is None:
        raise NotFound(
            f"the registry holds no {MODEL_NAME} {reference!r}: train or promote one, or ask for 'release'",
            field="model",
            value=reference,
        )
    registered = RegisteredModel(str(found.version), tracking.local_artefact(found), alias)
    if alias == CHAMPION and stamp is not None and stamp == _database_stamp():
        _note_champion(registered, stamp)
    return registered


def _alias_version(client: MlflowClient, alias: str) -> str | None:
    found = _find(client, alias)
    return None if found is None else str(found.version)


def _find(client: MlflowClient, reference: str) -> ModelVersion | None:
    """Return the version of a number or an alias, None when the registry has none.

    Raises Unavailable when the registry cannot be asked.
    """
    from mlflow.exceptions import MlflowException

    try:
        if reference.isdigit():
            return client.get_model_version(MODEL_NAME, reference)
        return client.get_model_version_by_alias(MODEL_NAME, reference)
    except MlflowException as error:
        # MLflow answers a missing alias with INVALID_PARAMETER_VALUE and a missing model with the other.
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise Unavailable(f"the model registry does not answer: {error.message[:200]}", field="model") from error


def _database_stamp() -> list[int] | None:
    """Return what changes whenever the database is written, None for a tracking server."""
    if os.environ.get(home.TRACKING_VARIABLE) or not home.tracking_database().exists():
        return None
    status = home.tracking_database().stat()
    return [status.st_mtime_ns, status.st_size]


def _note() -> Path:
    return home.home() / "champion.json"


def _note_champion(registered: RegisteredModel, stamp: list[int]) -> None:
    data = asdict(registered) | {"folder": str(registered.folder), "database": stamp}
    draft = _note().with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(data), encoding="utf-8")
    draft.replace(_note())


def _noted_champion() -> RegisteredModel | None:
    stamp = _database_stamp()
    if stamp is None:
        return None
    try:
        data: dict[str, Any] = json.loads(_note().read_text(encoding="utf-8"))
        folder = Path(data["folder"])
        if data["database"] == stamp and folder.is_dir():
            return RegisteredModel(str(data["version"]), folder, CHAMPION)
    except (OSError, ValueError, KeyError, TypeError):
        # A note that is missing or unreadable only costs the look-up it would have saved.
        return None
    return None


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Hold a lock between the processes that share a home."""
    import fcntl

    home.home().mkdir(parents=True, exist_ok=True)
    with (home.home() / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
