"""Who may ask, and for what: roles, and what is known of whoever sent a request."""

from __future__ import annotations

import os
from dataclasses import dataclass

READ, WRITE, ADMIN = "read", "write", "admin"
ROLES = (READ, WRITE, ADMIN)
"""Each may do what those before it may: ask; bring data and train; change which model answers."""

REQUIRED_VARIABLE = "SUPERION_REQUIRE_KEYS"
"""Set to 1 where a request from this machine needs a key too, even before one was made: behind a proxy."""
WORKERS_VARIABLE = "SUPERION_WORKERS"
"""Number of workers, among which connections and rates are divided."""

CALLER = "superion.caller"
"""Key in the scope of a request: the `Caller` that the guard has found."""


@dataclass(frozen=True)
class Caller:
    """Hold who asks."""

    key: str | None
    """Identifier of the key, None where no keys are needed."""
    name: str
    role: str

    def may(self, role: str) -> bool:
        """Tell whether this caller has a role or one above it."""
        return ROLES.index(self.role) >= ROLES.index(role)


LOCAL = Caller(None, "local", ADMIN)
"""Whoever asks a service that listens to its own machine only and has no keys."""


def n_workers() -> int:
    """Return how many workers the service has, 1 where nobody says."""
    return int(os.environ.get(WORKERS_VARIABLE, "1"))
