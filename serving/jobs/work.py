"""What a job does: train on uploaded data sets, meet the champion, and take its place where that was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from superion.errors import InvalidArtefact, NotFound, Unavailable
from superion.home import run_folder
from superion.serving import datasets
from superion.serving.datasets import Dataset
from superion.serving.jobs import store
from superion.serving.jobs.store import Job
from superion.training import gate, registry, runs

PROGRESS_SECONDS = 1.0
"""Least time between two notes of the progress."""

Tell = Callable[[str], None]


def do(job: Job, tell: Tell) -> dict[str, Any]:
    """Train what a job asks for, or go on with it; returns what `runs.run` does, and whether it was promoted.

    Raises what `runs.run` raises, NotFound for a data set that was deleted, Unavailable when MLflow's database is gone.
    """
    torch.set_num_threads(1)  # one process for each core is more than enough
    if job.run_id is not None and registry.registry_is_new():
        raise Unavailable("MLflow's database, which holds the run of the job, is gone", field="run_id")
    done = None if job.run_id is None else runs.finished(job.run_id)
    if done is not None:
        tell(f"run {job.run_id} was registered already")
    found = done or _trained(job, tell)
    del found["failed"]  # rows, which are for those who may read the data set; its report has them
    return {**found, "promoted": job.request["promote"] == "if_better" and _promoted(found, tell)}


def _trained(job: Job, tell: Tell) -> dict[str, Any]:
    request = job.request
    known = {one.id: one for one in datasets.datasets()}
    held = [row for one in _all(known, request["holdout"]) for row in one.table().rows]
    progress = _Progress(job.id)

    def started(run_id: str) -> None:
        store.note_run(job.id, run_id)
        progress.start(len(list(run_folder(run_id).glob("networks/*.safetensors"))))
        tell(f"run {run_id}")

    return runs.run(
        runs.Request(
            data=(),
            tables=[one.table() for one in _all(known, request["datasets"])],
            name=request["name"],
            start=request["parent"] or runs.SCRATCH,
            resume=_resumable(job.run_id),
            seed=request["seed"],
            members=request["members"],
            folds=request["folds"],
            epochs=request["epochs"],
            unlabelled=request["unlabelled"],
            holdout=held,
        ),
        progress=progress,
        tell=tell,
        started=started,
    )


def _all(known: Mapping[str, Dataset], wanted: Sequence[str]) -> list[Dataset]:
    for name in wanted:
        if name not in known:
            raise NotFound(f"the data set {name} was deleted", field="datasets", value=name)
    return [known[name] for name in wanted]


def _resumable(run_id: str | None) -> str | None:
    """Return the run to go on with, None where its checkpoints are gone."""
    return run_id if run_id is not None and (run_folder(run_id) / "job.json").is_file() else None


def _promoted(found: Mapping[str, Any], tell: Tell) -> bool:
    """Promote a version that is better than the champion, unless it met another one; returns whether it was."""
    version, verdict, met = found["version"], found["gate"]["verdict"], found["gate"]["champion"]
    now = registry.resolve(registry.CHAMPION).version
    if now == version:
        return True
    if verdict != gate.BETTER:
        tell(f"not promoted: {verdict}")
        return False
    if gate.champion_name() != met:
        tell(f"not promoted: it was compared with {met}, and version {now} is the champion by now")
        return False
    try:
        registry.promote(version)
    except InvalidArtefact as error:
        # The version is there and says so; whoever promotes it by hand hears the same.
        tell(f"not promoted: {error.message}")
        return False
    tell(f"version {version} is the champion")
    return True


class _Progress:
    """Note the progress of a training, not more often than it is looked at."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._noted = 0.0

    def start(self, n_kept: int) -> None:
        """Note that this attempt begins with so many fits, kept from those before."""
        store.note_attempt(self._job_id, n_kept)

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._noted >= PROGRESS_SECONDS or done == total:
            self._noted = now
            store.note_progress(self._job_id, done, total)
