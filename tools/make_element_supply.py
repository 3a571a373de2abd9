"""Write discovery/data/element_supply.csv: what the elements cost and how much of them the Earth's crust holds.

Run it as `python tools/make_element_supply.py` in an environment with mendeleev; the output is committed, so only a
change of source needs it.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing
from importlib import metadata
from pathlib import Path

from superion.featurizers.element_data import ATOMIC_NUMBER

OUTPUT = Path(__file__).resolve().parent.parent / "discovery" / "data" / "element_supply.csv"

NOT_TRADED = {"Tc", "Pm"} | {symbol for symbol, number in ATOMIC_NUMBER.items() if number > 83} - {"Th", "U"}
"""Radioactive elements whose price is that of micrograms for research."""

HEADER = """\
# Price of the element [US dollars per kg] and its abundance in the continental crust [mg/kg]; see README.md.
# From mendeleev {version}. Prices: Wikipedia, "Prices of chemical elements", revision 1262554464 (December 2024), many
# of them of 2019 and 2020, of a range the lower end. Abundances: CRC Handbook of Chemistry and Physics, 95th edition.
# Written by tools/make_element_supply.py: do not edit.
"""


def rows() -> list[tuple[str, str, str]]:
    """Return (symbol, price, abundance) of every element that has one of the two, by atomic number."""
    database = metadata.distribution("mendeleev").locate_file("mendeleev/elements.db")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found = connection.execute(
            "SELECT symbol, price_per_kg, abundance_crust FROM elements ORDER BY atomic_number"
        ).fetchall()
    table = []
    for symbol, price, abundance in found:
        texts = [
            "" if value is None else f"{value:.5g}" for value in (None if symbol in NOT_TRADED else price, abundance)
        ]
        if any(texts):
            table.append((symbol, *texts))
    return table


def main() -> None:
    """Write the table."""
    text = io.StringIO()
    text.write(HEADER.format(version=metadata.version("mendeleev")))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["symbol", "price", "abundance"])
    writer.writerows(rows())
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
