"""The clients of the load benchmark count what was answered, what failed, and how long it took."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from load_client import Measured, closed_loop, open_loop

SECONDS = 0.05


class Answer(BaseHTTPRequestHandler):
    """Answer after a while; every body that says so with an error or not at all."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(SECONDS)
        if body == b"leave":
            self.close_connection = True
            return
        self.send_response(503 if body == b"error" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Yield the address of a server that answers slowly."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield "127.0.0.1", server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def is_even(content: bytes) -> bool:
    """Tell whether a body is as it should be."""
    return int(content) % 2 == 0


def test_clients_send_the_next_request_when_they_have_an_answer(address: tuple[str, int]) -> None:
    bodies = (b"%d" % number for number in itertools.count())
    measured = closed_loop(address, bodies, 4, requests=20, check=is_even)
    assert (len(measured.latencies), len(measured.failures)) == (10, 10)
    assert measured.percentile(0.0) >= 1e3 * SECONDS
    assert measured.seconds >= 5 * SECONDS
    assert measured.rate == pytest.approx(10 / measured.seconds)


def test_requests_are_sent_at_their_rate_and_waiting_counts(address: tuple[str, int]) -> None:
    bodies = itertools.repeat(b"2")
    measured = open_loop(address, bodies, 50.0, 1.0, clients=1, check=is_even)
    assert len(measured.latencies) == 50
    assert measured.seconds >= 50 * SECONDS  # one client cannot keep up
    assert measured.percentile(0.99) > 1e3  # and the last request was due long before it was sent


@pytest.mark.parametrize(("body", "says"), [(b"error", "503"), (b"leave", "IncompleteReadError")])
def test_what_failed_is_said(address: tuple[str, int], body: bytes, says: str) -> None:
    measured = closed_loop(address, itertools.repeat(body), 1, requests=1, check=lambda content: True)
    assert (measured.latencies, len(measured.failures)) == ([], 1)
    assert says in measured.failures[0]


def test_percentiles() -> None:
    measured = Measured(1.0, [number / 1000 for number in range(1, 101)])
    assert (measured.percentile(0.5), measured.percentile(0.99)) == (51.0, 100.0)
