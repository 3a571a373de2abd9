"""Training on Dask whose worker is killed, and is then fitted again to the same bytes, or whose scheduler is gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from superion.errors import Unavailable
from superion.training import clusters
from superion.training.pipeline import Job, train

from . import _builders

JOB = Job(_builders.table(), _builders.SETTINGS, workers=1)


def networks(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "networks").iterdir())}


@pytest.mark.check
def test_the_only_worker_is_killed_and_the_run_ends_in_the_same_bytes(tmp_path: Path) -> None:
    done: list[int] = []
    with clusters.local(1) as client:
        (victim,) = client.run(os.getpid).values()

        def progress(n: int, total: int) -> None:
            done.append(n)
            if n == 2:
                os.kill(victim, signal.SIGKILL)

        there = train(JOB, tmp_path / "there", progress, client)
        (successor,) = client.run(os.getpid).values()
    assert successor != victim
    here = train(JOB, tmp_path / "here")
    assert done == list(range(13))
    assert networks(tmp_path / "there") == networks(tmp_path / "here")
    assert there.metrics == here.metrics


def test_a_scheduler_that_is_gone_is_said_with_what_goes_on(tmp_path: Path) -> None:
    with clusters.local(1) as client:
        client.close()
        with pytest.raises(Unavailable, match="does not answer any more; --resume with the number of the run"):
            train(JOB, tmp_path, client=client)
