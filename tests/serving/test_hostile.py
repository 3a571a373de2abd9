"""Forms, connections and declarations that are made to hurt: the answer is an error in the one shape, and no memory or
connection is lost."""

from __future__ import annotations

import contextlib
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from . import _forms
from ._forms import Form
from .conftest import Service, eventually, running

ROUTES = ("/predict/file", "/datasets")
REFUSED = {400, 404, 413, 415}
"""What a form that cannot be read, or names a model that is not there, may be answered with."""
ALLOWED_GROWTH = 0.05


def send(service: Service, path: str, form: Form) -> int:
    """Send a form and hold what is promised of any; returns the status."""
    headers = {"Content-Type": form.content_type.encode("latin-1")}
    answer = service.client.post(path, content=form.content, headers=headers)  # type: ignore[arg-type] # as bytes
    shown = (answer.text[:300], form.content[:200], form.content_type[:100])
    assert answer.status_code in {200, 201, *REFUSED}, shown
    if answer.status_code in REFUSED:
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "field"}, shown
        assert error["message"] != "the request was refused", shown
    elif path == "/predict/file":
        codes = {one.get("error", {}).get("code") for one in answer.json()["predictions"]}
        assert "internal_error" not in codes, shown
    return answer.status_code


@pytest.mark.parametrize("path", ROUTES)
def test_forms_that_nobody_sends(service: Service, path: str) -> None:
    dice = random.Random(1)
    seen = Counter(send(service, path, _forms.small(dice)) for _ in range(200))
    assert seen[400] > 100
    assert service.predict("LiF").status_code == 200


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (Form(b"", "multipart/form-data"), "boundary"),
        (_forms.form(*[_forms.part("temperature_C", b"25")] * 1001), "Too many fields"),
        (_forms.form(*[_forms.part("file", b"", "a.cif")] * 1001), "Too many files"),
        (_forms.form(_forms.part("model", b"x" * 2_000_000)), "maximum size"),
        (_forms.form(_forms.part("temperature_C", b"25")), "file"),
        (_forms.file(b"x", "a.xyz"), "a.xyz"),
        (_forms.file(_forms.laughing_workbook(), "a.xlsx"), "amplification"),
    ],
    ids=["no boundary", "fields", "files", "long field", "no file", "kind", "entities"],
)
def test_what_is_wrong_with_a_form_is_said(service: Service, form: Form, message: str) -> None:
    headers = {"Content-Type": form.content_type}
    answer = service.client.post("/predict/file", content=form.content, headers=headers)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_a_form_without_a_length_is_measured_as_it_comes(service: Service) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [_forms.part("file", b"", "a.cif")[:-2], *[bytes(_forms.MEGABYTE)] * 40]

    headers = {"Content-Type": _forms.file(b"", "a.cif").content_type}
    answer = service.client.post("/predict/file", content=chunks(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


@contextlib.contextmanager
def connected(service: Service, *sent: bytes) -> Iterator[socket.socket]:
    """Yield a connection on which something was sent."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        for content in sent:
            connection.sendall(content)
        yield connection


def head(path: str, *headers: str) -> bytes:
    """Return the head of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {_forms.file(b'', '').content_type}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("path", ROUTES)
def test_four_gigabytes_are_refused_when_they_are_declared(service: Service, path: str) -> None:
    with connected(service, head(path, f"Content-Length: {2**32}", "Expect: 100-continue")) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "content",
    [
        head("/predict/file", "Content-Length: -1") + b"x",
        head("/predict/file", "Content-Length: 1", "Content-Length: 2") + b"xx",
        head("/predict/file", "Content-Length: " + "9" * 40),
        head("/predict/file", "Transfer-Encoding: chunked") + b"zz\r\n",
        head("/predict/file", "Transfer-Encoding: chunked") + b"fffffffffffffffff\r\n",
        head("/predict/file", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        b"\x00" * 1000,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=[
        "negative",
        "two lengths",
        "no number",
        "no chunk",
        "long chunk",
        "coding",
        "nulls",
        "path",
        "headers",
        "http2",
    ],
)
def test_what_is_no_http_ends_the_connection_at_most(service: Service, content: bytes) -> None:
    with connected(service) as connection:
        # The service may have closed the connection before all of it was sent.
        with contextlib.suppress(ConnectionError):
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            answer = connection.recv(1000)
            assert not answer or answer.split(b" ")[1][:1] == b"4", answer
    assert service.predict("LiF").status_code == 200


def test_a_form_that_breaks_off_is_forgotten(service: Service, wait_for: Callable[..., Any]) -> None:
    (worker,) = service.workers()
    before = worker.num_fds()
    form = _forms.file(bytes(3 * _forms.MEGABYTE), "a.cif")  # long enough to be put by in a file
    for _ in range(20):
        with connected(service, head("/predict/file", f"Content-Length: {len(form.content)}"), form.content[:-100]):
            pass
    assert wait_for(lambda: worker.num_fds() <= before + 2, 30)
    assert service.predict("LiF").status_code == 200


def test_slow_senders_hold_up_nobody(service: Service, wait_for: Callable[..., Any]) -> None:
    (worker,) = service.workers()
    before = worker.num_fds()
    with contextlib.ExitStack() as held:
        begun = head("/predict/file", "Content-Length: 1000")
        slow = [held.enter_context(connected(service, begun[:-2] + b"X-Slow: ")) for _ in range(40)]
        slow += [held.enter_context(connected(service, begun, b"--")) for _ in range(40)]
        for _ in range(5):
            for connection in slow:
                connection.sendall(b"x")
            assert service.predict("LiF").status_code == 200
            assert service.client.get("/livez").status_code == 200
    assert wait_for(lambda: worker.num_fds() <= before + 2, 30)


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service whose memory is looked at."""
    with running(tmp_path_factory.mktemp("hostile") / "home", "--workers", "1") as found:
        yield found


@pytest.mark.check
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", _forms.LARGE)
def test_forms_that_ask_for_much(lonely: Service, name: str) -> None:
    (worker,) = lonely.workers()
    form = _forms.LARGE[name]()
    before = worker.memory_info().rss
    for path in ROUTES:
        send(lonely, path, form)
    grown = (worker.memory_info().rss - before) / _forms.MEGABYTE
    assert grown < 400, grown
    assert [one.pid for one in lonely.workers()] == [worker.pid]


def kept(worker: psutil.Process) -> float:
    """Return the least memory of a worker within a second or so [bytes]."""
    found: list[int] = []
    eventually(lambda: found.append(worker.memory_info().rss) or len(found) > 20)
    return float(min(found))


@pytest.mark.check
@pytest.mark.timeout(900)
def test_hostile_forms_leave_nothing_behind(lonely: Service) -> None:
    (worker,) = lonely.workers()
    dice = random.Random(2)
    dear = [_forms.LARGE[name]() for name in ("a bomb in an archive", "a million lines", "100,000 fields", "entities")]

    def batch(n: int) -> None:
        for number in range(n):
            send(lonely, ROUTES[number % 8 == 0], _forms.small(dice))
            if number % 100 == 0:
                send(lonely, ROUTES[0], dear[number // 100 % len(dear)])

    # The allocator has two arenas, and keeps in each what the dearest form took there. Which thread a form comes to,
    # and so which arena, is chance: several at once come to both.
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda form: send(lonely, ROUTES[0], form), dear * 8))
    batch(2000)
    before, files = kept(worker), worker.num_fds()
    batch(4000)
    after = kept(worker)
    print(f"{before / 1e6:.0f} MB, {(after - before) / 1e6:+.1f} MB after 4000 more")
    assert after < (1.0 + ALLOWED_GROWTH) * before
    assert worker.num_fds() <= files + 2
    assert [one.pid for one in lonely.workers()] == [worker.pid]
    assert '"stack"' not in lonely.log.read_text()
