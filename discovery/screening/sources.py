"""The lists that are screened: where each material lies is found in one pass, and read by whoever predicts it."""

from __future__ import annotations

import csv
import hashlib
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

from superion.archives import DAMAGED_ZIP
from superion.discovery.screening.parts import (
    CsvLines,
    Files,
    Held,
    Item,
    JsonLines,
    ParquetRows,
    Part,
    Reader,
    TarMembers,
    ZipMembers,
    csv_rows,
    json_value,
    too_long,
)
from superion.errors import InvalidTable, InvalidValue
from superion.featurizers.file_kinds import kind_of_file
from superion.models.inputs import KINDS, FileContent, Named

Kind = Literal["csv", "jsonl", "parquet", "json", "folder", "zip", "tar", "compressed tar"]

TEXT_KINDS = KINDS[:-1]
"""Kinds of materials that a column of a table can hold."""
ROWS_OF_A_TABLE = 2000
"""Materials of a part of a table, of which most are formulas: a second of work or two."""
ROWS_OF_FILES = 100
"""Materials of a part where each is a structure in a file of its own: a second of work or two."""

Piece = TypeVar("Piece")
Readers = Iterator[tuple[int, Reader]]
"""Readers in the order of the list, each with how many materials it reads."""


def check_rows(rows: int | None) -> None:
    """Raise InvalidValue for a number of materials of which a part cannot be."""
    if rows is not None and rows < 1:
        raise InvalidValue(f"rows is 1 or more, not {rows}", field="rows", value=rows)


@dataclass(frozen=True)
class Source:
    """Hold a list of materials that is read part by part."""

    path: Path
    kind: Kind

    @classmethod
    def of(cls, path: Path) -> Source:
        """Tell by its name what a file is, or that it is a folder of structure files.

        Raises InvalidTable for what is not there, InvalidValue for a file of another kind.
        """
        if path.is_dir():
            return cls(path.absolute(), "folder")
        if not path.is_file():
            raise InvalidTable(f"there is no file or folder {str(path)!r}", field="input", value=str(path))
        name = path.name.lower()
        kind = next((kind for endings, kind in _ENDINGS if name.endswith(endings)), None)
        if kind is None:
            raise InvalidValue(
                f"{path.name} is none of .csv, .jsonl, .parquet, .json (OPTIMADE, or a list), .zip, .tar and .tar.gz, "
                "nor a folder of structure files",
                field="input",
                value=path.name,
            )
        return cls(path.absolute(), kind)

    @property
    def rows(self) -> int:
        """Return how many materials a part has unless it is said."""
        return ROWS_OF_A_TABLE if self.kind in ("csv", "jsonl", "parquet") else ROWS_OF_FILES

    @property
    def travels(self) -> bool:
        """Tell whether parts hold the materials themselves, because what they are in cannot be read from its middle."""
        return self.kind in ("json", "compressed tar")

    def digest(self) -> str:
        """Return a SHA-256 of the file; of a folder, of the names, lengths and times of its structure files."""
        if self.kind == "folder":
            found = hashlib.sha256()
            for name in _names(self.path):
                known = (self.path / name).stat()
                found.update(f"{name}\0{known.st_size}\0{known.st_mtime_ns}\n".encode())
            return found.hexdigest()
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def parts(self, rows: int) -> Iterator[Part]:
        """Yield the parts, in order, of at most so many materials.

        Raises InvalidTable for a file that cannot be read as what its name says, or holds no material.
        """
        first = number = 0
        for n, reader in _READERS[self.kind](self.path, rows):
            yield Part(number, first, n, reader)
            first, number = first + n, number + 1
        if not number:
            raise InvalidTable(f"{self.path.name} holds no material", field="input", value=self.path.name)


_ENDINGS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    ((".csv",), "csv"),
    ((".jsonl", ".ndjson"), "jsonl"),
    ((".parquet", ".pq"), "parquet"),
    ((".json",), "json"),
    ((".zip",), "zip"),
    ((".tar",), "tar"),
    ((".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"), "compressed tar"),
)


def _csv(path: Path, rows: int) -> Readers:
    with path.open("rb") as file:
        place = _Place(file)
        names, delimiter = _header(next(place, ""), path.name)
        start, n = place.at, 0
        records = csv_rows(place, delimiter)
        while True:
            try:
                cells = next(records, None)
            except csv.Error as error:
                raise InvalidTable(
                    f"{path.name}, line {place.line} cannot be read: {error}", field="input", value=place.line
                ) from error
            if cells is None:
                break
            n += bool(cells)
            if n == rows:
                yield n, CsvLines(path, names, delimiter, start, place.at)
                start, n = place.at, 0
        if n:
            yield n, CsvLines(path, names, delimiter, start, place.at)


class _Place:
    """Yield the lines of a file as text, and know where in the file the next one begins."""

    def __init__(self, file: Iterable[bytes]) -> None:
        self._lines = iter(file)
        self.at = self.line = 0

    def __iter__(self) -> _Place:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.at += len(line)
        self.line += 1
        return line.decode("utf-8", "replace")


