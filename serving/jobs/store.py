"""The rows of jobs in the service's database; standard library only, because the supervisor reads them."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from superion.home import home, run_folder
from superion.serving import state

QUEUED, RUNNING, CANCELLING = "queued", "running", "cancelling"
SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
UNFINISHED = (QUEUED, RUNNING, CANCELLING)
AT_WORK = (RUNNING, CANCELLING)

TRAINING, SIMULATION = "training", "simulation"
"""Kinds of jobs."""

MAX_LISTED = 200
"""Jobs that are listed; those before are found by their identifiers."""
MAX_QUEUED = 100
"""Jobs that may wait."""

BROKEN = 70
"""Exit status of a job's process of whose own processes one was killed."""


@dataclass(frozen=True)
class Job:
    """Hold the row of a job; times are seconds since the epoch."""

    id: str
    owner: str | None
    request: Mapping[str, Any]
    state: str
    reason: str | None
    created: float
    started: float | None
    ended: float | None
    fits_done: int
    fits_total: int | None
    attempts: int
    pid: int | None
    pid_started: float | None
    cancel_asked: int
    run_id: str | None
    version: str | None
    result: Mapping[str, Any] | None
    attempt_started: float | None
    """When the attempt at work began to fit."""
    attempt_fits: int
    """Fits that were kept from attempts before it."""

    @property
    def kind(self) -> str:
        """What it does; jobs of before there were several kinds are trainings."""
        return str(self.request.get("kind", TRAINING))

    @property
    def folder(self) -> Path:
        """Where its log lies."""
        return home() / "jobs" / self.id

    @property
    def log(self) -> Path:
        """The file that it writes what it does to, for whoever started it."""
        return self.folder / "log.txt"

    @property
    def output(self) -> Path:
        """The file of what its process prints, for whoever runs the service."""
        return self.folder / "output.txt"

    @property
    def replayed(self) -> Path:
        """The file of the campaigns that a simulation has replayed so far."""
        return self.folder / "replayed.jsonl"

    @property
    def measured(self) -> Path:
        """The folder of what a campaign had measured when a training on it began."""
        return self.folder / "measured"


def create(owner: str | None, actor: str, request: Mapping[str, Any]) -> Job:
    """Queue a job; raises OverflowError where too many wait."""
    job_id = secrets.token_hex(8)
    with state.connection() as opened:
        waiting = opened.execute("SELECT count(*) FROM jobs WHERE state = ?", (QUEUED,)).fetchone()[0]
        if waiting >= MAX_QUEUED:
            raise OverflowError(f"{waiting} jobs wait already")
        opened.execute(
            "INSERT INTO jobs (id, owner, request, state, created) VALUES (?, ?, ?, ?, ?)",
            (job_id, owner, json.dumps(dict(request)), QUEUED, time.time()),
        )
        state.note_event(opened, actor, "job.queue", {"job": job_id, "request": dict(request)})
    found = get(job_id)
    assert found is not None, "it was written just now"
    return found


def get(job_id: str) -> Job | None:
    """Return a job, None when there is none."""
    found = _select("WHERE id = ?", (job_id,))
    return found[0] if found else None


def jobs() -> list[Job]:
    """Return the newest jobs, newest first."""
    return _select("ORDER BY created DESC LIMIT ?", (MAX_LISTED,))


def at_work() -> list[Job]:
    """Return the jobs that have a process, or had one."""
    return _select("WHERE state IN (?, ?)", AT_WORK)


def oldest_queued() -> Job | None:
    """Return the job that is next, None when none waits."""
    found = _select("WHERE state = ? ORDER BY created LIMIT 1", (QUEUED,))
    return found[0] if found else None


def ask_to_cancel(job_id: str, actor: str) -> None:
    """Have a job cancelled: at once while it waits, else as soon as its process has ended."""
    with state.connection() as opened:
        queued = opened.execute(
            "UPDATE jobs SET state = ?, ended = ?, cancel_asked = 1, reason = ? WHERE id = ? AND state = ?",
            (CANCELLED, time.time(), f"cancelled by {actor}", job_id, QUEUED),
        )
        if not queued.rowcount:
            opened.execute(
                "UPDATE jobs SET state = ?, cancel_asked = 1, reason = ? WHERE id = ? AND state = ?",
                (CANCELLING, f"cancelled by {actor}", job_id, RUNNING),
            )
        state.note_event(opened, actor, "job.cancel", {"job": job_id})


