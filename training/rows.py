"""One row of a table of measurements: text in, checked values out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from superion.errors import InvalidFormula, InvalidTable, SuperionError
from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.arrhenius import inverse_temperature_step
from superion.training.columns import RawRow
from superion.training.conductivity import ConductivityColumn, ConductivityValue, read_conductivity

CELL_COLUMNS = ("a", "b", "c", "alpha", "beta", "gamma")
KINDS = ("bulk", "total")
SAME_VALUE = 1e-9
"""Difference of two log10 conductivities that were written as one number."""
ENERGY_RANGE = (0.0, 5.0)
"""[eV]"""
STRAY = re.compile(r"[*?†‡]")
"""Marks of footnotes in published tables."""


@dataclass(frozen=True)
class ParsedRow:
    """Hold the values of one row."""

    formula: Formula
    cell: CellContext
    log10_conductivity: float | None
    censored: bool
    temperature_c: float
    activation_energy: float | None
    kind: str | None
    std_log10: float | None
    doi: str | None
    family: str | None
    source: str | None
    cif: str | None
    notes: tuple[str, ...]


def parse_row(row: RawRow) -> ParsedRow:
    """Check and convert one row.

    Raises SuperionError, naming the column and the value, for what makes the row useless: its formula, conductivity or
    temperature, or more cells than there are columns, as an unquoted decimal comma makes. Lattice, space group and the
    like are left unknown where they cannot be read, with a note.
    """
    notes: list[str] = []
    formula, cell = parse_material(row, notes)
    measured = _conductivity(row, notes)
    temperature = _number(row, "temperature_C", 25.0)
    inverse_temperature_step(temperature)
    energy = _optional(row, "activation_energy_eV", notes, *ENERGY_RANGE)
    if measured is None and energy is None:
        raise InvalidTable(
            "the row has neither a conductivity nor an activation energy", field="conductivity_S_per_cm", value=""
        )
    return ParsedRow(
        formula=formula,
        cell=cell,
        log10_conductivity=None if measured is None else measured.log10,
        censored=measured is not None and measured.censored,
        temperature_c=temperature,
        activation_energy=energy,
        kind=_kind(row, measured, notes),
        std_log10=_optional(row, "std_log10", notes, 0.0, 10.0),
        doi=row.cells.get("doi"),
        family=row.cells.get("family"),
        source=row.cells.get("source"),
        cif=row.cells.get("cif"),
        notes=tuple(notes),
    )


def parse_material(row: RawRow, notes: list[str]) -> tuple[Formula, CellContext]:
    """Return formula and cell of a row, and add to the notes what was read in place of what stood there.

    Raises SuperionError for a formula that cannot be read, or more cells than there are columns.
    """
    if row.surplus:
        raise InvalidTable(
            f"the row has cells beyond the last column ({', '.join(row.surplus)}): quote what holds a comma",
            field="data",
            value=row.surplus,
        )
    formula = _formula(row.cells.get("formula"), "formula", notes)
    return formula, _cell(row, formula, notes)


def _formula(text: str | None, column: str, notes: list[str]) -> Formula:
    if text is None:
        raise InvalidTable(f"the column {column} is empty", field=column, value="")
    plain = STRAY.sub("", text)
    if plain == text:
        return Formula.parse(text)
    try:
        # A star may also join an adduct: Li2SO4*2H2O.
        read = Formula.parse(text)
    except InvalidFormula:
        read = Formula.parse(plain)
    formula = Formula(read.symbols, read.amounts)
    notes.append(f"{column} {text!r} was read as {str(formula)!r}")
    return formula


def _conductivity(row: RawRow, notes: list[str]) -> ConductivityValue | None:
    text = row.cells.get("conductivity_S_per_cm")
    if text is None:
        return None
    found = read_conductivity(text, row.column)
    if found.note is not None:
        notes.append(found.note)
    return found


def _float(text: str, column: str, right: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidTable(f"{column} is {text!r}; it must be {right}", field=column, value=text)
    return number


def _number(row: RawRow, column: str, default: float) -> float:
    text = row.cells.get(column)
    return default if text is None else _float(text, column, "a number")


def _optional(row: RawRow, column: str, notes: list[str], low: float, high: float) -> float | None:
    text = row.cells.get(column)
    if text is None:
        return None
    try:
        number = _float(text, column, "a number")
    except InvalidTable as error:
        notes.append(f"{error.message}; taken as unknown")
        return None
    if not low <= number <= high:
        notes.append(f"{column} is {text}, not between {low:g} and {high:g}; taken as unknown")
        return None
    return number


def _kind(row: RawRow, measured: ConductivityValue | None, notes: list[str]) -> str | None:
    text = row.cells.get("kind")
    if text is None:
        return _kind_by_value(row, measured, notes)
    if text.lower() in KINDS:
        return text.lower()
    notes.append(f"kind is {text!r}, not bulk or total; taken as unknown")
    return None


def _kind_by_value(row: RawRow, measured: ConductivityValue | None, notes: list[str]) -> str | None:
    """Tell bulk from total by the column that repeats the conductivity; None where neither or both do."""
    same = []
    for kind in KINDS:
        column = ConductivityColumn(f"{kind}_S_per_cm")
        text = row.cells.get(column.header)
        if text is None or measured is None:
            continue
        try:
            found = read_conductivity(text, column)
        except InvalidTable as error:
            notes.append(f"{error.message}; taken as unknown")
            continue
        if abs(found.log10 - measured.log10) < SAME_VALUE and found.censored == measured.censored:
            same.append(kind)
    return same[0] if len(same) == 1 else None


def _cell(row: RawRow, formula: Formula, notes: list[str]) -> CellContext:
    number = _optional(row, "space_group_number", notes, 1, 230)
    if number is not None and number != round(number):
        notes.append(f"space_group_number is {row.cells['space_group_number']}, not whole; taken as unknown")
        number = None
    values = [_optional(row, column, notes, 0.0, 1e6) for column in CELL_COLUMNS]
    lattice = tuple(value for value in values if value is not None)
    if 0 < len(lattice) < len(CELL_COLUMNS):
        notes.append("the lattice is incomplete (a, b, c, alpha, beta, gamma are needed); taken as unknown")
    atoms = None
    if "cell_formula" in row.cells:
        try:
            atoms = _formula(row.cells["cell_formula"], "cell_formula", notes).n_atoms
        except SuperionError as error:
            notes.append(f"the content of the cell is taken as unknown: {error.message}")
    try:
        return CellContext(
            space_group_number=None if number is None else round(number),
            cell_parameters=lattice if len(lattice) == len(CELL_COLUMNS) else None,  # type: ignore[arg-type] # six
            atoms_per_cell=atoms,
        )
    except SuperionError as error:
        notes.append(f"cell and space group are taken as unknown: {error.message}")
        return CellContext()
