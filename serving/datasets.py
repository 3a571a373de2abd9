"""The data sets that a group has uploaded: files under names of our own, and a row of the service's database for each.

A data set lies in `uploads/<id>/` under the home: the table, its structures by number, and a list that says which name
each had in the archive. It is complete before its row is written, so that one which was acknowledged is there.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superion.serving import dataset_check, dataset_files, quota, state
from superion.serving.callers import ADMIN, LOCAL, Caller
from superion.serving.jobs import store
from superion.serving.problems import Refusal
from superion.serving.times import moment

if TYPE_CHECKING:
    from superion.training.table import MeasurementTable

OWNER, GROUP = "owner", "group"
TRAINING, HOLDOUT = "training", "holdout"

MAX_NAME = 120
"""Longest name of a data set [characters]."""


@dataclass(frozen=True)
class Dataset:
    """Hold what is known of an uploaded data set."""

    id: str
    name: str
    owner: str | None
    """Identifier of the key that brought it; None where no keys were needed."""
    readers: str
    purpose: str
    digest: str
    created: float
    """Seconds since the epoch."""
    report: Mapping[str, Any]

    def as_dict(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return the data set as it is answered; `names` are those of keys, by their identifiers."""
        return {
            "id": self.id,
            "name": self.name,
            "owner": LOCAL.name if self.owner is None else names.get(self.owner, self.owner),
            "readers": self.readers,
            "purpose": self.purpose,
            "digest": self.digest,
            "created": moment(self.created),
            **self.report,
        }

    def is_readable_by(self, caller: Caller) -> bool:
        """Tell whether a caller may see it and what was learned from it."""
        return caller.may(ADMIN) or self.readers == GROUP or self.owner == caller.key

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return dataset_files.uploads() / self.id

    def table(self) -> MeasurementTable:
        """Read it; its rows say that they are of this data set."""
        from superion.training.table import read_table

        files = dataset_files.read(self.folder)
        return replace(read_table(files.table, files.structures), name=self.name).of_dataset(self.id)


def upload(caller: Caller, content: bytes, archive: bytes | None, *, name: str, readers: str, purpose: str) -> Dataset:
    """Keep a table of measurements, with an archive of structures where there is one, and say what it holds.

    Raises Refusal for what cannot be kept: 400 where the table holds nothing to learn from, with the reason; 413 where
    the archive unpacks to too much, or the key keeps too much already; 503 where the disk is full. Nothing of it is
    left then.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise Refusal(400, f"name is 1 to {MAX_NAME} printable characters", field="name")
    dataset_id = secrets.token_hex(8)
    with dataset_files.draft(dataset_id) as folder:
        dataset_files.write(folder, content, archive)
        found = dataset_check.check(folder)
        n_bytes = dataset_files.size_of(folder)
        dataset_files.publish(folder)
        made = Dataset(
            dataset_id, name, caller.key, readers, purpose, found["digest"], time.time(), report=found["report"]
        )
        report = json.dumps(made.report)
        with state.connection() as opened:
            quota.check(opened, caller, n_bytes)
            opened.execute(
                "INSERT INTO datasets (id, name, owner, readers, purpose, digest, created, report, n_bytes) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (made.id, name, caller.key, readers, purpose, made.digest, made.created, report, n_bytes),
            )
            detail = {"dataset": made.id, "name": name, "digest": made.digest, "purpose": purpose}
            state.note_event(opened, caller.name, "dataset.upload", detail)
    return made


def find(dataset_id: str, caller: Caller) -> Dataset:
    """Return a data set that a caller may read; raises Refusal, 404, for any other, be it there or not."""
    found = _select("id = ?", dataset_id)
    if not found or not found[0].is_readable_by(caller):
        raise Refusal(404, f"there is no data set {dataset_id[:40]!r} that this key may read", field="dataset")
    return found[0]


def datasets() -> list[Dataset]:
    """Return all data sets, oldest first."""
    return _select("1")


def readable(caller: Caller) -> frozenset[str] | None:
    """Return the data sets whose rows a caller may see as nearest materials, None for all.

    One that was deleted is nobody's but the admins', although models may have learned from it.
    """
    if caller.may(ADMIN):
        return None
    if not state.exists():
        return frozenset()
    with state.reading() as opened:
        rows = opened.execute(
            "SELECT id FROM datasets WHERE deleted IS NULL AND (readers = ? OR owner IS ?)", (GROUP, caller.key)
        ).fetchall()
    return frozenset(row["id"] for row in rows)


def holdout() -> list[Dataset]:
    """Return the data sets that no model may learn from, on which models are compared."""
    return _select("purpose = ?", HOLDOUT)


def delete(dataset_id: str, caller: Caller) -> None:
    """Delete a data set; what models have learned from it stays learned.

    Raises Refusal: 404 where there is none, 403 where it is another's, 409 while a job needs it.
    """
    found = find(dataset_id, caller)
    if found.owner != caller.key and not caller.may(ADMIN):
        raise Refusal(403, "a data set is deleted by whoever brought it, or by a key with the role admin")
    with state.connection() as opened:
        marks = ",".join("?" * len(store.UNFINISHED))
        rows = opened.execute(f"SELECT id, request FROM jobs WHERE state IN ({marks})", store.UNFINISHED).fetchall()
        users = [row["id"] for row in rows if dataset_id in _needed(json.loads(row["request"]))]
        if users:
            raise Refusal(409, f"the job {users[0]} needs this data set; cancel it, or wait", code="in_use")
        opened.execute("UPDATE datasets SET deleted = ? WHERE id = ?", (time.time(), dataset_id))
        state.note_event(opened, caller.name, "dataset.delete", {"dataset": dataset_id, "name": found.name})
    shutil.rmtree(found.folder, ignore_errors=True)  # without its row, what may be left is no data set any more


def _needed(request: Mapping[str, Any]) -> list[str]:
    return [*request["datasets"], *request["holdout"]]


def key_names() -> dict[str, str]:
    """Return the names of all keys, by their identifiers."""
    from superion.serving.keys import list_keys

    return {key.id: key.name for key in list_keys()}


def _select(condition: str, *values: str) -> list[Dataset]:
    if not state.exists():
        return []
    with state.reading() as opened:
        rows = opened.execute(
            f"SELECT * FROM datasets WHERE deleted IS NULL AND {condition} ORDER BY created", values
        ).fetchall()
    return [_dataset(row) for row in rows]


def _dataset(row: sqlite3.Row) -> Dataset:
    names = ("id", "name", "owner", "readers", "purpose", "digest", "created")
    return Dataset(**{name: row[name] for name in names}, report=json.loads(row["report"]))
