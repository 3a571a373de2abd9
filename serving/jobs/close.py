"""Note in MLflow how a run ended whose process could not: `python -m superion.serving.jobs.close RUN STATUS`."""

from __future__ import annotations

import logging
import sys

from superion.errors import SuperionError
from superion.serving.logs import configure, event


def close(run_id: str, status: str) -> None:
    """Give a run a status: `KILLED`, `FAILED`, or `SCHEDULED` for one that goes on later.

    The job's own record is what counts, so that a store that does not answer is logged and no more.
    """
    from superion.training import tracking

    try:
        client = tracking.client()
        with tracking.answering():
            if status == "SCHEDULED":
                client.update_run(run_id, status)
            else:
                client.set_terminated(run_id, status)
    except SuperionError as error:
        event("a run was not closed", logging.WARNING, failure=error, run=run_id)


if __name__ == "__main__":
    configure()
    close(sys.argv[1], sys.argv[2])
