"""The files of an uploaded data set: written under names of our own, complete before anybody is told of them."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from superion.errors import Unavailable
from superion.featurizers.file_kinds import CIF, JSON, POSCAR, kind_of_file
from superion.home import home
from superion.serving.archives import files_of
from superion.serving.limits import MAX_STRUCTURES, MAX_UNPACKED_UPLOAD_BYTES
from superion.serving.problems import Refusal

MANIFEST = "manifest.json"
SUFFIXES = {CIF: ".cif", JSON: ".json", POSCAR: ".vasp"}
"""By which the kind of a structure is told again."""

DRAFT = ".draft-"
DRAFT_SECONDS = 3600.0
"""Age at which a draft is one that was cut off."""


@dataclass(frozen=True)
class Files:
    """Hold where the files of a data set lie, and what the archive held besides."""

    table: Path
    structures: dict[str, Path] = field(default_factory=dict)
    """By the names that a table calls them."""
    left_out: tuple[str, ...] = ()
    """Names in the archive that are no structure's."""


def uploads() -> Path:
    """Return the folder that data sets lie in."""
    return home() / "uploads"


@contextlib.contextmanager
def draft(name: str) -> Iterator[Path]:
    """Make a folder to write a data set into, which gets its name when `publish` is called; else it is gone again.

    Raises Refusal, 503, where the disk is full or cannot be written.
    """
    folder, final = uploads() / f"{DRAFT}{name}", uploads() / name
    try:
        folder.mkdir(parents=True)
        yield folder
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(final, ignore_errors=True)
        refusal = storage_fault(error)
        if refusal is not None:
            raise refusal from error
        raise


def publish(folder: Path) -> None:
    """Give a draft its name, once all of it would survive a loss of power."""
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)
    folder.rename(folder.with_name(folder.name.removeprefix(DRAFT)))
    _sync(folder.parent)


def write(folder: Path, content: bytes, archive: bytes | None) -> None:
    """Write a table and the structures of an archive into a folder, with a list of what each was called.

    Raises Refusal: 400 for an archive that cannot be read or names one file twice, 413 for one that holds too much.
    """
    table = "table.xlsx" if content.startswith(b"PK") else "table.csv"
    (folder / table).write_bytes(content)
    structures: dict[str, str] = {}
    left_out = []
    for given, data in () if archive is None else _structures(archive):
        kind = kind_of_file(PurePosixPath(given))
        if kind is None:
            left_out.append(given)
            continue
        structures[given] = f"structure-{len(structures)}{SUFFIXES[kind]}"
        (folder / structures[given]).write_bytes(data)
    manifest = {"table": table, "structures": structures, "left_out": left_out}
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def read(folder: Path) -> Files:
    """Return the files that were written into a folder."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    structures = {given: folder / file for given, file in manifest["structures"].items()}
    return Files(folder / manifest["table"], structures, tuple(manifest.get("left_out", ())))


def size_of(folder: Path) -> int:
    """Return how much the files in a folder hold [bytes]; 0 where there is none."""
    try:
        with os.scandir(folder) as entries:
            return sum(entry.stat().st_size for entry in entries)
    except FileNotFoundError:
        return 0


def sweep() -> None:
    """Delete what was never finished, because the process that wrote it was cut off."""
    for folder in uploads().glob(f"{DRAFT}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > DRAFT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def storage_fault(error: BaseException | None) -> Refusal | None:
    """Return the refusal of what could not be written, None for an error of another kind."""
    cause = error.__cause__ if isinstance(error, Unavailable) else error
    full = isinstance(cause, sqlite3.Error) and cause.sqlite_errorname == "SQLITE_FULL"
    full |= isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if full:
        return Refusal(503, "the disk of the service is full; nothing was kept", code="storage_full")
    if isinstance(cause, OSError):
        return Refusal(503, "the service cannot write to its disk; nothing was kept", code="storage_failed")
    return None


def _structures(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an archive by the last part of their names, which is how a table names them."""
    seen = set()
    files = files_of(archive, field="cifs", max_files=MAX_STRUCTURES, max_bytes=MAX_UNPACKED_UPLOAD_BYTES)
    for path, data in files:
        name = path.replace("\\", "/").rpartition("/")[2]
        if name in seen:
            raise Refusal(400, f"the archive holds two files of the name {name[:80]!r}", field="cifs")
        seen.add(name)
        yield name, data


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
