"""The folder that a screening writes: a Parquet file for each part, each there wholly or not at all.

`results.parquet/` holds `part-000000.parquet` and so on, which any reader of Parquet takes together as one table, and
`_screening.json`, which says what was asked; what could not be predicted is in `results.failures.parquet/` in the same
way. The file of the results is the last that is written of a part, so that a part with one is done.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from superion.discovery.screening.judging import Judged
from superion.errors import InvalidValue

MANIFEST = "_screening.json"
_PART = re.compile(r"part-(\d{6,})\.parquet")
_COUNTS = b"superion.screening"
"""Key of the counts in the file of a part."""


@dataclass(frozen=True)
class Counts:
    """Hold how many materials were read, written and failed."""

    read: int = 0
    written: int = 0
    failed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.read + other.read, self.written + other.written, self.failed + other.failed)


@dataclass(frozen=True)
class Results:
    """Write and find the parts of one screening."""

    folder: Path

    @property
    def failures(self) -> Path:
        """Return the folder of what could not be predicted."""
        return self.folder.with_name(f"{self.folder.name.removesuffix('.parquet')}.failures.parquet")

    def open(self, asked: Mapping[str, Any]) -> dict[int, Counts]:
        """Make the folder, or go on with it; returns the parts that are done.

        Raises InvalidValue for a folder that holds anything else, or a screening of which something else was asked.
        """
        manifest = self.folder / MANIFEST
        if manifest.is_file():
            self._check(json.loads(manifest.read_text(encoding="utf-8")), asked)
        elif self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise self._fault("is there already and holds no screening; name a folder that is not there")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder, self.failures):
                for left in folder.glob(".*.draft"):
                    left.unlink(missing_ok=True)  # of a process that was killed
            if not manifest.is_file():
                _whole(manifest, (json.dumps(dict(asked), indent=1, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise self._fault(f"cannot be written to: {error.strerror or error}") from error
        found = ((_PART.fullmatch(path.name), path) for path in self.folder.iterdir())
        return {int(match[1]): _counts(path) for match, path in found if match is not None}

    def _check(self, before: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
        for name in sorted({*before, *asked}):
            if before.get(name) != asked.get(name):
                raise self._fault(
                    f"holds a screening with another {name.replace('_', ' ')}: {_short(before.get(name))}, not "
                    f"{_short(asked.get(name))}; ask for the same to go on with it, or name another folder"
                )

    def _fault(self, reason: str) -> InvalidValue:
        return InvalidValue(f"{self.folder} {reason}", field="out", value=str(self.folder))

    def write(self, number: int, judged: Judged) -> Counts:
        """Write a part; raises OSError where it cannot be written."""
        name = f"part-{number:06d}.parquet"
        counts = Counts(judged.n, len(judged.results), len(judged.failures))
        if len(judged.failures):
            self.failures.mkdir(exist_ok=True)
            _whole(self.failures / name, _parquet(judged.failures, counts))
        _whole(self.folder / name, _parquet(judged.results, counts))
        return counts


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("version") or value
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _parquet(table: pa.Table, counts: Counts) -> bytes:
    known = {_COUNTS: json.dumps(vars(counts)).encode()}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **known}), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _counts(path: Path) -> Counts:
    found = pq.read_schema(path).metadata or {}
    return Counts(**json.loads(found.get(_COUNTS, b"{}")))


def _whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there wholly or not at all, whoever else writes the same."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
