"""Tables of phases as files: reading the CSV of a user and of matbench, and writing one."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from superion.errors import InvalidTable, InvalidValue, NotFound
from superion.models.stability.composition_keys import keys_of
from superion.models.stability.phases import PhaseTable, Rows, compositions_of, gap_fault, refuse, table_of

__all__ = ["read_phase_table", "write_phase_table"]

_ENERGY, _GAP, _SOURCE = "formation_energy_eV_per_atom", "band_gap_eV", "source"


def read_phase_table(path: Path, name: str | None = None, band_gaps: Path | None = None) -> PhaseTable:
    """Read a CSV of formation energies, named after the file unless a name is given.

    Its header is `formula,formation_energy_eV_per_atom`, then `band_gap_eV` and `source` where they are known, or the
    `formula,target` of matbench. `band_gaps` is a second file, `formula,target` [eV], for the phases that have none. It
    does not say which polymorph a row is, so that of several with one composition the largest gap is taken: of the
    compositions of matbench whose ground state can be told by its cell, the largest gap calls 8 % of the 1,962 metallic
    ones insulators, the smallest one would call 12 % of the 2,837 others metals.

    Raises NotFound for a file that is not there, and InvalidTable with line numbers for rows that cannot be used.
    """
    name = path.stem if name is None else name
    rows, faults = _read(path, {_ENERGY: "energies", "target": "energies", _GAP: "gaps", _SOURCE: "sources"})
    table = table_of(name, rows, faults, path.name)
    return table if band_gaps is None else _with_gaps(table, band_gaps)


def write_phase_table(table: PhaseTable, path: Path) -> None:
    """Write the phases of a table with their energies, gaps and sources; what is told of metals is not written.

    Raises InvalidValue for a file that is there already or cannot be written.
    """
    try:
        with path.open("x", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["formula", _ENERGY, _GAP, _SOURCE])
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


def _read(path: Path, columns: dict[str, str]) -> tuple[Rows, list[tuple[str, str]]]:
    """Return the rows whose numbers can be read, and place and reason of those that cannot."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}", field="path", value=str(path))
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidTable(f"{path.name} is no CSV in UTF-8: {error}", field="path", value=path.name) from error
    if not lines:
        raise InvalidTable(f"{path.name} is empty", field="path", value=path.name)
    header = [cell.strip() for cell in lines[0][1]]
    meant = [columns.get(cell, "") for cell in header[1:]]
    if header[0] != "formula" or "energies" not in meant or "" in meant or len(set(meant)) != len(meant):
        fault = f"{path.name} has the header {','.join(header)[:80]!r}; needed is formula,{_ENERGY}"
        raise InvalidTable(f"{fault} and, where known, {_GAP},{_SOURCE}", field="path", value=path.name)
    energy_at, gap_at, source_at = (
        1 + meant.index(name) if name in meant else 0 for name in ("energies", "gaps", "sources")
    )
    formulas, energies, gaps, sources, places, faults = [], [], [], [], [], []
    for line, cells in lines[1:]:
        try:
            if len(cells) != len(header):
                raise ValueError(f"{len(cells)} cells, the header has {len(header)}")
            if [cell.strip() for cell in cells] == header:
                raise ValueError("the header again")
            energy = float(cells[energy_at])
            gap = float(cells[gap_at]) if gap_at and cells[gap_at].strip() else math.nan
            if gap_at and cells[gap_at].strip() and (wrong := gap_fault(gap)):
                raise ValueError(wrong)
        except ValueError as error:
            faults.append((f"line {line}", str(error)))
            continue
        formulas.append(cells[0])
        energies.append(energy)
        gaps.append(gap)
        sources.append(cells[source_at].strip() if source_at else "")
        places.append(f"line {line}")
    return Rows(formulas, energies, gaps, [-1] * len(formulas), sources, places), faults


def _with_gaps(table: PhaseTable, path: Path) -> PhaseTable:
    """Return the table with the largest gap that the file has of each composition, where the table has none."""
    rows, faults = _read(path, {"target": "energies"})
    offsets, numbers, amounts, _ = compositions_of(rows, faults)
    gaps = np.asarray(rows.energies, dtype=np.float64)
    faults += [
        (rows.places[n], f"{gaps[n]:g} is no band gap")
        for n in np.flatnonzero(~((gaps >= 0) & (gaps < np.inf))).tolist()
    ]
    refuse(path.name, faults)
    both = np.concatenate([table.keys, keys_of(offsets, numbers, amounts)])
    _, which = np.unique(both, axis=0, return_inverse=True)
    which = which.reshape(-1)
    largest = np.full(int(which.max()) + 1, -np.inf)
    np.maximum.at(largest, which[len(table) :], gaps)
    found = largest[which[: len(table)]]
    merged = np.where(np.isnan(table.band_gaps) & (found >= 0.0), found, table.band_gaps)
    return PhaseTable(**{**{name: getattr(table, name) for name in table.__dataclass_fields__}, "band_gaps": merged})
