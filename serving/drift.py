"""Count what is asked for, so that it can be compared with what the model was trained on.

Counts only: of elements, of numbers of elements, of distances, of predicted conductivities. No material is kept, and
the counts of a day do not say which elements came together. Each worker counts in memory and adds to the service's
records at most once a minute.
"""

from __future__ import annotations

import itertools
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from superion.serving import state

if TYPE_CHECKING:
    from superion.serving.batch import Answered

KEPT_DAYS = 400
"""Days whose counts are kept."""

MATERIALS, ELEMENT, N_ELEMENTS, STRUCTURE = "materials", "element", "n_elements", "structure"
DOMAIN, DISTANCE, SIGMA, FAILURE = "domain", "distance", "log10_S_per_cm", "failure"

MAX_ELEMENTS = 8
"""Number of elements from which materials are counted together."""
DISTANCE_EDGES = (0.01, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)
SIGMA_EDGES = (-12.0, -10.0, -9.0, -8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0)
"""[log10(S/cm)]"""
NEAR_C = (15.0, 35.0)
"""Temperatures [degree Celsius] at which a predicted conductivity is counted, those of a room; others say what
temperatures were asked for and not what materials."""

Counts = dict[str, Counter[str]]
"""By feature, how often each of its values occurred."""


def bins(edges: Sequence[float]) -> tuple[str, ...]:
    """Return the names of the bins between edges, from the lowest up."""
    names = [f"{edge:g}" for edge in edges]
    return (f"below {names[0]}", *(f"{a} to {b}" for a, b in itertools.pairwise(names)), f"from {names[-1]}")


DISTANCE_BINS, SIGMA_BINS = bins(DISTANCE_EDGES), bins(SIGMA_EDGES)
COUNT_BINS = (*map(str, range(1, MAX_ELEMENTS)), f"{MAX_ELEMENTS} or more")


def count_bin(n_elements: int) -> str:
    """Return the bin of a number of elements."""
    return COUNT_BINS[min(n_elements, MAX_ELEMENTS) - 1]


def sigma_bin(log10_sigma: float) -> str:
    """Return the bin of a conductivity [log10(S/cm)]."""
    return SIGMA_BINS[bisect_right(SIGMA_EDGES, log10_sigma)]


class Observer:
    """Hold the counts of one worker that are not in the records yet; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], Counts] = {}

    def observe(self, answered: Answered) -> None:
        """Count a batch."""
        key = (today().isoformat(), answered.predictor.model.version)
        with self._lock:
            counts = self._counts.get(key)
            if counts is None:
                counts = self._counts[key] = {}
            _count(answered, counts)

    def flush(self) -> None:
        """Add what was counted to the records, and drop what is too old there.

        Raises Unavailable when the records cannot be written; what was counted is then kept for the next time.
        """
        with self._lock:
            taken, self._counts = self._counts, {}
        if not taken:
            return
        try:
            _write(taken)
        except BaseException:  # whatever it is goes on; what was counted is kept
            with self._lock:
                for key, counts in taken.items():
                    merge(self._counts.setdefault(key, {}), counts)
            raise


def _count(answered: Answered, counts: Counts) -> None:
    from superion.models.records import Failure

    def of(feature: str) -> Counter[str]:
        found = counts.get(feature)
        if found is None:
            found = counts[feature] = Counter()
        return found

    elements, n_elements, structures = of(ELEMENT), of(N_ELEMENTS), of(STRUCTURE)
    domains, distances, sigmas = of(DOMAIN), of(DISTANCE), of(SIGMA)
    n = 0
    for read, prediction in zip(answered.read, answered.predictions, strict=True):
        if isinstance(read, Failure) or isinstance(prediction, Failure):
            failure = prediction if isinstance(prediction, Failure) else read
            of(FAILURE)[failure.code] += 1  # type: ignore[union-attr] # one of the two is one
            continue
        n += 1
        symbols = read.material.formula.symbols
        for symbol in symbols:
            elements[symbol] += 1
        n_elements[count_bin(len(symbols))] += 1
        structures["no" if read.material.crystal is None else "yes"] += 1
        domain = prediction.domain
        domains["inside" if domain.in_domain else "outside"] += 1
        distances[DISTANCE_BINS[bisect_right(DISTANCE_EDGES, domain.distance)]] += 1
        for conductivity in prediction.conductivity:
            if NEAR_C[0] <= conductivity.temperature_c <= NEAR_C[1]:
                sigmas[sigma_bin(conductivity.log10.mean)] += 1
                break
    of(MATERIALS)["predicted"] += n


def _write(taken: Mapping[tuple[str, str], Counts]) -> None:
    rows = [
        (day, version, feature, name, n)
        for (day, version), counts in taken.items()
        for feature, values in counts.items()
        for name, n in values.items()
        if n
    ]
    with state.connection() as opened:
        opened.executemany(
            "INSERT INTO observed (day, version, feature, bin, n) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (day, version, feature, bin) DO UPDATE SET n = n + excluded.n",
            rows,
        )
        opened.execute("DELETE FROM observed WHERE day < ?", ((today() - timedelta(KEPT_DAYS)).isoformat(),))


def read(days: int) -> dict[str, Counts]:
    """Return what was counted over the last days, today among them, by version of the model.

    Raises Unavailable when the records cannot be read.
    """
    found: dict[str, Counts] = {}
    if not state.exists():
        return found
    since = (today() - timedelta(days - 1)).isoformat()
    with state.connection() as opened:
        rows = opened.execute(
            "SELECT version, feature, bin, SUM(n) FROM observed WHERE day >= ? GROUP BY version, feature, bin", (since,)
        ).fetchall()
    for version, feature, name, n in rows:
        found.setdefault(version, {}).setdefault(feature, Counter())[name] += n
    return found


def merge(into: Counts, more: Mapping[str, Counter[str]]) -> None:
    """Add counts to others."""
    for feature, values in more.items():
        into.setdefault(feature, Counter()).update(values)


def today() -> date:
    """Return the day it is, in UTC."""
    return datetime.fromtimestamp(time.time(), UTC).date()


_shared = Observer()


def shared() -> Observer:
    """Return the observer of this process."""
    return _shared
