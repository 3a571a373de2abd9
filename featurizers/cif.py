"""CIF text in, a `Crystal` out: occupancies kept, symmetry expanded, every change written down in the notes."""

from __future__ import annotations

import math
import re

import gemmi
import numpy as np
from gemmi import cif
from numpy.typing import NDArray

from superion.errors import InvalidCif, InvalidCrystal, InvalidFormula
from superion.featurizers.cif_atoms import read_atoms
from superion.featurizers.cif_text import read_block, spellings, text_value, value
from superion.featurizers.crystal import Crystal
from superion.featurizers.crystal_checks import MAX_LENGTH
from superion.featurizers.expansion import Copies, ListedAtoms, assemble, expand
from superion.featurizers.formula import Formula, plain_amounts
from superion.featurizers.operations import Operations
from superion.featurizers.symmetry import Symmetry, read_symmetry

MAX_IMAGES = 200_000
"""Largest number of listed atoms times symmetry operations."""
MIN_LENGTH = 0.5
"""Shortest lattice vector that is read [angstrom]; less is a slip of unit or of exponent."""
FORMULA_TOLERANCE = 0.05
"""Relative difference of atomic fractions beyond which `_chemical_formula_sum` and the cell contents disagree."""
NOTED_DISTORTION = 0.005
"""Largest distortion of a cell against its symmetry operations that is read without a note; see `distortion`."""
MAX_DISTORTION = 0.1
"""Largest distortion that is read; beyond it the operations carry atoms to where no atoms are."""

_EXACT_METRIC = 1e-4
"""Change of an entry of the metric tensor [angstrom^2] that is nothing, as the shortest vector has 0.25 angstrom^2."""
_LENGTHS = tuple(spellings("_cell", f"length_{axis}") for axis in "abc")
_ANGLES = tuple(spellings("_cell", f"angle_{name}") for name in ("alpha", "beta", "gamma"))
_FORMULA = spellings("_chemical_formula", "sum")
_ISOTOPE = re.compile(r"\b[DT](?=[\d\s]|$)")


def read_cif(text: str | bytes) -> Crystal:
    """Read the first block with atoms of CIF text as a Crystal.

    Read are CIF 1.1, DDLm tags (`_cell.length_a`), CIF 2.0 and magnetic CIF; files that are not UTF-8 are taken for
    Windows-1252. Partial occupancies are kept. Vacancies (`Va`, `Vac`, `X`) are left out, deuterium and tritium become
    H. Symmetry copies of one listed atom count once where they coincide: as its declared multiplicity says, else within
    the distances that `superion.featurizers.expansion` names. Atoms within 0.1 angstrom of each other become one site
    with several elements. What was changed or assumed is in `Crystal.notes`.

    Raises InvalidCif, whatever is wrong with the text.
    """
    try:
        notes: list[str] = []
        block = read_block(text, notes)
        cell = _cell(block, notes)
        symmetry = read_symmetry(block, cell)
        notes.extend(symmetry.notes)
        lattice = np.array(cell.orth.mat.tolist()).T.copy()
        _check_cell(cell, lattice, symmetry.settings[0], notes)
        atoms = read_atoms(block, notes)
        copies = _expand_in_best_setting(atoms, symmetry, lattice, notes)
        _compare_with_formula(block, atoms, copies, notes)
        return assemble(atoms, copies, lattice, symmetry.number, notes)
    except InvalidCif:
        raise
    except InvalidCrystal as fault:
        message = f"the CIF describes no physical crystal: {fault.message}"
        raise InvalidCif(message, field="cif", value=fault.value) from fault


