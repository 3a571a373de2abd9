"""What the fuzzers feed: per entry point a function that takes any bytes and holds what is promised of any input.

A value comes back or a child of SuperionError is raised, of the kind and with the field that the entry point names; no
other exception and no warning. What was read is written out and read again, and must be the same.
"""

from __future__ import annotations

import copy
import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from superion.errors import InvalidCif, InvalidCrystal, InvalidFormula, InvalidTable, SuperionError
from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import CANONICAL_DECIMALS, Formula
from superion.featurizers.magpie_statistics import magpie
from superion.featurizers.neighbors import neighbor_list
from superion.models.stability.phases import MAX_ENERGY, MAX_SYSTEM, Phase, PhaseTable
from superion.models.stability.table_files import read_phase_table

Input = TypeVar("Input")
Result = TypeVar("Result")

MAX_SITES = 10_000
"""Largest number of sites of a crystal, as it promises."""
MAX_OCCUPANCY = 1.05
"""Largest summed occupancy of one position, as it promises."""
SAME_POSITION = 0.1
"""Distance within which a reader makes one site of several [angstrom], as it promises."""
LONGEST_MESSAGE = 1000
"""Longest message of an error [characters]; an input is not repeated in full."""
LONGEST_NOTE = 3000
"""Longest note [characters]; one compares two formulas, each of at most 1,000."""


class BrokenPromise(Exception):
    """Report what does not hold; it is no SuperionError and no assertion, so nothing catches it by the way."""


def require(holds: bool, promise: str) -> None:
    """Raise BrokenPromise unless `promise` holds."""
    if not holds:
        raise BrokenPromise(promise)


def read_or_refused(read: Callable[[Input], Result], given: Input, kind: type[SuperionError]) -> Result | None:
    """Return what `read` makes of `given`, None where it refuses it as promised."""
    try:
        return read(given)
    except kind as fault:
        require(0 < len(fault.message) <= LONGEST_MESSAGE, f"a message has a bounded length: {len(fault.message)}")
        require(bool(fault.field), f"an error names its field: {fault.message}")
        return None


def formula(data: bytes) -> None:
    """Read a formula, write it, and compute its Magpie features."""
    read = read_or_refused(Formula.parse, data.decode("utf-8", "replace"), InvalidFormula)
    if read is None:
        return
    require(Formula.parse(read.text) == read, "the text that a formula keeps is read as the same formula")
    rewritten = Formula.parse(Formula.from_amounts(dict(zip(read.symbols, read.amounts, strict=True))).text)
    require(rewritten.symbols == read.symbols, "a written formula has the same elements")
    for one, other in zip(rewritten.amounts, read.amounts, strict=True):
        require(math.isclose(one, other, rel_tol=1e-9), f"a written amount is the same: {one} for {other}")
    require(math.isclose(float(read.fractions.sum()), 1.0, rel_tol=1e-12), "fractions sum to 1")
    require(0 < read.weight < math.inf and bool(read.canonical), "weight and key exist")
    require(read.reduced.symbols == read.symbols, "reducing keeps the elements")
    features = read_or_refused(lambda one: magpie([one], impute=True), read, InvalidFormula)
    require(features is None or bool(np.isfinite(features).all()), "the features of a formula are finite")


def cif(data: bytes) -> None:
    """Read a CIF and hold what is promised of the crystal."""
    crystal = read_or_refused(Crystal.from_cif, data, InvalidCif)
    if crystal is not None:
        check_crystal(crystal)


def poscar(data: bytes) -> None:
    """Read a POSCAR and hold what is promised of the crystal."""
    crystal = read_or_refused(Crystal.from_poscar, data, InvalidCrystal)
    if crystal is not None:
        check_crystal(crystal)


def structure(data: bytes) -> None:
    """Read a JSON object, or a document of `DOCUMENTS` edited as the bytes say, and hold what is promised."""
    if data[:1] in b"{[":
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return
    else:
        document = edited(data)
    crystal = read_or_refused(Crystal.from_dict, document, InvalidCrystal)
    if crystal is not None:
        check_crystal(crystal)


