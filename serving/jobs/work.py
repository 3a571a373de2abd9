"""What a job does, by its kind, and what all kinds of work share: the data sets, and the note of the progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from superion.errors import NotFound
from superion.serving import datasets
from superion.serving.datasets import Dataset
from superion.serving.jobs import store
from superion.serving.jobs.store import Job

PROGRESS_SECONDS = 1.0
"""Least time between two notes of the progress."""

Tell = Callable[[str], None]


def do(job: Job, tell: Tell) -> dict[str, Any]:
    """Do what a job is for, or go on with it; returns what it comes to, with a `version` where that is a model."""
    if job.kind == store.SIMULATION:
        from superion.serving.jobs.replay import replay

        return replay(job, tell)
    from superion.serving.jobs.train import train

    return train(job, tell)


def named(wanted: Iterable[str]) -> list[Dataset]:
    """Return data sets by their identifiers; raises NotFound for one that was deleted."""
    known = {one.id: one for one in datasets.datasets()}
    found = []
    for name in wanted:
        if name not in known:
            raise NotFound(f"the data set {name} was deleted", field="datasets", value=name)
        found.append(known[name])
    return found


class Progress:
    """Note the progress of a job, not more often than it is looked at."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._noted = 0.0

    def start(self, n_kept: int) -> None:
        """Note that this attempt begins with so much done by those before."""
        store.note_attempt(self._job_id, n_kept)

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._noted >= PROGRESS_SECONDS or done == total:
            self._noted = now
            store.note_progress(self._job_id, done, total)
