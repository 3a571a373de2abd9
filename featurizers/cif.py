"""CIF text in, a `Crystal` out: occupancies kept, symmetry expanded, every change written down in the notes."""

from __future__ import annotations

import math
import re

import gemmi
import numpy as np
from gemmi import cif
from numpy.typing import NDArray

from superion.errors import InvalidCif, InvalidCrystal, InvalidFormula
from superion.featurizers.crystal import MAX_LENGTH, MAX_SITES, Crystal
from superion.featurizers.crystal_checks import MAX_OCCUPANCY
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.expansion import ListedAtoms, assemble, expand
from superion.featurizers.formula import Formula
from superion.featurizers.symmetry import Symmetry, read_symmetry

MAX_BYTES = 8_000_000
"""Longest CIF that is read [bytes]."""
MAX_BLOCKS = 1000
"""Largest number of data blocks and save frames; the parser compares the names of all pairs of them."""
MAX_IMAGES = 200_000
"""Largest number of listed atoms times symmetry operations."""
MIN_LENGTH = 0.5
"""Shortest lattice vector that is read [angstrom]; less is a slip of unit or of exponent."""
FORMULA_TOLERANCE = 0.05
"""Relative difference of atomic fractions beyond which `_chemical_formula_sum` and the cell contents disagree."""

_LENGTHS = ("_cell_length_a", "_cell_length_b", "_cell_length_c")
_ANGLES = ("_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma")
_COORDINATES = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_MULTIPLICITY = ("_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity")
_TYPE = re.compile(r"([A-Za-z]{1,2})(?:[0-9]*\.?[0-9]*[+-]?[0-9]*)")
_BLOCK = re.compile(r"(?:^|\s)(?:data|save)_", re.IGNORECASE)
_LETTERS = re.compile(r"[A-Za-z]*")


def read_cif(text: str | bytes) -> Crystal:
    """Read the first block with atoms of CIF text as a Crystal.

    Partial occupancies are kept. Symmetry copies of one listed atom count once where they coincide: as its declared
    multiplicity says, else within the distances that `superion.featurizers.expansion` names. Atoms within 0.1 angstrom
    of each other become one site with several elements. What was changed or assumed is in `Crystal.notes`.

    Raises InvalidCif, whatever is wrong with the text.
    """
    try:
        notes: list[str] = []
        block = _block(_decoded(text), notes)
        cell = _cell(block, notes)
        symmetry = read_symmetry(block, cell)
        notes.extend(symmetry.notes)
        atoms = _atoms(block, notes)
        lattice = np.array(cell.orth.mat.tolist()).T
        expanded = _expand_in_best_setting(atoms, symmetry, lattice, notes)
        _compare_with_formula(block, atoms, expanded[1], notes)
        return assemble(atoms, expanded, lattice, symmetry.number, notes)
    except InvalidCif:
        raise
    except InvalidCrystal as fault:
        message = f"the CIF describes no physical crystal: {fault.message}"
        raise InvalidCif(message, field="cif", value=fault.value) from fault


def _decoded(text: str | bytes) -> str:
    if not isinstance(text, str | bytes):
        raise InvalidCif(f"a CIF is text, not {type(text).__name__}", field="cif", value=text)
    if len(text) > MAX_BYTES:
        raise InvalidCif(
            f"the CIF has {len(text)} characters; at most {MAX_BYTES} are read, so keep only the structure", field="cif"
        )
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as fault:
            raise InvalidCif(
                f"the CIF is not UTF-8 text (byte {fault.start}); save it as UTF-8 or plain ASCII", field="cif"
            ) from fault
    if "\0" in text:
        raise InvalidCif("the CIF holds NUL characters, so it is binary data and no text", field="cif")
    if not text.strip():
        raise InvalidCif("the CIF is empty", field="cif")
    return text.removeprefix("\ufeff")


def _block(text: str, notes: list[str]) -> cif.Block:
    """Return the first block that lists atoms."""
    if sum(1 for _ in _BLOCK.finditer(text)) > MAX_BLOCKS:
        raise InvalidCif(f"the CIF has more than {MAX_BLOCKS} data blocks; give one structure at a time", field="cif")
    try:
        document = cif.read_string(text)
    except (ValueError, RuntimeError, UnicodeError) as fault:
        raise InvalidCif(f"the text is not CIF: {fault}", field="cif", value=text) from fault
    with_atoms = [block for block in document if len(block.find_values(_COORDINATES[0]))]
    if not with_atoms:
        found = f"{len(document)} data blocks" if len(document) else "no data block"
        raise InvalidCif(f"the CIF lists no atoms: {found}, none with {_COORDINATES[0]}", field="cif", value=text)
    chosen = with_atoms[0]
    if len(with_atoms) > 1:
        notes.append(f"{len(with_atoms)} data blocks list atoms; the first, {chosen.name[:60]!r}, was read")
    elif len(document) > 1:
        notes.append(f"of {len(document)} data blocks only {chosen.name[:60]!r} lists atoms; it was read")
    return chosen


