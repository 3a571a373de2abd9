"""The material of a row: its formula, its cell, and the structure file that belongs to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from superion.errors import InvalidTable, SuperionError
from superion.featurizers.context import CellContext, estimated_atoms_per_cell
from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training.columns import RawRow

COMPOSITION_TOLERANCE = 0.02
"""Largest share of atoms by which a CIF may differ from its row's formula without a note."""


@dataclass(frozen=True)
class RowNote:
    """Say something about one row: why it cannot be used, or what was read in place of what stood there."""

    id: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line} ({self.id}): {self.reason}"


@dataclass
class MaterialReading:
    """Read the materials of a table's rows, with structures from `cifs`, a folder or files by their names.

    Raises InvalidTable for a folder that does not exist.
    """

    cifs: Path | Mapping[str, Path] | None
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    """Of the structure files read, and of what the owner adds."""
    notes: list[RowNote] = field(default_factory=list)

    def __post_init__(self) -> None:
        if isinstance(self.cifs, Path) and not self.cifs.is_dir():
            raise InvalidTable(
                f"the folder of CIFs {str(self.cifs)!r} does not exist", field="cifs", value=str(self.cifs)
            )

    def material(self, row: RawRow, formula: Formula, cell: CellContext, cif: str | None) -> Material:
        """Return the material of a row: what cannot be read of structure and cell is left out with a note."""
        crystal = self._crystal(row, cif)
        try:
            material = Material(formula, crystal, self._with_content(row, formula, cell, crystal))
        except SuperionError as error:
            self._note(row, f"structure and cell not used: {error.message}")
            return Material(formula)
        if crystal is not None:
            self._note_composition(row, formula, crystal)
        return material

    def _note(self, row: RawRow, text: str) -> None:
        self.notes.append(RowNote(row.id, row.line, text))

    def _crystal(self, row: RawRow, named: str | None) -> Crystal | None:
        if self.cifs is None:
            if named is not None:
                self._note(row, f"cif {named!r} not read: no folder of CIFs was given")
            return None
        # Only the base name is used: a table must not reach outside the folder it was given.
        name = Path(named if named is not None else f"{row.id}.cif").name
        if named is None and name != f"{row.id}.cif":
            return None  # an id with a slash in it names no file; that of its last part belongs to another row
        path = self.cifs.get(name) if isinstance(self.cifs, Mapping) else self.cifs / name
        if path is None or not _is_file(path):
            if named is not None:
                where = "among the files" if isinstance(self.cifs, Mapping) else "in the folder"
                self._note(row, f"cif {name!r} is not {where}; used as formula")
            return None
        content = path.read_bytes()
        self.digest.update(name.encode() + b"\0" + content)
        try:
            crystal = Crystal.from_file(path)
        except SuperionError as error:
            self._note(row, f"cif {name!r} not read, used as formula: {error.message}")
            return None
        for text in crystal.notes:
            self._note(row, f"cif {name!r}: {text}")
        return crystal

    def _with_content(self, row: RawRow, formula: Formula, cell: CellContext, crystal: Crystal | None) -> CellContext:
        """Complete a cell that the row gives in part or not at all: from the structure, else its content by volume."""
        if cell.is_full:
            return cell
        if crystal is not None and (found := CellContext.from_crystal(crystal)) != CellContext():
            if cell != CellContext():
                self._note(
                    row, "cell, content and space group were taken from the structure: the row gives them in part"
                )
            return found
        if cell.cell_parameters is None or cell.atoms_per_cell is not None:
            return cell
        atoms = estimated_atoms_per_cell(formula, cell.cell_parameters)
        if atoms is not None:
            text = f"the cell was taken to hold {atoms:g} atoms, by its volume; the column cell_formula would tell"
            self._note(row, text)
        return replace(cell, atoms_per_cell=atoms)

    def _note_composition(self, row: RawRow, formula: Formula, crystal: Crystal) -> None:
        found = crystal.formula
        elements = {*found.symbols, *formula.symbols}
        differ = 0.5 * sum(abs(found.amount(e) / found.n_atoms - formula.amount(e) / formula.n_atoms) for e in elements)
        if differ > COMPOSITION_TOLERANCE:
            self._note(
                row, f"the CIF holds {found.reduced}, the row {formula}: {100 * differ:.1f} % of the atoms differ"
            )


def refuse_repeated_ids(raw: Sequence[RawRow]) -> None:
    """Raise InvalidTable where two rows have one id."""
    seen: dict[str, int] = {}
    for row in raw:
        if row.id in seen:
            raise InvalidTable(
                f"the id {row.id!r} stands on lines {seen[row.id]} and {row.line}; ids must be unique",
                field="id",
                value=row.id,
            )
        seen[row.id] = row.line


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False  # a name longer than the file system takes
