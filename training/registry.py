"""The registered models: versions of one MLflow model, with the aliases `champion`, `challenger`, `rollback`, `shadow`.

Looking a model up costs MLflow's import, about three seconds, which no worker of the service should spend beside its
requests. Two cases need none: a home without a database has an empty registry, which stands for the release model as
version 1; and which versions are champion and shadow is read from the database under the home, which is enough where
the champion's files are here. A tracking server is always asked.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from superion import home
from superion.errors import NotFound, Unavailable
from superion.models.predictor import RELEASE_FOLDER

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODEL_NAME = "superion"
CHAMPION, CHALLENGER, ROLLBACK, SHADOW = "champion", "challenger", "rollback", "shadow"
FIRST_VERSION = "1"
ARTEFACT_PATH = "artifacts/superion"
"""Where the artefact folder lies within a registered pyfunc model."""
GATE_VERDICT, GATE_CHAMPION = "gate.verdict", "gate.champion"
"""Tags of a version: how it compared with the champion when it was trained, and which that was."""
READ_SECONDS = 1.0
"""Time that reading the database waits for who writes it."""
ALIASES = """
SELECT alias, version, run_id FROM registered_model_aliases JOIN model_versions USING (workspace, name, version)
WHERE name = ? AND workspace = 'default'
"""


MAX_DIGITS = 9
"""Digits of the largest version number that is looked for."""


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
        return _read(CHAMPION) or _look_up(CHAMPION)
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

    Returns the champion. Safe to call from several processes at once: one seeds, the others wait. What was killed
    between registering the only version and naming it champion is made good.
    """
    from superion.training import tracking

    with tracking.locked("registry"):
        client = tracking.client()
        versions = client.search_model_versions(f"name='{MODEL_NAME}'", max_results=2)
        if not versions:
            version = tracking.log_release(RELEASE_FOLDER)
            client.set_registered_model_alias(MODEL_NAME, CHAMPION, version)
        elif len(versions) == 1 and _find(client, CHAMPION) is None:
            client.set_registered_model_alias(MODEL_NAME, CHAMPION, str(versions[0].version))
    return resolve(CHAMPION)


