"""The symmetry operations that a CIF block gives: listed, or implied by the name or number of its space group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np
from gemmi import cif
from numpy.typing import NDArray

from superion.errors import InvalidCif

MAX_OPERATIONS = 1000
"""Largest number of symmetry operations read; a face-centred cubic group has 192."""

_OPERATIONS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop.operation_xyz",
)
_HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall", "_space_group.name_Hall")
_NAME = ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M", "_space_group.name_H-M_alt")
_NUMBER = ("_space_group_IT_number", "_symmetry_Int_Tables_number", "_space_group.IT_number")


@dataclass(frozen=True)
class Operations:
    """Hold a closed group of operations, in the setting of the file: `x -> rotations @ x + translations`."""

    rotations: NDArray[np.float64]
    """Shape (n_operations, 3, 3); the identity comes first."""
    translations: NDArray[np.float64]
    """Shape (n_operations, 3), in units of the lattice vectors."""
    number: int | None
    """Number of the space group, None when the group is in no tabulated setting."""

    def images(self, fractional: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the images `(..., n_operations, 3)` of positions `(..., 3)`."""
        images: NDArray[np.float64] = np.einsum("kij,...j->...ki", self.rotations, fractional) + self.translations
        return images


@dataclass(frozen=True)
class Symmetry:
    """Hold what a block says about its symmetry."""

    settings: tuple[Operations, ...]
    """The operations; two groups of them, origin choice 2 first, where only an unmarked name or number is given."""
    number: int | None
    """Declared number of the space group, else the number of the operations, else None."""
    notes: tuple[str, ...]


def read_symmetry(block: cif.Block, cell: gemmi.UnitCell) -> Symmetry:
    """Read the symmetry of `block`: listed operations first, then Hall symbol, name, number, else P1 with a note.

    Raises InvalidCif for operations that cannot be read or do not form a group.
    """
    notes: list[str] = []
    declared = _declared(block, cell, notes)
    listed = _listed(block)
    if listed:
        operations = _from_triplets(listed)
        if declared is not None and operations.number not in (None, declared.number):
            notes.append(
                f"the symmetry operations are those of space group {operations.number} and the declared space group "
                f"is {declared.number} ({declared.xhm()}); the operations were used"
            )
        elif declared is not None and operations.number is None:
            notes.append("the symmetry operations are in a setting that is not tabulated; they were used as listed")
        return Symmetry((operations,), declared.number if declared else operations.number, tuple(notes))
    hall = _text(block, _HALL)
    if hall:
        try:
            operations = _from_group(gemmi.symops_from_hall(hall))
        except (ValueError, RuntimeError):
            notes.append(f"the Hall symbol {hall!r} cannot be read and was left out of account")
        else:
            notes.append(f"no symmetry operations are listed; they were taken from the Hall symbol {hall!r}")
            number = declared.number if declared else operations.number
            return Symmetry((operations,), number, tuple(notes))
    if declared is not None:
        notes.append(f"no symmetry operations are listed; they were taken from space group {declared.hm!r}")
        settings = [declared]
        if declared.ext == "2" and not _origin_is_marked(_text(block, _NAME)):
            settings.append(gemmi.find_spacegroup_by_name(f"{declared.hm}:1"))
        return Symmetry(tuple(_from_group(group.operations()) for group in settings), declared.number, tuple(notes))
    notes.append("no symmetry is given; the atoms listed were taken as the whole cell (P 1)")
    return Symmetry((_from_triplets(("x,y,z",)),), None, tuple(notes))


def _from_group(group: gemmi.GroupOps) -> Operations:
    return _from_triplets(tuple(op.triplet() for op in group))


def _declared(block: cif.Block, cell: gemmi.UnitCell, notes: list[str]) -> gemmi.SpaceGroup | None:
    """Return the space group that the name, else the number, stands for."""
    name, number = _text(block, _NAME), _text(block, _NUMBER)
    by_name = _by_name(name, cell) if name else None
    if name and by_name is None:
        notes.append(f"the space group name {name!r} is unknown and was left out of account")
    by_number = None
    if number:
        try:
            by_number = gemmi.find_spacegroup_by_number(int(number))
        except ValueError:
            by_number = None
        if by_number is None:
            notes.append(f"the space group number {number!r} is none of 1 to 230 and was left out of account")
    if by_name is not None and by_number is not None and by_name.number != by_number.number:
        notes.append(f"the space group is named {name!r} and numbered {by_number.number}; the name was used")
    if by_name is None and by_number is not None:
        by_name = _by_name(by_number.hm, cell) or by_number
    return by_name


