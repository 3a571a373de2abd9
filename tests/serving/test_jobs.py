"""Training over HTTP on a real service: from a table to a version that answers, and what happens when things die."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ..training import _builders
from ..training._noise import MLFLOW
from .conftest import Service, eventually, running

pytestmark = MLFLOW

QUICK = {"members": 2, "folds": 3, "epochs": 2, "unlabelled": False}
LONG = {**QUICK, "epochs": 4000}
"""A training that does not end while a test looks at it."""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a table that a model can be trained on in seconds."""
    return _builders.synthetic_csv(tmp_path_factory.mktemp("table") / "table.csv").read_bytes()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service of this module."""
    with running(tmp_path_factory.mktemp("jobs") / "home", "--workers", "2") as found:
        yield found


def upload(service: Service, table: bytes, **data: str) -> str:
    """Upload a table; returns the id of the data set."""
    answer = service.client.post("/datasets", files={"file": ("table.csv", table)}, data=data)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def start(service: Service, dataset: str, **settings: Any) -> str:
    """Start a training; returns the id of the job."""
    answer = service.client.post("/jobs", json={"datasets": [dataset], **QUICK, **settings})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def job(service: Service, job_id: str) -> dict[str, Any]:
    """Return a job."""
    found: dict[str, Any] = service.client.get(f"/jobs/{job_id}").json()
    return found


def ended(service: Service, job_id: str, seconds: float = 150.0) -> dict[str, Any]:
    """Return a job once it has ended."""
    eventually(lambda: job(service, job_id)["state"] not in ("queued", "running", "cancelling"), seconds)
    return job(service, job_id)


def process_of(home: Path, job_id: str) -> psutil.Process | None:
    """Return the process of a job, None when there is none."""
    for process in psutil.process_iter(["cmdline"]):
        if process.info["cmdline"] and process.info["cmdline"][-2:] == ["superion.serving.jobs.process", job_id]:
            return process
    return None


def is_gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended, be it that nobody has asked how."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def at_work(service: Service, job_id: str) -> psutil.Process:
    """Return the process of a job once its run is tracked."""
    assert eventually(lambda: job(service, job_id)["run_id"] is not None, 90), job(service, job_id)
    process = process_of(service.home, job_id)
    assert process is not None
    return process


def run_status(service: Service, job_or_run: str) -> str:
    """Return what MLflow calls the run of a job, or a run, as its database has it."""
    with contextlib.closing(sqlite3.connect(service.home / "service.db")) as records:
        found = records.execute("SELECT run_id FROM jobs WHERE id = ?", (job_or_run,)).fetchone()
    with contextlib.closing(sqlite3.connect(service.home / "mlflow.db")) as database:
        run_id = job_or_run if found is None else found[0]
        return str(database.execute("SELECT status FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()[0])


@pytest.mark.timeout(400)
def test_from_a_table_to_a_version_that_answers_and_back(served: Service, table: bytes) -> None:
    dataset = upload(served, table)
    job_id = start(served, dataset, name="first")
    assert served.client.delete(f"/datasets/{dataset}").status_code == 409
    found = ended(served, job_id)
    assert found["state"] == "succeeded", (found, served.client.get(f"/jobs/{job_id}/log").text)
    assert found["progress"]["fits_done"] == found["progress"]["fits_total"] == (3 + 1) * (2 + 1)
    assert found["result"]["cross_validation"]["censored_at_-15"]["mae"] > 0
    assert (found["attempts"], found["run_url"], found["owner"]) == (1, None, "local")
    log = served.client.get(f"/jobs/{job_id}/log")
    assert f"run {found['run_id']}" in log.text
    assert str(served.home) not in log.text
    assert served.client.get(f"/jobs/{job_id}/log", params={"offset": log.headers["X-Next-Offset"]}).text == ""
    beyond = served.client.get(f"/jobs/{job_id}/log", params={"offset": 2**53})  # More than a file can hold on some
    assert (beyond.status_code, beyond.text) == (200, "")

    # Had the process been killed before it could say so, the next one would find the same, and register nothing twice.
    with contextlib.closing(sqlite3.connect(served.home / "service.db")) as records, records:
        records.execute("UPDATE jobs SET state = 'queued', ended = NULL, version = NULL, result = NULL")
    again = ended(served, job_id)
    assert (again["state"], again["version"], again["result"]) == ("succeeded", found["version"], found["result"])
    assert "was registered already" in served.client.get(f"/jobs/{job_id}/log").text
    assert not list((served.home / "runs").iterdir()), "checkpoints of a finished job are gone"

    version = found["version"]
    models = served.client.get("/models").json()
    assert (models["champion"], models["challenger"], models["rollback"]) == ("1", version, None)
    listed = models["models"][0]
    assert (listed["version"], listed["name"], listed["parent"]) == (version, "first", "scratch")
    assert listed["metrics"]["censored_at_-15.mae"] > 0
    detail = served.client.get("/models/challenger").json()
    assert detail["version"] == version
    assert detail["card"].startswith("#")
    assert served.client.get("/models/99").status_code == 404
    assert served.client.post(f"/models/{version}/gate").json()["error"]["code"] == "no_holdout"
    named = served.predict("Li6PS5Cl", model=version).json()
    assert named["model"]["version"] == version
    assert served.predict("Li6PS5Cl").json()["model"]["version"] == "1"
    assert served.predict("Li6PS5Cl", model="99").status_code == 404

    failures: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            answer = served.predict(f"Li{number % 9 + 1}PS5Cl")
            if answer.status_code != 200 or "error" in answer.json()["predictions"][0]:
                failures.append(answer.text)

    client = threading.Thread(target=ask)
    client.start()
    try:
        promoted = served.client.post(f"/models/{version}/promote", json={"force": True})
        assert (promoted.status_code, promoted.json()["champion"], promoted.json()["rollback"]) == (200, version, "1")
        assert eventually(lambda: answering(served) == {version}, 15)
        back = served.client.post("/models/rollback")
        assert (back.json()["champion"], back.json()["rollback"]) == ("1", version)
        assert eventually(lambda: answering(served) == {"1"}, 15)
    finally:
        stop.set()
        client.join()
    assert failures == []
    assert served.client.delete(f"/datasets/{dataset}").status_code == 204


def answering(service: Service) -> set[str]:
    """Return which versions answer new connections, of which each of the workers takes some."""
    import httpx

    found = set()
    for _ in range(12):
        answer = httpx.post(f"{service.url}/predict", json={"materials": [{"formula": "LiF"}]}, timeout=60)
        found.add(answer.json()["model"]["version"])
    return found


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "datasets"),
        ({"datasets": []}, 400, "datasets"),
        ({"datasets": ["nothing"]}, 404, "dataset"),
        ({"datasets": ["x"], "members": 1}, 400, "members"),
        ({"datasets": ["x"], "from": "nothing"}, 400, "from"),
        ({"datasets": ["x"], "seed": "0"}, 400, "seed"),
        ({"datasets": ["x"], "other": 1}, 400, "other"),
    ],
)
def test_what_cannot_be_trained_is_refused(served: Service, body: Any, status: int, field: str) -> None:
    answer = served.client.post("/jobs", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


def test_what_is_not_there_is_said(served: Service) -> None:
    for method, path in (("GET", "/jobs/x"), ("GET", "/jobs/x/log"), ("POST", "/jobs/x/cancel"), ("GET", "/models/x")):
        answer = served.client.request(method, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.timeout(300)
def test_a_job_is_cancelled_while_it_waits_and_while_it_works(served: Service, table: bytes) -> None:
    dataset = upload(served, table)
    working, waiting = start(served, dataset, **LONG), start(served, dataset, **LONG)
    process = at_work(served, working)
    assert job(served, waiting)["state"] == "queued"
    assert served.client.post(f"/jobs/{waiting}/cancel").json()["state"] == "cancelled"
    assert served.client.post(f"/jobs/{working}/cancel").json()["state"] == "cancelling"
    assert ended(served, working, 40)["state"] == "cancelled"
    assert is_gone(process)
    assert run_status(served, working) == "KILLED"
    assert not (served.home / "runs" / job(served, working)["run_id"]).exists()
    again = served.client.post(f"/jobs/{working}/cancel")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "job_ended")


@pytest.mark.check
@pytest.mark.timeout(400)
def test_a_job_whose_process_is_killed_goes_on_and_one_that_keeps_dying_fails(served: Service, table: bytes) -> None:
    job_id = start(served, upload(served, table), **LONG)
    for attempt in range(1, 4):
        assert eventually(lambda number=attempt: job(served, job_id)["attempts"] == number, 60)
        at_work(served, job_id).kill()
        assert eventually(lambda: process_of(served.home, job_id) is None, 20)
    found = ended(served, job_id, 30)
    assert found["state"] == "failed"
    assert found["reason"] == "its process ended 3 times, the last time so: signal 9, as a rule for want of memory"
    assert eventually(lambda: run_status(served, job_id) == "FAILED", 60)
    assert not (served.home / "runs" / found["run_id"]).exists()


@pytest.mark.check
@pytest.mark.timeout(600)
def test_a_job_outlives_a_killed_service_and_waits_for_one_that_was_stopped(
    run_service: Callable[..., Any], table: bytes
) -> None:
    with run_service() as service:
        job_id = start(service, upload(service, table), **LONG)
        process = at_work(service, job_id)
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait(30)
        time.sleep(2.0)
        assert not is_gone(process)
    with run_service() as service:
        found = job(service, job_id)
        run_id = found["run_id"]
        assert found["state"] == "running"
        assert process_of(service.home, job_id) == process  # adopted, not started a second time
        assert service.stop() == 0
        assert is_gone(process)
        assert run_status(service, run_id) == "SCHEDULED"
    with run_service() as service:
        assert eventually(lambda: job(service, job_id)["state"] == "running", 30)
        assert job(service, job_id)["attempts"] == 1
        service.client.post(f"/jobs/{job_id}/cancel")
        assert ended(service, job_id, 40)["state"] == "cancelled"


@pytest.mark.check
@pytest.mark.timeout(600)
def test_a_holdout_is_never_learned_from_and_decides(run_service: Callable[..., Any], tmp_path: Path) -> None:
    table = _builders.synthetic_csv(tmp_path / "all.csv", n=60).read_bytes()
    header, *rows = table.splitlines(keepends=True)
    held, learned = header + b"".join(rows[:20]), table
    with run_service() as service:
        holdout = upload(service, held, purpose="holdout")
        refused = service.client.post("/jobs", json={"datasets": [holdout], **QUICK})
        assert (refused.status_code, refused.json()["error"]["field"]) == (400, "datasets")
        found = ended(service, start(service, upload(service, learned), promote="if_better"))
        assert found["state"] == "succeeded", found
        assert found["result"]["n_left_out"] >= 20
        gate = found["result"]["gate"]
        assert gate["n"] == 20
        better = gate["verdict"] == "better"
        assert found["result"]["promoted"] == better
        again = service.client.post(f"/models/{found['version']}/gate").json()["gate"]
        if better:
            # It is the champion now, and meets itself.
            assert again["censored_at_-15"]["champion_mae"] == again["censored_at_-15"]["mae"]
            assert again["censored_at_-15"]["mae"] == gate["censored_at_-15"]["mae"]
        else:
            assert again == gate
        assert service.client.get("/models").json()["champion"] == (found["version"] if better else "1")
