"""The outermost layer of the service: bounds requests, gives every error one shape, and logs a line for each request.

It lies outside BentoML's own layers (see `superion.serving.service`), so that it sees their errors too, and so that a
path that no route has is one path to everything behind it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from typing import Any

from superion.serving import metrics
from superion.serving.callers import CALLER, LOCAL, Caller
from superion.serving.endpoints import Endpoint, Endpoints
from superion.serving.limits import MAX_BODY_BYTES, MAX_BUFFERED_BYTES, TIMEOUT_SECONDS
from superion.serving.logs import LOGGER, fault, request_fields
from superion.serving.problems import Refusal, headers_of, normalised

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

ARRIVAL = "superion.arrival"
"""Key in the scope: when the request arrived [seconds of time.monotonic()]."""

Identify = Callable[[Scope, dict[bytes, str], Endpoint], Caller]
"""Says who asks for an endpoint, from the scope and the headers; raises Refusal where nobody may know."""

QUIET = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
"""Paths that probes ask for every few seconds: logged only when the service fails on them."""

UNKNOWN = Endpoint("/unknown")

JSON_TYPES = re.compile(r"application/(?:[\w.-]+\+)?json|application/x-www-form-urlencoded|", re.IGNORECASE)
"""Types of a body that is read as JSON; curl and urllib declare the second, unless told otherwise."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DRAINED_BYTES = 4 * MAX_BODY_BYTES
_DRAIN_SECONDS = 20.0
_NO_GUESSING = (b"x-content-type-options", b"nosniff")
"""Keeps a browser from taking what a client has sent, and is repeated to it, for a page."""
_REPLACED = frozenset({b"content-type", b"content-length"})


def anybody(scope: Scope, headers: dict[bytes, str], endpoint: Endpoint) -> Caller:
    """Let everyone do everything."""
    return LOCAL


class Guard:
    """Wrap an ASGI application; `endpoints` are the paths that it has, and anything else is unknown to it."""

    def __init__(self, app: App, endpoints: Endpoints, identify: Identify = anybody) -> None:
        self._app = app
        self._endpoints = endpoints
        self._identify = identify
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
        endpoint = self._endpoints.find(scope["path"])
        # A path that is no route is one path to everything behind this.
        path = scope["path"] if endpoint else UNKNOWN.template
        endpoint = endpoint or UNKNOWN
        given = headers.get(b"x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        fields = {"request_id": request_id, "method": scope["method"][:10], "path": endpoint.template}
        token = request_fields.set(fields)
        arrival = time.monotonic()
        measured = metrics.route(endpoint.template)
        measured.begin()
        body = _Body(receive, headers, self._account, endpoint.max_bytes)
        answer = _Answer(send, body, request_id)
        scope = {**scope, "path": path, "raw_path": path.encode(), ARRIVAL: arrival}
        try:
            scope[CALLER] = self._identify(scope, headers, endpoint)
            _check(scope, headers, endpoint)
            await _in_time(self._app(scope, body.receive, answer.send))
        except Refusal as refusal:
            await answer.refuse(refusal)
        except Exception as error:
            fault("a request failed", error)
            await answer.refuse(Refusal(500))
        finally:
            self._buffered -= body.size
            request_fields.reset(token)
            measured.end(scope["method"], answer.status, time.monotonic() - arrival, body.size)
            if path not in QUIET or answer.status == 500:
                milliseconds = round(1e3 * (time.monotonic() - arrival), 1)
                fields |= {"status": answer.status, "ms": milliseconds, "bytes_in": body.size}
                LOGGER.info("request", extra={"fields": fields})

    def _account(self, size: int) -> None:
        """Count bytes that are held; raises Refusal when they become too many."""
        self._buffered += size
        if self._buffered > MAX_BUFFERED_BYTES:
            raise Refusal(429)


def _check(scope: Scope, headers: dict[bytes, str], endpoint: Endpoint) -> None:
    """Refuse what can be told from the method and the headers."""
    if endpoint.methods and scope["method"] not in endpoint.methods:
        # In place of the framework, which names the methods of one of the routes of a path.
        refusal = Refusal(405)
        refusal.headers["Allow"] = ", ".join(sorted(endpoint.methods))
        raise refusal
    length = headers.get(b"content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > endpoint.max_bytes:
        raise too_large(endpoint.max_bytes)
    if endpoint.takes == "nothing" or scope["method"] not in ("POST", "PUT"):
        return
    media_type = headers.get(b"content-type", "").partition(";")[0].strip()
    if endpoint.takes == "json" and not JSON_TYPES.fullmatch(media_type):
        raise Refusal(415, f"the body is declared as {media_type[:60]!r}; Content-Type: application/json is right")
    if endpoint.takes == "upload" and media_type.lower() != "multipart/form-data":
        right = "multipart/form-data is right, with the file in the field 'file'"
        raise Refusal(415, f"the body is declared as {media_type[:60]!r}; {right}")
    encoding = headers.get(b"content-encoding", "identity")
    if encoding.lower() != "identity":
        raise Refusal(415, f"the body is encoded as {encoding[:60]!r}; send it without Content-Encoding")


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


def too_large(limit: int) -> Refusal:
    """Return the refusal of a body that is longer than a limit [bytes]."""
    return Refusal(413, f"the body is longer than {limit} bytes; ask for less at a time")


class _Body:
    """Count what is received of a body, and refuse to receive too much."""

    def __init__(self, receive: Receive, headers: dict[bytes, str], account: Callable[[int], None], limit: int) -> None:
        self._receive = receive
        self._account = account
        self._limit = limit
        self._ended = headers.get(b"content-length", "0") == "0" and b"transfer-encoding" not in headers
        self._awaits_word = headers.get(b"expect", "").lower() == "100-continue"
        self.size = 0

    async def receive(self) -> Message:
        """Receive the next message; raises Refusal above the limits."""
        message = await self._next()
        size = len(message.get("body", b""))
        self.size += size
        self._account(size)
        if self.size > self._limit:
            raise too_large(self._limit)
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
            if all(name.lower() != _NO_GUESSING[0] for name, _ in headers):
                headers.append(_NO_GUESSING)
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
        """Answer with a refusal, unless a success has begun, which can only be broken off, or an error has gone out."""
        if self._finished:
            return
        if self.status and self._held is None:
            raise refusal
        self.status = refusal.status
        self._held = {"type": "http.response.start", "headers": [self._id, *_raw(refusal.headers)]}
        await self._finish(refusal.body())

    async def _finish(self, content: bytes) -> None:
        assert self._held is not None
        self._finished = True
        metrics.refused(str(json.loads(content)["error"]["code"]))
        await self._body.drain()
        headers = [pair for pair in self._held["headers"] if pair[0].lower() not in _REPLACED]
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        given = {name.lower() for name, _ in headers}
        headers += [pair for pair in _raw(headers_of(self.status)) if pair[0] not in given]
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": content})


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
