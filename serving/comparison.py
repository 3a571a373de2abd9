"""What a shadow has said, as sums: in memory for a minute, then in the service's records."""

from __future__ import annotations

import threading
import time
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from superion.serving import state

if TYPE_CHECKING:
    from superion.models.records import Estimate


@dataclass
class Sums:
    """Hold what was counted of one shadow beside one champion; a column of the records for each."""

    n: int = 0
    sum_difference: float = 0.0
    """Of shadow minus champion [log10(S/cm)]."""
    sum_absolute: float = 0.0
    sum_squares: float = 0.0
    n_outside_interval: int = 0
    """Materials for which the shadow's mean lies outside the interval that the champion answered with."""
    n_outside_domain: int = 0
    """Of the shadow."""
    n_failed: int = 0
    n_dropped: int = 0
    """Materials that too many waited for."""
    seconds: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


COLUMNS = tuple(field.name for field in fields(Sums))


class Comparisons:
    """Hold what is not in the records yet, by the versions of shadow and champion; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[str, str], tuple[float, Sums]] = {}

    def add(
        self, shadow: str, champion: str, mean: float, answered: Estimate, outside_domain: bool, seconds: float
    ) -> None:
        """Count a material: what the shadow says of it, and what the champion answered."""
        difference = mean - answered.mean
        outside = not answered.lower <= mean <= answered.upper
        squared = difference**2
        self._count(
            shadow,
            champion,
            Sums(1, difference, abs(difference), squared, int(outside), int(outside_domain), seconds=seconds),
        )

    def fail(self, shadow: str, champion: str) -> None:
        """Count a material that the shadow failed on."""
        self._count(shadow, champion, Sums(n_failed=1))

    def drop(self, shadow: str, champion: str, n: int) -> None:
        """Count materials that the shadow was not asked for."""
        self._count(shadow, champion, Sums(n_dropped=n))

    def _count(self, shadow: str, champion: str, more: Sums, since: float | None = None) -> None:
        with self._lock:
            first, sums = self._sums.get((shadow, champion), (since or time.time(), Sums()))
            self._sums[shadow, champion] = (first, sums + more)

    def flush(self) -> None:
        """Add what was counted to the records.

        Raises Unavailable when they cannot be written; what was counted is then kept for the next time.
        """
        with self._lock:
            taken, self._sums = self._sums, {}
        if not taken:
            return
        columns = ", ".join(COLUMNS)
        added = ", ".join(f"{column} = {column} + excluded.{column}" for column in COLUMNS)
        places = ", ".join("?" * (3 + len(COLUMNS)))
        try:
            with state.connection() as opened:
                opened.executemany(
                    f"INSERT INTO compared (shadow, champion, since, {columns}) VALUES ({places}) "
                    f"ON CONFLICT (shadow, champion) DO UPDATE SET {added}",
                    [(*versions, since, *astuple(sums)) for versions, (since, sums) in taken.items()],
                )
        except BaseException:  # whatever it is goes on; what was counted is kept
            for (shadow, champion), (since, sums) in taken.items():
                self._count(shadow, champion, sums, since)
            raise


def read(shadow: str, champion: str) -> tuple[float | None, Sums]:
    """Return since when two versions are compared [Unix time] and what was found, None and nothing where they are not.

    Raises Unavailable when the records cannot be read.
    """
    if not state.exists():
        return None, Sums()
    with state.connection() as opened:
        row = opened.execute(
            f"SELECT since, {', '.join(COLUMNS)} FROM compared WHERE shadow = ? AND champion = ?", (shadow, champion)
        ).fetchone()
    return (None, Sums()) if row is None else (row[0], Sums(*row[1:]))
