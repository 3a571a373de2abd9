"""Write featurizers/data/shannon_radii.csv: Shannon's ionic radii, which pymatgen ships.

Run it as `python tools/make_shannon_radii.py` in an environment with pymatgen; the output is committed, so only a
change of source needs it.
"""

from __future__ import annotations

import csv
import io
from importlib import metadata
from pathlib import Path

from make_ionic_radii import BEYOND_SHANNON, COORDINATION
from pymatgen.core import Element

from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.species_kinds import ANION_CHARGES

OUTPUT = Path(__file__).resolve().parent.parent / "featurizers" / "data" / "shannon_radii.csv"

HEADER = """\
# Effective ionic radii [angstrom] by charge and coordination number; of two spin states the high one (see README.md).
# From the Shannon radii shipped with pymatgen-core {version}.
# Written by tools/make_shannon_radii.py: do not edit.
"""


def rows() -> list[tuple[str, int, int, str]]:
    """Return (symbol, charge, coordination number, radius) of every ion that has one, in order."""
    found: dict[tuple[str, int, int], float] = {}
    for symbol in SYMBOLS:
        for charge, by_number in (Element(symbol).data.get("Shannon radii") or {}).items():
            if not charge:
                continue  # europium at seven neighbours, whose charge is missing there
            for number, spins in by_number.items():
                key = (symbol, int(charge), COORDINATION[number])
                # A square or a pyramid comes after the polyhedron that is meant where only a number is said.
                radius = float(spins.get("High Spin", next(iter(spins.values())))["ionic_radius"])
                found.setdefault(key, radius)
    for symbol, radius in BEYOND_SHANNON.items():
        found.setdefault((symbol, ANION_CHARGES[symbol], 6), radius)
    order = {symbol: place for place, symbol in enumerate(SYMBOLS)}
    keys = sorted(found, key=lambda key: (order[key[0]], key[1], key[2]))
    return [(*key, f"{found[key]:.3f}") for key in keys]


def main() -> None:
    """Write the table."""
    text = io.StringIO()
    text.write(HEADER.format(version=metadata.version("pymatgen-core")))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["symbol", "charge", "coordination", "radius"])
    writer.writerows(rows())
    OUTPUT.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
