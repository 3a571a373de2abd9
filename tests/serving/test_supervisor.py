"""The process that keeps the workers, with workers that do not work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

SUPERVISE = """
import subprocess, sys
from superion.serving import supervisor

class Broken(supervisor.Supervisor):
    def _start(self, index):
        return subprocess.Popen([sys.executable, "-c", sys.argv[1]])

with supervisor.listen("127.0.0.1", 0) as listener:
    sys.exit(Broken(listener, 1, lambda: print("ready", flush=True)).run())
"""


def supervise(tmp_path: Path, worker: str) -> subprocess.Popen[str]:
    """Start a supervisor whose workers run the statements in `worker`."""
    return subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, worker],
        env={**os.environ, "SUPERION_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_start_that_fails_again_and_again_is_given_up(tmp_path: Path) -> None:
    out, errors = supervise(tmp_path, "raise SystemExit(3)").communicate(timeout=60)
    lines = [json.loads(line) for line in errors.splitlines()]
    assert out == ""
    assert [line["message"] for line in lines] == ["a worker ended"] * 3 + ["the workers do not start; see above"]
    assert {line.get("how") for line in lines[:3]} == {"status 3"}
    delays = [line["again_in"] for line in lines[:3]]
    assert delays == sorted(set(delays)), "each delay is longer"


def test_a_worker_that_does_not_heed_the_signal_is_killed_at_the_second(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    process = supervise(tmp_path, deaf)
    assert process.stdout is not None
    assert process.stdout.readline() == "deaf\n"
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    (line,) = map(json.loads, errors.splitlines())
    assert (line["message"], line["why"]) == ("a worker did not stop in time and is killed", "a second signal")


def test_many_signals_at_once_stop_it(tmp_path: Path) -> None:
    # As from `make serve`, where the terminal signals the supervisor and make signals it again.
    heedful = "print('started', flush=True); import time; time.sleep(600)"
    for _ in range(3):
        process = supervise(tmp_path, heedful)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        while process.poll() is None:
            for _ in range(2000):
                process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
        # The last of them may come once the handlers are gone, at the very end.
        assert process.returncode in (0, -signal.SIGTERM)
        process.communicate()
