"""What starts, watches and stops the processes of jobs; part of the supervisor, so standard library only.

A job's process is in a session of its own and does not end with the service: when the service is killed the job goes
on, and the next service finds it by its number and the moment it was started. When the service is stopped in order the
job is stopped too, and goes on where it was at the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from superion.errors import Unavailable
from superion.home import home
from superion.serving import dataset_files
from superion.serving.jobs import store
from superion.serving.jobs.store import Job
from superion.serving.logs import event

LOOK_SECONDS = 1.0
MAX_ATTEMPTS = 3
"""Times that a job may end without a result before it counts as failed."""
GRACE_SECONDS = 10.0
"""Time that a process has to end after it was asked to."""
STOPPED = 143
"""Exit status of a process that has heard the stop signal and put its things away."""
LAST_BYTES = 2000


class Runner:
    """Run the jobs of a home, one at a time; of several services of one home the first that came sees to them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)
        dataset_files.sweep()
        self._process: subprocess.Popen[bytes] | None = None
        self._next_look = 0.0
        self._asked: dict[str, float] = {}
        """When the process of a job was asked to end."""
        self._closing: list[subprocess.Popen[bytes]] = []
        """Processes that note in MLflow how a run has ended, and others that are on their way out."""
        self._complaint = ""
        self._lock: IO[bytes] | None = None
        """Held by the one that sees to the jobs, and let go when its process ends in whatever way."""

    def look(self) -> None:
        """See to the jobs, at most once in `LOOK_SECONDS`; a fault of the database is logged once and outlived."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        try:
            if not self._leads():
                self._complain("another service of this home sees to the jobs", logging.INFO)
                return
            self._look(now)
            self._complaint = ""
        except (Unavailable, OSError) as error:
            self._complain("the jobs were not looked at", logging.ERROR, error)

    def begin_stop(self) -> None:
        """Ask the job at work to stop; `stop` waits for it."""
        if self._lock is None:
            return
        try:
            for job in store.at_work():
                self._ask_to_end(job)
        except Unavailable as error:
            event("the job at work is left alone", logging.ERROR, failure=error)

    def stop(self) -> None:
        """Stop the job at work, which goes on at the next start."""
        if self._lock is None:
            return
        try:
            for job in store.at_work():
                self._stop(job)
        except Unavailable as error:
            # At the next start its process is found, or that it has none.
            event("the job at work was not noted to be stopped", logging.ERROR, failure=error)
        for process in (*self._closing, *filter(None, [self._process])):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
        self._lock.close()
        self._lock = None

    def _leads(self) -> bool:
        """Tell whether this one sees to the jobs, as it does from when no other does."""
        if self._lock is None:
            home().mkdir(parents=True, exist_ok=True)
            lock = (home() / "jobs.lock").open("wb")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                return False
            self._lock = lock
        return True

    def _complain(self, message: str, level: int, error: Exception | None = None) -> None:
        """Log a hindrance once, not at every look."""
        complaint = f"{message}: {error}"
        if complaint != self._complaint:
            event(message, level, failure=error)
            self._complaint = complaint

    def _stop(self, job: Job) -> None:
        deadline = self._ask_to_end(job) + GRACE_SECONDS
        while self._is_alive(job) and time.monotonic() < deadline:
            time.sleep(0.05)
        _end_rest(job)
        current = store.get(job.id)
        if current is None or current.state not in store.AT_WORK:
            return
        if current.cancel_asked:
            store.finish(job.id, store.CANCELLED)
            store.drop_checkpoints(job.id)
        else:
            store.queue_again(job.id, "the service was stopped; it goes on at the next start", counts=False)

    def _ask_to_end(self, job: Job) -> float:
        """Send the process of a job the stop signal, once; returns when that was."""
        if job.id not in self._asked:
            self._asked[job.id] = time.monotonic()
            if self._is_alive(job):
                _signal(job, signal.SIGTERM)
        return self._asked[job.id]

    def _look(self, now: float) -> None:
        # Asked, so that they do not stay as processes that nobody has asked about.
        self._closing = [one for one in self._closing if one.poll() is None]
        if self._process is not None:
            self._process.poll()
        at_work = store.at_work()
        for job in at_work:
            if not self._is_alive(job):
                self._ended(job)
            elif job.cancel_asked and now - self._ask_to_end(job) > GRACE_SECONDS:
                _signal(job, signal.SIGKILL)
        if not at_work and (job_next := store.oldest_queued()) is not None:
            self._start(job_next)

    def _start(self, job: Job) -> None:
        job.folder.mkdir(parents=True, exist_ok=True)
        with job.output.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "superion.serving.jobs.process", job.id],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if self._process is not None:
            self._closing.append(self._process)  # it has said how it ended, and may not quite be gone
        self._process = process
        started = False
        try:
            started = store.start(job.id, process.pid, _started(process.pid) or 0.0)
        finally:
            if not started:
                # Without its row nobody would find it again; or it was cancelled, or taken by another, this moment.
                process.kill()
                process.wait()
        if not started:
            return
        event("a job was started", job=job.id, pid=process.pid, attempt=job.attempts + 1)

    def _is_alive(self, job: Job) -> bool:
        if self._process is not None and self._process.pid == job.pid:
            return self._process.poll() is None
        # Of an earlier service. A number that was given to another process since has another start.
        return job.pid is not None and _started(job.pid) == job.pid_started and _is_of(job.pid, job.id)

    def _ended(self, job: Job) -> None:
        """See what became of a job whose process is gone."""
        status = None
        if self._process is not None and self._process.pid == job.pid:
            status = self._process.returncode
            self._process = None
        self._asked.pop(job.id, None)
        current = store.get(job.id)
        if current is None or current.state not in store.AT_WORK:
            return  # it has said itself how it ended
        _end_rest(job)
        how = _how(status)
        if current.cancel_asked:
            store.finish(job.id, store.CANCELLED)
        elif current.attempts < MAX_ATTEMPTS:
            store.queue_again(job.id, f"its process ended ({how}); it goes on where it was", counts=True)
        else:
            reason = f"its process ended {MAX_ATTEMPTS} times, the last time so: {how}"
            store.finish(job.id, store.FAILED, reason)
        said = _last_line(job.output).partition(":")[0]  # the type of an error; its message may hold what was uploaded
        event("the process of a job ended", logging.ERROR, job=job.id, how=how, attempt=current.attempts, said=said)
        self._close(job.id, as_it_should=status == STOPPED)

    def _close(self, job_id: str, *, as_it_should: bool) -> None:
        """Put away what is left of a job that has ended, and was not there to do so itself."""
        job = store.get(job_id)
        if job is None or job.state in store.UNFINISHED:
            return
        store.drop_checkpoints(job_id)
        if job.run_id is not None and not as_it_should:
            status = "KILLED" if job.state == store.CANCELLED else "FAILED"
            command = [sys.executable, "-m", "superion.serving.jobs.close", job.run_id, status]
            # It takes MLflow, which this process does not have.
            self._closing.append(subprocess.Popen(command, env=self._env, stdin=subprocess.DEVNULL))


def _how(status: int | None) -> str:
    """Say how a process ended, None where it was not this service that had started it."""
    if status is None:
        return "it was gone when the service was started again"
    if status == -signal.SIGKILL:
        return "signal 9, as a rule for want of memory"
    if status == store.BROKEN:
        return "a process of the training was killed, as a rule for want of memory"
    return f"signal {-status}" if status < 0 else f"status {status}; the log of the service has more"


def _last_line(path: Path) -> str:
    """Return the last line that a process has printed, which may be its error."""
    try:
        with path.open("rb") as output:
            output.seek(max(0, path.stat().st_size - LAST_BYTES))
            lines = output.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _is_of(pid: int, job_id: str) -> bool:
    """Tell whether a process was started for a job."""
    try:
        return job_id.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _signal(job: Job, number: signal.Signals) -> None:
    """Send a signal to the process of a job and to what it has started."""
    if job.pid is not None:
        # Its session is its own, and lasts as long as any process of it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(job.pid, number)


def _end_rest(job: Job) -> None:
    """End what a job may have left running.

    Its number is given to no other process as long as there is any of its session: where there is a process of that
    number and it is not the job's, then nothing of the job is left.
    """
    if job.pid is not None and (_started(job.pid) is None or _is_of(job.pid, job.id)):
        _signal(job, signal.SIGKILL)


def _started(pid: int) -> float | None:
    """Return when a process was started [clock ticks after the machine was], None for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else float(fields[19])
