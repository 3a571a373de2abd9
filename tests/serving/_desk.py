"""Ask an identity who sends a request, without a process around it."""

from __future__ import annotations

from typing import Any

import pytest

from superion.serving.callers import Caller
from superion.serving.endpoints import Endpoint
from superion.serving.identity import Identity
from superion.serving.known_keys import KnownKeys
from superion.serving.limits import MAX_RATES
from superion.serving.problems import Refusal
from superion.serving.rates import Rates

ASKED, OPEN = Endpoint("/x"), Endpoint("/open", open=True)


class Clock:
    """Tell the time that a test says it is."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """Ask an identity as from a connection."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.known = KnownKeys(refresh_seconds=3600.0)
        rates = {name: Rates(MAX_RATES, self.clock) for name in ("served", "failed")}
        self.identity = Identity(self.known, **(rates | options))

    def ask(
        self,
        token: str | None = None,
        *,
        client: str | None = "127.0.0.1",
        host: str = "127.0.0.1:3000",
        endpoint: Endpoint = ASKED,
        **headers: str,
    ) -> Caller:
        """Return who asks; raises Refusal."""
        given = {"host": host, **({} if token is None else {"authorization": f"Bearer {token}"}), **headers}
        raw = {name.replace("_", "-").encode(): value for name, value in given.items()}
        scope = {"client": None if client is None else (client, 40000)}
        return self.identity(scope, raw, endpoint)

    def refused(self, *arguments: Any, **options: Any) -> Refusal:
        """Return the refusal of a request."""
        with pytest.raises(Refusal) as caught:
            self.ask(*arguments, **options)
        return caught.value