def phases(data: bytes) -> None:
    """Read a table of phases, with a second one of band gaps after a form feed, and hold what is promised of it."""
    given, separator, gaps = data.partition(b"\f")
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, "table.csv"), Path(folder, "gaps.csv")
        first.write_bytes(given)
        second.write_bytes(gaps)
        table = read_or_refused(
            lambda path: read_phase_table(path, "a", second if separator else None), first, InvalidTable
        )
        if table is None:
            return
        found = [table.phase(row) for row in range(len(table))]
        for row, phase in enumerate(found):
            require(table.row(phase.formula) == row, f"a phase is found by its formula: {phase.formula.text}")
            require(abs(phase.energy) <= MAX_ENERGY, f"an energy is believed: {phase.energy}")
            require(len(phase.formula.symbols) > 1 or phase.energy == 0.0, f"an element is at 0: {phase}")
            require(phase.band_gap is None or 0.0 <= phase.band_gap < math.inf, f"a gap is one: {phase.band_gap}")
        check_systems(table, found)
        require(PhaseTable.from_phases("b", found).digest == table.digest, "phases hold the whole table")


def check_systems(table: PhaseTable, found: list[Phase]) -> None:
    """Hold that each compound is once in the system of its elements, with its fractions as far as they tell phases."""
    for row, phase in enumerate(found):
        if not 1 < len(phase.formula.symbols) <= MAX_SYSTEM:
            continue
        system = table.system(phase.formula.symbols)
        at = np.flatnonzero(system.rows == row)
        require(len(at) == 1, f"a phase is once in its system: {phase.formula.text}")
        differences = np.abs(system.fractions[at[0]] - system.composition(phase.formula))
        require(bool(differences.max() < 10.0**-CANONICAL_DECIMALS), f"a phase has its atoms: {phase.formula.text}")


def check_crystal(crystal: Crystal) -> None:
    """Hold what is promised of any crystal, and that it is the same after a round trip through a dict and a CIF."""
    require(1 <= crystal.n_sites <= MAX_SITES, "the number of sites is bounded")
    require(crystal.n_sites == len(crystal.species), "every site holds something")
    require(bool(np.isfinite(crystal.cartesian_coordinates).all()), "positions are finite")
    require(0 < crystal.density < math.inf and bool(repr(crystal)), "the density is finite and above zero")
    for held in crystal.species:
        require(all(0 < occupancy <= MAX_OCCUPANCY for _, occupancy in held), f"occupancies are physical: {held}")
        require(math.fsum(occupancy for _, occupancy in held) <= MAX_OCCUPANCY, f"occupancies sum to 1.05: {held}")
    require(all(note and len(note) <= LONGEST_NOTE for note in crystal.notes), "notes have a bounded length")
    require(Crystal.from_dict(json.loads(json.dumps(crystal.to_dict()))) == crystal, "a dict holds the whole crystal")
    a, b, c = crystal.cell_parameters[:3]
    # Sites that share a position are merged by the reader, and the angles of a flat cell have too few digits.
    if len(neighbor_list(crystal, SAME_POSITION * 1.01)[0]) == 0 and crystal.volume > 1e-3 * a * b * c:
        check_same_sites(Crystal.from_cif(crystal.to_cif()), crystal)


