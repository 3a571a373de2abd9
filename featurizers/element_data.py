"""Facts about the elements: symbols, atomic numbers, atomic masses and the Magpie table of 22 properties.

The plain constants cost nothing to import; the Magpie table is read once, when it is first asked for. Where the values
come from is written in `featurizers/data/README.md`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_PERIODIC_TABLE = """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br
    Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er
    Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md
    No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""

SYMBOLS: tuple[str, ...] = tuple(_PERIODIC_TABLE.split())
"""The symbols of elements 1 to 118; `SYMBOLS[z - 1]` is the element of atomic number `z`."""

ATOMIC_NUMBER: dict[str, int] = {symbol: number for number, symbol in enumerate(SYMBOLS, start=1)}
"""Atomic number of each symbol, 1 to 118."""

_STANDARD_ATOMIC_WEIGHTS = """
    1.008 4.002602 6.94 9.0121831 10.81 12.011 14.007 15.999 18.99840316 20.1797 22.98976928 24.305
    26.9815385 28.085 30.973762 32.06 35.45 39.948 39.0983 40.078 44.955908 47.867 50.9415 51.9961
    54.938044 55.845 58.933194 58.6934 63.546 65.38 69.723 72.63 74.921595 78.971 79.904 83.798
    85.4678 87.62 88.90584 91.224 92.90637 95.95 97.90721 101.07 102.9055 106.42 107.8682 112.414
    114.818 118.71 121.76 127.6 126.90447 131.293 132.905452 137.327 138.90547 140.116 140.90766
    144.242 144.91276 150.36 151.964 157.25 158.92535 162.5 164.93033 167.259 168.93422 173.054
    174.9668 178.49 180.94788 183.84 186.207 190.23 192.217 195.084 196.966569 200.592 204.38 207.2
    208.9804 208.98243 209.98715 222.01758 223.01974 226.02541 227.02775 232.0377 231.03588
    238.02891 237.04817 244.06421 243.06138 247.07035 247.07031 251.07959 252.083 257.09511
    258.09843 259.101 262.11 267.122 268.126 271.134 270.133 269.1338 278.156 281.165 281.166
    285.177 286.182 289.19 289.194 293.204 293.208 294.214
"""

ATOMIC_MASS: dict[str, float] = dict(
    zip(SYMBOLS, (float(mass) for mass in _STANDARD_ATOMIC_WEIGHTS.split()), strict=True)
)
"""Standard atomic weight of each symbol [g/mol] (IUPAC 2016; without one, that of the longest-lived isotope)."""


@dataclass(frozen=True)
class MagpieTable:
    """Hold the element properties that the Magpie statistics are taken over."""

    properties: tuple[str, ...]
    """Names of the 22 properties, in the order of matminer's `magpie` preset."""
    values: np.ndarray
    """Shape (118, 22), float64, read-only: row `z - 1` is atomic number `z`; NaN where Magpie has no value."""


@cache
def magpie_table() -> MagpieTable:
    """Read `data/magpie.csv`, once per process.

    An empty cell is a property that Magpie has no value for; it is NaN in the table, never zero.
    """
    import numpy as np

    text = resources.files("superion.featurizers").joinpath("data/magpie.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    if tuple(row[0] for row in rows) != SYMBOLS:
        raise RuntimeError("featurizers/data/magpie.csv is damaged: its rows are not the elements 1 to 118 in order")
    values = np.array([[float(cell) if cell else np.nan for cell in row[1:]] for row in rows], dtype=np.float64)
    values.setflags(write=False)
    return MagpieTable(properties=tuple(header[1:]), values=values)
