"""What becomes of jobs whose process dies, is another's, waits for MLflow or finds nothing to do; without HTTP."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from superion.errors import InvalidTable, NotFound, Unavailable
from superion.serving import state
from superion.serving.jobs import process, runner, store, work
from superion.serving.jobs.log import FULL, MAX_BYTES, JobLog
from superion.serving.jobs.runner import Runner
from superion.serving.jobs.store import Job
from superion.training import registry

from ..training._noise import MLFLOW
from .conftest import eventually

pytestmark = MLFLOW

REQUEST = {
    **{"datasets": ["gone"], "holdout": [], "parent": None, "from": "scratch", "name": "x", "seed": 0, "members": 2},
    **{"folds": 3, "epochs": 1, "unlabelled": False, "promote": "never"},
}


def queued() -> Job:
    """Queue a job whose data set is not there."""
    return store.create(None, "local", REQUEST)


def now(job: Job) -> Job:
    """Return a job as it is by now."""
    found = store.get(job.id)
    assert found is not None
    return found


@pytest.fixture
def runs(superion_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """Yield a runner that looks as often as it is asked to."""
    monkeypatch.setattr(runner, "LOOK_SECONDS", 0.0)
    found = Runner({**os.environ, "SUPERION_JOB_NICE": "0"})
    yield found
    found.stop()


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process in a session of its own that has nothing to do with jobs."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_job_without_its_data_set_fails_and_says_so(runs: Runner) -> None:
    job = queued()

    def ended() -> bool:
        runs.look()
        return now(job).state not in store.UNFINISHED

    assert eventually(ended, 60)
    assert (now(job).state, now(job).reason) == ("failed", "the data set gone was deleted")
    assert (now(job).attempts, now(job).pid) == (1, None)
    assert job.log.read_text().splitlines()[-1].endswith(" failed: the data set gone was deleted")
    with contextlib.closing(sqlite3.connect(state.database())) as records:
        noted = [row[0] for row in records.execute("SELECT action FROM events")]
    assert noted == ["job.queue", "job.start", "job.failed"]


def test_another_process_under_the_number_of_a_job_is_left_alone(
    runs: Runner, stranger: subprocess.Popen[bytes]
) -> None:
    job = queued()
    store.start(job.id, stranger.pid, runner._started(stranger.pid) or 0.0)
    runs.look()
    assert (now(job).state, now(job).attempts) == ("queued", 1)
    assert (
        now(job).reason == "its process ended (it was gone when the service was started again); it goes on where it was"
    )
    assert stranger.poll() is None


def test_what_a_dead_process_has_left_running_is_ended(runs: Runner) -> None:
    left = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    parent = subprocess.Popen([sys.executable, "-c", left], start_new_session=True)
    parent.wait(30)
    os.killpg(parent.pid, 0)  # there is something left
    job = queued()
    store.start(job.id, parent.pid, 1.0)
    runs.look()

    def gone() -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, 0)
            return False
        return True

    assert now(job).state == "queued"
    assert eventually(gone, 20)


def test_a_job_that_was_asked_to_be_cancelled_and_has_no_process_is_cancelled(runs: Runner) -> None:
    job = queued()
    store.start(job.id, 2**22 - 1, 1.0)
    store.ask_to_cancel(job.id, "anna")
    assert (now(job).state, now(job).reason) == ("cancelling", "cancelled by anna")
    runs.look()
    assert (now(job).state, now(job).reason) == ("cancelled", "cancelled by anna")


def test_jobs_are_run_in_the_order_in_which_they_came_and_one_at_a_time(
    runs: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(runs, "_start", lambda job: (started.append(job.id), store.start(job.id, os.getpid(), 0.0)))
    monkeypatch.setattr(runs, "_is_alive", lambda job: True)
    first, second = queued(), queued()
    for _ in range(3):
        runs.look()
    assert started == [first.id]
    store.finish(first.id, store.SUCCEEDED)
    runs.look()
    assert started == [first.id, second.id]
    store.finish(second.id, store.CANCELLED)


def test_a_job_that_was_done_before_it_could_be_cancelled_says_nothing_of_it(superion_home: Path) -> None:
    job = queued()
    store.start(job.id, 1, 1.0)
    store.ask_to_cancel(job.id, "anna")
    assert now(job).reason == "cancelled by anna"
    store.finish(job.id, store.SUCCEEDED, version="4")
    assert (now(job).state, now(job).reason) == ("succeeded", None)


def test_an_ended_job_stays_as_it_ended(superion_home: Path) -> None:
    job = queued()
    store.start(job.id, 1, 1.0)
    store.finish(job.id, store.SUCCEEDED, version="4", result={"a": 1})
    store.finish(job.id, store.FAILED, "too late")
    store.queue_again(job.id, "too late", counts=True)
    store.ask_to_cancel(job.id, "anna")
    assert (now(job).state, now(job).reason, now(job).version, now(job).result) == ("succeeded", None, "4", {"a": 1})


def test_records_that_cannot_be_read_do_not_end_the_service(
    runs: Runner, superion_home: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    queued()
    state.database().write_bytes(b"no database at all" * 100)
    runs.look()
    runs.look()
    said = [record for record in caplog.records if record.message == "the jobs were not looked at"]
    assert len(said) == 1, "said once, not at every look"


def test_of_two_services_of_a_home_one_sees_to_the_jobs(
    runs: Runner, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Runner({})
    started: list[str] = []
    monkeypatch.setattr(Runner, "_start", lambda self, job: started.append("other" if self is other else "first"))
    runs.look()
    job = queued()
    with caplog.at_level(logging.INFO, "superion.serving"):
        other.look()
        other.look()
    assert [record.message for record in caplog.records] == ["another service of this home sees to the jobs"]
    assert started == []
    store.start(job.id, os.getpid(), 1.0)
    other.begin_stop()
    other.stop()
    assert now(job).state == "running", "it is not the other's to stop"
    store.queue_again(job.id, "", counts=False)
    runs.look()
    runs.stop()
    other.look()
    assert started == ["first", "other"]
    other.stop()


def test_a_process_that_nobody_has_noted_does_not_work(superion_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "KNOWN_SECONDS", 0.3)
    job = queued()
    assert process._mine(job.id) is None
    assert store.start(job.id, os.getpid() + 1, 1.0)
    assert process._mine(job.id) is None
    assert not store.start(job.id, os.getpid(), 1.0), "it has a process"
    assert process._mine(job.id) is None
    store.queue_again(job.id, "its process is gone", counts=True)
    assert store.start(job.id, os.getpid(), 1.0)
    assert process._mine(job.id) == now(job)
    assert process._mine("nothing") is None


def test_what_mlflow_will_never_take_is_not_waited_for() -> None:
    assert process._passes(MlflowException("down"))
    assert not process._passes(MlflowException("no such thing", error_code=INVALID_PARAMETER_VALUE))


@pytest.mark.parametrize("error", [Unavailable("down"), MlflowException("down")])
def test_a_job_waits_for_mlflow_and_no_longer_than_it_should(
    superion_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(process, "TRY_AGAIN_SECONDS", (0.01, 0.01))
    job, log, calls = queued(), JobLog(tmp_path / "log.txt"), []

    def fails(times: int) -> Any:
        def do(job: Job, tell: Any) -> dict[str, Any]:
            calls.append(job)
            if len(calls) <= times:
                raise error
            return {"version": "2"}

        return do

    monkeypatch.setattr(work, "do", fails(2))
    assert process._patiently(job, log) == {"version": "2"}
    assert (tmp_path / "log.txt").read_text().count("MLflow does not answer") == 2
    calls.clear()
    monkeypatch.setattr(work, "do", fails(3))
    with pytest.raises(type(error)):
        process._patiently(job, log)
    assert len(calls) == 3


def test_a_fault_of_the_data_is_not_tried_again(
    superion_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def do(job: Job, tell: Any) -> dict[str, Any]:
        calls.append(job)
        raise InvalidTable("too few rows")

    monkeypatch.setattr(work, "do", do)
    with pytest.raises(InvalidTable):
        process._patiently(queued(), JobLog(tmp_path / "log.txt"))
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InvalidTable("12 rows are too few"), "12 rows are too few"),
        (NotFound("there is no {home}/runs/1"), "there is no SUPERION_HOME/runs/1"),
        (OSError(errno.ENOSPC, "No space left", "/secret/place"), "the disk of the service is full"),
        (OSError(errno.EIO, "broken", "/secret/place"), "a fault of superion (OSError); output.txt in the folder"),
        (MemoryError(), "the machine has too little memory for this training"),
        (Unavailable("postgresql://user:word@host"), "MLflow or the records of the service did not answer"),
        (MlflowException("/secret/place"), "MLflow did not answer for some minutes"),
    ],
)
def test_a_reason_says_what_is_wrong_and_no_place_of_the_server(
    superion_home: Path, error: Exception, said: str
) -> None:
    if isinstance(error, NotFound):
        error = NotFound(error.message.format(home=superion_home))
    assert process.reason_of(error).startswith(said)


def test_where_mlflow_has_lost_the_run_nothing_is_made_anew(superion_home: Path) -> None:
    job = queued()
    store.note_run(job.id, "0" * 32)
    with pytest.raises(Unavailable, match="gone"):
        work.do(now(job), lambda message: None)
    assert registry.registry_is_new()


def test_a_training_whose_process_is_killed_is_left_to_the_runner(
    superion_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(job: Job, log: JobLog) -> dict[str, Any]:
        raise BrokenProcessPool("a child was killed")

    job = queued()
    store.start(job.id, os.getpid(), 1.0)
    job.folder.mkdir(parents=True)
    monkeypatch.setattr(process, "_patiently", broken)
    monkeypatch.setattr(process.priority, "lower", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert process.main(job.id) == store.BROKEN
    finally:
        signal.signal(signal.SIGTERM, before)
    assert now(job).state == "running"


def test_a_log_has_an_end(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "log.txt")
    log.tell("first")
    for _ in range(20):
        log.tell("x" * 100_000)
    content = (tmp_path / "log.txt").read_text()
    assert len(content) == MAX_BYTES
    assert content.splitlines()[0].endswith(" first")
    assert content.endswith(FULL)
    JobLog(tmp_path / "log.txt").tell("of another attempt")
    assert len((tmp_path / "log.txt").read_text()) == MAX_BYTES


LOWERED = """
import os
from superion.serving.jobs import priority
priority.lower()
own = priority.AUTOGROUP.read_text().split()[-1] if priority.AUTOGROUP.exists() else "none"
print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE, own)
"""


@pytest.mark.parametrize(("given", "nice", "idle"), [(None, "19", "True"), ("5", "5", "False")])
def test_a_job_stays_back_as_far_as_the_operator_says(given: str | None, nice: str, idle: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "SUPERION_JOB_NICE"}
    command = [sys.executable, "-c", LOWERED]
    if given is not None:
        environment["SUPERION_JOB_NICE"] = given
    before = os.nice(0)
    finished = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, start_new_session=True, timeout=60
    )
    said = finished.stdout.split()
    assert said[:2] == [str(min(19, before + int(nice))), idle]
    assert said[2] in (nice, "none")


@pytest.mark.parametrize("given", ["20", "-1", "low"])
def test_a_niceness_that_is_none_fails_the_job_with_what_is_right(given: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", LOWERED],
        env={**os.environ, "SUPERION_JOB_NICE": given},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"SUPERION_JOB_NICE is {given!r}; a whole number from 0 to 19 is right" in finished.stderr


def test_the_time_that_is_left_is_told_from_this_attempt(superion_home: Path) -> None:
    from superion.serving.management.jobs import _seconds_left

    job = queued()
    store.start(job.id, os.getpid(), 1.0)
    assert _seconds_left(now(job)) is None
    store.note_attempt(job.id, 6)
    store.note_progress(job.id, 6, 12)
    assert _seconds_left(now(job)) is None
    store.note_progress(job.id, 8, 12)
    with state.connection() as opened:
        opened.execute("UPDATE jobs SET attempt_started = ?", (time.time() - 10.0,))
    assert _seconds_left(now(job)) == pytest.approx(20.0, abs=1.0)
    store.finish(job.id, store.SUCCEEDED)
    assert _seconds_left(now(job)) is None
