"""What is found in an uploaded data set, row by row: `python -m superion.serving.dataset_check FOLDER`.

A small one is read where it arrives. A large one is read in a process of its own, which takes no time from predictions
and no worker with it, whatever its files are made to do to their reader.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superion.errors import InvalidTable
from superion.serving import dataset_files
from superion.serving.dataset_files import Files
from superion.serving.logs import event
from superion.serving.problems import Refusal

if TYPE_CHECKING:
    from superion.training.findings import DataCheck
    from superion.training.row_materials import RowNote
    from superion.training.table import MeasurementTable

SMALL_BYTES = 256 * 1024
SMALL_STRUCTURES = 32
CHECK_SECONDS = 200.0
"""Time that reading a data set may take, below that of a request."""
NICENESS = 10

KEPT_NOTES = 1000
"""Rows that a report names of each kind; of more it says how many they are."""
SHOWN_NAMES = 10


def check(folder: Path) -> dict[str, Any]:
    """Return what is found in the files of a folder: `digest`, and the `report`.

    Raises Refusal: 400 for a table that holds nothing to learn from, 413 where reading it takes too long.
    """
    files = dataset_files.read(folder)
    if files.table.stat().st_size <= SMALL_BYTES and len(files.structures) <= SMALL_STRUCTURES:
        return _result(_checked(files))
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "superion.serving.dataset_check", str(folder)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CHECK_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Refusal(413, "reading the data set takes too long; bring it in parts", field="file") from None
    if finished.returncode != 0:
        said = finished.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2].partition(":")[0]
        event("an upload could not be read", logging.ERROR, status=finished.returncode, said=said)
        raise Refusal(500)
    return _result(json.loads(finished.stdout))


def _result(found: dict[str, Any]) -> dict[str, Any]:
    if "refused" in found:
        raise Refusal(400, found["refused"], code=InvalidTable.code, field="file")
    return found


def _checked(files: Files) -> dict[str, Any]:
    """Return digest and report, or why the table is refused."""
    from superion.training.checks import check_table
    from superion.training.table import read_table

    structures = _Asked(files.structures)
    try:
        table = read_table(files.table, structures)
    except InvalidTable as error:
        return {"refused": error.message}
    return {"digest": table.digest, "report": _report(table, check_table(table), files, structures)}


class _Asked(Mapping[str, Path]):
    """Hold structures by name, and remember which were asked for."""

    def __init__(self, held: Mapping[str, Path]) -> None:
        self._held = held
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Path:
        self.asked.add(name)
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


def _report(table: MeasurementTable, found: DataCheck, files: Files, structures: _Asked) -> dict[str, Any]:
    unused = [name for name in structures if name not in structures.asked]
    of_archive = [
        *_of_archive("belong to no row", unused),
        *_of_archive("are no structures by their names", files.left_out),
    ]
    check = found.as_dict()
    # Both stand beside the check.
    del check["failed"], check["notes"]
    for finding in check["findings"]:
        finding["rows"] = finding["rows"][:KEPT_NOTES]
    return {
        "n_rows": len(table),
        "n_failed": len(table.failed),
        "n_with_structure": table.n_with_structure,
        "n_censored": table.n_censored,
        "failed": _named(table.failed),
        "notes": [*of_archive, *_named(table.notes)],
        "check": check,
    }


def _named(notes: tuple[RowNote, ...]) -> list[dict[str, Any]]:
    named = [asdict(note) for note in notes[:KEPT_NOTES]]
    if len(notes) > KEPT_NOTES:
        named.append({"line": 0, "id": "table", "reason": f"and {len(notes) - KEPT_NOTES} rows more"})
    return named


def _of_archive(what: str, names: list[str] | tuple[str, ...]) -> Iterator[dict[str, Any]]:
    if names:
        shown = ", ".join(repr(name[:80]) for name in names[:SHOWN_NAMES])
        more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        yield {"line": 0, "id": "cifs", "reason": f"{len(names)} files of the archive {what}: {shown}{more}"}


if __name__ == "__main__":
    os.nice(NICENESS)
    print(json.dumps(_checked(dataset_files.read(Path(sys.argv[1])))))
