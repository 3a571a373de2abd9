"""A version that answers beside the champion, for comparison; what it says reaches nobody who asks.

When a batch is answered, its materials are put on a bounded queue. A thread of the worker asks the shadow for them
while no request waits, and compares what it says with what was answered. Materials stay in memory, and only until then;
what is kept are sums. A material is compared once, as long as it is among the last that were.
"""

from __future__ import annotations

import functools
import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from superion.errors import NotFound, SuperionError
from superion.serving import metrics, model_host
from superion.serving.comparison import Comparisons
from superion.serving.limits import (
    MAX_SHADOW_ATOMS,
    MAX_SHADOW_BATCH,
    MAX_SHADOW_WAITING,
    RETRY_SECONDS,
    SHADOW_SECONDS,
    SHADOWED_MATERIALS,
)
from superion.serving.logs import event, fault

if TYPE_CHECKING:
    from superion.models.inputs import ReadMaterial
    from superion.models.predictor import Predictor
    from superion.models.records import Conductivity
    from superion.serving.batch import Answered

STOP_SECONDS = 3.0
"""Time that a batch at hand has to end when the worker does."""


class Offered(NamedTuple):
    """Hold one material and what the champion answered."""

    read: ReadMaterial
    answered: Conductivity
    champion: str
    at: float
    """When it was offered [seconds of time.monotonic()]."""