def _by_name(name: str, cell: gemmi.UnitCell) -> gemmi.SpaceGroup | None:
    """Look a Hermann-Mauguin name up; rhombohedral axes follow the angles, and origin choice 2 is preferred."""
    plain = " ".join(name.replace("_", "").split())
    candidates = [plain]
    if plain[-1:] in "SZ":  # ICSD marks origin choices 1 and 2 so
        candidates.append(f"{plain[:-1].rstrip(' :')} :{'12'['SZ'.index(plain[-1])]}")
    for candidate in candidates:
        group = gemmi.find_spacegroup_by_name(candidate, alpha=cell.alpha, gamma=cell.gamma, prefer="2H")
        if group is not None:
            return group
    return None


def _origin_is_marked(name: str | None) -> bool:
    return name is not None and (":" in name or name.rstrip()[-1:] in "SZ")


def _listed(block: cif.Block) -> tuple[str, ...]:
    for tag in _OPERATIONS:
        texts = tuple(cif.as_string(value) for value in block.find_values(tag))
        if any(text.strip() for text in texts):
            return texts
    return ()


def _text(block: cif.Block, tags: tuple[str, ...]) -> str | None:
    """Return the first of `tags` that has a value."""
    for tag in tags:
        value = block.find_value(tag)
        if value is not None and not cif.is_null(value):
            text = cif.as_string(value).strip()
            if text:
                return text
    return None


@lru_cache(maxsize=256)
def _from_triplets(triplets: tuple[str, ...]) -> Operations:
    """Read operations such as `-y,x+1/2,z`; raises InvalidCif for one that cannot be read or no closed group."""
    if len(triplets) > MAX_OPERATIONS:
        raise InvalidCif(
            f"{len(triplets)} symmetry operations are listed; at most {MAX_OPERATIONS} are read", field="cif"
        )
    parsed = {}
    for triplet in triplets:
        try:
            op = gemmi.Op(triplet.strip())
        except (ValueError, RuntimeError) as fault:
            raise InvalidCif(
                f"the symmetry operation {triplet[:60]!r} cannot be read; '-y,x+1/2,z' is the form ({fault})",
                field="cif",
                value=triplet,
            ) from fault
        op.wrap()
        parsed[op.triplet()] = op
    identity = gemmi.Op("x,y,z")
    ops = [identity, *(op for name, op in parsed.items() if name != identity.triplet())]
    rotations = np.array([op.rot for op in ops], dtype=np.int64)
    translations = np.array([op.tran for op in ops], dtype=np.int64)
    if not _is_group(rotations, translations):
        raise InvalidCif(
            f"the {len(triplets)} symmetry operations do not form a group; an operation is missing or mistyped",
            field="cif",
        )
    found = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(ops))
    return Operations(rotations / 24.0, translations / 24.0, found.number if found else None)


def _is_group(rotations: NDArray[np.int64], translations: NDArray[np.int64]) -> bool:
    """Tell whether every product of two operations, in gemmi's units of 1/24, is an operation."""
    if (rotations % 24).any():
        return False
    rotations = rotations // 24
    if (np.abs(rotations) > 2).any() or (np.abs(np.linalg.det(rotations).round()) != 1).any():
        return False
    products = np.einsum("aij,bjk->abik", rotations, rotations)
    shifts = (np.einsum("aij,bj->abi", rotations, translations) + translations[:, None]) % 24
    return bool(np.isin(_keys(products, shifts), _keys(rotations, translations % 24)).all())


def _keys(rotations: NDArray[np.int64], shifts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one integer per operation; entries of rotations beyond 2 get keys that no listed operation has."""
    digits = np.clip(rotations, -3, 3).reshape(*rotations.shape[:-2], 9) + 3
    keys: NDArray[np.int64] = digits @ 7 ** np.arange(9) * 24**3 + shifts @ np.array([576, 24, 1])
    return keys