def _cell(block: cif.Block, notes: list[str]) -> gemmi.UnitCell:
    values = []
    for tag in (*_LENGTHS, *_ANGLES):
        raw = block.find_value(tag)
        if tag in _ANGLES and (raw is None or cif.is_null(raw)):
            notes.append(f"{tag} is not given; 90 degrees was assumed, as the CIF dictionary says")
            raw = "90"
        value = math.nan if raw is None else cif.as_number(raw)
        low, high = (0.0, 180.0) if tag in _ANGLES else (MIN_LENGTH, MAX_LENGTH)
        if not low < value < high:
            found = "missing" if raw is None else raw[:40]
            raise InvalidCif(
                f"{tag} is {found}; a number above {low:g} and below {high:g} is right",
                field="cif",
                value=raw,
            )
        values.append(value)
    cell = gemmi.UnitCell(*values)
    # The volume of impossible angles is the root of a negative number.
    if not cell.volume > 1e-6 * values[0] * values[1] * values[2]:
        raise InvalidCif(
            f"the cell angles {values[3]:g}, {values[4]:g}, {values[5]:g} span no volume", field="cif", value=values[3:]
        )
    return cell


def _column(block: cif.Block, tag: str, length: int) -> list[str] | None:
    values = list(block.find_values(tag))
    if values and len(values) != length:
        raise InvalidCif(f"{tag} has {len(values)} values for {length} atoms", field="cif")
    return values or None


def _atoms(block: cif.Block, notes: list[str]) -> ListedAtoms:
    """Read the atom list, leaving out dummies and empty sites with a note."""
    n_atoms = len(block.find_values(_COORDINATES[0]))
    if n_atoms > MAX_SITES:
        raise InvalidCif(f"{n_atoms} atoms are listed; at most {MAX_SITES} are accepted", field="cif")
    coordinates = [_column(block, tag, n_atoms) for tag in _COORDINATES]
    for tag, column in zip(_COORDINATES, coordinates, strict=True):
        if column is None:
            raise InvalidCif(f"{tag} is missing; fractional coordinates are needed", field="cif")
    types = _column(block, "_atom_site_type_symbol", n_atoms)
    raw_labels = _column(block, "_atom_site_label", n_atoms)
    if types is None and raw_labels is None:
        raise InvalidCif("the atoms have neither _atom_site_type_symbol nor _atom_site_label", field="cif")
    labels = [_plain(v) for v in raw_labels or types or []]
    occupancy = _column(block, "_atom_site_occupancy", n_atoms)
    flags = _column(block, "_atom_site_calc_flag", n_atoms)
    kept, symbols, amounts = [], [], []
    for k, label in enumerate(labels):
        if flags is not None and _plain(flags[k]).lower() == "dum":
            notes.append(f"{label} is a dummy atom (calc_flag dum) and was left out")
            continue
        amount = 1.0 if occupancy is None else _occupancy(occupancy[k], label, notes)
        if amount == 0.0:
            notes.append(f"{label} has occupancy 0 and was left out")
            continue
        kept.append(k)
        amounts.append(amount)
        typed = types is not None and not cif.is_null(types[k])
        symbols.append(_element(_plain(types[k]), label) if typed and types else _element_of_label(label))
    if not kept:
        raise InvalidCif("every listed atom is a dummy or has occupancy 0", field="cif")
    xyz = np.array([[_coordinate(column[k], labels[k]) for column in coordinates if column] for k in kept])
    return ListedAtoms([labels[k] for k in kept], symbols, xyz, amounts, _multiplicities(block, n_atoms, kept))


def _plain(value: str) -> str:
    return cif.as_string(value).strip()[:40]


def _coordinate(raw: str, label: str) -> float:
    value = cif.as_number(raw)
    if not abs(value) < 1e3:  # also True for NaN
        raise InvalidCif(
            f"a coordinate of {label} is {raw[:40]}; a fraction of the cell is right", field="cif", value=raw
        )
    return value