def _header(line: str, name: str) -> tuple[tuple[str, ...], str]:
    """Return the columns of a CSV file, in small letters, and what stands between them."""
    text = line.removeprefix("\ufeff")
    for delimiter in (",", ";", "\t"):
        cells = next(csv_rows([text], delimiter), [])
        names = tuple(cell.strip().lower() for cell in cells)
        if set(names) & set(TEXT_KINDS):
            return names, delimiter
    raise InvalidTable(
        f"{name} has no column formula, cif or poscar; its first line is {text.strip()[:100]!r}",
        field="input",
        value=name,
    )


def _jsonl(path: Path, rows: int) -> Readers:
    with path.open("rb") as file:
        start = stop = n = 0
        for line in file:
            stop += len(line)
            n += bool(line.strip())
            if n == rows:
                yield n, JsonLines(path, start, stop)
                start, n = stop, 0
        if n:
            yield n, JsonLines(path, start, stop)


def _parquet(path: Path, rows: int) -> Readers:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidTable(f"{path.name} is no Parquet file: {error}", field="input", value=path.name) from error
    with file:
        names = [name for name in file.schema_arrow.names if name.lower() in (*TEXT_KINDS, "id")]
        if not {name.lower() for name in names} & set(TEXT_KINDS):
            raise InvalidTable(
                f"{path.name} has no column formula, cif or poscar, but {', '.join(file.schema_arrow.names)}",
                field="input",
                value=path.name,
            )
        lengths = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    for group, length in enumerate(lengths):
        for start in range(0, length, rows):
            stop = min(start + rows, length)
            yield stop - start, ParquetRows(path, tuple(names), group, start, stop)


def _json(path: Path, rows: int) -> Readers:
    """Read a list, or the response of an OPTIMADE server, whose `data` is one."""
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidTable(f"{path.name} is no JSON: {error}", field="input", value=path.name) from error
    found: Any = document.get("data") if isinstance(document, dict) else document
    if not isinstance(found, list):
        raise InvalidTable(
            f"{path.name} is neither a list of materials nor the response of an OPTIMADE server, an object with a list "
            "`data`",
            field="input",
            value=path.name,
        )
    yield from _some(map(json_value, found), rows, Held)


def _names(folder: Path) -> list[str]:
    """Return the structure files of a folder and those in it, by their paths within it, in order."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(filter(_is_structure, found))


def _is_structure(name: str) -> bool:
    """Tell whether a file is read, by its name: hidden ones, such as those of macOS, are not."""
    path = PurePosixPath(name)
    return not any(part.startswith((".", "__MACOSX")) for part in path.parts) and kind_of_file(path) is not None


def _folder(path: Path, rows: int) -> Readers:
    yield from _some(_names(path), rows, lambda names: Files(path, names))


def _zip(path: Path, rows: int) -> Readers:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except DAMAGED_ZIP as error:
        raise InvalidTable(f"{path.name} is no zip archive: {error}", field="input", value=path.name) from error
    yield from _some(list(filter(_is_structure, names)), rows, lambda some: ZipMembers(path, some))


def _tar(path: Path, rows: int) -> Readers:
    def members() -> Iterator[tuple[str, int, int]]:
        with _archive(path, "r:") as archive:
            for member in filter(_is_structure_in, archive):
                yield member.name, member.offset_data, member.size
            # tarfile takes what is left of a header for the end.
            if 0 < path.stat().st_size - archive.offset < tarfile.BLOCKSIZE:
                raise tarfile.ReadError("it ends within what says which file comes next")

    yield from _some(members(), rows, lambda some: TarMembers(path, some))


def _compressed_tar(path: Path, rows: int) -> Readers:
    yield from _some(_unpacked(path), rows, Held)


def _unpacked(path: Path) -> Iterator[Item]:
    with _archive(path, "r|*") as archive:
        for member in filter(_is_structure_in, archive):
            file = archive.extractfile(member)
            assert file is not None, "a regular file can be read"
            yield too_long(member.name, member.size) or Named(
                member.name, FileContent(PurePosixPath(member.name).name, file.read())
            )


def _is_structure_in(member: tarfile.TarInfo) -> bool:
    return member.isreg() and _is_structure(member.name)


@contextmanager
def _archive(path: Path, mode: Any) -> Iterator[tarfile.TarFile]:
    """Open a tar archive; raises InvalidTable for what is none, also while it is read."""
    try:
        archive = tarfile.open(path, mode)  # noqa: SIM115 # closed below, where other faults mean something else
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InvalidTable(f"{path.name} is no tar archive: {error}", field="input", value=path.name) from error
    with archive:
        try:
            yield archive
        except (tarfile.TarError, EOFError, OSError) as error:
            raise InvalidTable(f"{path.name} is cut off: {error}", field="input", value=path.name) from error


def _some(pieces: Iterable[Piece], rows: int, reader: Callable[[tuple[Piece, ...]], Reader]) -> Readers:
    """Yield readers of so many pieces at a time."""
    some: list[Piece] = []
    for piece in pieces:
        some.append(piece)
        if len(some) == rows:
            yield rows, reader(tuple(some))
            some = []
    if some:
        yield len(some), reader(tuple(some))


_READERS: dict[Kind, Callable[[Path, int], Readers]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "json": _json,
    "folder": _folder,
    "zip": _zip,
    "tar": _tar,
    "compressed tar": _compressed_tar,
}
