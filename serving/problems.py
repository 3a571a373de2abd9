"""Errors of a request as a whole: `{"error": {"code", "message", "field"}}` is the shape of all, on every route."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from superion.errors import SuperionError

CODES = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    415: "unsupported_media_type",
    429: "overloaded",
    500: "internal_error",
    501: "not_available",
    503: "not_ready",
    504: "timeout",
}
"""Code of an error for which nothing closer is known, by status."""

MESSAGES = {
    404: "there is no such route; /docs.json lists them",
    405: "this route does not take that method; the Allow header names those it takes",
    429: "the service holds as many requests as it can; try again in a few seconds",
    500: "the service failed to answer; the log has the reason under the X-Request-Id of this answer",
    503: "the service is not ready: no model is loaded yet; try again in a few seconds",
    504: "the request took too long; ask for less at a time",
}


RETRY_AFTER_SECONDS = 2
"""What a client is told to wait where nothing better is known."""


class Refusal(SuperionError):
    """Report a request that is not answered, with the HTTP status that says so."""

    code = "invalid_request"

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        code: str | None = None,
        field: str | None = None,
        retry_after: float | None = None,
    ):
        """Take in what is not the usual for the status; `retry_after` is the time to wait [s]."""
        super().__init__(message or MESSAGES[status], field=field)
        self.status = status
        self.code = code or CODES[status]
        self.headers = headers_of(status, retry_after)

    def body(self) -> bytes:
        """Return the error as the JSON of an answer."""
        return error_body(self.code, self.message, self.field)


def headers_of(status: int, retry_after: float | None = None) -> dict[str, str]:
    """Return the headers that an error has beside its body; `retry_after` is the time to wait, if that is known [s]."""
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if status in (429, 503):
        return {"Retry-After": str(RETRY_AFTER_SECONDS if retry_after is None else max(1, math.ceil(retry_after)))}
    return {}


def error_body(code: str, message: str, field: str | None = None) -> bytes:
    """Return the JSON of an error; `field` is null when no part of the request is at fault."""
    return json.dumps({"error": {"code": code, "message": message, "field": field}}, ensure_ascii=False).encode(
        "utf-8", "replace"
    )


def is_error(document: Any) -> bool:
    """Tell whether a parsed answer has the shape of an error."""
    error = document.get("error") if isinstance(document, Mapping) else None
    return isinstance(error, Mapping) and {"code", "message", "field"} <= set(error)


def normalised(status: int, content: bytes) -> bytes:
    """Return an error answer in the one shape; what a framework wrote is replaced, so that nothing internal leaks."""
    try:
        if is_error(json.loads(content)):
            return content
    except ValueError:
        pass
    code = CODES.get(status, "internal_error" if status >= 500 else "invalid_request")
    return error_body(code, MESSAGES.get(status, "the request was refused"))
