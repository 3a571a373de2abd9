"""Put the materials of requests that wait at the same time into one computation.

One thread of a worker computes. While it does, requests gather; of what has gathered it takes the next batch, one
material of each waiting request in turn, so that a formula does not wait for the thousands of materials that another
client has sent before it. A request alone is computed at once, alone; among many, a batch waits some milliseconds for
as many as were in the one before it.

A batch is bounded by materials and by atoms, because a crystal of two hundred atoms costs as much as a hundred
formulas. What was answered lately is remembered by the material's key, the model and the options. A fault of one
material is its own and nobody else's.
"""

from __future__ import annotations

import contextlib
import functools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from superion.serving.batch import (
    Answer,
    Answered,
    Cache,
    Item,
    Options,
    Place,
    answers,
    n_atoms,
    read_item,
    written,
)
from superion.serving.limits import (
    CACHED_PREDICTIONS,
    DEADLINE_SECONDS,
    MAX_BATCH_ATOMS,
    MAX_BATCH_MATERIALS,
    MAX_WAITING_MATERIALS,
    MAX_WAITING_REQUESTS,
)
from superion.serving.logs import fault
from superion.serving.problems import Refusal
from superion.serving.watching import Watch

if TYPE_CHECKING:
    from superion.models.predictor import Predictor

FIRST_RATE = 300.0
"""Materials a second that a worker is taken to answer before it has measured its own."""
PATIENCE_SECONDS = 0.004
"""Longest time that a batch waits for as many requests as the one before it had. Those who were just answered ask again
within it, and a formula in company costs a quarter of one alone."""
RATE_MEMORY = 0.9
"""Weight of what went before in the measured rate."""

Watcher = Callable[[Answered], None]
"""Called in the computing thread after the answers are on their way; it must be quick."""


class Answers(NamedTuple):
    """Hold the answers for a request."""

    documents: list[bytes]
    """JSON of each material's answer, in order."""
    n_failed: int


@dataclass(eq=False)
class _Request:
    """Hold a request that waits for answers."""

    items: Sequence[Item]
    predictor: Predictor
    options: Options
    arrival: float
    future: Future[Answers]
    context: Context
    """Of the request, so that what is logged of a fault names it."""
    documents: list[bytes] = field(default_factory=list)
    started: int = 0
    n_failed: int = 0
    settled: bool = False

    @property
    def kind(self) -> tuple[int, Options]:
        """What a batch has in common."""
        return id(self.predictor.artefact), self.options


