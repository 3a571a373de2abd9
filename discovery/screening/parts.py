"""What is read at a time of a list of materials: a few lines, row groups or members of an archive, by where they lie.

A part is small, so that it travels to a worker; the worker reads what it names. Files have to be seen by both under the
same path, as with all of Dask.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from superion.archives import DAMAGED_ZIP
from superion.models.inputs import KINDS, FileContent, Named
from superion.models.records import Failure

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Longest file of an archive that is unpacked; a longer one is a failure of its own."""

Item = Named | Failure
"""A material as `superion.models.inputs.read_input` takes it, its id empty where it has none; or why it is none."""


class Reader(Protocol):
    """Read the materials of a part."""

    def read(self) -> list[Item]:
        """Return them in order; a fault of one is its own."""


@dataclass(frozen=True)
class Part:
    """Hold one part of a list."""

    number: int
    first: int
    """Place of its first material in the list, from 0."""
    n: int
    """Materials in it."""
    reader: Reader

    def read(self) -> list[Item]:
        """Return its materials in order."""
        return self.reader.read()


@dataclass(frozen=True)
class CsvLines:
    """Read lines of a CSV file, from one byte to another."""

    path: Path
    names: tuple[str, ...]
    """Of the columns, as the header has them."""
    delimiter: str
    start: int
    stop: int

    def read(self) -> list[Item]:
        """Return a material for each row."""
        text = io.StringIO(_bytes(self.path, self.start, self.stop).decode("utf-8", "replace"), newline="")
        return [material_of(dict(zip(self.names, row, strict=False))) for row in csv_rows(text, self.delimiter) if row]


@dataclass(frozen=True)
class JsonLines:
    """Read lines of a file with one JSON value each, from one byte to another."""

    path: Path
    start: int
    stop: int

    def read(self) -> list[Item]:
        """Return a material for each line that is not blank."""
        content = _bytes(self.path, self.start, self.stop)
        return [json_item(line) for line in content.split(b"\n") if line.strip()]


@dataclass(frozen=True)
class ParquetRows:
    """Read rows of one row group of a Parquet file."""

    path: Path
    columns: tuple[str, ...]
    group: int
    start: int
    stop: int

    def read(self) -> list[Item]:
        """Return a material for each row."""
        table = _row_group(self.path, self.path.stat().st_mtime_ns, self.columns, self.group).slice(
            self.start, self.stop - self.start
        )
        return [material_of({name: row[name] for name in self.columns}) for row in table.to_pylist()]


@dataclass(frozen=True)
class Files:
    """Read structure files of a folder."""

    folder: Path
    names: tuple[str, ...]

    def read(self) -> list[Item]:
        """Return a material for each file, named as it is."""
        return [self._item(name) for name in self.names]

    def _item(self, name: str) -> Item:
        path = self.folder / name
        try:
            n_bytes = path.stat().st_size
            return too_long(name, n_bytes) or Named(name, FileContent(path.name, path.read_bytes()))
        except OSError as error:
            return Failure("unreadable", f"the file cannot be read: {error.strerror}", "file", name)


@dataclass(frozen=True)
class ZipMembers:
    """Read structure files of a zip archive."""

    path: Path
    names: tuple[str, ...]

    def read(self) -> list[Item]:
        """Return a material for each file, named as it is in the archive."""
        archive = _archive(self.path, self.path.stat().st_mtime_ns)
        return [self._item(archive, name) for name in self.names]

    @staticmethod
    def _item(archive: zipfile.ZipFile, name: str) -> Item:
        try:
            n_bytes = archive.getinfo(name).file_size
            return too_long(name, n_bytes) or Named(name, FileContent(PurePosixPath(name).name, archive.read(name)))
        except DAMAGED_ZIP as error:
            return Failure("unreadable", f"the file cannot be unpacked: {error}", "file", name)


@dataclass(frozen=True)
class TarMembers:
    """Read structure files of a tar archive that is not compressed, by where they begin and how long they are."""

    path: Path
    members: tuple[tuple[str, int, int], ...]

    def read(self) -> list[Item]:
        """Return a material for each file, named as it is in the archive."""
        return [too_long(name, length) or self._item(name, start, length) for name, start, length in self.members]

    def _item(self, name: str, start: int, length: int) -> Item:
        content = _bytes(self.path, start, start + length)
        if len(content) < length:
            return Failure("unreadable", "the archive is cut off within the file", "file", name)
        return Named(name, FileContent(PurePosixPath(name).name, content))


@dataclass(frozen=True)
class Held:
    """Hold the materials themselves, of what cannot be read from its middle."""

    items: tuple[Item, ...]

    def read(self) -> list[Item]:
        """Return them."""
        return list(self.items)


def material_of(row: Mapping[str, Any]) -> Item:
    """Return the material of a row of a table: its columns that are kinds of materials, and its id.

    Beside a formula, what is on one line is the name of a file, as in the tables of `superion enumerate`, and no part
    of the material.
    """
    known = {name.strip().lower(): value for name, value in row.items() if name is not None}
    given = {kind: str(known[kind]).strip() for kind in KINDS[:-1] if known.get(kind) not in (None, "")}
    if "formula" in given:
        given = {kind: text for kind, text in given.items() if kind == "formula" or "\n" in text}
    name = known.get("id")
    if set(given) == {"formula"}:
        return Named("" if name is None else str(name), given["formula"])
    return Named("" if name is None else str(name), given)


def json_item(line: bytes) -> Item:
    """Return the material of a line of JSON: text is a formula, an object as `POST /predict` or OPTIMADE has it."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Failure("invalid_json", f"the line is no JSON: {error}")
    return json_value(value)


def too_long(name: str, n_bytes: int) -> Failure | None:
    """Return the failure of a file that is too long to be a structure, None for another."""
    if n_bytes <= MAX_FILE_BYTES:
        return None
    return Failure("too_large", f"the file has {n_bytes} bytes, above {MAX_FILE_BYTES}", "file", name)


def json_value(value: Any) -> Item:
    """Return the material of a JSON value."""
    if isinstance(value, Mapping):
        name = value.get("id")
        identity = "" if name is None else str(name)
        if "attributes" in value or "lattice_vectors" in value or {"lattice", "sites"} <= set(value):
            return Named(identity, {"structure": value})
        return Named(identity, {key: value[key] for key in KINDS if key in value})
    return Named("", value)


def csv_rows(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each record of CSV, none for a blank line; a cell may be as long as a file."""
    csv.field_size_limit(MAX_FILE_BYTES)  # of the module; nothing else of it says a shorter one
    return csv.reader(lines, delimiter=delimiter)


def _bytes(path: Path, start: int, stop: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(stop - start)


# The parts of one file follow on each other; a file that was changed is another one.


@lru_cache(maxsize=2)
def _row_group(path: Path, changed: int, columns: tuple[str, ...], group: int) -> Any:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read_row_group(group, list(columns))


@lru_cache(maxsize=2)
def _archive(path: Path, changed: int) -> zipfile.ZipFile:
    """Return an archive that stays open: to find 100,000 files in it takes half a second."""
    return zipfile.ZipFile(path)
