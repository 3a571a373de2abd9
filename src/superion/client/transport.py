"""Requests to the service: sent again where that does no harm, and errors as exceptions."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from superion import __version__
from superion.errors import InvalidValue, RequestFailed, Unavailable

JSON = {"Content-Type": "application/json"}

CONNECT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
"""Before the second attempt, and twice as long before each further one, less up to half of it by chance."""
LONGEST_PAUSE_SECONDS = 10.0
LONGEST_RETRY_AFTER_SECONDS = 60.0
"""A service that asks to be left alone for longer is not waited for."""

UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Errors after which the service has seen nothing of the request."""
BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)
"""Errors after which nobody knows whether it has."""

NOTHING_DONE = ("not_ready", "busy")
"""Codes of a 503 that say that nothing was done."""

Read = TypeVar("Read", bound=BaseModel)


class Transport:
    """Hold the connections to one service."""

    def __init__(self, url: str, key: str | None, timeout: float, retries: int) -> None:
        if not url.startswith(("http://", "https://")):
            raise InvalidValue("url: http://HOST:PORT or https://HOST is right", field="url", value=url)
        if retries < 0:
            raise InvalidValue(f"retries is {retries}; 0 or more is right", field="retries", value=retries)
        if not timeout > 0.0:
            raise InvalidValue(f"timeout is {timeout}; seconds above 0 are right", field="timeout", value=timeout)
        headers = {"User-Agent": f"superion/{__version__}", "Accept": "application/json, */*;q=0.1"}
        if key is not None:
            if not (key.isascii() and key.isprintable() and key.strip()):
                # Without the key, which is a secret.
                raise InvalidValue("key: it has characters that no key has", field="key")
            headers["Authorization"] = f"Bearer {key.strip()}"
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        try:
            self._http = httpx.Client(base_url=url, headers=headers, timeout=limits)
        except httpx.InvalidURL as error:
            raise InvalidValue(f"url: {error}", field="url", value=url) from None
        self._retries = retries

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def read(self, kind: type[Read], method: str, path: str, **how: Any) -> Read:
        """Send a request as `send` does and return its answer as one of our models; raises as `send`."""
        answer = self.send(method, path, **how)
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            message = f"the answer to {method} {path} is not as this version knows it: {place}: {first['msg']}"
            raise _failed(answer, "invalid_answer", message) from None

    def send(
        self, method: str, path: str, *, document: Any = None, repeatable: bool = False, **content: Any
    ) -> httpx.Response:
        """Send a request, with a document as JSON or with content as httpx takes it, and return its answer, a success.

        One that was refused before anything was done, or that never reached the service, is sent again, and one that is
        `repeatable` also after any 503 and when the connection broke. Raises RequestFailed for an answer that is an
        error, Unavailable where there is no answer.
        """
        if document is not None:
            content |= {"content": as_json(document), "headers": JSON}
        attempt = 0
        while True:
            asked_to_wait = 0.0
            again = attempt < self._retries
            try:
                answer = self._http.request(method, path, **content)
            except httpx.TransportError as error:
                if not again or not isinstance(error, (*UNSENT, *BROKEN) if repeatable else UNSENT):
                    raise self._unavailable(error, method, path) from error
            else:
                if answer.is_success:
                    return answer
                asked_to_wait = _retry_after(answer)
                passing = answer.status_code == 429 or (repeatable and answer.status_code in (502, 503))
                # A 503 says of what changes something only then that nothing was changed.
                passing |= answer.status_code == 503 and _code(answer) in NOTHING_DONE
                if not again or not passing or asked_to_wait > LONGEST_RETRY_AFTER_SECONDS:
                    raise problem(answer)
            pause = min(FIRST_PAUSE_SECONDS * 2.0**attempt, LONGEST_PAUSE_SECONDS)
            time.sleep(asked_to_wait + pause * random.uniform(0.5, 1.0))
            attempt += 1

    def answers(self, path: str) -> bool:
        """Tell whether a path is answered with a success, now and at once."""
        try:
            return self._http.get(path).is_success
        except httpx.TransportError:
            return False

    def _unavailable(self, error: httpx.TransportError, method: str, path: str) -> Unavailable:
        where = str(self._http.base_url).rstrip("/")
        reason = str(error) or type(error).__name__
        doubt = "" if isinstance(error, UNSENT) else "; whether the service has done what was asked is not known"
        return Unavailable(f"{method} {path}: {where} does not answer: {reason}{doubt}", field="url", value=where)


def as_json(document: Any) -> bytes:
    """Return a document as JSON; raises InvalidValue for what is none."""
    try:
        return json.dumps(document, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"the request cannot be written as JSON: {error}", value=document) from None


def problem(answer: httpx.Response) -> RequestFailed:
    """Return the error that an answer holds; one that something between us and the service wrote has no code of its."""
    try:
        given = json.loads(answer.content)["error"]
        code, message, field = str(given["code"]), str(given["message"]), given.get("field")
    except (ValueError, KeyError, TypeError, AttributeError):
        code, field = f"http_{answer.status_code}", None
        message = f"{answer.request.method} {answer.request.url.path} was answered with {answer.status_code} "
        message += f"{answer.reason_phrase}, which is no answer of superion"
    return _failed(answer, code, message, field if isinstance(field, str) else None)


def _failed(answer: httpx.Response, code: str, message: str, field: str | None = None) -> RequestFailed:
    request_id = answer.headers.get("x-request-id")
    return RequestFailed(message, code=code, status=answer.status_code, field=field, request_id=request_id)


def _code(answer: httpx.Response) -> str | None:
    try:
        document = answer.json()
    except ValueError:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    return error.get("code") if isinstance(error, dict) else None


def _retry_after(answer: httpx.Response) -> float:
    """Return how long the service asks to be left alone [s]; 0 where it does not say."""
    given = answer.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given)
    try:
        until = parsedate_to_datetime(given)
    except ValueError:
        return 0.0
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
