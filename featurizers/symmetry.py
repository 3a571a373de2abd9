"""The symmetry operations that a CIF block gives: listed, or implied by the name or number of its space group."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
from gemmi import cif

from superion.featurizers.cif_text import column, spellings, text_value
from superion.featurizers.operations import Operations, read_operation, read_operations

_OPERATIONS = (
    *spellings("_space_group_symop", "operation_xyz"),
    *spellings("_symmetry_equiv", "pos_as_xyz"),
)
_MAGNETIC = (*spellings("_space_group_symop_magn_operation", "xyz"), "_space_group_symop.magn_operation_xyz")
_CENTERING = (*spellings("_space_group_symop_magn_centering", "xyz"), "_space_group_symop.magn_centering_xyz")
_HALL = (*spellings("_space_group", "name_Hall"), *spellings("_symmetry", "space_group_name_Hall"))
_NAME = (*spellings("_space_group", "name_H-M_alt"), *spellings("_symmetry", "space_group_name_H-M"))
_NUMBER = (*spellings("_space_group", "IT_number"), *spellings("_symmetry", "Int_Tables_number"))


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
    listed = _listed(block, notes)
    if listed:
        operations = read_operations(listed)
        if declared is not None and operations.number not in (None, declared.number):
            notes.append(
                f"the symmetry operations are those of space group {operations.number} and the declared space group "
                f"is {declared.number} ({declared.xhm()}); the operations were used"
            )
        elif declared is not None and operations.number is None:
            notes.append("the symmetry operations are in a setting that is not tabulated; they were used as listed")
        return Symmetry((operations,), declared.number if declared else operations.number, tuple(notes))
    hall = text_value(block, _HALL)
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
        if declared.ext == "2" and not _origin_is_marked(text_value(block, _NAME)):
            settings.append(gemmi.find_spacegroup_by_name(f"{declared.hm}:1"))
        return Symmetry(tuple(_from_group(group.operations()) for group in settings), declared.number, tuple(notes))
    notes.append("no symmetry is given; the atoms listed were taken as the whole cell (P 1)")
    return Symmetry((read_operations(("x,y,z",)),), None, tuple(notes))


def _from_group(group: gemmi.GroupOps) -> Operations:
    return read_operations(tuple(op.triplet() for op in group))


def _declared(block: cif.Block, cell: gemmi.UnitCell, notes: list[str]) -> gemmi.SpaceGroup | None:
    """Return the space group that the name, else the number, stands for."""
    name, number = text_value(block, _NAME), text_value(block, _NUMBER)
    by_name = _by_name(name, cell) if name else None
    if name and by_name is None:
        notes.append(f"the space group name {name!r} is unknown and was left out of account")
    by_number = None
    if number:
        try:
            by_number = gemmi.find_spacegroup_by_number(int(number))
        except (ValueError, TypeError):  # TypeError for more digits than gemmi's integers have
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


def _listed(block: cif.Block, notes: list[str]) -> tuple[str, ...]:
    for tag in _OPERATIONS:
        texts = tuple(map(cif.as_string, column(block, (tag,))))
        if any(text.strip() for text in texts):
            return texts
    magnetic = [_without_time_reversal(raw) for raw in column(block, _MAGNETIC)]
    if not magnetic:
        return ()
    notes.append("the symmetry operations are magnetic; time reversal, which moves no atom, was left out")
    centering = [_without_time_reversal(raw) for raw in column(block, _CENTERING)] or ["x,y,z"]
    return tuple((read_operation(shift) * read_operation(text)).triplet() for shift in centering for text in magnetic)


def _without_time_reversal(raw: str) -> str:
    """Return the first three parts of an operation such as `-x,y+1/2,z,-1`."""
    return ",".join(cif.as_string(raw).split(",")[:3])
