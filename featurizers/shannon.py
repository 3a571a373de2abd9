"""Shannon's ionic radii, and two ions compared by them.

Source: R. D. Shannon, Acta Crystallogr. A 32, 751 (1976); see `data/README.md`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import cache
from importlib import resources

__all__ = ["ion_radii", "radii_of_both"]


@cache
def ion_radii(symbol: str, charge: int) -> Mapping[int, float]:
    """Return the radii of an ion by its coordination number [angstrom]; empty where none is known."""
    return _table().get((symbol, charge), {})


def radii_of_both(one: tuple[str, int], other: tuple[str, int]) -> tuple[float, float] | None:
    """Return the radii of two ions (symbol, charge) with like surroundings [angstrom], None where one has no radius.

    They are the means over the coordination numbers that both are listed with; where there is none, those at the two
    numbers that are closest to each other.
    """
    left, right = ion_radii(*one), ion_radii(*other)
    if not (left and right):
        return None
    common = sorted(left.keys() & right.keys())
    if common:
        n_common = len(common)
        return math.fsum(left[n] for n in common) / n_common, math.fsum(right[n] for n in common) / n_common
    m, n = min(((m, n) for m in left for n in right), key=lambda pair: (abs(pair[0] - pair[1]), pair))
    return left[m], right[n]


@cache
def _table() -> Mapping[tuple[str, int], Mapping[int, float]]:
    text = resources.files("superion.featurizers").joinpath("data/shannon_radii.csv").read_text(encoding="utf-8")
    found: dict[tuple[str, int], dict[int, float]] = {}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        ion = row["symbol"], int(row["charge"])
        found.setdefault(ion, {})[int(row["coordination"])] = float(row["radius"])
    return found
