"""What is probably wrong with a table of measurements, or limits what can be learned from it, in a chemist's words.

Nothing is repaired here: a finding names its rows and what can be done about them. What makes a row or a whole table
useless is refused where it is read, in `superion.training.conductivity` and `superion.training.table`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from superion.errors import InvalidTable
from superion.models.arrhenius import REFERENCE_TEMPERATURE_C
from superion.models.calibration import MIN_RESIDUALS
from superion.training.findings import NOTE, WARNING, DataCheck, Finding
from superion.training.groups import family, has_paper, paper_groups
from superion.training.row_materials import RowNote
from superion.training.splits import WITHOUT_TRAINING, scoring_folds
from superion.training.table import Measurement, MeasurementTable

HIGHEST_AT_ROOM_TEMPERATURE = 0.05
"""[S/cm]; the best lithium conductors reach 0.03."""
HIGHEST_WHEN_HOT = 10.0
"""[S/cm]; molten lithium salts reach 7."""
ROOM_TEMPERATURE_MAX_C = 40.0

KELVIN_FROM = 250.0
"""Where temperatures lie that were meant in kelvin; a table of nothing but measurements this hot is rare."""

DISAGREEMENT = 1.0
"""Decades by which two values of one material differ when one of them is probably wrong."""
SAME_TEMPERATURE = 5.0
"""[K]"""

SMALL = 30
"""Rows with a conductivity below which a table is small."""


def check_table(table: MeasurementTable, n_folds: int = 5, seed: int = 0) -> DataCheck:
    """Look a table over; `n_folds` and `seed` are those that training would use."""
    rows = table.rows
    folds_by, refusal = _folds_by(rows, n_folds, seed)
    findings = (
        *_too_high(rows),
        *_kelvin(rows),
        *_unread_energies(table),
        *_disagreements(rows),
        *_repeats(rows),
        *_size(rows, refusal),
        *_papers(rows, folds_by),
    )
    return DataCheck(table.name, table.digest, _counts(table), folds_by, findings, table.failed, table.notes)


def _folds_by(rows: Sequence[Measurement], n_folds: int, seed: int) -> tuple[str | None, str | None]:
    """Return what the folds of training would follow, else why there can be none."""
    try:
        return scoring_folds(rows, n_folds, seed)[0], None
    except InvalidTable as error:
        return None, error.message


def _counts(table: MeasurementTable) -> dict[str, int]:
    rows = table.rows
    return {
        "rows": len(rows),
        "failed": len(table.failed),
        "with_conductivity": len(_measured(rows)),
        "with_activation_energy": sum(row.activation_energy is not None for row in rows),
        "censored": table.n_censored,
        "without_doi": sum(not has_paper(row) for row in rows),
        "without_structure": len(rows) - table.n_with_structure,
        "papers": _n_papers(rows),
        "compositions": len({row.composition for row in rows}),
        "families": len({family(row) for row in rows} - {None}),
    }


def _n_papers(rows: Sequence[Measurement]) -> int:
    return len({group for group, row in zip(paper_groups(rows), rows, strict=True) if has_paper(row)})


def _measured(rows: Sequence[Measurement]) -> list[Measurement]:
    return [row for row in rows if row.log10_conductivity is not None]


def _level(row: Measurement) -> float:
    assert row.log10_conductivity is not None
    return row.log10_conductivity


def _too_high(rows: Sequence[Measurement]) -> Iterator[Finding]:
    measured = [row for row in _measured(rows) if not row.censored]
    high = [row for row in measured if 10.0 ** _level(row) > _highest(row)]
    if not high:
        return
    unit = (
        "if the values are in mS/cm or S/m, name the column conductivity_mS_per_cm or conductivity_S_per_m"
        if 2 * len(high) >= len(measured)
        else "look whether these rows are in another unit (a cell may say so: 1.2 mS/cm), or have a wrong exponent or "
        "temperature"
    )
    yield Finding(
        "conductivity_too_high",
        WARNING,
        f"{len(high)} of {len(measured)} conductivities are higher than any lithium conductor is known to reach "
        f"({HIGHEST_AT_ROOM_TEMPERATURE:g} S/cm up to {ROOM_TEMPERATURE_MAX_C:g} C, {HIGHEST_WHEN_HOT:g} S/cm above)",
        f"{unit}; they are learned as they stand",
        tuple(_shown(row) for row in high),
    )


def _highest(row: Measurement) -> float:
    return HIGHEST_AT_ROOM_TEMPERATURE if row.temperature_c <= ROOM_TEMPERATURE_MAX_C else HIGHEST_WHEN_HOT


def _kelvin(rows: Sequence[Measurement]) -> Iterator[Finding]:
    # A row without a temperature is at the default, which says nothing of the unit of the others.
    given = [row for row in rows if row.temperature_c != REFERENCE_TEMPERATURE_C]
    if not given or any(row.temperature_c < KELVIN_FROM for row in given):
        return
    temperatures = [row.temperature_c for row in given]
    yield Finding(
        "temperature_in_kelvin",
        WARNING,
        f"all {len(given)} temperatures lie from {min(temperatures):g} to {max(temperatures):g}, as temperatures in "
        "kelvin do; the column temperature_C is in degrees Celsius",
        "if they are in kelvin, subtract 273.15; if the samples were that hot, leave them as they are",
        tuple(RowNote(row.id, row.line, f"{row.temperature_c:g} C") for row in given),
    )


def _unread_energies(table: MeasurementTable) -> Iterator[Finding]:
    if any(row.activation_energy is not None for row in table.rows):
        return
    unread = tuple(note for note in table.notes if note.reason.startswith("activation_energy_eV is "))
    if unread:
        yield Finding(
            "activation_energies_unread",
            WARNING,
            f"none of the {len(unread)} values of the column activation_energy_eV can be used",
            "write numbers in eV (1 kJ/mol is 0.010364 eV, 1 meV is 0.001 eV); without them no activation energy is "
            "learned",
            unread,
        )


def _disagreements(rows: Sequence[Measurement]) -> Iterator[Finding]:
    """Find values of one composition, space group and temperature that lie decades apart.

    Rows whose space group is unknown are compared with each other alone: polymorphs may rightly differ.
    """
    alike: dict[tuple[str, int | None], list[Measurement]] = {}
    for row in _measured(rows):
        alike.setdefault((row.composition, row.material.cell.space_group_number), []).append(row)
    for (_, group), same in alike.items():
        widest = max(_at_one_temperature(same), key=_decades_apart)
        apart = _decades_apart(widest)
        # Values are written in decimals, whose logarithms miss a whole decade by the last bit.
        if apart < DISAGREEMENT - 1e-9:
            continue
        where = "of no known space group" if group is None else f"in space group {group}"
        yield Finding(
            "values_disagree",
            WARNING,
            f"{len(widest)} values of {widest[0].material.formula} {where} lie {apart:.1f} decades apart",
            "look up the sources: unit, exponent, temperature, bulk against total, phase, density; remove what is "
            "wrong, and keep both where both are right",
            tuple(_shown(row) for row in sorted(widest, key=lambda row: row.line)),
        )


def _at_one_temperature(rows: Sequence[Measurement]) -> Iterator[list[Measurement]]:
    """Yield, from each temperature on, the rows within `SAME_TEMPERATURE` of it."""
    ordered = sorted(rows, key=lambda row: row.temperature_c)
    end = 0
    for start, row in enumerate(ordered):
        if start and row.temperature_c == ordered[start - 1].temperature_c:
            continue
        while end < len(ordered) and ordered[end].temperature_c <= row.temperature_c + SAME_TEMPERATURE:
            end += 1
        yield ordered[start:end]


def _decades_apart(rows: Sequence[Measurement]) -> float:
    """Return how far a value lies above the lowest value or limit, 0 for limits alone."""
    values = [_level(row) for row in rows if not row.censored]
    return max(values, default=-math.inf) - min(map(_level, rows)) if values else 0.0


def _repeats(rows: Sequence[Measurement]) -> Iterator[Finding]:
    first: dict[tuple[object, ...], Measurement] = {}
    repeats = []
    for row in rows:
        key = (
            *(row.composition, row.material.cell, row.temperature_c, row.log10_conductivity, row.censored),
            *(row.activation_energy, row.kind, row.doi, row.source),
        )
        earlier = first.setdefault(key, row)
        if earlier is not row:
            repeats.append(RowNote(row.id, row.line, f"repeats line {earlier.line} ({earlier.id}): {_value(row)}"))
    if repeats:
        yield Finding(
            "rows_repeated",
            WARNING,
            f"{len(repeats)} rows repeat another in formula, cell, temperature, values and source",
            "remove them unless they are other samples: each is learned once more, as if it had been measured again",
            tuple(repeats),
        )


def _size(rows: Sequence[Measurement], refusal: str | None) -> Iterator[Finding]:
    n = len(_measured(rows))
    if refusal is not None:
        advice = f"add rows of other papers or compositions; {WITHOUT_TRAINING}"
        yield Finding("cannot_train", WARNING, refusal.removesuffix(f"; {WITHOUT_TRAINING}"), advice)
    elif n < SMALL:
        yield Finding(
            "small_table",
            NOTE,
            f"{n} rows have a conductivity; the error is known to about {100 / math.sqrt(2 * n):.0f} % of itself at "
            f"best, and the interval at 90 % rests on the {max(1, n // 10)} largest errors of {n}, so expect it to be "
            f"several decades wide ({MIN_RESIDUALS} rows are the least that can be calibrated)",
            "fine-tuning (`superion train --from champion`) starts from what the model in use has learned; compare "
            "both with `superion evaluate` on rows that neither has seen",
        )


def _papers(rows: Sequence[Measurement], folds_by: str | None) -> Iterator[Finding]:
    if folds_by != "composition":
        return
    n_papers = _n_papers(rows)
    instead = (
        "instead, the folds of the cross-validation follow compositions, and the error is that on new compositions "
        "of the same papers, which is smaller"
    )
    if n_papers == 0:
        yield Finding(
            "no_papers",
            NOTE,
            "no row names a paper in the column doi, so the error on new papers cannot be estimated",
            f"{instead}; add the column doi where the rows are of several papers",
        )
    elif len(set(paper_groups(rows))) == 1:
        yield Finding(
            "one_paper",
            NOTE,
            "all rows are of one paper, so the error on new papers cannot be estimated",
            f"{instead}; the model will call every composition that is not in the table outside of what it knows; add "
            "rows of other papers, or fine-tune the model in use (`superion train --from champion`)",
        )
    else:
        yield Finding(
            "papers_too_few",
            NOTE,
            f"the {n_papers} papers of the table leave too little to train on or to calibrate with when one is held "
            "out, so the error on new papers cannot be estimated",
            f"{instead}; add rows of other papers",
        )


def _shown(row: Measurement) -> RowNote:
    return RowNote(row.id, row.line, _value(row))


def _value(row: Measurement) -> str:
    value = "" if row.log10_conductivity is None else f"{'<' * row.censored}{10.0**row.log10_conductivity:.3g} S/cm, "
    energy = "" if row.activation_energy is None else f"{row.activation_energy:g} eV, "
    kind = "" if row.kind is None else f"{row.kind}, "
    return f"{row.material.formula}, {value}{energy}{kind}{row.temperature_c:g} C, {row.doi or row.source or 'no DOI'}"
