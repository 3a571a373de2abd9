"""The atom list of a CIF block: elements, coordinates, occupancies, declared multiplicities."""

from __future__ import annotations

import re

import numpy as np
from gemmi import cif
from numpy.typing import NDArray

from superion.errors import InvalidCif
from superion.featurizers.cif_text import FRACTIONAL, Tags, column, spellings
from superion.featurizers.crystal_checks import MAX_OCCUPANCY, MAX_SITES
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.expansion import ListedAtoms
from superion.featurizers.type_symbols import VACANCY, TypeNotes, is_isotope, read_type

MAX_COORDINATE = 1e3
"""Largest coordinate that is read [lattice vectors]."""

_TYPE = spellings("_atom_site", "type_symbol")
_LABEL = spellings("_atom_site", "label")
_OCCUPANCY = spellings("_atom_site", "occupancy")
_FLAG = spellings("_atom_site", "calc_flag")
_MULTIPLICITY = spellings("_atom_site", "symmetry_multiplicity", "site_symmetry_multiplicity")
_LETTERS = re.compile(r"[A-Za-z]*")
_SHOWN = 40


def read_atoms(block: cif.Block, notes: list[str]) -> ListedAtoms:
    """Read the atom list, leaving out dummies, vacancies and empty sites with a note.

    Raises InvalidCif for an atom without an element, a coordinate or an occupancy that can be read.
    """
    n_atoms = len(column(block, FRACTIONAL[0]))
    if n_atoms > MAX_SITES:
        raise InvalidCif(f"{n_atoms} atoms are listed; at most {MAX_SITES} are accepted", field="cif")
    axes = [_column(block, tags, n_atoms) for tags in FRACTIONAL]
    for tags, values in zip(FRACTIONAL, axes, strict=True):
        if not values:
            raise InvalidCif(f"{tags[0]} is missing; fractional coordinates are needed", field="cif")
    types, labels = _names(block, n_atoms)
    raw_occupancies = _column(block, _OCCUPANCY, n_atoms)
    flags = _column(block, _FLAG, n_atoms)
    kept: list[int] = []
    symbols: list[str] = []
    occupancies: list[float] = []
    remarks = TypeNotes()
    for k, label in enumerate(labels):
        name = types[k]
        if flags and _plain(flags[k]).lower() == "dum":
            notes.append(f"{label} is a dummy atom (calc_flag dum) and was left out")
            continue
        symbol = read_type(name) if name is not None else _read_label(label)
        if symbol == VACANCY:
            remarks.vacancy(name or label, label)
            continue
        occupancy = _occupancy(raw_occupancies[k], label, notes) if raw_occupancies else 1.0
        if occupancy == 0.0:
            notes.append(f"{label} has occupancy 0 and was left out")
            continue
        if symbol is None:
            raise _no_element(name, label)
        if name is not None and is_isotope(name):
            remarks.isotope(name, symbol, label)
        kept.append(k)
        symbols.append(symbol)
        occupancies.append(occupancy)
    notes.extend(remarks.notes())
    if not kept:
        raise InvalidCif("every listed atom is a dummy, a vacancy or has occupancy 0", field="cif")
    if len(kept) < n_atoms:
        axes = [[values[k] for k in kept] for values in axes]
        labels = [labels[k] for k in kept]
    multiplicities = _multiplicities(block, n_atoms, kept)
    return ListedAtoms(labels, symbols, _coordinates(axes, labels), occupancies, multiplicities)


def _column(block: cif.Block, tags: Tags, length: int) -> list[str]:
    values = column(block, tags)
    if values and len(values) != length:
        raise InvalidCif(f"{tags[0]} has {len(values)} values for {length} atoms", field="cif")
    return values


def _plain(value: str) -> str:
    text: str = cif.as_string(value)
    return text.strip()[:_SHOWN]


def _names(block: cif.Block, n_atoms: int) -> tuple[list[str | None], list[str]]:
    """Return the type symbol, None where there is none, and the label of each atom."""
    raw_types, raw_labels = _column(block, _TYPE, n_atoms), _column(block, _LABEL, n_atoms)
    if not raw_types and not raw_labels:
        raise InvalidCif("the atoms have neither _atom_site_type_symbol nor _atom_site_label", field="cif")
    labels = [_plain(value) for value in raw_labels or raw_types]
    names = {value: None if cif.is_null(value) else _plain(value) for value in set(raw_types)}  # many atoms, few types
    types = [names[value] for value in raw_types] or [None] * n_atoms
    return types, labels


def _read_label(label: str) -> str | None:
    """Return what a label such as `Li1`, `O1A` or `Va1` begins with, as `read_type` does."""
    letters = _LETTERS.match(label)
    text = letters.group() if letters else ""
    # `CL1` may be chlorine or a carbon called L1, and `OH` is no element: only the proper case is read.
    symbol = text[:2] if text[1:2].islower() and not text[2:3].islower() else text
    # `T1` is a tetrahedral site more often than tritium, so isotopes are told by type symbols only.
    return symbol if symbol in ATOMIC_NUMBER else VACANCY if read_type(text or label[:1]) == VACANCY else None


def _no_element(name: str | None, label: str) -> InvalidCif:
    if name is None:
        fault = f"the atom {label!r} has no _atom_site_type_symbol and its label begins with no element"
    else:
        fault = f"the atom {label} has the type {name!r}, which is no element"
    return InvalidCif(
        f"{fault}; give one element per row, and leave molecules and dummies out", field="cif", value=name or label
    )


def _coordinates(axes: list[list[str]], labels: list[str]) -> NDArray[np.float64]:
    """Return the coordinates `(n_atoms, 3)`."""
    numbers = [list(map(cif.as_number, values)) for values in axes]
    for values, raws in zip(numbers, axes, strict=True):
        for k, number in enumerate(values):
            if not -MAX_COORDINATE < number < MAX_COORDINATE:  # also True for NaN
                raise InvalidCif(
                    f"a coordinate of {labels[k]} is {raws[k][:_SHOWN]}; a fraction of the cell is right",
                    field="cif",
                    value=raws[k],
                )
    return np.array(list(zip(*numbers, strict=True)))


def _occupancy(raw: str, label: str, notes: list[str]) -> float:
    if cif.is_null(raw):
        notes.append(f"the occupancy of {label} is not known ({raw}); 1 was assumed")
        return 1.0
    value: float = cif.as_number(raw)
    if not 0 <= value <= MAX_OCCUPANCY:  # also True for NaN
        raise InvalidCif(
            f"the occupancy of {label} is {raw[:_SHOWN]}; from 0 to {MAX_OCCUPANCY} is right", field="cif", value=raw
        )
    if value > 1.0:
        notes.append(f"the occupancy {raw} of {label} was read as 1")
        return 1.0
    return value


def _multiplicities(block: cif.Block, n_atoms: int, kept: list[int]) -> list[int | None]:
    values = _column(block, _MULTIPLICITY, n_atoms)
    if not values:
        return [None] * len(kept)
    # More digits than the atoms of any cell have are as good as nonsense.
    return [int(values[k][:9]) if values[k].isascii() and values[k].isdecimal() else None for k in kept]
