"""What a job's process does to stay out of the way of predictions."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from superion.errors import InvalidValue

VARIABLE = "SUPERION_JOB_NICE"
LOWEST = 19
"""Niceness of who takes only the time that nobody else wants."""
AUTOGROUP = Path("/proc/self/autogroup")


def lower() -> None:
    """Stay back as far as `SUPERION_JOB_NICE` says, 0 to 19, which is the default; so do processes started later.

    Raises InvalidValue where it says something else.
    """
    niceness = _niceness()
    os.nice(niceness)
    # Where the kernel shares time between sessions first (its autogroups) and a job has one of its own, what a process
    # says of itself counts within its session alone.
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(niceness), encoding="ascii")
    if niceness == LOWEST:
        with contextlib.suppress(OSError):  # where a container forbids it, being nice must do
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _niceness() -> int:
    given = os.environ.get(VARIABLE) or str(LOWEST)
    if not given.isdecimal() or int(given) > LOWEST:
        right = f"a whole number from 0 to {LOWEST} is right"
        raise InvalidValue(f"{VARIABLE} is {given!r}; {right}", field=VARIABLE, value=given)
    return int(given)
