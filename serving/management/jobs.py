"""`/jobs`: start a training on uploaded data; follow any job, cancel it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse, Response

from superion import home
from superion.serving import datasets, model_host
from superion.serving.access import Reader, Writer
from superion.serving.callers import ADMIN, LOCAL, Caller
from superion.serving.datasets import Dataset
from superion.serving.job_bodies import JobAnswer, JobBody, JobList
from superion.serving.jobs import store
from superion.serving.jobs.store import Job
from superion.serving.problems import Refusal
from superion.serving.times import moment

router = APIRouter()

MAX_LOG_BYTES = 256 * 1024
"""Longest part of a log that is answered at a time."""

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such job."}}


@router.post(
    "/jobs",
    status_code=202,
    openapi_extra={"x-superion": {"takes": "json"}},
    responses={404: {"description": "There is no such data set that this key may read."}},
    response_model=JobAnswer,
    summary="Start a training.",
)
def create(caller: Writer, body: JobBody) -> Any:
    """Queue a training on uploaded data sets; one job is run at a time."""
    check_promotion(body.promote, caller)
    if not body.name.isprintable() or not body.name.strip():
        raise Refusal(400, "name is 1 to 120 printable characters", field="name")
    for found in found_datasets(body.datasets, caller):
        if found.purpose == datasets.HOLDOUT:
            raise Refusal(400, f"the data set {found.id} is a holdout, which no model learns from", field="datasets")
    return queue(caller, of_now(body.model_dump(by_alias=True)))


def check_promotion(asked: str, caller: Caller) -> None:
    """Refuse a caller, 403, who may not have another model answer."""
    if asked != "never" and not caller.may(ADMIN):
        raise Refusal(403, "promote: changing which model answers takes a key with the role admin", field="promote")


def found_datasets(names: Sequence[str], caller: Caller) -> list[Dataset]:
    """Return data sets that a caller may read; raises Refusal: 404 for another one, 400 for one that is named twice."""
    found = [datasets.find(name, caller) for name in names]
    if len(set(names)) < len(names):
        raise Refusal(400, "datasets names one twice", field="datasets")
    return found


def of_now(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked of a training with what it starts from and what it may not learn.

    Those are of now, also where it is interrupted and goes on later.
    """
    parent = None if request["from"] == "scratch" else _champion()
    return {**request, "kind": store.TRAINING, "parent": parent, "holdout": [one.id for one in datasets.holdout()]}


def queue(caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Queue a job and return its document; raises Refusal, 429, where too many wait."""
    try:
        job = store.create(caller.key, caller.name, request)
    except OverflowError as error:
        raise Refusal(429, f"{error}; try again when some have ended") from None
    return _document(job, datasets.key_names(), caller)


@router.get("/jobs", response_model=JobList, summary="The newest 200 jobs, newest first.")
def list_jobs(caller: Reader) -> Any:
    """Return them."""
    names = datasets.key_names()
    return {"jobs": [_document(job, names, caller) for job in store.jobs()]}


@router.get("/jobs/{job_id}", response_model=JobAnswer, responses=_NOT_FOUND, summary="One job.")
def get(caller: Reader, job_id: str) -> Any:
    """Return it."""
    return _document(_find(job_id), datasets.key_names(), caller)


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
    return _document(_find(job_id), datasets.key_names(), caller)


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
    if not _is_of(job, caller):
        raise Refusal(403, f"whoever started a job may {what}, and a key with the role admin")


def _is_of(job: Job, caller: Caller) -> bool:
    return job.owner == caller.key or caller.may(ADMIN)


def _document(job: Job, names: Mapping[str, str], caller: Caller) -> dict[str, Any]:
    # What a simulation tells is of the rows themselves, which not everybody may see: their families and best levels.
    shown = job.kind == store.TRAINING or _is_of(job, caller)
    return {
        "id": job.id,
        "kind": job.kind,
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
        "result": job.result if shown else None,
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
