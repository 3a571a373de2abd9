"""Work that is handed to Dask piece by piece, by one who wants to know at once where the scheduler is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, TypeVar

from superion.errors import Unavailable

if TYPE_CHECKING:
    from distributed import Client, Future

Job = TypeVar("Job", bound=Hashable)

ATTEMPTS = 3
"""How often a task is sent again because what it was to work on went with a worker."""
LOOK_SECONDS = 1.0
"""How often it is looked at whether the scheduler is there while no task ends."""


def fault(error: Exception) -> Exception:
    """Return what is to be raised for a task that failed with an error."""
    from distributed import KilledWorker

    if not isinstance(error, KilledWorker):
        return error
    found = Unavailable(f"workers die at it, as where memory is short: {error}", field="workers")
    found.__cause__ = error
    return found


class Tasks:
    """Send tasks to the workers of a client and hear of their ends; all raises Unavailable where the scheduler is gone.

    A client whose scheduler is gone connects anew by itself, and what it is given meanwhile can be lost without a word,
    so that a connection which is not that of the beginning counts as gone.
    """

    def __init__(self, client: Client, goes_on: str = "the same command goes on with what is not done") -> None:
        self.client = client
        self._goes_on = goes_on
        self._connection = client.scheduler_comm
        self._ended: Queue[Future] = Queue()

    def threads(self) -> int:
        """Return how many tasks run side by side now; workers come and go."""
        with self._answering():
            return sum(self.client.nthreads().values())

    def submit(self, function: Callable[..., Any], *arguments: Any, priority: int = 0) -> Future:
        """Send a task, the sooner run the higher its priority; its future comes out of `next_ended`."""
        with self._answering():
            future = self.client.submit(function, *arguments, pure=False, priority=priority)
            future.add_done_callback(self._ended.put)
        return future

    def spread(self, value: Any) -> Future:
        """Give every worker a copy of what many tasks are about; waits for the first worker."""
        with self._answering():
            while not self.client.nthreads():
                self._wait()
            return self.client.scatter(value, broadcast=True, hash=False)

    def next_ended(self) -> Future:
        """Wait for a task to end, in whatever order they do; one that failed, or was cancelled, is handed out too."""
        with self._answering():
            while True:
                self._look()
                try:
                    return self._ended.get(timeout=LOOK_SECONDS)
                except Empty:
                    continue

    def outcome(self, future: Future) -> Any:
        """Return what a task that has ended returned, or the exception that it raised, as a value.

        That is a CancelledError where what the task was to work on went with a worker.
        """
        with self._answering():
            if future.cancelled():
                self._look()
                return CancelledError(f"{future.key} was cancelled")
            error = future.exception()
            return future.result() if error is None else error

    def results(self, jobs: Iterable[Job], send: Callable[[Job], Future]) -> Iterator[tuple[Job, Any]]:
        """Yield jobs with what their tasks returned, in whatever order they end; raises what a task has raised.

        `send` submits the task of a job, and does so again where what it was to work on went with a worker.
        """
        sent = {send(job): job for job in jobs}
        n_lost: Counter[Job] = Counter()
        while sent:
            future = self.next_ended()
            if future not in sent:
                continue  # of what the tasks depend on
            outcome, job = self.outcome(future), sent.pop(future)
            if isinstance(outcome, CancelledError) and n_lost[job] < ATTEMPTS:
                n_lost[job] += 1
                sent[send(job)] = job
            elif isinstance(outcome, Exception):
                raise fault(outcome)
            else:
                yield job, outcome

    def _look(self) -> None:
        if self.client.status != "running" or self.client.scheduler_comm is not self._connection:
            raise CancelledError

    def _wait(self) -> None:
        from distributed import TimeoutError as NoWorker

        self._look()
        with suppress(NoWorker):
            self.client.wait_for_workers(1, timeout=LOOK_SECONDS)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            self._look()
            yield
        except Exception as error:
            if self.client.status == "running" and not isinstance(error, OSError | CancelledError):
                raise
            raise Unavailable(f"the scheduler does not answer any more; {self._goes_on}", field="scheduler") from error
