"""Many structures at once on two worker processes, beside a loop over them in one process.

The workers are started and warm before the clock runs, as they are after a user's first batch; starting them is timed
apart. The answers come back to this process on both sides. Sources that are refused cost what they cost on both sides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np

from featurisation import graphs, landscape
from featurisation.clock import Contender, in_turn
from featurisation.report import Comparison, Figure, Scaling
from featurisation.setting import NEEDS_CIFS, Setting
from superion.errors import SuperionError
from superion.featurizers import Crystal, Featuriser, bond_valence_landscape

TARGET = 1.8
WORKERS = 2
PEER = "loop in one process"
SIZES = (1, 10, 100, 1000)

Many = Callable[[Sequence[str]], Iterable[Any]]
"""Gives a result, or an error, for each CIF text."""


def measure(setting: Setting) -> Figure:
    """Compare graphs and landscapes of all CIFs, and scale with the size of the batch."""
    if setting.cifs is None:
        return Figure("batch", not_measured=NEEDS_CIFS)
    texts = list(setting.cifs.values())
    with Featuriser(workers=WORKERS) as featuriser:
        start = time.perf_counter()
        list(featuriser.crystals(texts[:WORKERS]))
        details: dict[str, Any] = {"first answer of cold workers [s]": time.perf_counter() - start}
        jobs: dict[str, tuple[Many, Many]] = {
            "graphs": (
                lambda some: featuriser.graphs(some, graphs.CUTOFF, graphs.NEIGHBORS),
                lambda some: _loop(graphs.convert, some),
            ),
            "landscapes": (
                lambda some: featuriser.landscapes(some, "Li", landscape.RESOLUTION, landscape.CUTOFF),
                lambda some: _loop(_landscape, some),
            ),
        }
        comparisons = []
        for job, (pooled, looped) in jobs.items():
            answers = list(pooled(texts))
            details[f"{job} refused"] = sum(isinstance(answer, SuperionError) for answer in answers)
            times = in_turn({"ours": _timed(pooled, texts), PEER: _timed(looped, texts)}, setting.rounds(7))
            name = f"{len(texts)} {job}, {WORKERS} workers"
            comparisons.append(Comparison(name, PEER, len(texts), times["ours"], times[PEER], TARGET))
        return Figure("batch", comparisons, [scaling(setting, texts, *jobs["graphs"])], details=details)


def scaling(setting: Setting, texts: Sequence[str], pooled: Many, looped: Many) -> Scaling:
    """Time batches of growing size, the CIFs over again where there are too few."""
    sizes = SIZES[:2] if setting.quick else SIZES
    seconds: dict[str, list[float]] = {}
    for size in sizes:
        some = list(islice(cycle(texts), size))
        times = in_turn({f"{WORKERS} workers": _timed(pooled, some), "loop": _timed(looped, some)}, setting.rounds(5))
        for name, found in times.items():
            seconds.setdefault(name, []).append(float(np.median(found.totals)))
    return Scaling("CIF text to graph, one batch", "CIFs in it", sizes, seconds)


def _timed(many: Many, texts: Sequence[str]) -> Contender:
    def contender() -> list[float]:
        start = time.perf_counter()
        for _ in many(texts):
            pass
        return [time.perf_counter() - start]

    return contender


def _loop(function: Callable[[str], Any], texts: Sequence[str]) -> Iterator[Any]:
    for text in texts:
        try:
            yield function(text)
        except SuperionError as error:
            yield error


def _landscape(text: str) -> Any:
    return bond_valence_landscape(
        Crystal.from_cif(text), ion="Li", resolution=landscape.RESOLUTION, cutoff=landscape.CUTOFF
    )
