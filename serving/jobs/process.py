"""The process of one job: `python -m superion.serving.jobs.process ID`, started by `superion.serving.jobs.runner`."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
import traceback
from concurrent.futures.process import BrokenProcessPool
from types import FrameType
from typing import Any

from superion.errors import SuperionError, Unavailable
from superion.home import home
from superion.serving.jobs import priority, store
from superion.serving.jobs.log import JobLog
from superion.serving.jobs.store import Job

KNOWN_SECONDS = 15.0
"""Time in which the runner notes the process that it has started."""
STOPPED = 143
"""Exit status after a stop signal."""
TRY_AGAIN_SECONDS = (5.0, 30.0, 120.0, 300.0)
"""Times between attempts while MLflow does not answer."""
PASSING = ("TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED")
"""Codes of MLflow's errors that may not be there later; the second is also that of a database which does not answer."""
SIGNAL_SECONDS = 0.5
"""Time between the end of a process of the training and the signal that ended it, heard here."""


class _Stop:
    """Hear the first stop signal; what it breaks off is not broken off again."""

    heard = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.heard = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(STOPPED)


def main(job_id: str) -> int:
    """Run a job; returns the exit status."""
    stop = _Stop()
    signal.signal(signal.SIGTERM, stop)
    job = _mine(job_id)
    if job is None:
        return 1
    log = JobLog(job.log)
    try:
        priority.lower()
        result = _patiently(job, log)
    except SystemExit:
        return _stopped(job, log)
    except Exception as error:
        # Processes of the training hear the signal too, and their end may be seen before it.
        with contextlib.suppress(SystemExit):
            time.sleep(SIGNAL_SECONDS)
        if stop.heard:
            return _stopped(job, log)
        if isinstance(error, BrokenProcessPool):
            log.tell("a process of the training was killed")
            return store.BROKEN  # which the runner makes an end of, or another attempt
        traceback.print_exc()  # to the output, which is for whoever runs the service
        reason = reason_of(error)
        log.tell(f"failed: {reason}")
        store.finish(job.id, store.FAILED, reason)
        store.drop_checkpoints(job.id)
        return 1
    version = result.get("version")
    store.finish(job.id, store.SUCCEEDED, version=version, result=result)
    log.tell("done" if version is None else f"registered as version {version} ({result['alias']})")
    store.drop_checkpoints(job.id)
    return 0


def _mine(job_id: str) -> Job | None:
    """Return the job once it is noted that this is its process, None when it never is.

    A service that was killed before it could note it would start another one, and two must not work on one job.
    """
    deadline = time.monotonic() + KNOWN_SECONDS
    while time.monotonic() < deadline:
        job = store.get(job_id)
        if job is None:
            return None
        if job.state in store.AT_WORK and job.pid == os.getpid():
            return job
        time.sleep(0.05)
    return None


def _patiently(job: Job, log: JobLog) -> dict[str, Any]:
    """Do the work of a job, from where it was whenever MLflow answers again."""
    from superion.serving.jobs import work

    for seconds in (*TRY_AGAIN_SECONDS, None):
        try:
            return work.do(store.get(job.id) or job, log.tell)
        except Exception as error:
            if seconds is None or not _passes(error):
                raise
            traceback.print_exc()
            log.tell(f"MLflow does not answer; tried again in {seconds:g} s")
            time.sleep(seconds)
    raise AssertionError("the last time is None")


def _passes(error: Exception) -> bool:
    """Tell whether an error is of a store that may answer later."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(error, MlflowException):
        return error.error_code in PASSING
    return isinstance(error, Unavailable | SQLAlchemyError)


def reason_of(error: Exception) -> str:
    """Say why a job has failed, to whoever may see it."""
    if isinstance(error, Unavailable):
        return "MLflow or the records of the service did not answer for some minutes; start the training again"
    if isinstance(error, SuperionError):
        return error.message.replace(str(home()), "SUPERION_HOME")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk of the service is full"
    if isinstance(error, MemoryError):
        return "the machine has too little memory for this training"
    if type(error).__module__.startswith(("mlflow", "sqlalchemy")):
        return "MLflow did not answer for some minutes; start the training again"
    return f"a fault of superion ({type(error).__name__}); output.txt in the folder of the job has it"


def _stopped(job: Job, log: JobLog) -> int:
    """Leave a job to whoever stopped it; what MLflow calls its run says whether it goes on."""
    from superion.serving.jobs.close import close

    log.tell("stopped")
    current = store.get(job.id)
    if current is not None and current.run_id is not None:
        close(current.run_id, "KILLED" if current.cancel_asked else "SCHEDULED")
    return STOPPED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
