"""Arrays that a campaign keeps so that they are not computed again; losing them loses time alone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, insert, select

from superion.discovery.campaigns.rows import next_number
from superion.discovery.campaigns.schema import arrays as table
from superion.errors import InvalidValue

NEWEST = 4
"""Most sets of arrays that a campaign keeps."""
MOST_BYTES = 500_000_000
"""Larger sets are not kept; a database takes no more than a gigabyte in one piece."""

Arrays = dict[str, NDArray[Any]]


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes | None:
    """Return arrays as the content of an npz file, None where they are too large; raises InvalidValue for objects."""
    if sum(np.asarray(array).nbytes for array in arrays.values()) > MOST_BYTES:
        return None
    content = io.BytesIO()
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise InvalidValue(f"the array {name!r} holds objects; numbers and text are kept", field="arrays")
    try:
        np.savez(content, allow_pickle=False, **arrays)  # type: ignore[arg-type] # names of arrays, not of options
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"the arrays cannot be kept: {error}", field="arrays") from error
    return content.getvalue()


def unpacked(content: bytes) -> Arrays | None:
    """Return the arrays of `packed`, None for content that is damaged."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except Exception:  # zip, zlib and numpy raise whatever the damage made them stumble over
        return None


def write_arrays(connection: Connection, campaign: int, key: str, content: bytes) -> None:
    """Keep a set of arrays of a campaign that is held, and let go of all but the newest."""
    mine = table.c.campaign == campaign
    connection.execute(delete(table).where(mine, table.c.key == key))
    number = next_number(connection, table, campaign, "kept")
    connection.execute(insert(table).values(campaign=campaign, key=key, kept=number, content=content))
    newest = select(table.c.kept).where(mine).order_by(table.c.kept.desc()).limit(NEWEST)
    oldest = min(connection.execute(newest).scalars())
    connection.execute(delete(table).where(mine, table.c.kept < oldest))


def read_arrays(connection: Connection, campaign: int, key: str) -> Arrays | None:
    """Return a set of arrays, None where it is not kept or damaged."""
    found = select(table.c.content).where(table.c.campaign == campaign, table.c.key == key)
    content = connection.execute(found).scalar()
    return None if content is None else unpacked(content)
