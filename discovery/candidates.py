"""What could be made: a list of materials from a table or a folder of structures, each once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from superion.errors import InvalidTable, SuperionError
from superion.featurizers.crystal import Crystal
from superion.featurizers.file_kinds import kind_of_file
from superion.models.material import Material
from superion.training.columns import read_rows
from superion.training.families import anion_family
from superion.training.row_materials import MaterialReading, RowNote, refuse_repeated_ids
from superion.training.rows import parse_material


@dataclass(frozen=True)
class Candidate:
    """Hold a material that could be made."""

    id: str
    material: Material
    family: str
    """As the table says, else by the anion."""


@dataclass(frozen=True)
class CandidateList:
    """Hold the candidates of a table or folder, those that cannot be used, and what was noted while reading."""

    name: str
    candidates: tuple[Candidate, ...]
    failed: tuple[RowNote, ...] = ()
    """What is no candidate; a file has its place in the folder, from 1, for a line."""
    notes: tuple[RowNote, ...] = ()
    digest: str = ""
    """SHA-256 of all that was read."""

    def __len__(self) -> int:
        return len(self.candidates)


def read_candidates(path: Path, cifs: Path | None = None) -> CandidateList:
    """Read a CSV or xlsx table with a column `formula`, or a folder of structures.

    A table may have the columns of a table of measurements; what was measured is not read. Structures come from the
    folder `cifs`: the file that the column `cif` names, else `<id>.cif`. In a folder of structures each file is a
    candidate, named as the file without its ending. Of materials that are the same, the first is a candidate.

    Raises InvalidTable for a table or folder that cannot be read, names an id twice or holds no candidate.
    """
    if path.is_dir():
        if cifs is not None:
            raise InvalidTable(
                f"{path} is a folder of structures, and has no other beside it", field="cifs", value=str(cifs)
            )
        found = _of_folder(path)
    else:
        found = _of_table(path, cifs)
    if not found.candidates:
        first = f"; the first fault: {found.failed[0]}" if found.failed else ""
        raise InvalidTable(f"{path.name} holds no candidate{first}", field="candidates", value=path.name)
    return found


def _of_table(path: Path, cifs: Path | None) -> CandidateList:
    rows, content = read_rows(path, required=("formula",))
    reading = MaterialReading(cifs)
    reading.digest.update(content)
    refuse_repeated_ids(rows)
    made, failed = [], []
    for row in rows:
        texts: list[str] = []
        try:
            formula, cell = parse_material(row, texts)
        except SuperionError as error:
            failed.append(RowNote(row.id, row.line, error.message))
            continue
        reading.notes += [RowNote(row.id, row.line, text) for text in texts]
        material = reading.material(row, formula, cell, row.cells.get("cif"))
        family = row.cells.get("family") or anion_family(formula)
        made.append((Candidate(row.id, material, " ".join(family.split())), row.line))
    candidates, repeated = _each_once(made)
    notes = tuple(reading.notes)
    return CandidateList(path.name, candidates, (*failed, *repeated), notes, reading.digest.hexdigest())


def _of_folder(folder: Path) -> CandidateList:
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and kind_of_file(path) is not None]
    made: list[tuple[Candidate, int]] = []
    failed: list[RowNote] = []
    notes: list[RowNote] = []
    digest = hashlib.sha256()
    seen: dict[str, str] = {}
    for place, path in enumerate(files, 1):
        name = path.stem
        if name in seen:
            raise InvalidTable(
                f"{seen[name]} and {path.name} would both be the candidate {name!r}; rename one",
                field="candidates",
                value=name,
            )
        seen[name] = path.name
        try:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
            crystal = Crystal.from_file(path)
            material = Material.from_crystal(crystal)
        except (SuperionError, OSError) as error:
            failed.append(RowNote(name, place, str(error)))
            continue
        notes += [RowNote(name, place, text) for text in crystal.notes]
        made.append((Candidate(name, material, anion_family(material.formula)), place))
    candidates, repeated = _each_once(made)
    return CandidateList(folder.name, candidates, (*failed, *repeated), tuple(notes), digest.hexdigest())


def _each_once(made: Iterable[tuple[Candidate, int]]) -> tuple[tuple[Candidate, ...], list[RowNote]]:
    """Return the candidates without those that are the material of an earlier one, and a note on each of these."""
    first: dict[bytes, Candidate] = {}
    repeated = []
    for candidate, line in made:
        same = first.setdefault(candidate.material.key, candidate)
        if same is not candidate:
            text = f"the same material as {same.id!r}: one of them is a candidate"
            repeated.append(RowNote(candidate.id, line, text))
    return tuple(first.values()), repeated
