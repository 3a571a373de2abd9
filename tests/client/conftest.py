"""A server that answers as a test tells it to, for what the real service does only when something is wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from superion.client import Client
from superion.client import transport as transport_module

ME = {"name": "local", "role": "admin", "key": None, "keys_required": False}


JOB = {
    "id": "a",
    "state": "queued",
    "reason": None,
    "owner": None,
    "request": {},
    "created": "2026-01-01T00:00:00Z",
    "started": None,
    "ended": None,
    "progress": {"fits_done": 0, "fits_total": None, "seconds_left": None},
    "attempts": 0,
    "run_id": None,
    "run_url": None,
    "version": None,
    "result": None,
}
"""A job as a service answers it."""


@dataclass(frozen=True)
class Says:
    """Hold one answer; the status 0 closes the connection without one."""

    status: int = 200
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def refusal(status: int, code: str = "overloaded", **headers: str) -> Says:
    """Return an error in the service's shape."""
    document = {"error": {"code": code, "message": "no", "field": "materials"}}
    return Says(status, document, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Script:
    """Hold what a server is to say, and what it was asked."""

    url: str
    answers: list[Says | Callable[[Any], Says]]
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    def client(self, **options: Any) -> Client:
        """Return a client of this server, closed after the test."""
        self.clients.append(Client(self.url, **options))
        return self.clients[-1]


@pytest.fixture
def script() -> Iterator[Script]:
    """Yield a server that gives its answers one after the other, the last of them again and again."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.asked.append((self.command, self.path, content))
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            says = found.answers[0] if len(found.answers) == 1 else found.answers.pop(0)
            if not isinstance(says, Says):
                says = says(json.loads(content))
            if not says.status:
                self.close_connection = True
                return
            written = says.document if isinstance(says.document, bytes) else json.dumps(says.document).encode()
            self.send_response(says.status)
            for name, value in {"Content-Length": str(len(written)), **says.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(written)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - http.server asks for these names

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Script(f"http://127.0.0.1:{server.server_address[1]}", [Says(document=ME)])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        for client in found.clients:
            client.close()
        server.shutdown()
        thread.join()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that a client would have made [s]; it makes none."""
    made: list[float] = []
    monkeypatch.setattr(transport_module.time, "sleep", made.append)
    return made
