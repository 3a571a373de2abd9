"""The tables of formation energies that are at hand: the shipped end members, the Materials Project's, a user's own."""

from __future__ import annotations

import itertools
import os
import threading
from functools import cache
from pathlib import Path
from typing import Any

from superion import home
from superion.errors import InvalidTable, InvalidValue, MissingDependency, NotFound, SuperionError, Unavailable
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula
from superion.models.stability.end_members import read_end_members
from superion.models.stability.phases import Phase, PhaseTable, read_phase_table

__all__ = [
    "DEFAULT",
    "END_MEMBERS",
    "MATBENCH",
    "NAMES",
    "default_table",
    "end_member_table",
    "materials_project_table",
    "named_table",
    "table_named",
]

DEFAULT, END_MEMBERS, MATBENCH = "default", "end-members", "matbench"
NAMES = (DEFAULT, END_MEMBERS, MATBENCH)
"""What `named_table` knows."""

DATA_SET = "mp-formation-energies"
"""Data set that the table `matbench` is of."""
_ENERGIES, _GAPS = "matbench/mp_e_form.csv", "matbench/mp_gap.csv"

KEY_VARIABLE = "MP_API_KEY"
MAX_ELEMENTS = 8
"""Most elements of a chemical system that is asked of the Materials Project, as 2^n - 1 systems are."""

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


def materials_project_table(chemical_system: str, key: str | None = None) -> PhaseTable:
    """Ask the Materials Project for the phases of a chemical system such as `Li-P-S`, with the caller's own key.

    The key is `MP_API_KEY` unless one is given; the package is `mp-api`, which no extra of superion brings. Energies
    are the Project's corrected formation energies, gaps those of its summaries. This talks to a service that the tests
    of the project cannot reach: they hold what is done with its answers, not that it still answers so.

    Raises MissingDependency without the package, InvalidValue for a system that is none or without a key, Unavailable
    where the service does not answer, NotFound where it knows no phase.
    """
    elements = _elements(chemical_system)
    key = key or os.environ.get(KEY_VARIABLE)
    if not key:
        fault = f"set {KEY_VARIABLE} to your key of the Materials Project, https://materialsproject.org/api"
        raise InvalidValue(fault, field=KEY_VARIABLE)
    try:
        from mp_api.client import MPRester
    except ModuleNotFoundError as error:
        fault = f"{error.name} is not installed: pip install mp-api"
        raise MissingDependency(fault, field="install", value=error.name) from error
    sizes = range(1, len(elements) + 1)
    systems = ["-".join(part) for size in sizes for part in itertools.combinations(elements, size)]
    fields = ["material_id", "formula_pretty", "formation_energy_per_atom", "band_gap"]
    try:
        with MPRester(key) as client:
            found = client.materials.summary.search(chemsys=systems, fields=fields)
    except Exception as error:  # whatever the client raises, of several packages
        fault = f"the Materials Project did not answer: {type(error).__name__}"
        raise Unavailable(fault, field="chemical_system", value=chemical_system) from error
    phases = [_phase(document) for document in found if document.formation_energy_per_atom is not None]
    if not phases:
        fault = f"the Materials Project knows no phase of {chemical_system}"
        raise NotFound(fault, field="chemical_system", value=chemical_system)
    return PhaseTable.from_phases(f"materials-project {'-'.join(elements)}", phases)


def _phase(document: Any) -> Phase:
    energy, gap = float(document.formation_energy_per_atom), document.band_gap
    formula = Formula.parse(document.formula_pretty)
    if len(formula.symbols) == 1:
        # The ground state of an element is at 0, give or take the rounding of what was sent.
        energy = max(energy, 0.0)
    gap = None if gap is None else max(0.0, float(gap))
    return Phase(formula, energy, gap, source=f"Materials Project {document.material_id}")


def _elements(chemical_system: str) -> list[str]:
    elements = sorted(set(chemical_system.split("-")))
    if not 1 <= len(elements) <= MAX_ELEMENTS or not set(elements) <= set(ATOMIC_NUMBER):
        fault = f"{chemical_system!r} is no chemical system of 1 to {MAX_ELEMENTS} elements such as Li-P-S"
        raise InvalidValue(fault, field="chemical_system", value=chemical_system)
    return elements


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
