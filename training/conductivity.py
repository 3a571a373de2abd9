"""Conductivities as tables write them: the unit in the header or in the cell, limits, and what cannot be one."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from superion.errors import InvalidTable

COLUMN = "conductivity_S_per_cm"
CONDUCTIVITY_RANGE = (1e-30, 100.0)
"""[S/cm]; the best lithium conductors reach 0.03."""
BELOW = ("<=", "<", "≤")
"""What a value below a limit begins with, longest first; all are read alike."""
POWERS = {"S/cm": 0, "mS/cm": -3, "µS/cm": -6, "S/m": -2, "mS/m": -5, "µS/m": -8}
"""Power of ten that takes a value in a unit to S/cm."""
LOG10_RANGE = (-30.0, 0.0)
"""Where log10 of a conductivity in S/cm lies."""

_UNIT = (
    r"(?P<prefix>[mµμu]?)s"
    r"(?:(?:\s*/\s*|[ _]?per[ _]?|_)(?P<per>cm|m)|[ ·.*]?(?P<times>cm|m)\s?\^?\(?(?:-1|−1|⁻¹)\)?)"
)
_HEADER = re.compile(
    rf"(?:(?:li-ion|ionic)[ _])?(?:conductivity|sigma|σ)(?:[ _]rt)?(?P<unit>[ _,]*[\[(]?\s*{_UNIT}\s*[\])]?)?",
    re.IGNORECASE,
)
_LOGARITHM = re.compile(r"log.*(conductivity|sigma|σ)|(conductivity|sigma|σ).*log", re.IGNORECASE)
_CELL = re.compile(rf"(?P<number>.*?)\s*(?P<unit>{_UNIT})", re.IGNORECASE)


@dataclass(frozen=True)
class ConductivityColumn:
    """Hold what the header of the column of conductivities says."""

    header: str = COLUMN
    unit: str | None = "S/cm"
    """One of `POWERS`; None where the header names none, so that every cell must."""


@dataclass(frozen=True)
class ConductivityValue:
    """Hold one conductivity as it was read."""

    log10: float
    """log10(S/cm)."""
    censored: bool
    """Whether it is a limit that the conductivity is below."""
    note: str | None = None
    """What was read in place of what stood there, where that is not the same."""


def conductivity_column(header: str) -> ConductivityColumn | None:
    """Return the column that a header such as `conductivity (mS/cm)` or `sigma_S_cm` names; None for another."""
    header = header.strip()
    found = _HEADER.fullmatch(header)
    # MS is a megasiemens, which nobody means and nobody should have to guess; a header all in capitals means none.
    if found is None or (found["prefix"] == "M" and header != header.upper()):
        return None
    return ConductivityColumn(header, None if found["unit"] is None else _unit(found))


def looks_like_logarithm(header: str) -> bool:
    """Tell whether a header names the logarithm of a conductivity."""
    return _LOGARITHM.search(header) is not None


def read_conductivity(text: str, column: ConductivityColumn) -> ConductivityValue:
    """Read one cell, such as `1.2e-3`, `<1e-10` or `1.2 mS/cm`; a unit in the cell goes before that of the header.

    Raises InvalidTable for what is no number, has no unit or is out of range.
    """
    limit, number, unit = _parts(text)
    read = _number(number)
    if read is None:
        raise InvalidTable(f"{column.header} is {text!r}; it must be {_right(column)}", field=COLUMN, value=text)
    known = unit or column.unit
    if known is None:
        raise InvalidTable(
            f"neither the header {column.header!r} nor the value {text!r} names a unit; {_rename()}",
            field=COLUMN,
            value=text,
        )
    value = _in_siemens_per_cm(number, read, known)
    low, high = CONDUCTIVITY_RANGE
    if not low <= value <= high:
        raise InvalidTable(
            f"{column.header} is {text}; it must lie between {low:g} and {high:g} S/cm", field=COLUMN, value=text
        )
    note = None if unit is None else f"the conductivity {text!r} was read as {'<' if limit else ''}{value:.6g} S/cm"
    return ConductivityValue(math.log10(value), limit, note)


def refuse_column(cells: Sequence[tuple[int, str]], column: ConductivityColumn) -> None:
    """Refuse a column of which no value can be right, so that the table is complained of once and not row by row.

    `cells` holds (line, text) of those that are not empty. Raises InvalidTable for a column of log10 values, of text,
    or of numbers without any unit.
    """
    if not cells:
        return
    numbers = [_number(_parts(text)[1]) for _, text in cells]
    line, example = cells[0]
    if all(number is None for number in numbers):
        comma = "; the decimal sign must be a point" if re.match(r"[<≤= ]*\d+,\d", example) else ""
        raise InvalidTable(
            f"the column {column.header!r} holds no number in any of its {len(cells)} values, {example!r} on line "
            f"{line} for example; each must be {_right(column)}{comma}",
            field=COLUMN,
            value=example,
        )
    known = [number for number in numbers if number is not None]
    low, high = LOG10_RANGE
    if all(low <= number <= high for number in known) and sorted(known)[len(known) // 2] <= -1.0:
        shown = known[0]
        raise InvalidTable(
            f"the values of the column {column.header!r} lie from {min(known):g} to {max(known):g} and look like log10 "
            f"of a conductivity; write the conductivity itself, 10 to that power: {10.0**shown:.3g} in place of "
            f"{shown:g}",
            field=COLUMN,
            value=example,
        )
    if column.unit is None and all(_parts(text)[2] is None for _, text in cells):
        raise InvalidTable(
            f"the column {column.header!r} names no unit; {_rename()}", field=COLUMN, value=column.header
        )


def _unit(found: re.Match[str]) -> str:
    prefix = found["prefix"].lower().replace("u", "µ").replace("μ", "µ")
    return f"{prefix}S/{(found['per'] or found['times']).lower()}"


def _parts(text: str) -> tuple[bool, str, str | None]:
    """Take a cell apart into whether it is a limit, its number as text, and its unit where it has one that is known."""
    sign = next((sign for sign in BELOW if text.startswith(sign)), None)
    number = text.removeprefix(sign or "").strip()
    found = _CELL.fullmatch(number)
    if found is None or found["prefix"] == "M" or (unit := _unit(found)) not in POWERS:
        return sign is not None, number, None
    return sign is not None, found["number"], unit


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _in_siemens_per_cm(text: str, number: float, unit: str) -> float:
    """Convert by moving the decimal point, so that 1.2 mS/cm is the very number 1.2e-3."""
    if POWERS[unit] == 0 or number == 0.0:
        return number
    return float(Decimal(text).scaleb(POWERS[unit]))


def _right(column: ConductivityColumn) -> str:
    return f"a number in {column.unit or 'a unit that it names, S/cm or mS/cm,'} such as 1.2e-3, or <1e-10"


def _rename() -> str:
    return f"name the column {COLUMN}, or conductivity_mS_per_cm or conductivity_S_per_m if it is in one of these"
