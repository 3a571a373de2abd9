"""A worker's copy of the keys, so that no request waits for the database."""

from __future__ import annotations

import logging
import threading

from superion.errors import Unavailable
from superion.serving import keys, state
from superion.serving.keys import Key
from superion.serving.limits import KEYS_SECONDS
from superion.serving.logs import event


class KnownKeys:
    """Hold the keys as they were a moment ago; a thread looks for changes.

    While the database cannot be read the keys from before stay. Where there were none before, it is not known whether
    there are any by now, and `known` is false.
    """

    def __init__(self, refresh_seconds: float = KEYS_SECONDS) -> None:
        self._refresh_seconds = refresh_seconds
        self._by_digest: dict[str, Key] | None = None
        self._complaint: str | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look at the keys, and keep looking; a second call does nothing."""
        if self._thread is None:
            self.look()
            self._thread = threading.Thread(target=self._run, name="keys", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look no more, once a look at hand has ended."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def known(self) -> bool:
        """Whether it is known which keys there are."""
        return self._by_digest is not None

    @property
    def any_made(self) -> bool:
        """Whether a key was ever made, be it revoked by now."""
        return bool(self._by_digest)

    def find(self, token: str) -> Key | None:
        """Return the key that a token is of, revoked or not; None for what is no token."""
        # By digest: how long it takes to find one says nothing of how near a token is to a right one.
        return (self._by_digest or {}).get(keys.digest_of(token))

    def look(self) -> None:
        """Read the keys as they are now."""
        try:
            if self._by_digest and not state.exists():
                raise Unavailable("service.db is gone", field="service.db")
            self._by_digest = {digest: key for key, digest in keys.read_keys()}
            if self._complaint is not None:
                event("the keys can be read again")
                self._complaint = None
        except (Unavailable, OSError) as error:
            self._by_digest = self._by_digest or None
            if str(error) != self._complaint:
                event("the keys cannot be read; those from before stay", logging.ERROR, failure=error)
                self._complaint = str(error)

    def _run(self) -> None:
        while not self._stopped.wait(self._refresh_seconds):
            self.look()
