"""A doping series as a table and as structures, in files that a campaign and a prediction read."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from superion.discovery.series import Doped, Series
from superion.errors import InvalidValue

COLUMNS = ("id", "formula", "parent", "substitutions", "varied", "plausibility", "bond_misfit", "cif", "note")


def as_dict(candidate: Doped, parent: str) -> dict[str, Any]:
    """Return plain values; `id` is the formula, which no other candidate of the series has."""
    return {
        "id": candidate.formula.text,
        "formula": candidate.formula.text,
        "parent": parent,
        "substitutions": [
            {
                "host": substitution.host,
                "dopant": substitution.dopant,
                "share": substitution.share,
                "charge": substitution.charge,
                "bond_misfit": _rounded(substitution.fit.misfit),
            }
            for substitution in candidate.substitutions
        ],
        "varied": candidate.varied,
        "plausibility": _rounded(candidate.plausibility),
        "bond_misfit": _rounded(candidate.misfit),
        "cif": None if candidate.crystal is None else file_name(candidate),
        "note": candidate.note,
    }


def document_of(series: Series, kept: Sequence[Doped]) -> dict[str, Any]:
    """Return a series as JSON has it, with those of its candidates that are kept; the others count as implausible."""
    return {
        "parent": series.parent.text,
        "charges": dict(series.charges),
        "n": len(kept),
        "n_implausible": len(series.candidates) - len(kept),
        "refused": dict(series.refused),
        "candidates": [as_dict(candidate, series.parent.text) for candidate in kept],
    }


def csv_text(series: Series, candidates: Sequence[Doped]) -> str:
    """Return candidates as CSV with the columns `COLUMNS`; what is unknown is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for candidate in candidates:
        row = as_dict(candidate, series.parent.text)
        writer.writerow({**row, "substitutions": "; ".join(map(str, candidate.substitutions))})
    return text.getvalue()


def write_structures(candidates: Sequence[Doped], folder: Path) -> int:
    """Write a CIF for every candidate with a structure, named as its id; returns how many.

    Raises InvalidValue for a folder that cannot be written to, InvalidCrystal for a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidValue(f"{folder} is no folder to write to: {error}", field="cifs", value=str(folder)) from error
    with_structure = [(candidate, candidate.crystal) for candidate in candidates if candidate.crystal is not None]
    for candidate, crystal in with_structure:
        crystal.to_file(folder / file_name(candidate))
    return len(with_structure)


def file_name(candidate: Doped) -> str:
    """Return the name of a candidate's CIF."""
    return f"{candidate.formula.text}.cif"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