def _cell(block: cif.Block, notes: list[str]) -> gemmi.UnitCell:
    numbers = []
    for tags in (*_LENGTHS, *_ANGLES):
        is_angle = tags in _ANGLES
        raw = value(block, tags)
        if is_angle and (raw is None or cif.is_null(raw)):
            notes.append(f"{tags[0]} is not given; 90 degrees was assumed, as the CIF dictionary says")
            raw = "90"
        number = math.nan if raw is None else cif.as_number(raw)
        low, high = (0.0, 180.0) if is_angle else (MIN_LENGTH, MAX_LENGTH)
        if not low < number < high:
            found = "missing" if raw is None else raw[:40]
            raise InvalidCif(
                f"{tags[0]} is {found}; a number above {low:g} and below {high:g} is right", field="cif", value=raw
            )
        numbers.append(number)
    cell = gemmi.UnitCell(*numbers)
    # The volume of impossible angles is the root of a negative number.
    if not cell.volume > 1e-6 * numbers[0] * numbers[1] * numbers[2]:
        angles = ", ".join(f"{angle:g}" for angle in numbers[3:])
        raise InvalidCif(f"the cell angles {angles} span no volume", field="cif", value=numbers[3:])
    return cell


def _check_cell(cell: gemmi.UnitCell, lattice: NDArray[np.float64], operations: Operations, notes: list[str]) -> None:
    """Note a cell that its symmetry operations distort, and raise InvalidCif for one that they cannot belong to."""
    # Most cells are as their group demands to the last digit, which this tells in a fraction of the time.
    if operations.group is not None and cell.is_compatible_with_spacegroup(operations.group, _EXACT_METRIC):
        return
    distortion = operations.distortion(lattice)
    if distortion <= NOTED_DISTORTION:
        return
    parameters = ", ".join(f"{parameter:g}" for parameter in cell.parameters)
    named = f"space group {operations.number}" if operations.number else "the symmetry operations listed"
    if distortion > MAX_DISTORTION:
        raise InvalidCif(
            f"the cell {parameters} cannot have {named}, whose operations change its lengths or angles by more than "
            f"{100 * MAX_DISTORTION:g} %; the cell, the space group or its setting is wrong",
            field="cif",
            value=cell.parameters,
        )
    notes.append(
        f"the cell {parameters} does not quite have {named}: lengths or angles deviate by "
        f"{100 * distortion:.2g} %; it was used as it is"
    )


def _expand_in_best_setting(
    atoms: ListedAtoms, symmetry: Symmetry, lattice: NDArray[np.float64], notes: list[str]
) -> Copies:
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
    best = min(range(len(trials)), key=lambda k: len(trials[k][0].positions))  # the first of equals: origin choice 2
    if len(trials) > 1:
        counts = " and ".join(str(len(copies.positions)) for copies, _ in reversed(trials))
        notes.append(
            f"the space group has two origin choices and the file names none; choices 1 and 2 give {counts} atoms "
            f"per cell, and choice {2 - best} was taken"
        )
    copies, remarks = trials[best]
    notes.extend(remarks)
    return copies


def _compare_with_formula(block: cif.Block, atoms: ListedAtoms, copies: Copies, notes: list[str]) -> None:
    """Note where `_chemical_formula_sum` and the cell contents differ by more than 5 %, whatever the scale."""
    raw = text_value(block, _FORMULA)
    if raw is None:
        return
    raw = _ISOTOPE.sub("H", raw)
    wanted = plain_amounts(raw)
    if wanted is None:
        try:
            stated = Formula.parse(raw)
        except InvalidFormula as fault:
            notes.append(f"_chemical_formula_sum was not compared with the cell contents: {fault.message}")
            return
        wanted = dict(zip(stated.symbols, stated.amounts, strict=True))
    held: dict[str, float] = {}
    for symbol, count, occupancy in zip(atoms.symbols, copies.counts, atoms.occupancies, strict=True):
        held[symbol] = held.get(symbol, 0.0) + count * occupancy
    n_held, n_wanted = math.fsum(held.values()), math.fsum(wanted.values())
    differing = [
        symbol
        for symbol in held | wanted
        if not math.isclose(
            held.get(symbol, 0.0) / n_held, wanted.get(symbol, 0.0) / n_wanted, rel_tol=FORMULA_TOLERANCE
        )
    ]
    if differing:
        contents = Formula.from_amounts({symbol: round(amount, 9) for symbol, amount in held.items()})
        notes.append(
            f"the cell contents {contents.text} and _chemical_formula_sum {raw} differ in {', '.join(differing)}"
        )