def start(job_id: str, pid: int, pid_started: float) -> bool:
    """Note that a queued job has a process; returns False for one that is queued no more, whose process must end."""
    with state.connection() as opened:
        started = opened.execute(
            "UPDATE jobs SET state = ?, pid = ?, pid_started = ?, started = coalesce(started, ?), reason = NULL, "
            "attempts = attempts + 1, attempt_started = NULL WHERE id = ? AND state = ?",
            (RUNNING, pid, pid_started, time.time(), job_id, QUEUED),
        )
        if not started.rowcount:
            return False
        state.note_event(opened, None, "job.start", {"job": job_id, "pid": pid})
    return True


def note_attempt(job_id: str, n_kept: int) -> None:
    """Note that the attempt at work begins to fit, and how many fits are there already."""
    _update(job_id, "attempt_started = ?, attempt_fits = ?", (time.time(), n_kept))


def note_progress(job_id: str, done: int, total: int) -> None:
    """Note how many of a job's fits are done."""
    _update(job_id, "fits_done = ?, fits_total = ?", (done, total))


def note_run(job_id: str, run_id: str) -> None:
    """Note the tracked run of a job, so that it can be resumed."""
    _update(job_id, "run_id = ?", (run_id,))


def queue_again(job_id: str, reason: str, *, counts: bool) -> None:
    """Have a job go on later; `counts` says whether the attempt that ended counts as one."""
    with state.connection() as opened:
        opened.execute(
            "UPDATE jobs SET state = ?, reason = ?, pid = NULL, pid_started = NULL, attempts = attempts - ? "
            "WHERE id = ? AND state IN (?, ?)",
            (QUEUED, reason, int(not counts), job_id, *AT_WORK),
        )
        state.note_event(opened, None, "job.queue_again", {"job": job_id, "reason": reason})


def finish(
    job_id: str,
    end: str,
    reason: str | None = None,
    version: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    """Note how a job has ended: `SUCCEEDED`, `FAILED` or `CANCELLED`; one that has ended stays as it is."""
    written = None if result is None else json.dumps(dict(result))
    with state.connection() as opened:
        opened.execute(
            "UPDATE jobs SET state = ?, reason = CASE WHEN ? THEN NULL ELSE coalesce(?, reason) END, ended = ?, "
            "version = coalesce(?, version), result = coalesce(?, result), pid = NULL, pid_started = NULL "
            "WHERE id = ? AND state IN (?, ?)",
            (end, end == SUCCEEDED, reason, time.time(), version, written, job_id, *AT_WORK),
        )
        state.note_event(opened, None, f"job.{end}", {"job": job_id, "reason": reason, "version": version})


def drop_checkpoints(job_id: str) -> None:
    """Delete what a job that has ended would have gone on from; its model, if there is one, is in MLflow."""
    job = get(job_id)
    if job is None or job.state in UNFINISHED:
        return
    job.replayed.unlink(missing_ok=True)
    shutil.rmtree(job.measured, ignore_errors=True)
    if job.run_id is not None:
        shutil.rmtree(run_folder(job.run_id), ignore_errors=True)


def _update(job_id: str, assignments: str, values: tuple[Any, ...]) -> None:
    with state.connection() as opened:
        opened.execute(f"UPDATE jobs SET {assignments} WHERE id = ?", (*values, job_id))


def _select(clause: str, values: tuple[Any, ...]) -> list[Job]:
    if not state.exists():
        return []
    with state.reading() as opened:
        return [_job(row) for row in opened.execute(f"SELECT * FROM jobs {clause}", values)]


def _job(row: sqlite3.Row) -> Job:
    fields = {name: row[name] for name in Job.__dataclass_fields__}
    fields["request"] = json.loads(row["request"])
    fields["result"] = None if row["result"] is None else json.loads(row["result"])
    return Job(**fields)
