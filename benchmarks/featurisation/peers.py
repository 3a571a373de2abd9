"""Processes that run the peers, each in the environment of its Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

WORKER = Path(__file__).with_name("peer_worker.py")


class PeerError(Exception):
    """Report what a peer raised on an input."""


class PeerLost(Exception):
    """Report that the peer's process ended."""


class Worker:
    """Run a peer's jobs in a process of its own, which holds on to its imports; nothing of superion is loaded there.

    The clock runs in the worker, around the call alone: neither starting, importing nor sending is timed.
    """

    def __init__(self, python: str | Path = sys.executable) -> None:
        self.python = str(python)
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [self.python, "-I", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # One thread each, as ours; BVlain asks for every core past this setting.
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            cwd=self._folder.name,  # CHGNet writes files into the working directory when it fails
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def ask(self, job: str, **arguments: Any) -> Any:
        """Return the answer of a job.

        Raises PeerError for what the peer raised, and PeerLost when its process has ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"job": job, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerLost(f"the process of {self.python} ended in {job!r} with status {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer["result"]

    def contender(self, job: str, **arguments: Any) -> Callable[[], Sequence[float]]:
        """Return a contender whose times [s] are the answer of a job."""
        return lambda: self.ask(job, **arguments)


def versions(worker: Worker, packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of packages in a worker's environment."""
    answer: dict[str, str] = worker.ask("versions", packages=list(packages))
    return answer
