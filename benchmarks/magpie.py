"""Time the Magpie features against matminer, on the same formulas in one run.

`python benchmarks/magpie.py`. Both start from parsed formulas and, on a second line, from strings; matminer is called
formula by formula in this process, which is faster for it than its own table interface with worker processes.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
from matminer.featurizers.composition import ElementProperty
from pymatgen.core import Composition

from superion.featurizers.formula import Formula
from superion.featurizers.magpie_statistics import magpie

FAMILIES = [
    "Li{0}La3Zr{1}Ta{2}O12",
    "Li{0}PS{1}Cl{2}",
    "Li{0}Ge{1}P{2}S12",
    "Li{0}Al{1}Ti{2}P3O12",
    "Li{0}Y{1}Cl{2}",
]


def made_up(count: int = 1000) -> list[str]:
    """Return formulas of known families with random amounts."""
    random = np.random.default_rng(0)
    amounts = random.integers(1, 400, size=(count, 3)) / 100
    return [FAMILIES[n % len(FAMILIES)].format(*amounts[n]) for n in range(count)]


def fastest(job: Callable[[], object], repeats: int) -> float:
    """Return the shortest time [s] that `job` took."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")  # remarks of the peers on their own deprecations are not what is measured
    texts = made_up()
    few = texts[:100]  # matminer is slow enough to be timed on a part
    preset = ElementProperty.from_preset("magpie")
    formulas = [Formula.parse(text) for text in texts]
    compositions = [Composition(text) for text in few]
    difference = np.abs(magpie(few, impute=True) - [preset.featurize(each) for each in compositions]).max()
    print(f"{len(texts)} formulas; largest difference from matminer {difference:.1e}")
    print(f"{'from':8}{'superion [us]':>14}{'matminer [us]':>14}{'ratio':>8}   per formula")
    for start, ours, theirs in [
        ("parsed", lambda: magpie(formulas), lambda: [preset.featurize(each) for each in compositions]),
        ("strings", lambda: magpie(texts), lambda: [preset.featurize(Composition(text)) for text in few]),
    ]:
        mine, other = fastest(ours, 5) / len(texts) * 1e6, fastest(theirs, 3) / len(few) * 1e6
        print(f"{start:8}{mine:14.1f}{other:14.1f}{other / mine:8.0f}")


if __name__ == "__main__":
    main()
