"""`/jobs`: start a training on uploaded data, follow it, cancel it."""

from __future__ import annotations

import os
import time
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse, Response

from superion import home
from superion.serving import datasets, model_host
from superion.serving.access import Reader, Writer
from superion.serving.callers import ADMIN, LOCAL, Caller
from superion.serving.forms import STRICT
from superion.serving.jobs import store
from superion.serving.jobs.store import Job
from superion.serving.problems import Refusal
from superion.serving.times import moment

router = APIRouter()

MAX_LOG_BYTES = 256 * 1024
"""Longest part of a log that is answered at a time."""

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such job."}}


class JobBody(BaseModel):
    """What to train, on what, and how."""

    model_config = STRICT

    datasets: Annotated[list[str], Field(min_length=1, max_length=20)] = Field(description="Uploaded data sets.")
    start: Literal["scratch", "champion"] = Field("scratch", alias="from", description="champion fine-tunes it.")
    name: Annotated[str, Field(min_length=1, max_length=120)] = "superion"
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    members: Annotated[int, Field(ge=2, le=50)] = Field(4, description="Networks in the ensemble.")
    folds: Annotated[int, Field(ge=2, le=100)] = Field(5, description="Folds of the cross-validation.")
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="As the release model unless given."
    )
    unlabelled: bool = Field(True, description="Show compounds without a label, where they are at hand.")
    promote: Literal["never", "if_better"] = Field(
        "never",
        description="if_better, which takes the role admin: the new version answers where the gate says better.",
    )


class Progress(BaseModel):
    """How far a job is."""

    fits_done: int
    fits_total: int | None = Field(description="Null before it is known.")
    seconds_left: float | None = Field(description="At the rate so far; null before there is one.")


class JobAnswer(BaseModel):
    """A training job."""

    id: str
    state: str = Field(description="queued, running, cancelling, succeeded, failed or cancelled.")
    reason: str | None = Field(description="Why it is in this state, where there is something to say.")
    owner: str
    request: dict[str, Any] = Field(
        description="What was asked for, with the version that it starts from and the holdout that it may not learn."
    )
    created: str
    started: str | None
    ended: str | None
    progress: Progress
    attempts: int
    run_id: str | None = Field(description="Of MLflow.")
    run_url: str | None = Field(description="Of the run's page, where MLFLOW_TRACKING_URI names a server with pages.")
    version: str | None = Field(description="Of the model that came of it.")
    result: dict[str, Any] | None = Field(description="Cross-validation, gate, and what was left out.")


class JobList(BaseModel):
    """The jobs, newest first."""

    jobs: list[JobAnswer]


@router.post(
    "/jobs",
    status_code=202,
    openapi_extra={"x-superion": {"takes": "json"}},
    responses={404: {"description": "There is no such data set that this key may read."}},
    response_model=JobAnswer,
    summary="Start a training.",
)
def create(caller: Writer, body: JobBody) -> Any:
    """Queue a training on uploaded data sets; one is run at a time."""
    if body.promote != "never" and not caller.may(ADMIN):
        raise Refusal(403, "promote: changing which model answers takes a key with the role admin", field="promote")
    if not body.name.isprintable() or not body.name.strip():
        raise Refusal(400, "name is 1 to 120 printable characters", field="name")
    for name in body.datasets:
        found = datasets.find(name, caller)
        if found.purpose == datasets.HOLDOUT:
            raise Refusal(400, f"the data set {name} is a holdout, which no model learns from", field="datasets")
    if len(set(body.datasets)) < len(body.datasets):
        raise Refusal(400, "datasets names one twice", field="datasets")
    # What it starts from and what it may not learn are those of now, also where it is interrupted and goes on later.
    parent = None if body.start == "scratch" else _champion()
    held = [one.id for one in datasets.holdout()]
    try:
        job = store.create(
            caller.key, caller.name, {**body.model_dump(by_alias=True), "parent": parent, "holdout": held}
        )
    except OverflowError as error:
        raise Refusal(429, f"{error}; try again when some have ended") from None
    return _document(job, datasets.key_names())


