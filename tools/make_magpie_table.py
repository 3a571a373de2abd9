"""Write featurizers/data/magpie.csv from the Magpie element tables that matminer ships.

Run it as `python tools/make_magpie_table.py` in an environment with matminer; the output is committed, so only a
change of source needs it.
"""

from __future__ import annotations

import csv
import io
import math
from importlib import metadata, resources
from pathlib import Path

from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.magpie_statistics import PROPERTIES

OUTPUT = Path(__file__).resolve().parent.parent / "featurizers" / "data" / "magpie.csv"

HEADER = """\
# Element properties of Magpie, as shipped with matminer {version} (see README.md in this folder for source and units).
# One row per element of atomic number 1 to 118; an empty cell is a value that Magpie does not have.
# Written by tools/make_magpie_table.py: do not edit.
"""


def read_property(name: str) -> list[str]:
    """Return the 118 cells of one property: its numbers as Magpie writes them, empty where it has none."""
    folder = resources.files("matminer") / "utils" / "data_files" / "magpie_elementdata"
    lines = (folder / f"{name}.table").read_text(encoding="utf-8").splitlines()
    cells = []
    for index in range(len(SYMBOLS)):
        text = lines[index].strip() if index < len(lines) else ""
        try:
            known = math.isfinite(float(text))
        except ValueError:
            known = False
        cells.append(text if known else "")
    return cells


def main() -> None:
    """Write the table."""
    columns = [read_property(name) for name in PROPERTIES]
    text = io.StringIO()
    text.write(HEADER.format(version=metadata.version("matminer")))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["symbol", *PROPERTIES])
    writer.writerows(zip(SYMBOLS, *columns, strict=True))
    OUTPUT.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
