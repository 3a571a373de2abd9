"""The columns of a table of measurements, by the project's names and by those of published tables; CSV and xlsx."""

from __future__ import annotations

import csv
import io
import itertools
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from superion.errors import InvalidTable, MissingDependency
from superion.training.conductivity import ConductivityColumn, conductivity_column, looks_like_logarithm

MAX_TABLE_BYTES = 200_000_000
MAX_CELL = 10_000
"""Longest cell [characters]."""

MAX_COLUMNS = 200
"""Most columns of an xlsx sheet."""

COLUMNS = (
    "id",
    "formula",
    "conductivity_S_per_cm",
    "temperature_C",
    "activation_energy_eV",
    "cif",
    "kind",
    "std_log10",
    "space_group_number",
    "a",
    "b",
    "c",
    "alpha",
    "beta",
    "gamma",
    "doi",
    "family",
    "source",
    "cell_formula",
    "bulk_S_per_cm",
    "total_S_per_cm",
)
"""`cell_formula` is the content of the conventional cell; it tells how many atoms the lattice parameters hold.
`bulk_S_per_cm` and `total_S_per_cm` are never learned: they tell of which kind the conductivity is."""

REQUIRED = ("formula", "conductivity_S_per_cm")

ALIASES = {
    # OBELiX (doi:10.1039/D5DD00441A)
    "reduced composition": "formula",
    "true composition": "cell_formula",
    "ionic conductivity (s cm-1)": "conductivity_S_per_cm",
    "ic (bulk)": "bulk_S_per_cm",
    "ic (total)": "total_S_per_cm",
    "space group #": "space_group_number",
    # The activation-energy table of Laskowski et al. (doi:10.1039/D2EE03499A)
    "sigma_rt_s_per_cm": "conductivity_S_per_cm",
    # The project's own table of literature facts
    "sigma_s_per_cm": "conductivity_S_per_cm",
}


@dataclass(frozen=True)
class RawRow:
    """Hold the text of one row by column; a column that is absent or empty is not in it."""

    id: str
    line: int
    cells: Mapping[str, str]
    surplus: tuple[str, ...] = ()
    """Cells beyond the last column: a sign that the others stand in the wrong ones."""
    column: ConductivityColumn = field(default_factory=ConductivityColumn)
    """What the header says of the conductivity."""


def read_rows(path: Path, required: Sequence[str] = REQUIRED) -> tuple[list[RawRow], bytes]:
    """Read the rows of a CSV or xlsx file; returns them with the content of the file.

    Blank rows are skipped. A row without an id is named after its line. Raises InvalidTable for a file that is missing,
    not a table, without a required column, or with two columns of one meaning.
    """
    if not path.is_file():
        raise InvalidTable(f"there is no table {str(path)!r}", field="data", value=str(path))
    content = path.read_bytes()
    if len(content) > MAX_TABLE_BYTES:
        raise InvalidTable(f"the table is larger than {MAX_TABLE_BYTES // 10**6} MB", field="data", value=path.name)
    lines = read_lines(path.name, content)
    names, column = _column_names(lines[0][1], required)
    rows = []
    for line, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        pairs = zip(names, cells, strict=False)
        known = {name: cell.strip() for name, cell in pairs if name is not None and cell.strip()}
        surplus = tuple(cell for cell in cells[len(names) :] if cell.strip())
        rows.append(RawRow(known.get("id", f"line-{line}"), line, known, surplus, column))
    return rows, content


def read_lines(
    name: str, content: bytes, *, most: int | None = None, max_bytes: int = MAX_TABLE_BYTES
) -> list[tuple[int, list[str]]]:
    """Return the lines of a CSV or xlsx file, told by its name: each with its number and cells, the header first.

    What comes after `most` lines is not read, nor is an xlsx that unpacks to more than `max_bytes`. Raises InvalidTable
    for a file that is empty or not a table.
    """
    found = _xlsx_lines(content, max_bytes) if name.lower().endswith(".xlsx") else _csv_lines(content, name)
    lines = list(itertools.islice(found, most))
    if not lines:
        raise InvalidTable(f"{name} is empty", field="data", value=name)
    return lines


