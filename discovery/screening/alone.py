"""A part of which one material takes the whole process with it: judged by a process of its own, one material at a time.

It says so when it has judged one, so that the one it died of is known, and the next process goes on behind that.
`python -m superion.discovery.screening.alone` is that process.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO

import pyarrow as pa

from superion.discovery.screening.columns import FAILURES, RESULTS
from superion.discovery.screening.judging import Asked, Judged, judge
from superion.discovery.screening.parts import Held, Item, Part
from superion.errors import Unavailable

SECONDS = 300.0
"""Time for one material, after which its process is ended."""


def judge_one_by_one(part: Part, asked: Asked) -> Judged:
    """Predict the materials of a part as `judge` does; where the process ends, the material is a failure.

    Raises Unavailable where no process gets as far as the first material.
    """
    items = part.read()
    found: list[Judged] = []
    while len(found) < len(items):
        judged, ended = _judged(items[len(found) :], part.first + len(found), asked)
        found += judged
        if len(found) < len(items):
            found.append(_lost(items[len(found)], part.first + len(found), ended))
    results = [one.results for one in found]
    failures = [one.failures for one in found]
    return Judged(len(items), pa.concat_tables(results), pa.concat_tables(failures))


def _judged(items: Sequence[Item], first: int, asked: Asked) -> tuple[list[Judged], int]:
    """Return what a process says of materials before it ends, and with which status that was."""
    command = [sys.executable, "-m", "superion.discovery.screening.alone"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    found: list[Judged] = []
    with process:
        begun = False
        # It may end before it has heard all, which is seen below.
        with contextlib.suppress(BrokenPipeError):
            pickle.dump((list(items), first, asked), process.stdin)
            process.stdin.close()
        for message in iter(lambda: _read(process), None):
            begun = True
            found += message
        process.kill()
    if not begun:
        raise Unavailable(f"a process beside the worker ended at once ({process.returncode})", field="worker")
    return found, process.returncode


def _read(process: subprocess.Popen[bytes]) -> list[Judged] | None:
    """Return the next message of a process, None where it has ended or takes too long."""
    assert process.stdout is not None
    clock = threading.Timer(SECONDS, process.kill)
    clock.start()
    try:
        message: list[Judged] = pickle.load(process.stdout)  # of a process of our own
    except (EOFError, pickle.UnpicklingError):
        return None
    finally:
        clock.cancel()
    return message


def _lost(item: Item, row: int, status: int) -> Judged:
    how = f"signal {-status}" if status < 0 else f"status {status}"
    fault = {
        "row": [row],
        "id": [item.id or None],
        "code": ["process_ended"],
        "message": [f"the process that was at it ended ({how}), for want of memory or time or by a fault of superion"],
        "field": [None],
    }
    return Judged(1, RESULTS.empty_table(), pa.table(fault, schema=FAILURES))


def main() -> None:
    """Judge the materials that come on standard input, each as soon as the one before it is."""
    items, first, asked = pickle.load(sys.stdin.buffer)
    # What anything prints goes elsewhere than what is answered.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    asked.model.load()
    _say(out, [])
    for row, item in enumerate(items, first):
        _say(out, [judge(Part(0, row, 1, Held((item,))), asked)])


def _say(out: IO[bytes], message: list[Judged]) -> None:
    pickle.dump(message, out)
    out.flush()


if __name__ == "__main__":
    main()