def check_same_sites(one: Crystal, other: Crystal) -> None:
    """Compare two crystals site by site, up to orientation and lattice translations."""
    require(one.n_sites == other.n_sites, f"{one.n_sites} sites for {other.n_sites}")
    lengths = np.linalg.norm(other.lattice, axis=1)
    differences = (one.lattice @ one.lattice.T - other.lattice @ other.lattice.T) / np.outer(lengths, lengths)
    require(bool(np.abs(differences).max() < 1e-8), "the lattice is the same")
    moves = one.fractional_coordinates - other.fractional_coordinates
    moves = (moves - np.round(moves)) @ other.lattice
    require(bool(np.abs(moves).max() < 1e-6), f"a site moves by {np.abs(moves).max()} angstrom")
    for held, expected in zip(one.species, other.species, strict=True):
        for (symbol, occupancy), (right, wanted) in zip(held, expected, strict=True):
            # A CIF's reader takes an occupancy of slightly more than 1 for 1.
            same = math.isclose(occupancy, min(wanted, 1.0), rel_tol=1e-8)
            require(symbol == right and same, f"{held} for {expected}")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "formula": formula,
    "cif": cif,
    "poscar": poscar,
    "structure": structure,
    "phases": phases,
}

DOCUMENTS: tuple[Any, ...] = (
    {
        "lattice": {"matrix": [[5.0, 0.0, 0.0], [0.7, 6.0, 0.0], [-0.4, 0.9, 7.0]], "pbc": [True, True, True]},
        "sites": [
            {"species": [{"element": "Li", "occu": 0.4}], "abc": [0.0, 0.0, 0.0], "label": "Li1"},
            {"species": [{"element": "S", "occu": 0.6}, {"element": "Cl-", "occu": 0.4}], "abc": [0.5, 0.5, 0.5]},
        ],
    },
    {
        "lattice": {"a": 4.0, "b": 5.0, "c": 6.0, "alpha": 90.0, "beta": 100.0, "gamma": 120.0},
        "sites": [{"species": [{"element": "Na", "occu": 1}], "abc": [0.1, 0.2, 0.3], "label": None}],
    },
    {
        "data": {
            "attributes": {
                "lattice_vectors": [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]],
                "cartesian_site_positions": [[0.0, 0.0, 0.0], [2.0, 2.0, 2.0]],
                "dimension_types": [1, 1, 1],
                "species_at_sites": ["mix", "Cl"],
                "species": [
                    {"name": "mix", "chemical_symbols": ["Li", "Na", "vacancy"], "concentration": [0.4, 0.3, 0.3]},
                    {"name": "Cl", "chemical_symbols": ["Cl"], "concentration": [1.0]},
                ],
                "structure_features": ["disorder"],
                "space_group_it_number": 1,
            }
        }
    },
)
"""Structures of each form that `from_dict` reads."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 0.5, -0.5, 1.0001, 1.05, 1.06, 1e-9, 1e6, 1e7, 1e308, -0.0, 10**30, 10**400),
    *(math.nan, math.inf, -math.inf, "", "Li", "Li+", "X", "D", "vacancy", "mix", "nan", "1", "0.5", "\0", "é"),
    *([], [[]], {}, [0, 0, 0], [1, 1, 1], ["Li"], {"element": "O", "occu": 0.5}, [[1, 2, 3]] * 3),
    *("implicit_atoms", ["disorder", "assemblies"], {"name": "mix"}, [None], "x" * 200, [0.25] * 4),
)
"""What is put where it may not belong."""


def places(document: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a document, outer ones first."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    found = [(document, key) for key, _ in inner]
    return found + [place for container, key in tuple(found) for place in places(container[key])]


def edited(data: bytes) -> Any:
    """Return a document changed as `data` says: first which one, then four bytes per change."""
    document = copy.deepcopy(DOCUMENTS[data[0] % len(DOCUMENTS)] if data else DOCUMENTS[0])
    for at in range(1, min(len(data), 64) - 3, 4):
        where, what, high, low = data[at : at + 4]
        known = places(document)
        if not known:
            break
        container, key = known[where % len(known)]
        number = (high << 8 | low) / 8192.0 - 4.0
        if what < 128:
            container[key] = copy.deepcopy(VALUES[what % len(VALUES)])
        elif what < 192:
            container[key] = number
        elif what < 208:
            del container[key]
        elif what < 224 and isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        else:  # another part of the document
            other, name = known[(high << 8 | low) % len(known)]
            container[key] = copy.deepcopy(other[name])
    return document
