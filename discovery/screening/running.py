"""A screening from its first part to its last: what is done is left alone, what is not is sent to the workers.

Few parts are on their way at a time, so that neither this process nor the scheduler ever holds the list. Workers write
what they find, and say only how much it was; a part that was done twice is the same file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superion import __version__
from superion.discovery.screening.alone import judge_one_by_one
from superion.discovery.screening.judging import Asked, judge
from superion.discovery.screening.parts import Part
from superion.discovery.screening.results import Counts, Results
from superion.discovery.screening.sources import Source, check_rows
from superion.errors import SuperionError
from superion.home import PHASE_TABLE_VARIABLE
from superion.training.dask_tasks import Tasks

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 3
"""Parts that are on their way for each thread of the workers."""


@dataclass(frozen=True)
class Screening:
    """Hold what is screened, how, and where the results go."""

    source: Source
    asked: Asked
    out: Path
    rows: int | None = None
    """Materials of a part; as the source has it unless given."""

    def __post_init__(self) -> None:
        check_rows(self.rows)

    @property
    def rows_of_a_part(self) -> int:
        """Return how many materials a part has."""
        return self.source.rows if self.rows is None else self.rows

    def manifest(self) -> dict[str, Any]:
        """Return what has to be alike for the parts of two runs to belong together."""
        model = self.asked.model
        return {
            "superion": __version__,
            "input": {"name": self.source.path.name, "kind": self.source.kind, "sha256": self.source.digest()},
            "model": {"version": model.version, "sha256": model.digest},
            "phase_table": os.environ.get(PHASE_TABLE_VARIABLE),
            "temperature_C": self.asked.temperature_c,
            "confidence": self.asked.confidence,
            "where": self.asked.where,
            "stability": self.asked.stability,
            "rows_of_a_part": self.rows_of_a_part,
        }


def _rate(counts: Counts, skipped: Counts, seconds: float) -> float:
    return (counts.read - skipped.read) / max(seconds, 1e-9)


@dataclass(frozen=True)
class Progress:
    """Hold how far a screening is."""

    counts: Counts
    """Of this run and those before."""
    skipped: Counts
    """Of those before."""
    total: int | None
    """Materials in the list, None where that is known at its end only."""
    seconds: float
    """Since this run began to work."""

    @property
    def rate(self) -> float:
        """Return how many materials this run reads in a second."""
        return _rate(self.counts, self.skipped, self.seconds)

    @property
    def seconds_left(self) -> float | None:
        """Return how long the rest takes at this rate, None where that cannot be told."""
        return None if self.total is None or not self.rate else (self.total - self.counts.read) / self.rate


@dataclass
class Screened:
    """Hold what came of a screening."""

    out: Path
    failures: Path
    counts: Counts
    skipped: Counts
    """What an earlier run had done of it."""
    seconds: float
    not_done: list[str] = field(default_factory=list)
    """Why parts could not be done; they are tried again when it is run again."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "out": str(self.out),
            "failures": str(self.failures) if self.counts.failed else None,
            "read": self.counts.read,
            "written": self.counts.written,
            "failed": self.counts.failed,
            "skipped": self.skipped.read,
            "seconds": round(self.seconds, 3),
            "rate_per_second": round(_rate(self.counts, self.skipped, self.seconds), 2),
            "not_done": list(self.not_done),
        }


def run(
    screening: Screening,
    client: Client,
    progress: Callable[[Progress], None] = lambda found: None,
    tell: Callable[[str], None] = lambda message: None,
) -> Screened:
    """Screen a list on the workers of a client, or go on where an earlier run has stopped.

    Raises InvalidValue for a folder of results that is of something else, InvalidTable for a list that cannot be read,
    and the fault of the first part where no part at all could be done.
    """
    results = Results(screening.out.absolute())
    done = results.open(screening.manifest())
    skipped = sum(done.values(), Counts())
    if done:
        tell(f"{skipped.read} materials in {len(done)} parts were screened before and are skipped")
    tasks = Tasks(client)
    if not tasks.threads():
        tell("no worker is there yet; waiting for the first")
    begun, counts = time.monotonic(), skipped
    found = Screened(results.folder, results.failures, counts, skipped, 0.0)
    parts: Iterable[Part] = screening.source.parts(screening.rows_of_a_part)
    total = None
    if not screening.source.travels:
        parts = list(parts)  # where they lie, not what they are
        total = sum(part.n for part in parts)
    left = (part for part in parts if part.number not in done)
    faults: list[Exception] = []
    for part, outcome in _each(tasks, left, screening.asked, results):
        if isinstance(outcome, Exception):
            faults.append(outcome)
            found.not_done.append(f"part {part.number}, from row {part.first} on: {_said(outcome)}")
            tell(found.not_done[-1])
            continue
        counts += outcome
        found.counts, found.seconds = counts, time.monotonic() - begun
        progress(Progress(counts, skipped, total, found.seconds))
    if faults and counts == skipped and isinstance(faults[0], SuperionError):
        raise faults[0]
    found.seconds = time.monotonic() - begun
    return found


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, SuperionError | OSError) else f"{type(error).__name__}: {error}"


def work(part: Part, asked: Asked, results: Results, alone: bool = False) -> Counts:
    """Predict a part and write it; what runs on a worker."""
    return results.write(part.number, judge_one_by_one(part, asked) if alone else judge(part, asked))


def _each(
    tasks: Tasks, parts: Iterator[Part], asked: Asked, results: Results
) -> Iterator[tuple[Part, Counts | Exception]]:
    """Yield each part with what came of it, in whatever order they end."""
    from distributed import KilledWorker

    sent: dict[Future, tuple[Part, bool]] = {}

    def send(part: Part, alone: bool = False) -> None:
        sent[tasks.submit(work, part, asked, results, alone, priority=-part.number)] = part, alone

    while True:
        # Workers come and go, so it is looked at for each part.
        most = AHEAD * max(1, tasks.threads())
        while len(sent) < most and (part := next(parts, None)) is not None:
            send(part)
        if not sent:
            return
        future = tasks.next_ended()
        outcome = tasks.outcome(future)
        part, alone = sent.pop(future)
        if isinstance(outcome, KilledWorker) and not alone:
            # One of its materials takes the whole process with it.
            send(part, alone=True)
        else:
            yield part, outcome
