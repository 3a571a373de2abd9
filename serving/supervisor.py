"""The process behind `superion serve`: it owns the socket, starts the workers, starts them again and stops them.

BentoML's own supervisor is not used, for three reasons: importing it and loading the service a second time costs three
of the ten seconds that a start may take; it does not say when the service is ready; and its workers outlive it when it
is killed. This one imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from superion.home import home
from superion.serving.limits import SHUTDOWN_SECONDS
from superion.serving.logs import configure, event

LOOK_SECONDS = 0.1
"""Time between two looks at the workers."""
PROBE_SECONDS = 2.0
LONG_LIFE_SECONDS = 30.0
"""A worker that lived this long was well, so that the next one is started at once."""
LONGEST_DELAY_SECONDS = 30.0
FALSE_STARTS = 3
"""Workers that may end before anything was ever ready; then the start is given up."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

NOHUP = (signal.SIGHUP, signal.SIG_IGN)

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass
class Slot:
    """Hold the place of one worker, and what has become of those that had it."""

    index: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = 0.5
    not_before: float = 0.0


@dataclass
class Supervisor:
    """Keep `n_workers` processes answering on `listener`, a listening socket."""

    listener: socket.socket
    n_workers: int
    announce: Callable[[], None]
    """Called once, when the first request could be answered."""

    slots: list[Slot] = field(init=False)
    _signals_heard: int = 0
    """Stop signals so far. A plain number: a handler runs between any two steps of the main thread, and a lock that
    both take, such as that of threading.Event, is one at which they can wait for each other for ever."""
    _ready: bool = False
    _false_starts: int = 0

    def run(self) -> int:
        """Serve until a signal says stop; returns the exit status: 0, or 1 when no worker ever came up."""
        configure()
        self.slots = [Slot(index) for index in range(1, self.n_workers + 1)]
        with self._signals(), _environment() as self._env, _life_pipe() as self._life:
            try:
                while not self._stopped_after(LOOK_SECONDS):
                    for slot in self.slots:
                        self._tend(slot)
                    if self._false_starts >= FALSE_STARTS:
                        event("the workers do not start; see above", logging.ERROR)
                        return 1
                    if not self._ready and self._probe():
                        self._ready = True
                        self.announce()
            finally:
                self._stop()
        return 0

    def _stopped_after(self, seconds: float) -> bool:
        time.sleep(seconds)
        return self._signals_heard > 0

    def _tend(self, slot: Slot) -> None:
        """Start a worker where there is none, and look whether the one that is there has ended."""
        now = time.monotonic()
        if slot.process is None:
            if now >= slot.not_before:
                slot.process, slot.started = self._start(slot.index), now
            return
        status = slot.process.poll()
        if status is None:
            return
        lived = now - slot.started
        slot.delay = 0.5 if lived > LONG_LIFE_SECONDS else min(2.0 * slot.delay, LONGEST_DELAY_SECONDS)
        slot.not_before = now + slot.delay
        self._false_starts += not self._ready
        how = f"signal {-status}" if status < 0 else f"status {status}"
        event("a worker ended", logging.ERROR, worker=slot.index, how=how, lived=round(lived, 1), again_in=slot.delay)
        self._forget(slot.process.pid)
        slot.process = None

    def _start(self, index: int) -> subprocess.Popen[bytes]:
        listen, life = self.listener.fileno(), self._life
        command = [sys.executable, "-m", "superion.serving.worker", "--listen-fd", str(listen), "--life-fd", str(life)]
        command += ["--index", str(index)]
        if any(slot.process is not None for slot in self.slots):
            command.append("--patient")
        # A session of its own, so that Ctrl-C at a terminal reaches the supervisor only, which then stops in order.
        return subprocess.Popen(
            command,
            env={**self._env, "SUPERION_WORKER_SEEDS": str(int(index == 1))},
            stdin=subprocess.DEVNULL,
            pass_fds=(listen, life),
            start_new_session=True,
        )

    def _probe(self) -> bool:
        host, port = self.listener.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        connection = http.client.HTTPConnection(host, port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _stop(self) -> None:
        """Stop the workers: in order first, by force when that takes too long or the signal comes again."""
        heard = self._signals_heard
        running = [slot.process for slot in self.slots if slot.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + SHUTDOWN_SECONDS + 2.0
        while any(process.poll() is None for process in running):
            if time.monotonic() > deadline or self._signals_heard > heard:
                break
            time.sleep(LOOK_SECONDS)
        for process in running:
            if process.poll() is None:
                event("a worker did not stop in time and is killed", logging.WARNING, pid=process.pid)
                process.kill()
            process.wait()

    def _forget(self, pid: int) -> None:
        """Drop the gauges of a worker that is gone; its counters stay."""
        for path in Path(self._env["PROMETHEUS_MULTIPROC_DIR"]).glob(f"gauge_live*_{pid}.db"):
            path.unlink(missing_ok=True)

    def _hear(self, *_: object) -> None:
        self._signals_heard += 1

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        # nohup has the hang-up ignored, and means it.
        heeded = [number for number in STOP_SIGNALS if (number, signal.getsignal(number)) != NOHUP]
        before = {number: signal.signal(number, self._hear) for number in heeded}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def _environment() -> Iterator[dict[str, str]]:
    """Yield the environment of the workers: BentoML's state under the home, no telemetry, one thread to a request."""
    bentoml_home = home() / "bentoml"
    bentoml_home.mkdir(parents=True, exist_ok=True)
    metrics = tempfile.mkdtemp(prefix="metrics-", dir=bentoml_home)
    env = dict.fromkeys(THREAD_VARIABLES, "1") | os.environ
    env |= {
        "SUPERION_HOME": str(home()),
        "BENTOML_HOME": str(bentoml_home),
        "BENTOML_DO_NOT_TRACK": "True",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "PROMETHEUS_MULTIPROC_DIR": metrics,
    }
    try:
        yield env
    finally:
        shutil.rmtree(metrics, ignore_errors=True)


@contextlib.contextmanager
def _life_pipe() -> Iterator[int]:
    """Yield the end of a pipe that closes, for whoever inherits it, when this process ends in whatever way."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(write)
        os.close(read)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; raises OSError when it cannot."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener
