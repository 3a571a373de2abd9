"""Writing of tables of phases, as the CSV that `read_phase_table` reads."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from superion.errors import InvalidValue
from superion.models.stability.phases import PhaseTable

__all__ = ["write_phase_table"]

_HEADER = ("formula", "formation_energy_eV_per_atom", "band_gap_eV", "source")


def write_phase_table(table: PhaseTable, path: Path) -> None:
    """Write the phases of a table with their energies, gaps and sources; what is told of metals is not written.

    Raises InvalidValue for a file that is there already or cannot be written.
    """
    try:
        with path.open("x", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_HEADER)
            for row in range(len(table)):
                gap = float(table.band_gaps[row])
                writer.writerow(
                    [
                        table.formula(row).text,
                        float(table.energies[row]),
                        "" if math.isnan(gap) else gap,
                        table.sources.get(row, ""),
                    ]
                )
    except OSError as error:
        fault = f"{path.name} cannot be written: {error.strerror}"
        raise InvalidValue(fault, field="output", value=path.name) from error
