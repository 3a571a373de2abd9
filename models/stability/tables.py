"""The tables of formation energies that are at hand: the shipped end members, the Materials Project's, a user's own."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

from superion import home
from superion.errors import InvalidTable, InvalidValue, NotFound, SuperionError
from superion.models.stability.end_members import read_end_members
from superion.models.stability.phases import Phase, PhaseTable
from superion.models.stability.table_files import read_phase_table

__all__ = [
    "COARSE",
    "DEFAULT",
    "END_MEMBERS",
    "MATBENCH",
    "NAMES",
    "default_table",
    "end_member_table",
    "named_table",
    "table_named",
]

DEFAULT, END_MEMBERS, MATBENCH = "default", "end-members", "matbench"
NAMES = (DEFAULT, END_MEMBERS, MATBENCH)
"""What `named_table` knows."""

DATA_SET = "mp-formation-energies"
"""Data set that the table `matbench` is of."""
COARSE = (
    f"the hull is of few phases, the shipped end members, and coarse; `superion data fetch {DATA_SET}` makes it fuller"
)
"""What is said of answers by the end members."""
_ENERGIES, _GAPS = "matbench/mp_e_form.csv", "matbench/mp_gap.csv"


_KEPT = 4
"""Tables read from files that a process keeps."""
_lock = threading.RLock()
_read: dict[tuple[object, ...], PhaseTable | SuperionError] = {}


def end_member_table() -> PhaseTable:
    """Return the end members as a table, named `end-members`; made once per process."""
    with _lock:
        return _end_member_table()


def default_table() -> PhaseTable:
    """Return the fullest table at hand: what `SUPERION_PHASE_TABLE` names, else `matbench`, else the end members.

    Files are read once per process, which takes a second for `matbench`, and again when they change. Raises NotFound
    and InvalidTable for a file that is named and cannot be read; nothing takes its place.
    """
    named = home.phase_table()
    if named is not None and named != DEFAULT:
        return _named_by_variable(named)
    found = _matbench()
    return end_member_table() if found is None else found


def named_table(name: str) -> PhaseTable:
    """Return the table `default`, `end-members` or `matbench`.

    Raises InvalidValue for another name, and NotFound for a table that is not on this machine.
    """
    if name == DEFAULT:
        return default_table()
    if name == END_MEMBERS:
        return end_member_table()
    if name != MATBENCH:
        raise InvalidValue(f"the tables are {', '.join(NAMES)}, not {name!r}", field="table", value=name)
    found = _matbench()
    if found is None:
        fault = f"the table {MATBENCH} is not on this machine: run `superion data fetch {DATA_SET}`"
        raise NotFound(fault, field="table", value=name)
    return found


def table_named(text: str) -> PhaseTable:
    """Return the table of a name that `named_table` knows, else the one in the file of that path.

    Raises NotFound where there is neither, and InvalidTable for a file that is no such table.
    """
    if text in NAMES:
        return named_table(text)
    path = Path(text).expanduser()
    if not path.is_file():
        fault = f"there is no table and no file {text!r}; the tables are {', '.join(NAMES)}"
        raise NotFound(fault, field="table", value=text)
    return _from_file(path)


@cache
def _end_member_table() -> PhaseTable:
    rows = read_end_members()
    phases = (Phase(row.formula, row.formation_energy, row.band_gap, row.electronic, row.source) for row in rows)
    return PhaseTable.from_phases(END_MEMBERS, phases)


def _matbench() -> PhaseTable | None:
    energies = home.data_files([_ENERGIES])
    if energies is None:
        return None
    gaps = home.data_files([_GAPS])
    return _from_file(energies[0], MATBENCH, gaps[0] if gaps else None)


def _named_by_variable(text: str) -> PhaseTable:
    try:
        return table_named(text)
    except NotFound as error:
        # Predictions repeat this to whoever asks for them, who need not learn where the files of the machine lie.
        shown = text if text in NAMES else Path(text).name
        fault = f"{home.PHASE_TABLE_VARIABLE} names {shown!r}, and that is not on this machine"
        raise NotFound(fault, field=home.PHASE_TABLE_VARIABLE, value=shown) from error


def _from_file(path: Path, name: str | None = None, band_gaps: Path | None = None) -> PhaseTable:
    """Read a table, or return it as it was read before; a fault is kept too, so that it is not looked for again.

    Only the tables of `NAMES` have these names: a user's `end-members.csv` is called by its whole file name, so that
    what is said of the end members is not said of it.
    """
    if name is None and path.stem in NAMES:
        name = path.name
    key: tuple[object, ...] = (name, _state(path), None if band_gaps is None else _state(band_gaps))
    with _lock:
        if key not in _read:
            while len(_read) >= _KEPT:
                del _read[next(iter(_read))]
            try:
                _read[key] = read_phase_table(path, name, band_gaps)
            except OSError as error:
                fault = f"{path.name} cannot be read: {error.strerror}"
                _read[key] = InvalidTable(fault, field="path", value=path.name)
            except SuperionError as error:
                _read[key] = error
        found = _read[key]
    if isinstance(found, SuperionError):
        raise type(found)(found.message, field=found.field, value=found.value)
    return found


def _state(path: Path) -> tuple[object, ...]:
    stat = path.stat()
    return str(path), stat.st_mtime_ns, stat.st_size
