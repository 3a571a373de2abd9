"""The log of a job: what whoever started it may read, in lines with their times, of a bounded length."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

MAX_BYTES = 1024 * 1024
"""Length at which a log ends; what stands in the report of a data set need not be there in full."""
FULL = "further lines are left out\n"


class JobLog:
    """Append lines to a log, which goes on where an earlier attempt has left it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def tell(self, message: str) -> None:
        """Write a line, or once that there are no more."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size >= MAX_BYTES:
            return
        line = f"{datetime.now(UTC).isoformat(timespec='seconds')} {message}\n"
        encoded = line.encode("utf-8", "replace")
        with self._path.open("ab") as log:
            log.write(encoded if size + len(encoded) < MAX_BYTES else FULL.encode().rjust(MAX_BYTES - size))
