"""Where superion keeps its state, and which environment variables say otherwise."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "SUPERION_HOME"
MIRROR_VARIABLE = "SUPERION_DATA_MIRROR"
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"


def home() -> Path:
    """Return the folder that everything written lies under: `SUPERION_HOME`, else `~/.superion`; not made here."""
    given = os.environ.get(HOME_VARIABLE)
    return Path(given).expanduser().resolve() if given else Path.home() / ".superion"


def data_mirror() -> Path | None:
    """Return the folder that public data sets are read from before the network, None when there is none."""
    given = os.environ.get(MIRROR_VARIABLE)
    return Path(given).expanduser().resolve() if given else None


def tracking_database() -> Path:
    """Return the SQLite file that MLflow tracks in when nobody says otherwise."""
    return home() / "mlflow.db"


def tracking_uri() -> str:
    """Return the MLflow tracking URI: `MLFLOW_TRACKING_URI`, else the database under the home folder."""
    return os.environ.get(TRACKING_VARIABLE) or f"sqlite:///{tracking_database()}"


def artifact_folder() -> Path:
    """Return the folder that MLflow's artefacts go to when the tracking server has no place of its own."""
    return home() / "artifacts"


def run_folder(run_id: str) -> Path:
    """Return the folder that a training run keeps its checkpoints in."""
    return home() / "runs" / run_id