def register(run_id: str, model_uri: str, tags: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Register a run's model; returns its version and alias: `challenger`, or `champion` in an empty registry.

    `tags` are noted with the version as it is made.
    """
    from superion.training import tracking

    with tracking.locked("registry"):
        client = tracking.client()
        empty = not client.search_model_versions(f"name='{MODEL_NAME}'", max_results=1)
        version = tracking.create_version(client, MODEL_NAME, model_uri, run_id, tags)
        alias = CHAMPION if empty else CHALLENGER
        client.set_registered_model_alias(MODEL_NAME, alias, version)
    return version, alias


def name_challenger(version: str) -> None:
    """Give a version the alias that `register` was cut off before."""
    from superion.training import tracking

    with tracking.locked("registry"):
        tracking.client().set_registered_model_alias(MODEL_NAME, CHALLENGER, version)


def gate_of(version: str) -> tuple[str, str] | None:
    """Return what a version was compared with when it was trained and the verdict, None when it was not."""
    from superion.training import tracking

    found = _find(tracking.client(), version)
    if found is None or GATE_VERDICT not in found.tags:
        return None
    return found.tags.get(GATE_CHAMPION, "the champion"), found.tags[GATE_VERDICT]


@dataclass(frozen=True)
class VersionRecord:
    """Hold what the registry says of a version."""

    version: str
    aliases: tuple[str, ...]
    created: float
    """Seconds since the epoch."""
    run_id: str | None
    tags: Mapping[str, str]


MAX_VERSIONS = 1000
"""Versions that are listed."""


def versions() -> list[VersionRecord]:
    """Return the versions of the model, newest first; raises Unavailable when the registry cannot be asked."""
    from superion.training import tracking

    client = tracking.client()
    with tracking.answering():
        found = client.search_model_versions(f"name='{MODEL_NAME}'", max_results=MAX_VERSIONS)
        named = dict(client.get_registered_model(MODEL_NAME).aliases) if found else {}
    records = [
        VersionRecord(
            str(one.version),
            tuple(sorted(alias for alias, version in named.items() if str(version) == str(one.version))),
            one.creation_timestamp / 1e3,
            one.run_id or one.tags.get("run_id"),
            dict(one.tags),
        )
        for one in found
    ]
    return sorted(records, key=lambda record: -int(record.version))


def promote(version: str) -> RegisteredModel:
    """Make a version the champion and keep the old champion as `rollback`.

    The version is loaded first; one that cannot be loaded is refused and nothing changes. Raises NotFound for a version
    that is not there, InvalidArtefact for one that is damaged, Unavailable when the registry cannot be asked.
    """
    from superion.models.predictor import Predictor
    from superion.training import tracking

    with tracking.locked("registry"), tracking.answering():
        client = tracking.client()
        chosen = _look_up(version)
        Predictor.from_folder(chosen.folder).check()
        before = _alias_version(client, CHAMPION)
        if before == chosen.version:
            return RegisteredModel(chosen.version, chosen.folder, CHAMPION)
        # In this order, so that wherever it may be cut off there is a champion and a way back from it.
        if before is not None:
            client.set_registered_model_alias(MODEL_NAME, ROLLBACK, before)
        client.set_registered_model_alias(MODEL_NAME, CHAMPION, chosen.version)
        if _alias_version(client, CHALLENGER) == chosen.version:
            client.delete_registered_model_alias(MODEL_NAME, CHALLENGER)
    return resolve(CHAMPION)


def rollback() -> RegisteredModel:
    """Make the champion before this one the champion again; the two change places.

    Raises NotFound when there was none before.
    """
    from superion.training import tracking

    client = tracking.client()
    version = _alias_version(client, ROLLBACK)
    if version is None or version == _alias_version(client, CHAMPION):
        # The two are the same where a promotion was cut off.
        raise NotFound("there is no earlier champion to go back to", field="alias", value=ROLLBACK)
    return promote(version)


def set_shadow(version: str) -> RegisteredModel:
    """Have a version answer beside the champion, for comparison; its answers reach nobody.

    The version is loaded first; one that cannot be loaded is refused and nothing changes. Raises NotFound for a version
    that is not there, InvalidArtefact for one that is damaged.
    """
    from superion.models.predictor import Predictor
    from superion.training import tracking

    with tracking.locked("registry"):
        client = tracking.client()
        chosen = _look_up(version)
        Predictor.from_folder(chosen.folder).check()
        client.set_registered_model_alias(MODEL_NAME, SHADOW, chosen.version)
    return RegisteredModel(chosen.version, chosen.folder, SHADOW)


def clear_shadow() -> None:
    """Have no version answer beside the champion any more; does nothing where there is none."""
    from superion.training import tracking

    with tracking.locked("registry"):
        client = tracking.client()
        if _alias_version(client, SHADOW) is not None:
            client.delete_registered_model_alias(MODEL_NAME, SHADOW)


def shadow_version() -> str | None:
    """Return which version answers beside the champion, None where there is none.

    Raises Unavailable when the registry cannot be asked.
    """
    if registry_is_new():
        return None
    aliases = _aliases()
    if aliases is not None:
        return aliases[SHADOW][0] if SHADOW in aliases else None
    from superion.training import tracking

    return _alias_version(tracking.client(), SHADOW)


def _look_up(reference: str) -> RegisteredModel:
    from superion.training import tracking

    client = tracking.client()
    alias = None if reference.isdigit() else reference
    found = _find(client, reference)
    if found is None:
        raise NotFound(
            f"the registry holds no {MODEL_NAME} {reference!r}: train or promote one, or ask for 'release'",
            field="model",
            value=reference,
        )
    return RegisteredModel(str(found.version), tracking.local_artefact(found), alias)


def _alias_version(client: MlflowClient, alias: str) -> str | None:
    found = _find(client, alias)
    return None if found is None else str(found.version)


def _find(client: MlflowClient, reference: str) -> ModelVersion | None:
    """Return the version of a number or an alias, None when the registry has none.

    Raises Unavailable when the registry cannot be asked.
    """
    from mlflow.exceptions import MlflowException

    if reference.isdigit() and len(reference) > MAX_DIGITS:
        return None  # a database that is asked for a number beyond its own fails
    try:
        if reference.isdigit():
            return client.get_model_version(MODEL_NAME, reference)
        return client.get_model_version_by_alias(MODEL_NAME, reference)
    except MlflowException as error:
        # MLflow answers a missing alias with INVALID_PARAMETER_VALUE and a missing model with the other.
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise Unavailable(f"the model registry does not answer: {error.message[:200]}", field="model") from error


def _read(alias: str) -> RegisteredModel | None:
    """Return what an alias stands for, read without MLflow; None where that does not tell or its files are not here."""
    from superion.training import tracking

    found = (_aliases() or {}).get(alias)
    if found is None:
        return None
    folder = tracking.local_folder(MODEL_NAME, *found)
    return RegisteredModel(found[0], folder, alias) if (folder / "config.json").is_file() else None


def _aliases() -> dict[str, tuple[str, str | None]] | None:
    """Return version and run by alias from the default database as it is on the disk; None where it cannot be read so.

    Whatever fails is left to MLflow to say, or to do better: its tables may be others one day.
    """
    if os.environ.get(home.TRACKING_VARIABLE) or not home.tracking_database().exists():
        return None
    try:
        place = f"{home.tracking_database().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(place, uri=True, timeout=READ_SECONDS)) as opened:
            rows = opened.execute(ALIASES, (MODEL_NAME,)).fetchall()
    except sqlite3.Error:
        return None
    return {alias: (str(version), run_id) for alias, version, run_id in rows}
