"""What a campaign measured, as a job trains on it: kept when the work begins, so that an interrupted one goes on."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from superion.discovery.campaigns.store import CampaignStore
from superion.serving.jobs.store import Job
from superion.training.table import MeasurementTable, read_table


def table(job: Job) -> MeasurementTable:
    """Return what the campaign of a job measured; raises InvalidTable where that is nothing, NotFound for no campaign.

    It is that of the first attempt: a training goes on only with the rows that it began with.
    """
    name = job.request["campaign"]
    if not job.measured.is_dir():
        draft = job.folder / "measured.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        with CampaignStore.open() as opened:
            found = opened.export_rows(name)
        found.write_table(draft / _file(job).name)
        found.write_structures(draft / "structures")
        draft.rename(job.measured)
    return read_table(_file(job), job.measured / "structures")


def record(job: Job, found: Mapping[str, Any]) -> None:
    """Put into the audit of the campaign which version came of it, once."""
    name, run_id = job.request["campaign"], found["run_id"]
    with CampaignStore.open() as opened:
        noted = (event for event in opened.events(name) if event.action == "retrain")
        if any(event.detail["run_id"] == run_id for event in noted):
            return
        with _file(job).open(newline="", encoding="utf-8") as table:
            rows = sum(1 for _ in csv.DictReader(table))
        detail = {key: found[key] for key in ("run_id", "version", "alias")}
        opened.record_retraining(name, {**detail, "rows": rows, "why": job.request["why"]}, by=job.request["by"])


def _file(job: Job) -> Path:
    return job.measured / f"{job.request['campaign']}.csv"