class Shadow:
    """Hold the shadow of one worker, and the thread that asks it; threads may share it."""

    def __init__(
        self,
        *,
        champion: Callable[[], Predictor | None],
        size: int = MAX_SHADOW_WAITING,
        wait_seconds: float = SHADOW_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._champion = champion
        self._size = size
        self._wait_seconds = wait_seconds
        self._retry_seconds = retry_seconds
        self._predictor: Predictor | None = None
        self._refused: tuple[str, float] | None = None
        self._problem: str | None = None
        self._looking = threading.Lock()
        self._changed = threading.Condition()
        self._queue: deque[Offered] = deque()
        self._seen: OrderedDict[tuple[bytes, float], None] = OrderedDict()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self.comparisons = Comparisons()

    @property
    def predictor(self) -> Predictor | None:
        """The model that is asked beside the champion, None where there is none."""
        return self._predictor

    @property
    def problem(self) -> str | None:
        """Why the version that is to be the shadow is not asked, None where it is or where there is none."""
        return self._problem

    def start(self, busy: Callable[[], bool]) -> None:
        """Start the thread; `busy` says whether requests wait, which go first. A second call does nothing."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(busy,), name="shadow", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread after the batch at hand; what waits is not asked for."""
        with self._changed:
            self._stopped = True
            self._queue.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def look(self) -> None:
        """Look which version is to be the shadow, and take it when it is another one; never raises."""
        with self._looking:
            try:
                self._look()
            except Exception as error:
                # A registry that does not answer, as a rule: the shadow stays what it is.
                self._complain("the shadow was not looked up", error)

    def _look(self) -> None:
        from superion.training import registry

        champion, current = self._champion(), self._predictor
        if champion is None:
            return
        version = registry.shadow_version()
        if version is None or version == champion.model.version:
            self._take(None)
            self._refused = self._problem = None
            return
        if current is not None and current.model.version == version:
            self._problem = None
            return
        self._take(None)
        if self._refused is not None and self._refused[0] == version and time.monotonic() < self._refused[1]:
            return
        try:
            found = model_host.load(registry.resolve(version)).named(version, registry.SHADOW)
        except (SuperionError, OSError) as error:
            self._refused = (version, time.monotonic() + self._retry_seconds)
            kind = "is not in the registry" if isinstance(error, NotFound) else "cannot be used; the log says why"
            self._complain(f"version {version} {kind}", error)
            return
        self._refused = self._problem = None
        self._take(found)
        event("shadow loaded", version=version)

    def _take(self, predictor: Predictor | None) -> None:
        if predictor is self._predictor:
            return
        with self._changed:
            self._predictor = predictor
            self._queue.clear()
            self._seen.clear()

    def _complain(self, problem: str, error: Exception) -> None:
        if problem != self._problem:
            event(f"no shadow: {problem}", logging.ERROR, failure=error)
        self._problem = problem

    def offer(self, answered: Answered) -> None:
        """Put what the champion has answered on the queue; what that is too full for is counted."""
        predictor, champion = self._predictor, self._champion()
        if predictor is None or champion is None or answered.predictor.model.version != champion.model.version:
            return
        from superion.models.inputs import ReadMaterial
        from superion.models.records import Prediction

        now = time.monotonic()
        dropped = 0
        with self._changed:
            for read, prediction in zip(answered.read, answered.predictions, strict=True):
                if not isinstance(read, ReadMaterial) or not isinstance(prediction, Prediction):
                    continue
                conductivity = prediction.conductivity[0]
                key = (read.key, conductivity.temperature_c)
                if key in self._seen:
                    self._seen.move_to_end(key)
                elif len(self._queue) >= self._size:
                    dropped += 1
                else:
                    self._queue.append(Offered(read, conductivity, champion.model.version, now))
                    self._seen[key] = None
            while len(self._seen) > SHADOWED_MATERIALS:
                self._seen.popitem(last=False)
            self._changed.notify()
        if dropped:
            self.comparisons.drop(predictor.model.version, champion.model.version, dropped)
            metrics.shadow_dropped(dropped)

    def _run(self, busy: Callable[[], bool]) -> None:
        while True:
            with self._changed:
                while not self._stopped and (seconds := self._wait()) > 0:
                    self._changed.wait(None if seconds == math.inf else seconds)
                if self._stopped:
                    return
                predictor = self._predictor
                waits = busy()
                batch = [] if waits or predictor is None else self._next()
            if batch and predictor is not None:
                self._compare(predictor, batch)
            elif waits:
                time.sleep(self._wait_seconds / 20)

    def _wait(self) -> float:
        """Return how long the queue is left to grow yet [s]: one batch slows requests less than many small ones."""
        if not self._queue:
            return math.inf
        if len(self._queue) >= MAX_SHADOW_BATCH:
            return 0.0
        return self._queue[0].at + self._wait_seconds - time.monotonic()

    def _next(self) -> list[Offered]:
        """Take the next batch from the queue."""
        batch: list[Offered] = []
        n_atoms = 0
        while self._queue and len(batch) < MAX_SHADOW_BATCH and n_atoms < MAX_SHADOW_ATOMS:
            offered = self._queue.popleft()
            batch.append(offered)
            crystal = offered.read.material.crystal
            n_atoms += 0 if crystal is None else crystal.n_sites
        return batch

    def _compare(self, predictor: Predictor, batch: Sequence[Offered]) -> None:
        start = time.monotonic()
        found = _said(predictor, batch)
        seconds = time.monotonic() - start
        differences, n_failed = [], 0
        for offered, said in zip(batch, found, strict=True):
            champion = offered.champion
            if said is None:
                n_failed += 1
                self.comparisons.fail(predictor.model.version, champion)
                continue
            mean, inside = said
            answered = offered.answered.log10
            self.comparisons.add(predictor.model.version, champion, mean, answered, not inside, seconds / len(batch))
            differences.append(mean - answered.mean)
        metrics.shadowed(differences, n_failed, seconds)


def _said(predictor: Predictor, batch: Sequence[Offered]) -> list[tuple[float, bool] | None]:
    """Return what a model says of each material [log10(S/cm)], and whether it knows such; None where it fails."""
    try:
        return _ask(predictor, batch)
    except Exception as error:
        # Of whatever kind: a model that is only tried must not take the worker along.
        if len(batch) == 1:
            fault("the shadow failed on a material", error)
            return [None]
    return [said for offered in batch for said in _said(predictor, [offered])]


def _ask(predictor: Predictor, batch: Sequence[Offered]) -> list[tuple[float, bool] | None]:
    import numpy as np

    temperatures = np.array([offered.answered.temperature_c for offered in batch])
    materials = [offered.read.material for offered in batch]
    means, _, novelties = predictor.log10_conductivity_and_novelty(materials, temperatures)
    inside = predictor.artefact.domain.inside([material.formula for material in materials], novelties)
    return [(float(mean), within) if math.isfinite(mean) else None for mean, within in zip(means, inside, strict=True)]


@functools.cache
def shared() -> Shadow:
    """Return the shadow of this process, which follows the looks of its model host once it has started."""
    host = model_host.shared()
    found = Shadow(champion=lambda: host.predictor)
    host.follow(found.look)
    return found
