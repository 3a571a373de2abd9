"""The symmetry that a crystal has, whatever its source declares, found by spglib.

Sites count as of one kind when they hold the same elements with the same occupancies to within 1e-3, so mixed and
partly vacant sites keep the symmetry that they have on average. A. Togo, K. Shinohara, I. Tanaka, Sci. Technol. Adv.
Mater., Methods 4, 2384822 (2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import gemmi
import numpy as np
import numpy.typing as npt

from superion.errors import InvalidCrystal, InvalidValue, MissingDependency
from superion.featurizers.crystal import Crystal
from superion.featurizers.occupancies import Floats, Occupancies
from superion.featurizers.schema import CRYSTAL_SYSTEMS, LAST_GROUP

__all__ = ["TOLERANCE", "FoundSymmetry", "find_symmetry"]

TOLERANCE = 0.08
"""Distance within which positions are taken to be related by symmetry [angstrom], unless asked otherwise.

At 0.001 to 0.01 the declared group of all 254 OBELiX training crystals is found, from 0.02 to 0.15 that of 253. The
wider tolerance is for coordinates that were rounded or relaxed: with three decimals 0.01 finds 215 and 0.08 finds 253,
and after normal displacements of 0.01 angstrom per axis 0.05 finds 13, 0.08 finds 226. It lies below the 0.1 angstrom
within which sites are one position.
"""
SAME_OCCUPANCY = 1e-3
"""Largest difference of the occupancies of two sites of one kind."""


@dataclass(frozen=True, eq=False)
class FoundSymmetry:
    """Hold the symmetry that was found in a crystal.

    The positions are those of `Occupancies.of`: the sites, those within 0.1 angstrom of each other taken together.
    """

    number: int
    """Number of the space group, 1 to 230."""
    crystal_system: str
    """One of `schema.CRYSTAL_SYSTEMS`."""
    point_operations: int
    """Order of the point group, 1 to 48: operations of the space group that no lattice translation relates."""
    cells: int
    """Primitive cells in the cell of the crystal."""
    is_centrosymmetric: bool
    """Whether inversion is among them."""
    is_polar: bool
    """Whether they leave a direction as it is, along which the crystal may have a dipole."""
    orbits: npt.NDArray[np.intp]
    """Shape (n_positions,): number of the set of equivalent positions that each belongs to, counted from 0."""
    wyckoff_letters: tuple[str, ...]
    """Letter of the Wyckoff position per position."""
    site_symmetry: npt.NDArray[np.intp]
    """Shape (n_positions,): how many operations leave each position where it is, 1 to 48; 1 is a general position."""
    declared_number: int | None
    """What the source of the crystal declared."""

    @property
    def agrees(self) -> bool | None:
        """Tell whether the group found is the one declared; None when none was declared."""
        return None if self.declared_number is None else self.declared_number == self.number


def find_symmetry(crystal: Crystal, tolerance: float = TOLERANCE) -> FoundSymmetry:
    """Find the space group within a `tolerance` [angstrom].

    Raises InvalidValue for a tolerance that is not above 0 and below 1, InvalidCrystal when spglib finds no consistent
    symmetry at that tolerance, and MissingDependency without spglib.
    """
    return symmetry_of(Occupancies.of(crystal), crystal.space_group_number, tolerance)


def symmetry_of(contents: Occupancies, declared_number: int | None, tolerance: float = TOLERANCE) -> FoundSymmetry:
    """Do what `find_symmetry` does for contents that are at hand."""
    if not 0.0 < tolerance < 1.0:
        raise InvalidValue(
            "the tolerance must lie between 0 and 1 angstrom, 0.08 for example", field="tolerance", value=tolerance
        )
    try:
        import spglib
    except ImportError as fault:
        raise MissingDependency(
            "finding the symmetry of a crystal needs spglib: pip install 'superion[predict]'", field="spglib"
        ) from fault
    kinds = _kinds(contents.amounts)
    try:
        found = spglib.get_symmetry_dataset(
            (contents.lattice, contents.fractional_coordinates, kinds), symprec=tolerance
        )
    except spglib.SpglibError:
        found = None
    if found is None:
        raise InvalidCrystal(
            f"no space group fits the crystal within {tolerance:g} angstrom; give another tolerance",
            field="tolerance",
            value=tolerance,
        )
    number = int(found.number)
    # spglib's own operations lack those that the given cell, such as a supercell along one vector, does not have.
    point = _point_operations(number)
    cells = len(found.rotations) // len(np.unique(found.rotations, axis=0))
    _, members, sizes = np.unique(found.crystallographic_orbits, return_inverse=True, return_counts=True)
    return FoundSymmetry(
        number=number,
        crystal_system=CRYSTAL_SYSTEMS[int(np.searchsorted(LAST_GROUP, number))],
        point_operations=len(point),
        cells=cells,
        is_centrosymmetric=bool((point == -np.eye(3)).all(axis=(1, 2)).any()),
        # The mean over a group projects onto what all its members leave as it is.
        is_polar=bool(np.trace(point.mean(axis=0)) > 0.5),
        orbits=members.astype(np.intp),
        wyckoff_letters=tuple(found.wyckoffs),
        site_symmetry=len(point) * cells // sizes[members],
        declared_number=declared_number,
    )


@cache
def _point_operations(number: int) -> Floats:
    """Return the operations (n, 3, 3) of the point group of a space group, in its standard setting."""
    group = gemmi.find_spacegroup_by_number(number)
    return np.array([operation.rot for operation in group.operations().sym_ops]) / gemmi.Op.DEN


def _kinds(amounts: Floats) -> npt.NDArray[np.intp]:
    """Number the kinds of positions (n_positions,): contents that differ by less than 1e-3 in every element."""
    distinct, members = np.unique(amounts, axis=0, return_inverse=True)
    kind_of = np.zeros(len(distinct), dtype=np.intp)
    firsts: list[int] = []  # in the order of the contents, so that the order of the sites does not matter
    for row, contents in enumerate(distinct):
        close = [
            kind
            for kind, first in enumerate(firsts)
            if np.array_equal(contents > 0.0, distinct[first] > 0.0)
            and np.abs(contents - distinct[first]).max() < SAME_OCCUPANCY
        ]
        if not close:
            firsts.append(row)
        kind_of[row] = close[0] if close else len(firsts) - 1
    return kind_of[members.reshape(-1)]
