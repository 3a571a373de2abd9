"""The work of a job that trains: on uploaded data sets or on what a campaign measured, then against the champion.

The version takes the champion's place where that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from superion.errors import InvalidArtefact, Unavailable
from superion.home import run_folder
from superion.serving.jobs import campaign_rows, store
from superion.serving.jobs.store import Job
from superion.serving.jobs.work import Progress, Tell, named
from superion.training import gate, registry, runs
from superion.training.table import MeasurementTable


def train(job: Job, tell: Tell) -> dict[str, Any]:
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
    if job.request.get("campaign") is not None:
        campaign_rows.record(job, found)
    return {**found, "promoted": job.request["promote"] == "if_better" and _promoted(found, tell)}


def _trained(job: Job, tell: Tell) -> dict[str, Any]:
    request = job.request
    held = [row for one in named(request["holdout"]) for row in one.table().rows]
    progress = Progress(job.id)

    def started(run_id: str) -> None:
        store.note_run(job.id, run_id)
        progress.start(len(list(run_folder(run_id).glob("networks/*.safetensors"))))
        tell(f"run {run_id}")

    return runs.run(
        runs.Request(
            data=(),
            tables=_tables(job),
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


def _tables(job: Job) -> list[MeasurementTable]:
    if job.request.get("campaign") is not None:
        return [campaign_rows.table(job)]
    return [one.table() for one in named(job.request["datasets"])]


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
