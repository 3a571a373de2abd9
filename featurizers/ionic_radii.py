"""Anions told from cations by their neighbours, and ionic radii that need no oxidation state.

An atom is taken for an anion when it is bonded and none of its bonded neighbours is more electronegative: S is one in
Li3PS4 and the cation of Li2SO4, H is one in LiBH4 and a cation in LiOH. Two atoms are bonded when they are 0.6 to 1.3
times the sum of their covalent radii apart; closer ones are parts of a split site, which exclude each other.
Electronegativities (Pauling) and covalent radii are those of the Magpie table, the ionic radii of
`data/ionic_radii.csv`.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS, magpie_table
from superion.featurizers.occupancies import Floats, Occupancies

__all__ = ["anions", "ionic_radii"]

SHORTEST_BOND, LONGEST_BOND = 0.6, 1.3
"""Length of a bond over the sum of the covalent radii, smallest and largest."""
_PICOMETRE = 0.01


def anions(contents: Occupancies) -> npt.NDArray[np.bool_]:
    """Mark the entries (n_positions, n_elements) of a crystal's contents that are anions.

    False where the element is not on the position.
    """
    electronegativity = _column("Electronegativity", contents.symbols)
    radius = _column("CovalentRadius", contents.symbols) * _PICOMETRE
    present = contents.amounts > 0.0
    if not np.isfinite(radius).any():
        return np.zeros_like(present)
    i, j, _, distance = contents.pairs(2.0 * LONGEST_BOND * float(np.nanmax(radius)))
    bonded, outdone = np.zeros_like(present), np.zeros_like(present)
    known = np.flatnonzero(np.isfinite(electronegativity) & np.isfinite(radius))  # all but argon and the like
    for s in known:
        for t in known[known != s]:
            length = radius[s] + radius[t]
            bond = (SHORTEST_BOND * length <= distance) & (distance <= LONGEST_BOND * length)
            ends = i[bond & present[i, s] & present[j, t]]
            bonded[ends, s] = True
            if electronegativity[t] > electronegativity[s]:
                outdone[ends, s] = True
    return present & bonded & ~outdone


def ionic_radii(symbols: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Return the radii (n_symbols,) of elements as cations and as anions [angstrom], NaN where none is known."""
    rows = _radius_table()[[ATOMIC_NUMBER[symbol] - 1 for symbol in symbols]]
    return rows[:, 0], rows[:, 1]


@cache
def _radius_table() -> Floats:
    """Read `data/ionic_radii.csv`, once per process: cation and anion radius (118, 2) [angstrom]."""
    text = resources.files("superion.featurizers").joinpath("data/ionic_radii.csv").read_text(encoding="utf-8")
    _, *rows = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    if tuple(row[0] for row in rows) != SYMBOLS:
        raise RuntimeError(
            "featurizers/data/ionic_radii.csv is damaged: its rows are not the elements 1 to 118 in order"
        )
    values = np.array([[float(cell) if cell else np.nan for cell in row[1:]] for row in rows])
    values.setflags(write=False)
    return values


def _column(name: str, symbols: tuple[str, ...]) -> Floats:
    table = magpie_table()
    column: Floats = table.values[[ATOMIC_NUMBER[symbol] - 1 for symbol in symbols], table.properties.index(name)]
    return column
