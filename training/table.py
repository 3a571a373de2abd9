"""Tables of measurements: read, checked row by row, nothing dropped in silence."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from superion.errors import InvalidTable, SuperionError
from superion.featurizers.context import CellContext, estimated_atoms_per_cell
from superion.featurizers.crystal import Crystal
from superion.models.material import Material
from superion.training.columns import RawRow, read_rows
from superion.training.conductivity import COLUMN, refuse_column
from superion.training.rows import ParsedRow, parse_row

COMPOSITION_TOLERANCE = 0.02
"""Largest share of atoms by which a CIF may differ from its row's formula without a note."""


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

    @property
    def composition(self) -> str:
        """The scale-free key of the formula."""
        return self.material.formula.canonical


@dataclass(frozen=True)
class RowNote:
    """Say something about one row: why it cannot be used, or what was read in place of what stood there."""

    id: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line} ({self.id}): {self.reason}"


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


Entry = TypeVar("Entry", Measurement, RowNote)


@dataclass
class _Reading:
    cifs: Path | None
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    rows: list[Measurement] = field(default_factory=list)
    failed: list[RowNote] = field(default_factory=list)
    notes: list[RowNote] = field(default_factory=list)


def read_table(path: Path, cifs: Path | None = None) -> MeasurementTable:
    """Read a CSV or xlsx table of measurements, with structures from the folder `cifs` where it has them.

    A row's structure is the file its column `cif` names, else `<id>.cif`. A structure that cannot be read leaves the
    row with its formula and is noted. Raises InvalidTable for a file that cannot be read, lacks a required column,
    holds no usable row, names an id twice, or whose conductivities are logarithms, text or without a unit.
    """
    raw, content = read_rows(path)
    if cifs is not None and not cifs.is_dir():
        raise InvalidTable(f"the folder of CIFs {str(cifs)!r} does not exist", field="cifs", value=str(cifs))
    reading = _Reading(cifs)
    reading.digest.update(content)
    _refuse_repeated_ids(raw)
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


def _refuse_repeated_ids(raw: Sequence[RawRow]) -> None:
    seen: dict[str, int] = {}
    for row in raw:
        if row.id in seen:
            raise InvalidTable(
                f"the id {row.id!r} stands on lines {seen[row.id]} and {row.line}; ids must be unique",
                field="id",
                value=row.id,
            )
        seen[row.id] = row.line


def _read_row(row: RawRow, reading: _Reading) -> None:
    try:
        parsed = parse_row(row)
    except SuperionError as error:
        reading.failed.append(RowNote(row.id, row.line, error.message))
        return
    reading.notes += [RowNote(row.id, row.line, text) for text in parsed.notes]
    crystal = _read_crystal(row, parsed.cif, reading)
    try:
        cell = _with_content(row, parsed, crystal, reading)
        material = Material(parsed.formula, crystal, cell)
    except SuperionError as error:
        reading.notes.append(RowNote(row.id, row.line, f"structure and cell not used: {error.message}"))
        crystal, material = None, Material(parsed.formula)
    reading.rows.append(
        Measurement(
            id=row.id,
            line=row.line,
            material=material,
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
    if crystal is not None:
        _note_composition(row, reading)


def _read_crystal(row: RawRow, named: str | None, reading: _Reading) -> Crystal | None:
    if reading.cifs is None:
        if named is not None:
            reading.notes.append(RowNote(row.id, row.line, f"cif {named!r} not read: no folder of CIFs was given"))
        return None
    # Only the base name is used: a table must not reach outside the folder it was given.
    path = reading.cifs / Path(named if named is not None else f"{row.id}.cif").name
    if named is None and path.name != f"{row.id}.cif":
        return None  # an id with a slash in it names no file; that of its last part belongs to another row
    if not _is_file(path):
        if named is not None:
            reading.notes.append(RowNote(row.id, row.line, f"cif {path.name!r} is not in the folder; used as formula"))
        return None
    content = path.read_bytes()
    reading.digest.update(path.name.encode() + b"\0" + content)
    try:
        crystal = Crystal.from_file(path)
    except SuperionError as error:
        reading.notes.append(RowNote(row.id, row.line, f"cif {path.name!r} not read, used as formula: {error.message}"))
        return None
    reading.notes += [RowNote(row.id, row.line, f"cif {path.name!r}: {text}") for text in crystal.notes]
    return crystal


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False  # a name longer than the file system takes


def _with_content(row: RawRow, parsed: ParsedRow, crystal: Crystal | None, reading: _Reading) -> CellContext:
    """Complete a cell that the row gives in part or not at all: from the structure, else its content by its volume."""
    cell = parsed.cell
    if cell.is_full:
        return cell
    if crystal is not None and (found := CellContext.from_crystal(crystal)) != CellContext():
        if cell != CellContext():
            text = "cell, content and space group were taken from the structure: the row gives them in part"
            reading.notes.append(RowNote(row.id, row.line, text))
        return found
    if cell.cell_parameters is None or cell.atoms_per_cell is not None:
        return cell
    atoms = estimated_atoms_per_cell(parsed.formula, cell.cell_parameters)
    if atoms is not None:
        text = f"the cell was taken to hold {atoms:g} atoms, by its volume; the column cell_formula would tell"
        reading.notes.append(RowNote(row.id, row.line, text))
    return replace(cell, atoms_per_cell=atoms)


def _note_composition(row: RawRow, reading: _Reading) -> None:
    material = reading.rows[-1].material
    assert material.crystal is not None
    found = material.crystal.formula
    elements = {*found.symbols, *material.formula.symbols}
    differ = 0.5 * sum(
        abs(found.amount(e) / found.n_atoms - material.formula.amount(e) / material.formula.n_atoms) for e in elements
    )
    if differ > COMPOSITION_TOLERANCE:
        reading.notes.append(
            RowNote(
                row.id,
                row.line,
                f"the CIF holds {found.reduced}, the row {material.formula}: {100 * differ:.1f} % of the atoms differ",
            )
        )
