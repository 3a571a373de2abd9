"""Tables of matbench by formula: derived from their public originals, read, told by content.

The originals are of matbench v0.1 (doi:10.1038/s41524-020-00406-3), which holds a structure of the Materials Project
(doi:10.1063/1.4812323) and its target in every row. Of the structure the tables keep the formula.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from superion.errors import InvalidTable, NotFound, SuperionError
from superion.featurizers.formula import Formula
from superion.loading import missing

HEADER = ["formula", "target"]
DECIMALS = 6
"""Decimals of a value that tell one content from another."""


@dataclass(frozen=True)
class Original:
    """Name an original of matbench."""

    name: str
    """In matminer."""
    column: str
    """Of the target."""

    def derive(self, into: Path, load: Callable[..., Any] | None = None) -> None:
        """Write the table from the original, which `load` brings: matminer's `load_dataset` unless another is given.

        Raises NotFound when the original cannot be had, MissingDependency when matminer is not installed.
        """
        into.parent.mkdir(parents=True, exist_ok=True)
        if load is None:
            load = _matminer()
        with tempfile.TemporaryDirectory(dir=into.parent) as folder:
            try:
                # matminer prints what it does, and would leave the original inside its own package.
                with contextlib.redirect_stdout(sys.stderr):
                    frame = load(self.name, data_home=folder)
            # UserWarning is what matminer raises for a download with another checksum than it expects.
            except (OSError, UserWarning) as error:
                fault = f"{self.name} could not be fetched: {error}"
                raise NotFound(fault, field="name", value=self.name) from error
        with into.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            for structure, value in zip(frame["structure"], frame[self.column], strict=True):
                writer.writerow([structure.composition.alphabetical_formula.replace(" ", ""), float(value)])


def read_values(path: Path) -> list[tuple[str, float]]:
    """Return formula and value of every row, one row a polymorph.

    Raises InvalidTable for a file that is no such table.
    """
    try:
        # Not pandas: it would take the formula NaN, of sodium and nitrogen, for a missing value.
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        if header != HEADER:
            raise ValueError(f"its header is {','.join(header)[:80]!r}")
        values = [(formula, float(value)) for formula, value in rows]
    except (ValueError, csv.Error) as error:
        fault = f"{path.name} is no table of formulas and values: {error}"
        raise InvalidTable(fault, field="data", value=path.name) from error
    return values


def content(path: Path) -> tuple[int, str]:
    """Return the number of rows and a digest of what they say, however formulas, numbers and order are written.

    The digest is the SHA-256 of the sorted lines of canonical formula and value in `DECIMALS` decimals. Raises
    InvalidTable for a file that is no such table.
    """
    values = read_values(path)
    try:
        keys = {text: Formula.parse(text).canonical for text in {text for text, _ in values}}
    except SuperionError as error:
        raise InvalidTable(f"{path.name}: {error.message}", field="data", value=path.name) from error
    digest = hashlib.sha256()
    for line in sorted(f"{keys[text]},{_rounded(value):.{DECIMALS}f}\n" for text, value in values):
        digest.update(line.encode())
    return len(values), digest.hexdigest()


def _rounded(value: float) -> float:
    # Adding 0 makes a zero of the negative one, which is written otherwise.
    return round(value, DECIMALS) + 0.0 if math.isfinite(value) else value


def _matminer() -> Callable[..., Any]:
    try:
        from matminer.datasets import load_dataset
    except ModuleNotFoundError as error:
        raise missing(error, "data") from error
    return load_dataset  # type: ignore[no-any-return] # matminer is not typed
