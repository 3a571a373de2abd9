"""What is looked at of every batch of predictions, after its answers are on their way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from superion.errors import Unavailable
from superion.serving import drift, metrics, shadow
from superion.serving.logs import event

if TYPE_CHECKING:
    from superion.serving.batch import Answered
    from superion.serving.batching import Batcher

FLUSH_SECONDS = 60.0
"""Time between two additions of what was counted to the records."""


class Watch:
    """Look at the batches of a batcher; called by its thread."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self._hits = self._misses = 0

    def __call__(self, answered: Answered) -> None:
        """Count a batch, and offer it to the shadow."""
        self._measure(answered)
        drift.shared().observe(answered)
        shadow.shared().offer(answered)

    def _measure(self, answered: Answered) -> None:
        from superion.models.records import Prediction

        found = [one for one in answered.predictions if isinstance(one, Prediction)]
        outside = sum(not one.domain.in_domain for one in found)
        n = len(answered.predictions)
        metrics.predicted(n, n - len(found), outside)
        metrics.batch(n, answered.n_atoms)
        cache = self._batcher.cache
        metrics.cache(cache.hits - self._hits, cache.misses - self._misses, len(cache))
        self._hits, self._misses = cache.hits, cache.misses
        metrics.queue(self._batcher.n_waiting)


class Keeper:
    """Add what a worker has counted to the records, now and then and at its end, in a thread of its own."""

    def __init__(self, *flushes: Callable[[], None], seconds: float = FLUSH_SECONDS) -> None:
        self._flushes = flushes
        self._seconds = seconds
        self._stopped = threading.Event()
        self._well = True
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Add what is left, and end."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            last = self._stopped.wait(self._seconds)
            try:
                for flush in self._flushes:
                    flush()
                self._well = True
            except Unavailable as error:
                # What was counted is kept for the next time; that is said once.
                if self._well:
                    event("counts of predictions cannot be kept at present", logging.ERROR, failure=error)
                self._well = False