class Batcher:
    """Answer the requests of one worker; threads may share it."""

    def __init__(
        self,
        *,
        max_materials: int = MAX_BATCH_MATERIALS,
        max_atoms: int = MAX_BATCH_ATOMS,
        max_waiting_materials: int = MAX_WAITING_MATERIALS,
        max_waiting_requests: int = MAX_WAITING_REQUESTS,
        cached: int = CACHED_PREDICTIONS,
        patience: float = PATIENCE_SECONDS,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self._max_materials = max_materials
        self._max_atoms = max_atoms
        self._max_waiting_materials = max_waiting_materials
        self._max_waiting_requests = max_waiting_requests
        self._cache = Cache(cached)
        self._patience = patience
        self._watchers = tuple(watchers)
        self._waiting: deque[_Request] = deque()
        """Requests with materials that no batch has taken yet."""
        self._n_requests = self._n_materials = 0
        """What was submitted and is not answered; a request counts as a whole until it is."""
        self._changed = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._rate = FIRST_RATE
        self._company = 1
        """Requests in the last batch."""

    def start(self) -> None:
        """Start the thread that computes; a second call does nothing."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="predictions", daemon=True)
                self._thread.start()

    def watch(self, watcher: Watcher) -> None:
        """Have every batch from now on looked at by a watcher."""
        self._watchers = (*self._watchers, watcher)

    def stop(self) -> None:
        """Refuse what no batch has taken, and end the thread after the batch at hand."""
        with self._changed:
            self._stopped = True
            waiting = list(self._waiting)
            self._waiting.clear()
            self._changed.notify()
        for request in waiting:
            self._settle(request, _stopping())

    def submit(self, items: Sequence[Item], predictor: Predictor, options: Options, arrival: float) -> Future[Answers]:
        """Take a request that arrived at `arrival` [seconds of time.monotonic()].

        Cancelling the future gives up what is not computed yet. It raises Refusal, 504, for a request that has waited
        too long. Raises Refusal, 429, where more waits already than is answered in good time.
        """
        request = _Request(items, predictor, options, arrival, Future(), copy_context())
        with self._changed:
            if self._stopped:
                raise _stopping()
            full = self._n_materials + len(items) > self._max_waiting_materials
            # Whoever asks for more than that at a time is served where nobody waits.
            if (full and self._n_requests) or self._n_requests >= self._max_waiting_requests:
                seconds = max(1, math.ceil(self._n_materials / self._rate))
                raise Refusal(429, f"{self._n_materials} materials wait already", retry_after=seconds)
            self._waiting.append(request)
            self._n_requests += 1
            self._n_materials += len(items)
            self._changed.notify()
        return request.future

    @property
    def n_waiting(self) -> int:
        """Materials of requests that are not answered yet."""
        return self._n_materials

    @property
    def cache(self) -> Cache:
        """What was answered lately."""
        return self._cache

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stopped:
                    self._changed.wait()
                self._wait_for_company()
                if self._stopped:
                    return
            start = time.monotonic()
            places: list[tuple[_Request, Place]] = []
            try:
                places = self._gather(start)
                if not places:
                    continue
                self._answer(places)
            except Exception as error:
                # What is known to fail is met material by material. For the rest nobody shall wait for ever.
                fault("a batch failed", error)
                for request in {request for request, _ in places} or set(self._waiting):
                    self._settle(request, Refusal(500))
            self._company = len({request for request, _ in places})
            rate = len(places) / max(time.monotonic() - start, 1e-3)
            self._rate = RATE_MEMORY * self._rate + (1 - RATE_MEMORY) * rate

    def _wait_for_company(self) -> None:
        """Let other requests join the first, where there were more a moment ago; the lock is held."""
        deadline = time.monotonic() + self._patience
        while len(self._waiting) < self._company and not self._stopped:
            left = deadline - time.monotonic()
            if left <= 0.0:
                break
            self._changed.wait(left)

    def _gather(self, now: float) -> list[tuple[_Request, Place]]:
        """Take the next batch from what waits: a material of each request in turn, all of one model and options."""
        with self._changed:
            given_up = [r for r in self._waiting if r.future.cancelled() or now - r.arrival > DEADLINE_SECONDS]
        for request in given_up:
            self._settle(request, Refusal(504))
        with self._changed:
            if self._waiting:
                kind = self._waiting[0].kind
                turn = deque(request for request in self._waiting if request.kind == kind)
                # Requests of another kind come first in the next batch.
                self._waiting = deque(sorted(self._waiting, key=lambda request: request.kind == kind))
            else:
                turn = deque()
        places: list[tuple[_Request, Place]] = []
        taken = 0
        while turn and len(places) < self._max_materials and taken < self._max_atoms:
            request = turn.popleft()
            item = request.items[request.started]
            read = request.context.run(read_item, request.predictor, item)
            places.append((request, Place(item, read, request.context)))
            request.started += 1
            taken += n_atoms(read)
            if request.started < len(request.items):
                turn.append(request)
        with self._changed:
            for request in dict.fromkeys(request for request, _ in places):
                if request in self._waiting:  # unless all was refused meanwhile
                    self._waiting.remove(request)
                    if request.started < len(request.items):
                        self._waiting.append(request)  # behind those that had no turn
        return places

    def _answer(self, places: Sequence[tuple[_Request, Place]]) -> None:
        predictor, options = places[0][0].predictor, places[0][0].options
        found = answers(predictor, options, [place for _, place in places], self._cache)
        for (request, place), answer in zip(places, found, strict=True):
            request.documents.append(written(place, answer))
            request.n_failed += not isinstance(answer, Answer)
            if len(request.documents) == len(request.items):
                self._settle(request)
        seen = [answer.prediction if isinstance(answer, Answer) else answer for answer in found]
        answered = Answered(predictor, options, [place.read for _, place in places], seen)
        for watcher in self._watchers:
            try:
                watcher(answered)
            except Exception as error:
                # Whoever watches has no part in an answer, and must not stop the next one.
                fault("a watcher of predictions failed", error)

    def _settle(self, request: _Request, refusal: Refusal | None = None) -> None:
        """End a request with its answers, or with a refusal; one that has ended stays as it is."""
        with self._changed:
            if request.settled:
                return
            request.settled = True
            if request in self._waiting:
                self._waiting.remove(request)
            self._n_requests -= 1
            self._n_materials -= len(request.items)
        # The client may have left, even in this very moment.
        with contextlib.suppress(InvalidStateError):
            if refusal is None:
                request.future.set_result(Answers(request.documents, request.n_failed))
            else:
                request.future.set_exception(refusal)


@functools.cache
def batcher() -> Batcher:
    """Return what answers the predictions of this process, started."""
    found = Batcher()
    found.watch(Watch(found))
    found.start()
    return found


def _stopping() -> Refusal:
    return Refusal(503, "the service is stopping; try again in a few seconds")