def _occupancy(raw: str, label: str, notes: list[str]) -> float:
    if cif.is_null(raw):
        notes.append(f"the occupancy of {label} is not known ({raw}); 1 was assumed")
        return 1.0
    value = cif.as_number(raw)
    if not 0 <= value <= MAX_OCCUPANCY:
        raise InvalidCif(
            f"the occupancy of {label} is {raw[:40]}; from 0 to {MAX_OCCUPANCY} is right", field="cif", value=raw
        )
    return value


def _multiplicities(block: cif.Block, n_atoms: int, kept: list[int]) -> list[int | None]:
    for tag in _MULTIPLICITY:
        column = _column(block, tag, n_atoms)
        if column is not None:
            return [int(column[k]) if column[k].isascii() and column[k].isdecimal() else None for k in kept]
    return [None] * len(kept)


def _element(text: str, label: str) -> str:
    """Return the element of a type symbol such as `Li`, `Li1+` or `O2-`."""
    match = _TYPE.fullmatch(text)
    symbol = match.group(1).capitalize() if match else ""
    return _known(symbol, f"the atom {label} has the type {text!r}, which is no element")


def _element_of_label(label: str) -> str:
    """Return the element that a label such as `Li1` or `O1A` begins with."""
    letters = _LETTERS.match(label[:40])
    text = letters.group() if letters else ""
    # `CL1` may be chlorine or a carbon called L1, and `OH` is no element: only the proper case is read.
    symbol = text[:2] if text[1:2].islower() and not text[2:3].islower() else text
    return _known(symbol, f"the atom {label!r} has no _atom_site_type_symbol and its label begins with no element")


def _known(symbol: str, fault: str) -> str:
    if symbol in ATOMIC_NUMBER:
        return symbol
    hint = "; write H for deuterium and tritium" if symbol in ("D", "T") else ""
    raise InvalidCif(f"{fault}; vacancies and molecules are left out of the list{hint}", field="cif", value=symbol)


def _expand_in_best_setting(
    atoms: ListedAtoms, symmetry: Symmetry, lattice: NDArray[np.float64], notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Expand in the setting that puts more atoms on special positions, when the file leaves the origin open.

    About the wrong origin atoms miss their special positions, so the cell fills with copies.
    """
    trials = []
    for operations in symmetry.settings:
        n_images = len(atoms.labels) * len(operations.rotations)
        if n_images > MAX_IMAGES:
            raise InvalidCif(
                f"{len(atoms.labels)} atoms times {len(operations.rotations)} operations; "
                f"at most {MAX_IMAGES} images are expanded",
                field="cif",
            )
        remarks: list[str] = []
        trials.append((expand(atoms, operations, lattice, remarks), remarks))
    best = min(range(len(trials)), key=lambda k: len(trials[k][0][1]))  # the first of equals: origin choice 2
    if len(trials) > 1:
        counts = " and ".join(str(len(expanded[1])) for expanded, _ in reversed(trials))
        notes.append(
            f"the space group has two origin choices and the file names none; choices 1 and 2 give {counts} atoms "
            f"per cell, and choice {2 - best} was taken"
        )
    expanded, remarks = trials[best]
    notes.extend(remarks)
    return expanded


def _compare_with_formula(block: cif.Block, atoms: ListedAtoms, sources: NDArray[np.intp], notes: list[str]) -> None:
    """Note where `_chemical_formula_sum` and the cell contents differ by more than 5 %, whatever the scale."""
    raw = block.find_value("_chemical_formula_sum")
    if raw is None or cif.is_null(raw):
        return
    try:
        stated = Formula.parse(cif.as_string(raw))
    except InvalidFormula as fault:
        notes.append(f"_chemical_formula_sum was not compared with the cell contents: {fault.message}")
        return
    amounts: dict[str, float] = {}
    for k, copies in enumerate(np.bincount(sources, minlength=len(atoms.labels))):
        amounts[atoms.symbols[k]] = amounts.get(atoms.symbols[k], 0.0) + float(copies) * atoms.occupancies[k]
    held = Formula.from_amounts({symbol: round(amount, 9) for symbol, amount in amounts.items()})
    differing = [
        symbol
        for symbol in dict.fromkeys(held.symbols + stated.symbols)
        if not math.isclose(
            held.amount(symbol) / held.n_atoms, stated.amount(symbol) / stated.n_atoms, rel_tol=FORMULA_TOLERANCE
        )
    ]
    if differing:
        notes.append(
            f"the cell contents {held.text} and _chemical_formula_sum {stated.text} differ in {', '.join(differing)}"
        )