@router.get("/jobs", response_model=JobList, summary="The newest 200 jobs, newest first.")
def list_jobs(caller: Reader) -> Any:
    """Return them."""
    names = datasets.key_names()
    return {"jobs": [_document(job, names) for job in store.jobs()]}


@router.get("/jobs/{job_id}", response_model=JobAnswer, responses=_NOT_FOUND, summary="One job.")
def get(caller: Reader, job_id: str) -> Any:
    """Return it."""
    return _document(_find(job_id), datasets.key_names())


@router.get(
    "/jobs/{job_id}/log",
    response_class=PlainTextResponse,
    responses=_NOT_FOUND,
    summary="What a job has written to its log.",
)
def log(caller: Reader, job_id: str, offset: Annotated[int, Query(ge=0, le=2**53)] = 0) -> Response:
    """Return the log from a byte on; the header X-Next-Offset says where to go on. Its owner and admins may."""
    job = _find(job_id)
    _check_owner(job, caller, "read its log")
    content = b""
    # Some file systems refuse to look beyond the size that a file can have on them, so that is not tried.
    if job.log.is_file() and offset < job.log.stat().st_size:
        with job.log.open("rb") as opened:
            opened.seek(offset)
            content = opened.read(MAX_LOG_BYTES)
    text = content.decode("utf-8", "replace").replace(str(home.home()), "SUPERION_HOME")
    return PlainTextResponse(text, headers={"X-Next-Offset": str(offset + len(content))})


@router.post(
    "/jobs/{job_id}/cancel",
    response_model=JobAnswer,
    responses={**_NOT_FOUND, 409: {"description": "It has ended already."}},
    summary="Cancel a job.",
)
def cancel(caller: Writer, job_id: str) -> Any:
    """Stop it; what it has fitted is lost."""
    job = _find(job_id)
    _check_owner(job, caller, "cancel it")
    if job.state not in store.UNFINISHED:
        raise Refusal(409, f"the job has ended already: {job.state}", code="job_ended")
    store.ask_to_cancel(job_id, caller.name)
    return _document(_find(job_id), datasets.key_names())


def _champion() -> str:
    predictor = model_host.shared().predictor
    if predictor is None:
        raise Refusal(503)
    return predictor.model.version


def _find(job_id: str) -> Job:
    found = store.get(job_id)
    if found is None:
        raise Refusal(404, f"there is no job {job_id[:40]!r}", field="job_id")
    return found


def _check_owner(job: Job, caller: Caller, what: str) -> None:
    if job.owner != caller.key and not caller.may(ADMIN):
        raise Refusal(403, f"whoever started a job may {what}, and a key with the role admin")


def _document(job: Job, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.state,
        "reason": job.reason,
        "owner": LOCAL.name if job.owner is None else names.get(job.owner, job.owner),
        "request": dict(job.request),
        "created": moment(job.created),
        "started": moment(job.started),
        "ended": moment(job.ended),
        "progress": {
            "fits_done": job.fits_done,
            "fits_total": job.fits_total,
            "seconds_left": _seconds_left(job),
        },
        "attempts": job.attempts,
        "run_id": job.run_id,
        "run_url": None if job.run_id is None else _run_url(job.run_id),
        "version": job.version,
        "result": job.result,
    }


def _run_url(run_id: str) -> str | None:
    server = urlsplit(os.environ.get(home.TRACKING_VARIABLE, ""))
    if server.scheme not in ("http", "https"):
        return None
    # Without the user and the password that the service itself may have.
    place = server.netloc.rpartition("@")[2]
    return f"{server.scheme}://{place}{server.path.rstrip('/')}/#/runs/{run_id}"


def _seconds_left(job: Job) -> float | None:
    if job.state != store.RUNNING or job.attempt_started is None or job.fits_total is None:
        return None
    fitted = job.fits_done - job.attempt_fits
    if fitted <= 0:
        return None
    return round((time.time() - job.attempt_started) / fitted * (job.fits_total - job.fits_done), 1)
