"""Where superion keeps its state, and which environment variables say otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from superion.errors import InvalidValue

HOME_VARIABLE = "SUPERION_HOME"
MIRROR_VARIABLE = "SUPERION_DATA_MIRROR"
PHASE_TABLE_VARIABLE = "SUPERION_PHASE_TABLE"
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
ARTIFACTS_VARIABLE = "SUPERION_ARTIFACTS"
CAMPAIGNS_VARIABLE = "SUPERION_CAMPAIGNS"
TUNING_VARIABLE = "SUPERION_TUNING"


def home() -> Path:
    """Return the folder that everything written lies under: `SUPERION_HOME`, else `~/.superion`; not made here."""
    given = os.environ.get(HOME_VARIABLE)
    return Path(given).expanduser().resolve() if given else Path.home() / ".superion"


def data_mirror() -> Path | None:
    """Return the folder that public data sets are read from before the network, None when there is none."""
    given = os.environ.get(MIRROR_VARIABLE)
    return Path(given).expanduser().resolve() if given else None


def data_folder() -> Path:
    """Return the folder that data sets are fetched to."""
    return home() / "datasets"


def data_files(paths: Sequence[str]) -> list[Path] | None:
    """Return files of a data set by their paths in it: all from the mirror, else all that were fetched, else None."""
    for folder in (data_mirror(), data_folder()):
        found = [] if folder is None else [folder / path for path in paths]
        if found and all(path.is_file() for path in found):
            return found
    return None


def phase_table() -> str | None:
    """Return what `SUPERION_PHASE_TABLE` names as the table of phases, None where it is not set."""
    return os.environ.get(PHASE_TABLE_VARIABLE) or None


def tracking_database() -> Path:
    """Return the SQLite file that MLflow tracks in when nobody says otherwise."""
    return home() / "mlflow.db"


def tracking_uri() -> str:
    """Return the MLflow tracking URI: `MLFLOW_TRACKING_URI`, else the database under the home folder."""
    return os.environ.get(TRACKING_VARIABLE) or f"sqlite:///{tracking_database()}"


def artifact_folder() -> Path:
    """Return the folder that MLflow's artefacts go to when nothing names another place."""
    return home() / "artifacts"


def artifact_place() -> str | None:
    """Return what `SUPERION_ARTIFACTS` names as the place of MLflow's artefacts, as a URI; None where it is not set.

    Raises InvalidValue for what is neither a URI nor an absolute path.
    """
    given = os.environ.get(ARTIFACTS_VARIABLE)
    if not given:
        return None
    if "://" in given:
        return given.rstrip("/")
    if not given.startswith("/"):
        raise InvalidValue(
            f"{ARTIFACTS_VARIABLE} is {given!r}; a URI such as s3://bucket/superion or an absolute path is right",
            field=ARTIFACTS_VARIABLE,
            value=given,
        )
    return Path(given).resolve().as_uri()


def campaigns_database() -> Path:
    """Return the SQLite file that holds the campaigns when nobody says otherwise."""
    return home() / "campaigns.db"


def campaigns_url() -> str | None:
    """Return what `SUPERION_CAMPAIGNS` names as the database of campaigns, None where it is not set."""
    return os.environ.get(CAMPAIGNS_VARIABLE) or None


def tuning_database() -> Path:
    """Return the SQLite file that holds the trials of searches for settings when nobody says otherwise."""
    return home() / "optuna.db"


def tuning_url() -> str | None:
    """Return what `SUPERION_TUNING` names as the database of trials, None where it is not set."""
    return os.environ.get(TUNING_VARIABLE) or None


def run_folder(run_id: str) -> Path:
    """Return the folder that a training run keeps its checkpoints in."""
    return home() / "runs" / run_id
