"""The Magpie features of compositions, beside matminer's.

matminer is called formula by formula in one process, which is faster for it than its own table interface with worker
processes. Ours gets the 1,000 formulas at once. Both start from parsed compositions and, in a second comparison, from
strings, and both fill in missing values, so that they give the same numbers; the difference is reported.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from featurisation import made_up
from featurisation.clock import Contender, in_turn, timed
from featurisation.report import Comparison, Figure, Scaling
from featurisation.setting import Setting
from superion.featurizers import Formula, magpie

TARGET = 2000.0
BATCH = 1000
SIZES = (1, 10, 100, 1000, 10_000)


def measure(setting: Setting) -> Figure:
    """Compare, per composition, and scale with the size of the batch."""
    texts = made_up.formulas(BATCH)
    theirs = texts[:20] if setting.quick else texts
    starts: dict[str, Sequence[str | Formula]] = {
        "parsed": [Formula.parse(text) for text in texts],
        "strings": texts,
    }
    comparisons = []
    details = {}
    if setting.locked is not None:
        # Reads matminer's tables before its clock runs.
        difference = np.abs(magpie(texts[:50], impute=True) - setting.locked.ask("magpie_values", texts=texts[:50]))
        details["largest difference from matminer"] = float(difference.max())
    for start, batch in starts.items():
        contenders = {"ours": per_formula(batch)}
        if setting.locked is not None:
            contenders["matminer"] = setting.locked.contender("magpie", texts=theirs, parsed=start == "parsed")
        times = in_turn(contenders, setting.rounds(5))
        job = f"Magpie, per composition, {start}"
        comparisons.append(Comparison(job, "matminer", BATCH, times["ours"], times.get("matminer"), TARGET))
    return Figure("magpie", comparisons, [scaling(setting)], details=details)


def scaling(setting: Setting) -> Scaling:
    """Time batches of growing size, from strings and parsed."""
    sizes = SIZES[:4] if setting.quick else SIZES
    seconds: dict[str, list[float]] = {"strings": [], "parsed": []}
    for size in sizes:
        texts = made_up.formulas(size)
        batches: dict[str, Sequence[str | Formula]] = {
            "strings": texts,
            "parsed": [Formula.parse(text) for text in texts],
        }
        times = in_turn({name: per_formula(batch) for name, batch in batches.items()}, setting.rounds(5))
        for name, found in times.items():
            seconds[name].append(float(np.median(found.totals)) * size)
    return Scaling("Magpie, one batch", "formulas in it", sizes, seconds)


def per_formula(batch: Sequence[str | Formula]) -> Contender:
    """Return a contender that does a batch and answers with the mean time of a formula [s]."""
    repeats = 20_000 // (len(batch) + 1000)
    return lambda: [timed(lambda each: magpie(each, impute=True), [batch], repeats)[0] / len(batch)]
