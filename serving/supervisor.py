"""The process behind `superion serve`: it owns the socket, starts the workers, starts them again and stops them.

BentoML's own supervisor is not used, for three reasons: importing it and loading the service a second time costs three
of the ten seconds that a start may take; it does not say when the service is ready; and its workers outlive it when it
is killed. This one imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from superion.home import home
from superion.serving.callers import REQUIRED_VARIABLE, WORKERS_VARIABLE
from superion.serving.jobs.runner import Runner
from superion.serving.limits import BACKLOG, SHUTDOWN_SECONDS
from superion.serving.logs import configure, event
from superion.serving.probe import is_ready

LOOK_SECONDS = 0.1
"""Time between two looks at the workers."""
LONG_LIFE_SECONDS = 30.0
"""A worker that lived this long was well, so that the next one is started at once."""
LONGEST_DELAY_SECONDS = 30.0
FALSE_STARTS = 3
"""Workers that may end before anything was ever ready; then the start is given up."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

NOHUP = (signal.SIGHUP, signal.SIG_IGN)

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Folder of the workers' metrics; a job is no worker, and outlives it."""

MEMORY = {"MALLOC_ARENA_MAX": "2"}
"""Memory that a thread has freed is another's to use: with an arena of each thread's own a worker keeps more of what
large uploads took."""

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
    require_keys: bool = False
    """Whether requests from this machine need a key too."""

    slots: list[Slot] = field(init=False)
    _signals_heard: int = 0
    """Stop signals so far. A plain number: a handler runs between any two steps of the main thread, and a lock that
    both take, such as that of threading.Event, is one at which they can wait for each other for ever."""
    _answers: bool = False
    """Whether a request was answered; found out in a thread, because an attempt takes seconds while workers start, and
    a worker that died or a signal is not to wait for it."""
    _ready: bool = False
    _false_starts: int = 0

    def run(self) -> int:
        """Serve until a signal says stop; returns the exit status: 0, or 1 when no worker ever came up."""
        configure()
        self.slots = [Slot(index) for index in range(1, self.n_workers + 1)]
        with self._signals(), _environment(self) as self._env, _life_pipe() as self._life:
            jobs = Runner({name: value for name, value in self._env.items() if name != METRICS_VARIABLE})
            threading.Thread(target=self._try_until_ready, name="probe", daemon=True).start()
            try:
                while not self._stopped_after(LOOK_SECONDS):
                    for slot in self.slots:
                        self._tend(slot)
                    if self._false_starts >= FALSE_STARTS:
                        event("the workers do not start; see above", logging.ERROR)
                        return 1
                    if not self._ready and self._answers:
                        self._ready = True
                        self.announce()
                    if self._ready:
                        jobs.look()
            finally:
                jobs.begin_stop()
                self._stop()
                jobs.stop()
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
        self._forget(slot.index)
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
            env={**self._env, "SUPERION_WORKER_SEEDS": str(int(index == 1)), "SUPERION_WORKER_INDEX": str(index)},
            stdin=subprocess.DEVNULL,
            pass_fds=(listen, life),
            start_new_session=True,
        )

    def _try_until_ready(self) -> None:
        while not (is_ready(self.listener) or self._signals_heard):
            time.sleep(LOOK_SECONDS)
        self._answers = not self._signals_heard

    def _stop(self) -> None:
        """Stop the workers: in order first, by force when that takes too long or the signal comes again."""
        heard = self._signals_heard
        running = [slot.process for slot in self.slots if slot.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + SHUTDOWN_SECONDS + 2.0
        why = None
        while why is None and any(process.poll() is None for process in running):
            time.sleep(LOOK_SECONDS)
            if self._signals_heard > heard:
                why = "a second signal"
            elif time.monotonic() > deadline:
                why = "its time was over"
        for process in running:
            if process.poll() is None:
                event("a worker did not stop in time and is killed", logging.WARNING, pid=process.pid, why=why)
                process.kill()
            process.wait()

    def _forget(self, index: int) -> None:
        """Drop the gauges of a worker that is gone; the one in its place goes on with its counters."""
        for path in Path(self._env[METRICS_VARIABLE]).glob(f"gauge_live*_{index}.db"):
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
def _environment(supervisor: Supervisor) -> Iterator[dict[str, str]]:
    """Yield the environment of the workers: BentoML's state under the home, no telemetry, one thread to a request."""
    bentoml_home = home() / "bentoml"
    bentoml_home.mkdir(parents=True, exist_ok=True)
    metrics = tempfile.mkdtemp(prefix="metrics-", dir=bentoml_home)
    env = dict.fromkeys(THREAD_VARIABLES, "1") | MEMORY | os.environ
    env |= {
        "SUPERION_HOME": str(home()),
        "BENTOML_HOME": str(bentoml_home),
        "BENTOML_DO_NOT_TRACK": "True",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        METRICS_VARIABLE: metrics,
        WORKERS_VARIABLE: str(supervisor.n_workers),
    }
    if supervisor.require_keys:
        env[REQUIRED_VARIABLE] = "1"
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
        listener.listen(BACKLOG)
        if sys.platform == "linux":
            # After the binding: the workers may add sockets of their own, and another service is refused all the same.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        listener.close()
        raise
    return listener
