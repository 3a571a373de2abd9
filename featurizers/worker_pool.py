"""Worker processes that stay warm, and the chunks of work that they share.

`multiprocessing` and what is built on it start a worker by running the caller's script again, which for a script that
imports torch costs every worker seconds and 200 MB, and they refuse to start workers below a daemonic process, such as
a worker of Dask. These workers are fresh interpreters, never forks: a fork of a process that has run OpenMP hangs. A
worker's socket closes when it ends, however it ends, so that no death goes unseen and no answer is waited for in vain.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from superion.errors import InvalidValue, SuperionError, Unavailable
from superion.featurizers.messages import encode, receive, send

AT_A_WORKER = 2
"""Chunks sent to one worker at a time: the next one is there when the first is done."""
SENT_AHEAD = 64 * 1024
"""Longest request that is sent to a worker that is busy [bytes]. It fits into the buffer of the socket; a longer one
would block both sides for ever where the worker, too, waits to be read."""
PATIENCE = 5.0
"""How long a worker whose socket has closed may take to end [s]."""

_BOOTSTRAP = """
import sys
descriptor, *sys.path[:] = sys.argv[1:]
from superion.featurizers.worker import serve
serve(int(descriptor))
"""
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


@dataclass(eq=False)
class Chunk:
    """Hold some sources, what is to be done with them, and what came of it once it has."""

    job: bytes
    sources: list[Any]
    deaths: int = 0
    """Workers that have died over these sources."""
    results: list[Any] | None = None
    error: SuperionError | None = None
    """Why the job as a whole cannot be done."""
    death: str = ""
    """How the worker ended that died over this chunk, empty while none has."""
    seconds: float = 0.0
    """What the work took in the worker [s]."""
    request: list[Any] = field(init=False)
    """The message that asks for it."""

    def __post_init__(self) -> None:
        self.request = encode((self.job, self.sources))

    @property
    def is_done(self) -> bool:
        """Tell whether there is nothing more to wait for."""
        return self.results is not None or self.error is not None or bool(self.death)


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: socket.socket
    is_ready: bool = False
    chunks: deque[Chunk] = field(default_factory=deque)

    def takes(self, chunk: Chunk) -> bool:
        if not self.chunks:
            return True
        size = sum(memoryview(part).nbytes for part in chunk.request)
        return len(self.chunks) < AT_A_WORKER and size <= SENT_AHEAD

    def end(self) -> None:
        # Shut down first: where this process was forked, a copy of the socket is open in the child.
        with suppress(OSError):  # the worker may have ended before
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self.process.kill()
        self.process.wait()


class WorkerPool:
    """Run chunks in up to `count` worker processes, which start when there is work for them.

    Everything happens in the calls of `wait`, so that there are no threads; several threads may call it.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._workers: list[_Worker] = []
        self._waiting: deque[Chunk] = deque()
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()
        self._process_id = os.getpid()
        self._is_closed = False
        self._finalizer = weakref.finalize(self, _end_all, self._workers, self._selector, self._process_id)

    def submit(self, chunks: list[Chunk], first: bool = False) -> None:
        """Queue chunks, in their order, behind the others or before them."""
        self._check_usable()
        with self._lock:
            if first:
                self._waiting.extendleft(reversed(chunks))
            else:
                self._waiting.extend(chunks)

    def wait(self, chunk: Chunk) -> None:
        """Wait until a submitted chunk is done, keeping all workers busy meanwhile.

        Raises Unavailable where workers cannot be started, and InvalidValue once the pool is closed.
        """
        self._check_usable()
        with self._lock:
            self._exchange(timeout=0)
        while not chunk.is_done:
            with self._lock:
                if not chunk.is_done:
                    self._check_usable()
                    self._exchange(timeout=None)

    def forget(self, chunks: list[Chunk]) -> None:
        """Take chunks back that nobody waits for any more; what a worker has begun, it finishes for nothing."""
        gone = set(map(id, chunks))
        with self._lock:
            for chunk in [chunk for chunk in self._waiting if id(chunk) in gone]:
                self._waiting.remove(chunk)

    def close(self) -> None:
        """End the workers at once, those of this process; a second call does nothing."""
        self._is_closed = True
        if os.getpid() != self._process_id:
            return
        # A thread that waits for these sees them end, and lets go of the lock.
        for worker in list(self._workers):
            worker.process.kill()
        with self._lock:
            self._finalizer()

    @property
    def is_closed(self) -> bool:
        """Tell whether `close` was called."""
        return self._is_closed

    def process_ids(self) -> list[int]:
        """Return the process ids of the workers that were started and not seen to end."""
        return [worker.process.pid for worker in self._workers]

    def _check_usable(self) -> None:
        if self.is_closed:
            raise InvalidValue("the featuriser is closed; make a new one", field="featuriser")
        if os.getpid() != self._process_id:
            message = "the featuriser belongs to the process that this one was forked from; make a new one here"
            raise InvalidValue(message, field="featuriser")

    def _exchange(self, timeout: float | None) -> None:
        """Send what the workers take, and receive what they have; without a timeout, wait until one has something."""
        try:
            self._dispatch()
            for key, _ in self._selector.select(timeout):
                self._receive(key.data)
            self._dispatch()
        except BaseException:
            # An interrupt may have come between the halves of a message, so no stream can be trusted any more.
            for worker in list(self._workers):
                self._remove(worker)
            raise

    def _dispatch(self) -> None:
        # A chunk is always in one of the two places, so that an interrupt loses none.
        while self._waiting and (worker := self._worker_for(self._waiting[0])):
            chunk = self._waiting[0]
            worker.chunks.append(chunk)
            self._waiting.popleft()
            # A worker that has ended is buried by `_receive`, after what it may still have answered.
            with suppress(OSError):
                send(worker.connection, chunk.request)

    def _worker_for(self, chunk: Chunk) -> _Worker | None:
        free = [worker for worker in self._workers if worker.takes(chunk)]
        idle = [worker for worker in free if not worker.chunks]
        if not idle and len(self._workers) < self._count:
            return self._start()
        return next(iter(idle or free), None)

    def _receive(self, worker: _Worker) -> None:
        try:
            reply = receive(worker.connection)
        except (EOFError, OSError):
            self._bury(worker)
            return
        if not worker.is_ready:
            worker.is_ready = True
            return
        chunk = worker.chunks[0]
        chunk.seconds, answer = reply
        if isinstance(answer, SuperionError):
            chunk.error = answer
        else:
            chunk.results = answer
        worker.chunks.popleft()

    def _bury(self, worker: _Worker) -> None:
        """Take a dead worker out; the chunk that it was at is marked, the next one goes to another worker."""
        try:
            status = worker.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            status = worker.process.wait()
        end = f"ended with status {status}"
        if status < 0:
            end = f"was killed by signal {-status} ({signal.strsignal(-status)})"
        if not worker.is_ready:
            self._check_usable()
            raise Unavailable(f"a worker process {end} before it was ready; what it wrote to standard error says why")
        if worker.chunks:
            suspect = worker.chunks[0]
            suspect.deaths += 1
            suspect.death = end
            worker.chunks.popleft()
        self._remove(worker)

    def _remove(self, worker: _Worker) -> None:
        """End a worker and queue again what it had."""
        self._workers.remove(worker)
        self._selector.unregister(worker.connection)
        worker.end()
        self._waiting.extendleft(reversed(worker.chunks))

    def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * SENT_AHEAD)
        environment = os.environ | _ONE_THREAD
        descriptor = theirs.fileno()
        # -P keeps the working directory off the path until the path of this process takes its place.
        paths = [path for path in sys.path if isinstance(path, str)]
        with theirs:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-c", _BOOTSTRAP, str(descriptor), *paths],
                    stdin=subprocess.DEVNULL,
                    env=environment,
                    pass_fds=[descriptor],
                    process_group=0,  # Ctrl-C is for the process that asked, which then ends its workers
                )
            except OSError as fault:
                ours.close()
                raise Unavailable(f"a worker process cannot be started: {fault}") from fault
        worker = _Worker(process, ours)
        self._workers.append(worker)
        self._selector.register(ours, selectors.EVENT_READ, worker)
        return worker


def _end_all(workers: list[_Worker], selector: selectors.BaseSelector, process_id: int) -> None:
    """End the workers, unless this is a fork of the process that started them."""
    if os.getpid() == process_id:
        for worker in workers:
            worker.end()
        workers.clear()
        selector.close()
