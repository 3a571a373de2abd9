"""Tables of measurements: read, checked row by row, nothing dropped in silence."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from superion.errors import InvalidTable, SuperionError
from superion.models.material import Material
from superion.training.columns import RawRow, read_rows
from superion.training.conductivity import COLUMN, refuse_column
from superion.training.row_materials import MaterialReading, RowNote, refuse_repeated_ids
from superion.training.rows import parse_row


@dataclass(frozen=True)
class Measurement:
    """Hold one measured row."""

    id: str
    line: int
    """Line in the file, the header being line 1."""
    material: Material
    temperature_c: float = 25.0
    log10_conductivity: float | None = None
    """log10(S/cm); the limit when `censored`; None for a row with an activation energy alone."""
    censored: bool = False
    """Whether the conductivity was reported as below `log10_conductivity`."""
    activation_energy: float | None = None
    """[eV]"""
    kind: str | None = None
    """"bulk" or "total"."""
    std_log10: float | None = None
    """Standard deviation of repeated measurements."""
    doi: str | None = None
    family: str | None = None
    source: str | None = None
    """Where the value is from, where that is not a DOI."""
    scored: bool = True
    """Whether its conductivity counts in errors and calibrations; one that does not is only learned from."""
    dataset: str | None = None
    """Identifier of the uploaded data set that it is from, whose readers alone may be shown it; None for all."""

    @property
    def composition(self) -> str:
        """The scale-free key of the formula."""
        return self.material.formula.canonical


@dataclass(frozen=True)
class MeasurementTable:
    """Hold the rows of a table that can be used, those that cannot, and what was noted while reading."""

    name: str
    rows: tuple[Measurement, ...]
    failed: tuple[RowNote, ...] = ()
    notes: tuple[RowNote, ...] = ()
    digest: str = ""
    """SHA-256 of the table and of the structure files that were read with it."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_censored(self) -> int:
        """Rows reported as below a limit."""
        return sum(row.censored for row in self.rows)

    @property
    def n_with_structure(self) -> int:
        """Rows with a crystal."""
        return sum(row.material.crystal is not None for row in self.rows)

    def of_dataset(self, dataset: str | None) -> MeasurementTable:
        """Return the table with its rows marked as those of an uploaded data set."""
        return replace(self, rows=tuple(replace(row, dataset=dataset) for row in self.rows))


Entry = TypeVar("Entry", Measurement, RowNote)


@dataclass
class _Reading(MaterialReading):
    rows: list[Measurement] = field(default_factory=list)
    failed: list[RowNote] = field(default_factory=list)


def read_table(path: Path, cifs: Path | Mapping[str, Path] | None = None) -> MeasurementTable:
    """Read a CSV or xlsx table of measurements, with structures from `cifs`, a folder or files by their names.

    A row's structure is the file its column `cif` names, else `<id>.cif`. A structure that cannot be read leaves the
    row with its formula and is noted. Raises InvalidTable for a file that cannot be read, lacks a required column,
    holds no usable row, names an id twice, or whose conductivities are logarithms, text or without a unit.
    """
    raw, content = read_rows(path)
    reading = _Reading(cifs)
    reading.digest.update(content)
    refuse_repeated_ids(raw)
    if raw:
        _check_conductivities(raw, reading)
    for row in raw:
        _read_row(row, reading)
    if not reading.rows:
        first = f"; the first fault: {reading.failed[0]}" if reading.failed else ""
        raise InvalidTable(f"{path.name} holds no usable row{first}", field="data", value=path.name)
    return MeasurementTable(
        path.name, tuple(reading.rows), tuple(reading.failed), tuple(reading.notes), reading.digest.hexdigest()
    )


def joined(tables: Sequence[MeasurementTable]) -> MeasurementTable:
    """Put several tables into one; ids get the table's name in front where two tables share one."""
    if len(tables) == 1:
        return tables[0]
    digest = hashlib.sha256("".join(table.digest for table in tables).encode())
    parts: list[tuple[Measurement | RowNote, ...]] = [(*table.rows, *table.failed, *table.notes) for table in tables]
    owners = Counter(name for part in parts for name in {entry.id for entry in part})

    def named(entry: Entry, table: MeasurementTable) -> Entry:
        return replace(entry, id=f"{table.name}:{entry.id}") if owners[entry.id] > 1 else entry

    return MeasurementTable(
        name=" + ".join(table.name for table in tables),
        rows=tuple(named(row, table) for table in tables for row in table.rows),
        failed=tuple(named(note, table) for table in tables for note in table.failed),
        notes=tuple(named(note, table) for table in tables for note in table.notes),
        digest=digest.hexdigest(),
    )


def _check_conductivities(raw: Sequence[RawRow], reading: _Reading) -> None:
    column = raw[0].column
    refuse_column([(row.line, row.cells[COLUMN]) for row in raw if COLUMN in row.cells], column)
    if column.unit not in ("S/cm", None):
        text = f"the column {column.header!r} is in {column.unit}; its values were converted to S/cm"
        reading.notes.append(RowNote("header", 1, text))


def _read_row(row: RawRow, reading: _Reading) -> None:
    try:
        parsed = parse_row(row)
    except SuperionError as error:
        reading.failed.append(RowNote(row.id, row.line, error.message))
        return
    reading.notes += [RowNote(row.id, row.line, text) for text in parsed.notes]
    reading.rows.append(
        Measurement(
            id=row.id,
            line=row.line,
            material=reading.material(row, parsed.formula, parsed.cell, parsed.cif),
            temperature_c=parsed.temperature_c,
            log10_conductivity=parsed.log10_conductivity,
            censored=parsed.censored,
            activation_energy=parsed.activation_energy,
            kind=parsed.kind,
            std_log10=parsed.std_log10,
            doi=parsed.doi,
            family=parsed.family,
            source=parsed.source,
        )
    )
