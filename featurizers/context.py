"""What is known of a material as a whole: how doped its formula is, its cell and its space group, each known or not."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidValue
from superion.featurizers.element_data import ATOMIC_NUMBER, magpie_table
from superion.featurizers.schema import CONTEXT_NAMES, CRYSTAL_SYSTEMS, LAST_GROUP

if TYPE_CHECKING:
    from superion.featurizers.crystal import Crystal
    from superion.featurizers.formula import Formula

__all__ = [
    "CellContext",
    "cell_volume",
    "context_vector",
    "estimated_atoms_per_cell",
    "smallest_formula_atoms",
    "smallest_formulas_atoms",
]

MAX_FORMULA_ATOMS = 1000
"""Largest whole-number formula that is looked for [atoms]."""

AMOUNT_TOLERANCE = 0.02
"""How far from a whole number an amount may lie [atoms]; published amounts are rounded to two or three decimals."""

VOLUME_SHARE = 0.85
"""Volume per atom of a lithium compound, as a share of the mean elemental volume of its atoms; over the 478 OBELiX
training materials the logarithm of their ratio scatters by 0.14 about this."""

_SIZES = np.arange(1, MAX_FORMULA_ATOMS + 1)
_STAGES = (0, 60, 250, MAX_FORMULA_ATOMS)
"""Ends of the ranges of sizes that are looked at one after the other."""
_AT_ONCE = 64
"""Compositions looked at together: bounds the memory."""
_PLACE = {name: place for place, name in enumerate(CONTEXT_NAMES)}

LOG_ATOMS_CENTRE = 4.0
"""Subtracted from the logarithm of the number of atoms in the cell; a typical cell holds about 55."""

CellParameters = tuple[float, float, float, float, float, float]
"""a, b, c [angstrom], alpha, beta, gamma [degree]."""


@dataclass(frozen=True)
class CellContext:
    """Hold what a table or a file tells of the crystal beside its sites; None is unknown."""

    space_group_number: int | None = None
    """1 to 230."""
    cell_parameters: CellParameters | None = None
    """Of the conventional cell."""
    atoms_per_cell: float | None = None
    """Atoms in that cell; not whole in a disordered crystal."""

    def __post_init__(self) -> None:
        number = self.space_group_number
        if number is not None and not 1 <= number <= 230:
            raise InvalidValue(
                f"the space group number must lie between 1 and 230, not {number}",
                field="space_group_number",
                value=number,
            )
        if self.cell_parameters is not None:
            _check_cell(self.cell_parameters)
        atoms = self.atoms_per_cell
        if atoms is not None and not (math.isfinite(atoms) and atoms > 0):
            raise InvalidValue(
                f"the number of atoms in the cell must be above zero, not {atoms}", field="atoms_per_cell", value=atoms
            )

    @property
    def is_full(self) -> bool:
        """Whether space group, lattice and content are all known."""
        return None not in (self.space_group_number, self.cell_parameters, self.atoms_per_cell)

    @classmethod
    def from_crystal(cls, crystal: Crystal) -> CellContext:
        """Take the context from a crystal.

        Cell and atom count are taken only with a declared space group: a primitive or arbitrary cell of unknown
        symmetry says little of the conventional one that the models learn from. P 1 counts as undeclared, because
        programs write it for any crystal whose symmetry they do not look for.
        """
        if crystal.space_group_number in (None, 1):
            return cls()
        return cls(crystal.space_group_number, crystal.cell_parameters, float(crystal.formula.n_atoms))


def context_vector(
    formula: Formula, cell: CellContext, smallest: int | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the scaled context and which of it is known, each of shape (n_context,), in the order of the schema.

    `smallest` is what `smallest_formula_atoms` returns, where that was found together with those of other formulas.
    """
    if smallest is None:
        smallest = smallest_formula_atoms(formula.fractions)
    known: dict[str, float] = {
        "log_formula_atoms": math.log(smallest) / 2.0 - 1.75,
        "n_elements": len(formula.symbols) / 2.0 - 2.25,
    }
    if cell.atoms_per_cell is not None:
        known["log_atoms_per_cell"] = math.log(cell.atoms_per_cell) - LOG_ATOMS_CENTRE
    if cell.cell_parameters is not None:
        a, b, c, alpha, beta, gamma = cell.cell_parameters
        known |= {"log_a": math.log(a) - 2.2, "log_b": math.log(b) - 2.2, "log_c": math.log(c) - 2.4}
        known |= {"alpha": alpha / 15.0 - 6.0, "beta": beta / 15.0 - 6.0, "gamma": gamma / 15.0 - 6.0}
        if cell.atoms_per_cell is not None:
            known["log_volume_per_atom"] = 3.0 * math.log(cell_volume(cell.cell_parameters) / cell.atoms_per_cell) - 8.0
    if cell.space_group_number is not None:
        known["space_group"] = cell.space_group_number / 115.0 - 1.0
        system = CRYSTAL_SYSTEMS[bisect_left(LAST_GROUP, cell.space_group_number)]
        known |= {name: float(name == system) for name in CRYSTAL_SYSTEMS}
    places = [_PLACE[name] for name in known]
    values, flags = np.zeros((2, len(CONTEXT_NAMES)), dtype=np.float32)
    values[places] = list(known.values())
    flags[places] = 1.0
    return values, flags


