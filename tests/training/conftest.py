"""A home with two tracked runs in it, made once for the tests that only look at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from superion.training import runs

from . import _builders


@dataclass(frozen=True)
class TrainedHome:
    """Hold a home, the table that was trained on and what the two runs answered."""

    home: Path
    data: Path
    first: dict[str, Any]
    second: dict[str, Any]
    told: list[str]

    def request(self, **changes: Any) -> runs.Request:
        """Return a request for a quick run on the same table."""
        return quick_request(self.data, **changes)


def quick_request(data: Path, **changes: Any) -> runs.Request:
    """Return a request for a run of one epoch, the same whether unlabelled compounds are at hand or not."""
    fields: dict[str, Any] = {"data": [data], "members": 2, "folds": 3, "epochs": 1, "workers": 1, "unlabelled": False}
    return runs.Request(**(fields | changes))


@pytest.fixture(scope="module")
def trained_home(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Iterator[TrainedHome]:
    """Train twice in a home of its own, which every test of the module then has."""
    import mlflow

    folder = tmp_path_factory.mktemp("home")
    shutil.copyfile(mlflow_database, folder / "mlflow.db")
    data = _builders.synthetic_csv(tmp_path_factory.mktemp("data") / "own.csv")
    with data.open("a", encoding="utf-8") as file:
        file.write("bad,Xx,1e-6,,\nstray,Li1.0*Cl,1e-6,,10.1/x\n")
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPERION_HOME", str(folder))
        first = runs.run(quick_request(data), tell=told.append)
        second = runs.run(quick_request(data, seed=1, name="second"))
        yield TrainedHome(folder, data, first, second, told)
        while mlflow.active_run():
            mlflow.end_run()
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
