"""A table of measurements as reports of what became of experiments: the column `id` names the candidate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from superion.discovery.campaigns.observing import Report
from superion.discovery.campaigns.state import CampaignState
from superion.errors import InvalidTable, SuperionError
from superion.training.columns import RawRow, read_rows
from superion.training.conductivity import COLUMN, refuse_column
from superion.training.row_materials import RowNote
from superion.training.rows import parse_material


class FaultyTable(InvalidTable):
    """Report a table of which some rows cannot be recorded, so that none is."""

    def __init__(self, name: str, faults: tuple[RowNote, ...], n: int) -> None:
        self.faults = faults
        """In the order of their lines."""
        listed = "; ".join(map(str, faults))
        super().__init__(
            f"{len(faults)} of {n} rows of {name} cannot be recorded, so that none is: {listed}",
            field="from",
            value=name,
        )


@dataclass(frozen=True)
class ReportedTable:
    """Hold the reports of a table, and the row that each is of."""

    name: str
    reports: tuple[Report, ...]
    rows: tuple[RawRow, ...]

    def faults(self, found: tuple[tuple[int, SuperionError], ...]) -> FaultyTable:
        """Return the error that tells of the reports at these places by the lines of the table."""
        notes = tuple(RowNote(self.rows[place].id, self.rows[place].line, error.message) for place, error in found)
        return FaultyTable(self.name, notes, len(self.rows))


def read_reports(path: Path, state: CampaignState, *, unasked: bool = False, repeat: bool = False) -> ReportedTable:
    """Read a CSV or xlsx table with the columns `id` and `conductivity_S_per_cm`, in any unit that its header names.

    A candidate may stand on several lines. Where there is a formula it must be that of the candidate. Raises
    InvalidTable for a table that cannot be read, FaultyTable for rows that cannot.
    """
    rows, _ = read_rows(path, required=("id", COLUMN))
    if not rows:
        raise InvalidTable(f"{path.name} has no rows", field="from", value=path.name)
    column = rows[0].column
    refuse_column([(row.line, row.cells[COLUMN]) for row in rows if COLUMN in row.cells], column)
    reports: list[Report] = []
    faults: list[RowNote] = []
    for row in rows:
        try:
            reports.append(_report(row, state, unasked, repeat))
        except SuperionError as error:
            faults.append(RowNote(row.id, row.line, error.message))
    if faults:
        raise FaultyTable(path.name, tuple(faults), len(rows))
    return ReportedTable(path.name, tuple(reports), tuple(rows))


def _report(row: RawRow, state: CampaignState, unasked: bool, repeat: bool) -> Report:
    cells = row.cells
    if "id" not in cells:
        raise InvalidTable("the row names no candidate in the column id", field="id", value="")
    if COLUMN not in cells:
        raise InvalidTable(
            "the row has no conductivity; a failed synthesis is recorded by itself, as failed", field=COLUMN, value=""
        )
    place = state.place.get(row.id)
    if "formula" in cells and place is not None:
        formula, _ = parse_material(row, [])
        candidate = state.candidates[place].material.formula
        if formula.canonical != candidate.canonical:
            raise InvalidTable(
                f"the formula {formula.text} is not that of the candidate, {candidate.text}",
                field="formula",
                value=formula.text,
            )
    value, unit = cells[COLUMN], row.column.unit
    if unit is None and _is_plain(value):
        raise InvalidTable(
            f"neither the header {row.column.header!r} nor the value {value} names a unit", field=COLUMN, value=value
        )
    report = Report(
        candidate=row.id,
        value=value,
        # A unit in the cell goes before that of the header, as in any table.
        unit=unit if _is_plain(value) else None,
        temperature_C=_number(row, "temperature_C", 25.0) or 0.0,
        activation_energy_eV=_number(row, "activation_energy_eV", None),
        kind=cells.get("kind"),
        source=cells.get("doi") or cells.get("source"),
        unasked=unasked,
        repeat=repeat,
    )
    report.checked()
    return report


def _is_plain(value: str) -> bool:
    try:
        float(value.lstrip("<=≤ "))
    except ValueError:
        return False
    return True


def _number(row: RawRow, column: str, default: float | None) -> float | None:
    text = row.cells.get(column)
    if text is None:
        return default
    try:
        return float(text)
    except ValueError as error:
        raise InvalidTable(f"{column} is {text!r}; it must be a number", field=column, value=text) from error
