"""The API keys of a service: made, listed and revoked in its database, which holds of each no more than a digest."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from superion.errors import InvalidValue, NotFound
from superion.serving import state
from superion.serving.callers import LOCAL, ROLES

PREFIX = "sup_"
"""What every key begins with, so that one that has leaked into a file is found."""

MAX_RATE_PER_MINUTE = 1e6

_NAME = re.compile(r"\w[\w .@+-]{0,63}")


@dataclass(frozen=True)
class Key:
    """Hold what is known of a key, which is not the key itself."""

    id: str
    name: str
    role: str
    rate_per_minute: float | None
    """Requests that it may make in a minute; None for what the service grants unless told otherwise."""
    created: float
    """Seconds since the epoch."""
    revoked: float | None = None
    """The same; None while it is good."""

    def as_dict(self) -> dict[str, Any]:
        """Return the key as plain values, times in ISO 8601."""
        return {
            "id": self.id,
            "name": self.name,
            "role": self.role,
            "rate_per_minute": self.rate_per_minute,
            "created": _moment(self.created),
            "revoked": None if self.revoked is None else _moment(self.revoked),
        }


def new_key(name: str, role: str, rate_per_minute: float | None = None, *, actor: str | None = None) -> tuple[Key, str]:
    """Make a key; returns it with the token that a client sends, which is kept nowhere.

    `actor` is the name of who makes it, None for the command line. Raises InvalidValue for a name that is taken or
    cannot be one, an unknown role, and a rate that is no positive number; Unavailable when it cannot be written down.
    """
    _check(name, role, rate_per_minute)
    token = PREFIX + secrets.token_urlsafe(32)
    key = Key(secrets.token_hex(8), name, role, rate_per_minute, time.time())
    with state.connection() as opened:
        taken = opened.execute("SELECT revoked FROM keys WHERE name = ?", (name,)).fetchone()
        if taken is not None:
            # What a name has brought and done stays its own, so that no other key may have it.
            how = "has a key" if taken["revoked"] is None else "had a key, which is revoked"
            raise InvalidValue(f"{name!r} {how}; take another name", field="name", value=name)
        opened.execute(
            "INSERT INTO keys (id, name, role, digest, rate_per_minute, created) VALUES (?, ?, ?, ?, ?, ?)",
            (key.id, name, role, digest_of(token), rate_per_minute, key.created),
        )
        state.note_event(opened, actor, "key.new", {"key": key.id, "name": name, "role": role})
    return key, token


def list_keys() -> list[Key]:
    """Return all keys ever made, oldest first; raises Unavailable when they cannot be read."""
    return [key for key, _ in read_keys()]


def revoke(name: str, *, actor: str | None = None) -> Key:
    """Make a key useless, for good; one that is already stays as it is.

    Raises NotFound when there is none of that name, Unavailable when it cannot be written down.
    """
    if not state.exists():
        raise _none_of(name)
    with state.connection() as opened:
        row = opened.execute("SELECT * FROM keys WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise _none_of(name)
        if row["revoked"] is None:
            opened.execute("UPDATE keys SET revoked = ? WHERE id = ?", (time.time(), row["id"]))
            state.note_event(opened, actor, "key.revoke", {"key": row["id"], "name": name})
        return _key(opened.execute("SELECT * FROM keys WHERE id = ?", (row["id"],)).fetchone())


def read_keys() -> list[tuple[Key, str]]:
    """Return all keys ever made with their digests, oldest first, without a wait for who writes.

    Raises Unavailable when they cannot be read.
    """
    if not state.exists():
        return []
    with state.reading() as opened:
        rows = opened.execute("SELECT * FROM keys ORDER BY created, id").fetchall()
    return [(_key(row), row["digest"]) for row in rows]


def digest_of(token: str) -> str:
    """Return what is kept of a token. Salt and rounds add nothing to 32 random bytes, which nobody can guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _check(name: str, role: str, rate_per_minute: float | None) -> None:
    if not _NAME.fullmatch(name) or name != name.strip():
        right = "1 to 64 letters, digits, spaces and any of . _ @ + -, of which the first is a letter or a digit"
        raise InvalidValue(f"the name of a key is {right}, not {name[:80]!r}", field="name", value=name)
    if name == LOCAL.name:
        raise InvalidValue(
            f"{name!r} is what the service calls who needs no key; take another name", field="name", value=name
        )
    if role not in ROLES:
        raise InvalidValue(f"the role of a key is {', '.join(ROLES)}, not {role!r}", field="role", value=role)
    if rate_per_minute is not None and not (
        math.isfinite(rate_per_minute) and 0.0 < rate_per_minute <= MAX_RATE_PER_MINUTE
    ):
        right = f"a number of requests a minute above 0, up to {MAX_RATE_PER_MINUTE:,.0f}"
        raise InvalidValue(f"the rate is {rate_per_minute}; {right} is right", field="rate", value=rate_per_minute)


def _none_of(name: str) -> NotFound:
    return NotFound(f"there is no key of the name {name!r}; `superion key list` has them all", field="name", value=name)


def _key(row: sqlite3.Row) -> Key:
    return Key(row["id"], row["name"], row["role"], row["rate_per_minute"], row["created"], row["revoked"])


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
