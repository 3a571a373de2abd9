"""A cluster and a finished search that the tests of a module look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytest

from superion.training import clusters
from superion.training.pipeline import Job
from superion.training.tuning import storage
from superion.training.tuning.study import Search, search

from .. import _builders

JOB = Job(_builders.table(), _builders.SETTINGS, workers=1)


def asked(**changes: Any) -> Search:
    """Return a search of three trials over three settings, without the comparison at the end."""
    fields: dict[str, Any] = {
        "job": JOB,
        "study": "ours",
        "trials": 3,
        "names": ("fit.learning_rate", "fit.jitter", "trees.feature_share"),
        "confirm": False,
    }
    return Search(**(fields | changes))


def kept() -> optuna.Study:
    """Return the study as its database has it."""
    found = optuna.storages.RDBStorage(storage.place(None).render_as_string())
    return optuna.load_study(study_name="ours", storage=found)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Yield a client of a cluster of one worker process."""
    with clusters.local(1) as found:
        yield found


@dataclass(frozen=True)
class Searched:
    """Hold a home with a finished search in it."""

    home: Path
    asked: Search
    result: dict[str, Any]
    told: list[str]
    progress: list[tuple[int, int]]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path, client: Any) -> Iterator[Searched]:
    """Search in a home of its own, which every test of the module then has."""
    import mlflow

    folder = tmp_path_factory.mktemp("home")
    shutil.copyfile(mlflow_database, folder / "mlflow.db")
    told: list[str] = []
    progress: list[tuple[int, int]] = []
    wanted = asked(confirm=True, out=folder / "best.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPERION_HOME", str(folder))
        result = search(wanted, client, lambda done, total: progress.append((done, total)), told.append)
        yield Searched(folder, wanted, result, told, progress)
        while mlflow.active_run():
            mlflow.end_run()
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