def _column_names(header: Sequence[str], required: Sequence[str]) -> tuple[list[str | None], ConductivityColumn]:
    by_lower = {name.lower(): name for name in COLUMNS} | ALIASES
    shown = [cell.strip().lstrip("\ufeff") for cell in header]
    found = [conductivity_column(cell) for cell in shown]
    if any(column is not None and column.unit is not None for column in found):
        # Beside a column with a unit, one that is called sigma may be anything, a standard deviation say.
        found = [None if column is None or column.unit is None else column for column in found]
    names = [
        "conductivity_S_per_cm" if column is not None else by_lower.get(cell.lower())
        for cell, column in zip(shown, found, strict=True)
    ]
    for name in required:
        if name not in names:
            raise _missing(name, header)
    for name in {name for name in names if name is not None}:
        if names.count(name) > 1:
            raise _doubled(name, [cell for cell, meaning in zip(shown, names, strict=True) if meaning == name])
    return names, next((column for column in found if column is not None), ConductivityColumn())


def _missing(name: str, header: Sequence[str]) -> InvalidTable:
    logarithm = next((cell for cell in header if looks_like_logarithm(cell)), None)
    advice = ""
    if name == "conductivity_S_per_cm" and logarithm is not None:
        advice = f"; {logarithm!r} seems to be a logarithm: write the conductivity itself, 10 to that power"
    return InvalidTable(
        f"the table lacks the column {name!r}; it has {', '.join(repr(cell) for cell in header)[:300]}{advice}",
        field=name,
        value=list(header),
    )


def _doubled(name: str, both: Sequence[str]) -> InvalidTable:
    columns = [conductivity_column(cell) for cell in both]
    units = {str(column.unit) for column in columns if column is not None}
    advice = f", in {' and '.join(sorted(units))}; keep the column that was measured" if len(units) > 1 else ""
    return InvalidTable(f"the columns {' and '.join(both)} both mean {name!r}{advice}", field=name, value=list(both))


def _csv_lines(content: bytes, name: str) -> Iterable[tuple[int, list[str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidTable(
            f"{name} is not UTF-8 text (byte {error.start}); save it as CSV UTF-8 or as xlsx", field="data", value=name
        ) from error
    if "\0" in text:
        raise InvalidTable(f"{name} holds null bytes: it is not a CSV file", field="data", value=name)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        start = 1
        for cells in reader:
            if any(len(cell) > MAX_CELL for cell in cells):
                raise InvalidTable(f"line {start} has a cell longer than {MAX_CELL} characters", field="data")
            yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise InvalidTable(f"{name}, line {reader.line_num}: {error}", field="data", value=name) from error


def _xlsx_lines(content: bytes, max_bytes: int) -> Iterable[tuple[int, list[str]]]:
    try:
        from openpyxl import load_workbook
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "reading xlsx needs openpyxl: pip install 'superion[train]'", field="install", value="openpyxl"
        ) from error
    try:
        # It is an archive, and no more is unpacked of a part of it than it declares.
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > max_bytes:
            raise ValueError(f"it unpacks to {unpacked // 10**6} MB, and at most {max_bytes // 10**6} are read")
        sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
        # What it declares of its size is not believed: every row would be made as wide as that.
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            cells = ["" if cell is None else str(cell) for cell in row]
            if any(cells[MAX_COLUMNS:]):
                raise ValueError(f"row {number} has more than {MAX_COLUMNS} columns")
            if any(len(cell) > MAX_CELL for cell in cells):
                raise ValueError(f"row {number} has a cell longer than {MAX_CELL} characters")
            if number == 1 or any(cells):
                yield number, cells
    except Exception as error:  # openpyxl raises whatever the damaged archive made it stumble over
        raise InvalidTable(f"the xlsx file cannot be read: {error}", field="data") from error
