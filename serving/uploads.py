"""Turn an uploaded file of structures or formulas into the materials that it holds, each with a name of its own.

Nothing of an upload touches the file system: archives are read in memory, within bounds that hold for what comes out of
them and not for what they say of themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from superion.errors import InvalidTable
from superion.featurizers.file_kinds import kind_of_file
from superion.models.inputs import FileContent
from superion.serving.archives import files_of
from superion.serving.batch import Item
from superion.serving.limits import MAX_ID_LENGTH, MAX_MATERIALS, MAX_UNPACKED_BYTES, MAX_UNPACKED_TABLE_BYTES
from superion.serving.problems import Refusal

FORMULA_COLUMNS = ("formula", "composition", "reduced composition")
ID_COLUMNS = ("id", "name")

RIGHT = (
    "a CIF (.cif), a POSCAR (POSCAR, CONTCAR, .vasp, .poscar), a structure as JSON (.json), a table with the column "
    "formula (.csv, .xlsx) or a zip of structures (.zip)"
)


def items_of(name: str, content: bytes) -> list[Item]:
    """Return the materials of a file, told by its name; the file's name, or the name in the archive, is their id.

    Those of a table have the id that the table gives them, else "line N". Raises Refusal: 400 for a file that is of
    another kind, damaged or empty, 413 for one that holds too much.
    """
    name = name.replace("\\", "/").rpartition("/")[2]  # browsers of old send the whole path
    kind = name.lower().rpartition(".")[2]
    if not content:
        raise Refusal(400, f"the file {_shown(name)} is empty", field="file")
    if kind == "zip":
        return _unpacked(content)
    if kind in ("csv", "xlsx"):
        return _rows(name, content)
    if kind_of_file(PurePosixPath(name)) is None:
        raise Refusal(400, f"the file {_shown(name)} is of no kind that is read; {RIGHT} is right", field="file")
    return [Item(FileContent(name, content), _id(name))]


def _unpacked(content: bytes) -> list[Item]:
    files = files_of(content, field="file", max_files=MAX_MATERIALS, max_bytes=MAX_UNPACKED_BYTES)
    items = [Item(FileContent(name, data), _id(name)) for name, data in files]
    if not items:
        raise Refusal(400, "the archive holds no file", field="file")
    return items


def _rows(name: str, content: bytes) -> list[Item]:
    from superion.training.columns import read_lines

    try:
        (_, header), *lines = read_lines(name, content, most=MAX_MATERIALS + 2, max_bytes=MAX_UNPACKED_TABLE_BYTES)
    except InvalidTable as error:
        raise Refusal(400, error.message, code=error.code, field="file") from None
    if len(lines) > MAX_MATERIALS:
        raise Refusal(
            413, f"the table has more than {MAX_MATERIALS} rows; send at most that many at a time", field="file"
        )
    names = [cell.strip().lstrip("\ufeff").lower() for cell in header]
    column = _column(names, FORMULA_COLUMNS)
    if column is None:
        found = ", ".join(_shown(cell) for cell in header[:20])
        raise Refusal(400, f"the table lacks the column 'formula'; it has {found}", code="invalid_table", field="file")
    of_id = _column(names, ID_COLUMNS)
    items = []
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        given = cells[of_id].strip() if of_id is not None and of_id < len(cells) else ""
        formula = cells[column].strip() if column < len(cells) else ""
        items.append(Item({"formula": formula}, _id(given or f"line {line}")))
    if not items:
        raise Refusal(400, "the table has a header and no row", code="invalid_table", field="file")
    return items


def _column(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _id(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Refusal(400, f"the name {_shown(name)} is not Unicode text", field="file") from None
    if len(name) > MAX_ID_LENGTH:
        raise Refusal(400, f"the name {_shown(name)} is longer than {MAX_ID_LENGTH} characters", field="file")
    return name


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:57] + "...")
