"""The outermost layer and BentoML's application inside it, without a process or a model."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from superion.serving import guard, limits
from superion.serving.endpoints import Endpoint, Endpoints
from superion.serving.guard import Guard
from superion.serving.problems import Refusal, is_error, normalised

Sent = list[dict[str, Any]]

ENDPOINTS = Endpoints([Endpoint("/x")])


def ask(
    app: Any,
    *,
    path: str = "/x",
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: Iterable[bytes] = (),
) -> Sent:
    """Send one request to an application; returns the messages it answered with."""
    chunks = list(body)
    messages = [
        {"type": "http.request", "body": chunk, "more_body": index + 1 < len(chunks)}
        for index, chunk in enumerate(chunks)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    given = {"transfer-encoding": "chunked"} if chunks else {}
    raw = [(name.lower().encode(), value.encode()) for name, value in (given | (headers or {})).items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw, "query_string": b""}
    sent: Sent = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asyncio.run(app(scope, receive, send))
    return sent


def answering(status: int, content: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> Callable[..., Any]:
    """Return an application that answers every request alike."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [*headers]})
        await send({"type": "http.response.body", "body": content[:3], "more_body": True})
        await send({"type": "http.response.body", "body": content[3:]})

    return app


def reading(record: list[bytes]) -> Callable[..., Any]:
    """Return an application that reads the whole body."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            record.append(message.get("body", b""))
            more = message.get("more_body", False)
        await answering(200, b"read")(scope, receive, send)

    return app


def error_of(sent: Sent) -> dict[str, Any]:
    """Return the error of an answer, in the one shape."""
    document = json.loads(sent[1]["body"])
    assert is_error(document)
    length = dict(sent[0]["headers"])[b"content-length"]
    assert int(length) == len(sent[1]["body"])
    return dict(document["error"])


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, b'[{"error": "at /opt/python/bentoml/app.py"}]'),
        (404, b"Not Found"),
        (405, b"Method Not Allowed"),
        (429, b'{"error": "Too many requests"}'),
        (500, b"Traceback (most recent call last)"),
        (503, b""),
        (504, b'{"error": "Not able to process the request in 60 seconds"}'),
        (418, b"\xff\xfe"),
        (502, b"x" * 100_000),
    ],
)
def test_what_a_framework_says_is_replaced(status: int, content: bytes) -> None:
    sent = ask(Guard(answering(status, content, [(b"allow", b"POST"), (b"content-length", b"1")]), ENDPOINTS))
    assert sent[0]["status"] == status
    assert dict(sent[0]["headers"])[b"allow"] == b"POST"
    message = error_of(sent)["message"]
    assert content.decode("latin-1")[:12] not in message or not content
    assert (b"retry-after" in dict(sent[0]["headers"])) == (status in (429, 503))


def test_an_error_of_our_own_is_left_as_it_is() -> None:
    body = Refusal(400, "why", field="materials").body()
    assert normalised(400, body) == body


def test_success_is_left_as_it_is() -> None:
    sent = ask(Guard(answering(200, b"content"), ENDPOINTS))
    assert b"".join(message.get("body", b"") for message in sent[1:]) == b"content"


def test_an_exception_after_the_answer_to_it_is_answered_once() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answering(500, b"Traceback (most recent call last)")(scope, receive, send)
        raise ValueError("could not read SECRET")

    sent = ask(Guard(app, ENDPOINTS))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert error_of(sent)["code"] == "internal_error"


def test_an_exception_is_a_500_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("could not read SECRET")

    with caplog.at_level(logging.INFO, "superion.serving"):
        sent = ask(Guard(app, ENDPOINTS), headers={"X-Request-Id": "r-1"})
    assert sent[0]["status"] == 500
    assert error_of(sent)["code"] == "internal_error"
    assert "SECRET" not in str(sent)
    assert "r-1" in str(sent[0]["headers"])


def test_a_method_that_a_path_does_not_take_is_refused_with_those_it_takes() -> None:
    endpoints = Endpoints([Endpoint("/x", methods=frozenset({"PUT", "GET"}))])
    sent = ask(Guard(answering(200, b"read"), endpoints), method="DELETE")
    assert sent[0]["status"] == 405
    assert (b"allow", b"GET, PUT") in sent[0]["headers"]
    assert error_of(sent)["code"] == "method_not_allowed"
    assert ask(Guard(answering(200, b"read"), endpoints), method="PUT")[0]["status"] == 200


def test_unknown_paths_are_one_path_inside() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["path"], scope["raw_path"]))
        await answering(404, b"")(scope, receive, send)

    wrapped = Guard(app, ENDPOINTS)
    for path in ("/x", "/y", "/x/", "/z?"):
        ask(wrapped, path=path)
    assert seen == [("/x", b"/x")] + [("/unknown", b"/unknown")] * 3


def test_a_body_without_a_length_is_counted() -> None:
    wrapped = Guard(reading([]), Endpoints([Endpoint("/x", max_bytes=1000)]))
    assert ask(wrapped, method="POST", body=[b"x" * 100] * 10)[0]["status"] == 200
    sent = ask(wrapped, method="POST", body=[b"x" * 100] * 11)
    assert (sent[0]["status"], error_of(sent)["code"]) == (413, "too_large")


def test_a_declared_length_is_not_waited_for() -> None:
    record: list[bytes] = []
    wrapped = Guard(reading(record), ENDPOINTS)
    sent = ask(wrapped, headers={"Content-Length": str(limits.MAX_BODY_BYTES + 1), "Expect": "100-continue"})
    assert (sent[0]["status"], record) == (413, [])


def test_too_many_bytes_at_a_time_are_refused_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_BUFFERED_BYTES", 1500)
    release = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await reading([])(scope, receive, _ignored)
        release.append(1)
        while len(release) < 2:
            await asyncio.sleep(0)
        await answering(200, b"read")(scope, receive, send)

    async def _ignored(message: Any) -> None:
        return None

    async def together() -> list[int]:
        wrapped = Guard(app, ENDPOINTS)
        statuses: list[int] = []

        async def one() -> None:
            messages = [{"type": "http.request", "body": b"x" * 1000, "more_body": False}]

            async def receive() -> dict[str, Any]:
                return messages.pop(0)

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])
                    release.append(1)

            scope = {"type": "http", "method": "POST", "path": "/x", "headers": [(b"content-length", b"1000")]}
            await wrapped(scope, receive, send)

        await asyncio.gather(one(), one())
        await one()
        return statuses

    assert sorted(asyncio.run(together())) == [200, 200, 429]


def test_a_websocket_is_closed() -> None:
    sent: Sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    asyncio.run(Guard(answering(200, b""), Endpoints([]))({"type": "websocket"}, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TIMEOUT_SECONDS", 0.05)

    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            await answering(200, b"late")(scope, receive, send)

    sent = ask(Guard(stubborn, ENDPOINTS))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert (sent[0]["status"], error_of(sent)["code"]) == (504, "timeout")


def test_no_timer_of_a_request_outlives_it() -> None:
    # In a process of its own: importing BentoML gives deprecation warnings, which are errors here.
    show = "from superion.serving.service import Superion; print(Superion.to_asgi()._app.user_middleware)"
    command = [sys.executable, "-W", "ignore", "-c", show]
    layers = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "Context" in layers
    assert "Timeout" not in layers


def test_no_answer_is_guessed_to_be_a_page() -> None:
    given = [(b"X-Content-Type-Options", b"nosniff")]
    for status, headers in ((200, []), (404, []), (200, given)):
        sent = ask(Guard(answering(status, b"{}", headers), ENDPOINTS))
        names = [name.lower() for name, _ in sent[0]["headers"]]
        assert names.count(b"x-content-type-options") == 1
