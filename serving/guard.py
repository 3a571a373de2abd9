"""The outermost layer of the service: bounds requests, gives every error one shape, and logs a line for each request.

It lies outside BentoML's own layers (see `superion.serving.service`), so that it sees their errors too, and so that a
path that no route has is one path to BentoML's metrics, which keep a counter for every path they meet.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from superion.serving.limits import MAX_BODY_BYTES, MAX_BUFFERED_BYTES, TIMEOUT_SECONDS
from superion.serving.logs import LOGGER, fault, request_fields
from superion.serving.problems import Refusal, normalised

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

ARRIVAL = "superion.arrival"
"""Key in the scope: when the request arrived [seconds of time.monotonic()]."""

QUIET = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
"""Paths that probes ask for every few seconds: logged only when the service fails on them."""

JSON_TYPES = re.compile(r"application/(?:[\w.-]+\+)?json|application/x-www-form-urlencoded|", re.IGNORECASE)
"""Types of a body that is read as JSON; curl and urllib declare the second, unless told otherwise."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DRAINED_BYTES = 4 * MAX_BODY_BYTES
_DRAIN_SECONDS = 20.0
_RETRY_AFTER = {429: b"2", 503: b"2"}
_REPLACED = frozenset({b"content-type", b"content-length"})


class Guard:
    """Wrap an ASGI application; `paths` are those that it has, and anything else is unknown to it.

    To those in `posted` a body of JSON is posted.
    """

    def __init__(self, app: App, paths: frozenset[str], posted: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._paths = paths
        self._posted = posted
        self._buffered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        known = scope["path"] in self._paths
        path = scope["path"] if known else "/unknown"
        given = headers.get(b"x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        fields = {"request_id": request_id, "method": scope["method"][:10], "path": path}
        token = request_fields.set(fields)
        arrival = time.monotonic()
        body = _Body(receive, headers, self._account)
        answer = _Answer(send, body, request_id)
        scope = {**scope, "path": path, "raw_path": path.encode(), ARRIVAL: arrival}
        try:
            self._check(scope, headers)
            await _in_time(self._app(scope, body.receive, answer.send))
        except Refusal as refusal:
            await answer.refuse(refusal)
        except Exception as error:
            fault("a request failed", error)
            await answer.refuse(Refusal(500))
        finally:
            self._buffered -= body.size
            request_fields.reset(token)
            if path not in QUIET or answer.status == 500:
                milliseconds = round(1e3 * (time.monotonic() - arrival), 1)
                fields |= {"status": answer.status, "ms": milliseconds, "bytes_in": body.size}
                LOGGER.info("request", extra={"fields": fields})

    def _check(self, scope: Scope, headers: dict[bytes, str]) -> None:
        """Refuse what can be told from the headers."""
        length = headers.get(b"content-length", "0")
        if length.isascii() and length.isdigit() and int(length) > MAX_BODY_BYTES:
            raise too_large()
        if scope["path"] in self._posted and scope["method"] == "POST":
            media_type = headers.get(b"content-type", "").partition(";")[0].strip()
            if not JSON_TYPES.fullmatch(media_type):
                right = "Content-Type: application/json is right"
                raise Refusal(415, f"the body is declared as {media_type[:60]!r}; {right}")
            encoding = headers.get(b"content-encoding", "identity")
            if encoding.lower() != "identity":
                raise Refusal(415, f"the body is encoded as {encoding[:60]!r}; send it without Content-Encoding")

    def _account(self, size: int) -> None:
        """Count bytes that are held; raises Refusal when they become too many."""
        self._buffered += size
        if self._buffered > MAX_BUFFERED_BYTES:
            raise Refusal(429)


async def _in_time(work: Coroutine[Any, Any, None]) -> None:
    """Await an answer; raises Refusal when it takes too long.

    In place of BentoML's own timeout, whose timer outlives the request and holds 12 kB of it until it would have fired:
    at 100 requests a second and five minutes, 360 MB.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=TIMEOUT_SECONDS)
    finally:
        task.cancel()  # does nothing to one that is done
    if not done:
        raise Refusal(504)
    await task


def too_large() -> Refusal:
    """Return the refusal of a body that is too long."""
    return Refusal(413, f"the body is longer than {MAX_BODY_BYTES} bytes; ask for less at a time")


class _Body:
    """Count what is received of a body, and refuse to receive too much."""

    def __init__(self, receive: Receive, headers: dict[bytes, str], account: Callable[[int], None]) -> None:
        self._receive = receive
        self._account = account
        self._ended = headers.get(b"content-length", "0") == "0" and b"transfer-encoding" not in headers
        self._awaits_word = headers.get(b"expect", "").lower() == "100-continue"
        self.size = 0

    async def receive(self) -> Message:
        """Receive the next message; raises Refusal above the limits."""
        message = await self._next()
        size = len(message.get("body", b""))
        self.size += size
        self._account(size)
        if self.size > MAX_BODY_BYTES:
            raise too_large()
        return message

    async def drain(self) -> None:
        """Receive and drop what is left: a connection closed on unread bytes is reset, and the answer lost with it."""
        if self._awaits_word and self.size == 0:
            return  # the client sends nothing before it is told to
        dropped = 0
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while not self._ended and dropped < _DRAINED_BYTES:
                    dropped += len((await self._next()).get("body", b""))
        except TimeoutError:
            pass

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._ended = True
        return message


class _Answer:
    """Send an answer: as it is when it is a success, in the one shape when it is an error."""

    def __init__(self, send: Send, body: _Body, request_id: str) -> None:
        self._send = send
        self._body = body
        self._id = (b"x-request-id", request_id.encode())
        self._held: Message | None = None
        self._content = b""
        self._finished = False
        self.status = 0

    async def send(self, message: Message) -> None:
        """Take the next message of the application; one that comes after a refusal is dropped."""
        if self._finished:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), self._id]
            if self.status >= 400:
                self._held = {**message, "headers": headers}
            else:
                await self._send({**message, "headers": headers})
        elif self._held is None:
            await self._send(message)
        else:
            self._content += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(normalised(self.status, self._content))

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal, unless a success has begun, which can only be broken off."""
        if self.status and self._held is None:
            raise refusal
        self.status = refusal.status
        self._held = {"type": "http.response.start", "headers": [self._id]}
        await self._finish(refusal.body())

    async def _finish(self, content: bytes) -> None:
        assert self._held is not None
        self._finished = True
        await self._body.drain()
        headers = [pair for pair in self._held["headers"] if pair[0].lower() not in _REPLACED]
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        if self.status in _RETRY_AFTER:
            headers.append((b"retry-after", _RETRY_AFTER[self.status]))
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": content})
