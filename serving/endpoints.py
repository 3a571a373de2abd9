"""What paths the service has, and what each takes; the guard in front of everything goes by this."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from superion.serving.limits import MAX_BODY_BYTES


@dataclass(frozen=True)
class Endpoint:
    """Hold one path, in which `{name}` stands for one segment."""

    template: str
    takes: Literal["json", "upload", "nothing"] = "nothing"
    """What a POST or PUT brings: a document, or a file with fields beside it."""
    max_bytes: int = MAX_BODY_BYTES
    open: bool = False
    """Whether it is answered without a key: probes, and what the page loads before a key is typed."""
    methods: frozenset[str] = frozenset()
    """What it takes; none where only what answers it knows."""


class Endpoints:
    """Hold all paths and find that of a request."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._plain: dict[str, Endpoint] = {}
        self._patterns: list[tuple[re.Pattern[str], Endpoint]] = []
        for endpoint in endpoints:
            if "{" in endpoint.template:
                parts = re.split(r"\{[^}]*\}", endpoint.template)
                pattern = re.compile("[^/]+".join(re.escape(part) for part in parts))
                self._patterns.append((pattern, endpoint))
            else:
                self._plain[endpoint.template] = endpoint

    def find(self, path: str) -> Endpoint | None:
        """Return the endpoint of a path, None for one that the service does not have."""
        found = self._plain.get(path)
        if found is None:
            found = next((endpoint for pattern, endpoint in self._patterns if pattern.fullmatch(path)), None)
        return found
