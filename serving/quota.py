"""How much one key may keep in data sets, so that no one fills the disk of all."""

from __future__ import annotations

import os
import sqlite3

from superion.errors import InvalidValue
from superion.serving import dataset_files
from superion.serving.callers import Caller
from superion.serving.problems import Refusal

VARIABLE = "SUPERION_UPLOAD_QUOTA_MB"
DEFAULT_MB = 4096
"""Thirty uploads of the largest size."""
MAX_DATASETS = 1000
"""Data sets that a key may keep, however small, which bounds the answer of `GET /datasets`."""
MB = 1024 * 1024


def allowed_bytes() -> int:
    """Return what a key may keep, by `SUPERION_UPLOAD_QUOTA_MB`; raises InvalidValue where it says something else."""
    given = os.environ.get(VARIABLE) or str(DEFAULT_MB)
    if not given.isdecimal() or int(given) == 0:
        right = "a whole number of MB above 0 is right"
        raise InvalidValue(f"{VARIABLE} is {given!r}; {right}", field=VARIABLE, value=given)
    return int(given) * MB


def check(opened: sqlite3.Connection, caller: Caller, n_bytes: int) -> None:
    """Refuse, with 413, one more data set of `n_bytes` where a key would keep too much.

    In the transaction that adds it, so that of two which come at once the second is counted with the first.
    """
    rows = opened.execute(
        "SELECT id, n_bytes FROM datasets WHERE deleted IS NULL AND owner IS ?", (caller.key,)
    ).fetchall()
    if len(rows) >= MAX_DATASETS:
        raise _refusal(f"this key keeps {len(rows)} data sets, which is as many as it may")
    # Data sets of a schema before this one have no size in their row.
    sizes = (
        dataset_files.size_of(dataset_files.uploads() / r["id"]) if r["n_bytes"] is None else r["n_bytes"] for r in rows
    )
    kept, allowed = sum(sizes), allowed_bytes()
    if kept + n_bytes > allowed:
        raise _refusal(
            f"the data sets of this key take {kept / MB:.1f} MB and this one {n_bytes / MB:.1f}; "
            f"{allowed / MB:.0f} MB are allowed"
        )


def _refusal(message: str) -> Refusal:
    return Refusal(413, f"{message}: delete some, or ask whoever runs the service", code="quota_exceeded", field="file")
