"""Take the times of contenders in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from featurisation.report import Times

Input = TypeVar("Input")

Contender = Callable[[], Sequence[float]]
"""Does its job on every input and returns the time of each [s]."""


def in_turn(contenders: Mapping[str, Contender], rounds: int) -> dict[str, Times]:
    """Let the contenders take turns, A B C A B C, so that a slow spell of the machine meets all of them."""
    seconds: dict[str, list[Sequence[float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            seconds[name].append(contender())
    return {name: Times(np.array(rows, dtype=np.float64)) for name, rows in seconds.items()}


def timed(job: Callable[[Input], object], inputs: Iterable[Input], repeats: int = 1) -> list[float]:
    """Return the median time [s] of `repeats` calls on each input."""
    return [statistics.median(_once(job, each) for _ in range(repeats)) for each in inputs]


def _once(job: Callable[[Input], object], each: Input) -> float:
    start = time.perf_counter()
    kept = job(each)
    seconds = time.perf_counter() - start
    del kept  # freed outside of the clock, as a caller who keeps the answer would have it
    return seconds
