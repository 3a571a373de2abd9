"""How often someone may do something, without a memory that grows."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class Rates:
    """Grant each name so many a minute, of which up to a minute's worth may come at once: a token bucket.

    Kept of a name is the time at which its bucket is full again (the generic cell rate algorithm), and that only until
    then. For one thread.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember `most` names; beyond, those that asked longest ago are forgotten before their time."""
        self._most = most
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str, per_minute: float) -> float:
        """Take one for a name; returns 0 when it was granted, else the time until one will be [s]."""
        now = self._clock()
        self._forget(now)
        one = 60.0 / per_minute
        full_at = max(self._full_at.get(name, now), now) + one
        wait = full_at - now - max(one, 60.0)
        if wait > 1e-9:
            self._full_at.move_to_end(name)
            return wait
        self._full_at[name] = full_at
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return 0.0

    def _forget(self, now: float) -> None:
        while self._full_at and next(iter(self._full_at.values())) <= now:
            self._full_at.popitem(last=False)
