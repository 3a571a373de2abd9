"""Write featurizers/data/ionic_radii.csv from the Shannon radii that pymatgen ships and the anion radii below.

Run it as `python tools/make_ionic_radii.py` in an environment with pymatgen; the output is committed, so only a change
of source needs it.
"""

from __future__ import annotations

import csv
import io
import math
from importlib import metadata
from pathlib import Path
from typing import Any

from pymatgen.core import Element

from superion.featurizers.element_data import SYMBOLS

OUTPUT = Path(__file__).resolve().parent.parent / "featurizers" / "data" / "ionic_radii.csv"

HEADER = """\
# Ionic radii [angstrom] that need no oxidation state: of an element as a cation and as an anion (see README.md).
# From the Shannon radii shipped with pymatgen-core {version}; an empty cell is a value that is not known.
# Written by tools/make_ionic_radii.py: do not edit.
"""

COORDINATION = {"I": 1, "II": 2, "III": 3, "IIIPY": 3, "IV": 4, "IVPY": 4, "IVSQ": 4, "V": 5, "VI": 6, "VII": 7}
COORDINATION |= {"VIII": 8, "IX": 9, "X": 10, "XI": 11, "XII": 12, "XIV": 14}
"""The coordination numbers of Shannon's table, as pymatgen writes them; pyramids and squares are as good as others."""

BEYOND_SHANNON = {"H": 1.39, "C": 2.60, "Si": 2.71, "P": 2.12, "Ge": 2.72, "As": 2.22, "Sn": 2.94, "Sb": 2.45}
"""Radii of anions that Shannon does not list [angstrom]; README.md in the data folder has the sources."""


def in_six_coordination(radii: dict[str, Any]) -> float:
    """Return the effective radius at six neighbours, or at the number next to it; of two spin states the high one."""
    nearest = min(radii, key=lambda number: (abs(COORDINATION[number] - 6), number))
    spins = radii[nearest]
    return float(spins.get("High Spin", next(iter(spins.values())))["ionic_radius"])


def mean_radius(symbol: str, sign: int) -> str:
    """Return the mean over the common oxidation states of one sign as text; a cation has no radius below 0."""
    element = Element(symbol)
    table = element.data.get("Shannon radii") or {}
    known = [
        in_six_coordination(table[str(n)]) for n in element.common_oxidation_states if n * sign > 0 and str(n) in table
    ]
    if sign < 0 and symbol in BEYOND_SHANNON:
        known = [BEYOND_SHANNON[symbol]]
    return f"{max(0.0, math.fsum(known) / len(known)):.3f}" if known else ""


def main() -> None:
    """Write the table."""
    text = io.StringIO()
    text.write(HEADER.format(version=metadata.version("pymatgen-core")))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["symbol", "cation", "anion"])
    writer.writerows([symbol, mean_radius(symbol, 1), mean_radius(symbol, -1)] for symbol in SYMBOLS)
    OUTPUT.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
