"""Training on Dask whose worker is killed: what was lost with it is fitted again, to the same bytes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from distributed import KilledWorker

from superion.training import clusters
from superion.training.dask_tasks import Tasks
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


@pytest.mark.check
def test_what_kills_every_worker_that_takes_it_is_an_end_and_others_go_on() -> None:
    with clusters.local(1) as client:
        tasks = Tasks(client)
        deadly = tasks.submit(lambda: os.kill(os.getpid(), signal.SIGKILL))
        assert tasks.next_ended() is deadly
        assert isinstance(tasks.outcome(deadly), KilledWorker)
        harmless = tasks.submit(divmod, 7, 2)
        assert tasks.next_ended() is harmless
        assert tasks.outcome(harmless) == (3, 1)
