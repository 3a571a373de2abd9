"""Write featurizers/data/substitutions.csv from the compositions of the Materials Project in matbench.

Run it as `python tools/make_substitution_table.py`, with the data set `mp-formation-energies` at hand (`superion data
fetch mp-formation-energies`); the output is committed, so only a change of source needs it. Models remember the kernel
that compares by this table: give it a new number (`superion.models.kernels.KERNELS`) when the table changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula
from superion.training.datasets import require
from superion.training.matbench import read_values

OUTPUT = Path(__file__).resolve().parent.parent / "featurizers" / "data" / "substitutions.csv"

HEADER = """\
# How often elements take each other's place in compounds of the Materials Project (see README.md in this folder).
# Written by tools/make_substitution_table.py: do not edit.
element,other,weight
"""


def weights(formulas: Iterable[Formula]) -> dict[tuple[str, str], float]:
    """Return the weight of each pair of elements, the one of the lower atomic number first.

    What is left of a compound when one element is taken out, and how much of it, is a place; the k elements that are
    found in one place replace each other there, each pair with a weight of 1 / (k - 1), so that an element has a weight
    of 1 in every place that it shares.
    """
    places: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for formula in formulas:
        parts = sorted(zip(formula.symbols, map(float, formula.amounts), strict=True))
        for index, (symbol, amount) in enumerate(parts if len(parts) > 1 else ()):
            places[amount, *parts[:index], *parts[index + 1 :]].add(symbol)
    found: dict[tuple[str, str], float] = defaultdict(float)
    for symbols in places.values():
        for pair in combinations(sorted(symbols, key=ATOMIC_NUMBER.__getitem__), 2):
            found[pair] += 1.0 / (len(symbols) - 1)
    return found


def main() -> None:
    """Write the table."""
    (path,) = require("mp-formation-energies")
    formulas = (Formula.parse(text).reduced for text in {text for text, _ in read_values(path)})
    found = weights({formula.canonical: formula for formula in formulas}.values())
    order = sorted(found, key=lambda pair: [ATOMIC_NUMBER[symbol] for symbol in pair])
    lines = [f"{one},{other},{found[one, other]:.3f}\n" for one, other in order]
    OUTPUT.write_text(HEADER + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