def smallest_formula_atoms(fractions: npt.NDArray[np.float64]) -> int:
    """Return the number of atoms in the smallest whole-number formula with these fractions, at most 1,000.

    Does not depend on how the formula is scaled: Li6PS5Cl and Li24P4S20Cl4 both have 13.
    """
    return smallest_formulas_atoms([fractions])[0]


def smallest_formulas_atoms(compositions: Sequence[npt.NDArray[np.float64]]) -> list[int]:
    """Return what `smallest_formula_atoms` does of each of several compositions, each of shape (n_elements,)."""
    found = np.full(len(compositions), MAX_FORMULA_ATOMS, dtype=np.int64)
    by_count: dict[int, list[int]] = {}
    for n, fractions in enumerate(compositions):
        by_count.setdefault(len(fractions), []).append(n)
    for alike in by_count.values():
        for first in range(0, len(alike), _AT_ONCE):
            left = np.array(alike[first : first + _AT_ONCE])
            fractions = np.array([compositions[n] for n in left])
            # Most compounds are small: few sizes are looked at first, and more of what none of them fits.
            for start, end in itertools.pairwise(_STAGES):
                sizes = _SIZES[start:end]
                amounts = fractions[:, :, None] * sizes
                whole = np.rint(amounts)
                amounts -= whole
                fits = (np.abs(amounts, out=amounts).max(axis=1) <= AMOUNT_TOLERANCE) & (whole.min(axis=1) >= 1)
                fit = fits.any(axis=1)
                found[left[fit]] = sizes[fits[fit].argmax(axis=1)]
                left, fractions = left[~fit], fractions[~fit]
                if not len(left):
                    break
    return found.tolist()


def estimated_atoms_per_cell(formula: Formula, cell: CellParameters) -> float | None:
    """Estimate the atoms in a cell from its volume: the number of formula units, as written, that fills it best.

    Uses the elemental volumes of the Magpie table; None when an element has none there. Off by at most 15 % for seven
    materials in ten.
    """
    table = magpie_table()
    volumes = table.values[[ATOMIC_NUMBER[s] - 1 for s in formula.symbols], table.properties.index("GSvolume_pa")]
    per_unit = VOLUME_SHARE * float(np.dot(volumes, formula.amounts))
    if not per_unit > 0.0:
        return None
    return max(1, round(cell_volume(cell) / per_unit)) * formula.n_atoms


def cell_volume(cell: CellParameters) -> float:
    """Return the volume of a cell [cubic angstrom]."""
    a, b, c, *angles = cell
    x, y, z = (math.cos(math.radians(angle)) for angle in angles)
    return a * b * c * math.sqrt(max(0.0, 1.0 - x * x - y * y - z * z + 2.0 * x * y * z))


def _check_cell(cell: CellParameters) -> None:
    for name, value in zip(("a", "b", "c"), cell[:3], strict=True):
        if not (math.isfinite(value) and 0.5 <= value <= 1000.0):
            raise InvalidValue(f"{name} must lie between 0.5 and 1000 angstrom, not {value}", field=name, value=value)
    for name, value in zip(("alpha", "beta", "gamma"), cell[3:], strict=True):
        if not (math.isfinite(value) and 10.0 <= value <= 170.0):
            raise InvalidValue(f"{name} must lie between 10 and 170 degrees, not {value}", field=name, value=value)
    if cell_volume(cell) < 1e-3 * cell[0] * cell[1] * cell[2]:
        raise InvalidValue("the cell angles leave the cell without volume", field="alpha", value=cell[3:])
