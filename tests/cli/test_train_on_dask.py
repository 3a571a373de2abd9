"""`superion train` on a scheduler that is there, as a group has one, and what of it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from superion.training import clusters

from ..training import _builders
from ..training._noise import MLFLOW

pytestmark = MLFLOW

QUICK = ("--epochs", 1, "--members", 2, "--folds", 3, "--no-unlabelled")


@pytest.fixture(scope="module")
def group() -> Iterator[Any]:
    """Yield a client of a scheduler with one worker."""
    with clusters.local(1) as client:
        yield client


def steps(group: Any) -> int:
    """Return how many steps tasks have taken on the scheduler, which is several for each."""
    found: int = group.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_counter)
    return found


def test_a_model_is_trained_on_the_workers_of_a_scheduler(
    superion, mlflow_home: Path, tmp_path: Path, group: Any
) -> None:
    data, before = _builders.synthetic_csv(tmp_path / "own.csv"), steps(group)
    there = superion("train", "--data", data, *QUICK, "--scheduler", group.scheduler.address, "--json")
    assert there.status == 0, there.err
    assert there.document["version"] == "1"
    assert "fits: 12 of 12" in there.err
    assert steps(group) - before >= 12
    assert group.status == "running", "a scheduler that was there before stays"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--scheduler", "tcp://x:1", "--slurm", "jobs.yaml"), "three places to run; give one"),
        (("--workers", 1, "--scheduler", "tcp://x:1"), "three places to run; give one"),
        (("--scheduler", "nowhere"), "no scheduler answers at nowhere"),
        (("--slurm", "absent.yaml"), "absent.yaml cannot be read"),
        (("--settings", "absent.json"), "absent.json cannot be read as settings"),
    ],
)
def test_what_cannot_be_done_is_refused_before_a_run_is_begun(
    superion,
    superion_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[object, ...],
    said: str,
) -> None:
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 1)
    data = _builders.synthetic_csv(tmp_path / "own.csv")
    done = superion("train", "--data", data, *QUICK, *options)
    assert done.status == 2
    assert said in " ".join(done.err.split())
    assert done.out == ""
    assert not superion_home.exists()
