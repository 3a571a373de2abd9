"""Register the release model in a registry that has none: `python -m superion.serving.seed`."""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import sys

from superion.serving.logs import configure, event


def main() -> int:
    """Register the release model; returns the exit status."""
    configure()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what is half made is cleaned up
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # MLflow prints there, and what is printed is no JSON
            from superion.training.registry import seed_release

            champion = seed_release()
    except Exception as error:
        event("the release model was not registered; it answers all the same", logging.ERROR, failure=error)
        return 1
    event("the registry is ready", version=champion.version)
    return 0


if __name__ == "__main__":
    sys.exit(main())
