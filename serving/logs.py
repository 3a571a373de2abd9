"""Logs as one JSON document a line, on standard error; no input of a request is ever in them.

A record may carry `fields`, which become members of the document. Of an exception its type and the places it went
through are logged; its message is not, because it may repeat what a client sent, unless the record says that the
exception came from superion's own state (`safe_exception`).
"""

from __future__ import annotations

import json
import logging
import logging.config
import os
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LOGGER = logging.getLogger("superion.serving")

request_fields: ContextVar[dict[str, Any] | None] = ContextVar("request_fields", default=None)
"""What the access line of the request at hand will hold; None outside a request. Threads of a request share it."""


class JsonFormatter(logging.Formatter):
    """Write a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": time, "level": record.levelname.lower(), "logger": record.name}
        line |= {"message": record.getMessage(), "pid": os.getpid()}
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["exception"] = type(error).__name__
            if getattr(record, "safe_exception", False):
                line["reason"] = str(error)
            line["stack"] = [
                f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(error.__traceback__)
            ]
        return json.dumps(line, default=str)


def configure(level: str = "INFO") -> None:
    """Send every logger of this process to standard error as JSON; replaces what BentoML has set up."""
    logging.captureWarnings(True)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"json": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "json"}},
            "root": {"level": "WARNING", "handlers": ["json"]},
            "loggers": {
                "superion": {"level": level, "propagate": True},
                # These bring handlers of their own, which would write a second and differently shaped line.
                "bentoml": {"level": "WARNING", "handlers": [], "propagate": True},
                "uvicorn": {"level": "WARNING", "handlers": [], "propagate": True},
                "mlflow": {"level": "WARNING", "handlers": [], "propagate": True},
                "alembic": {"level": "WARNING", "handlers": [], "propagate": True},
            },
        }
    )


def event(message: str, level: int = logging.INFO, *, failure: BaseException | None = None, **fields: Any) -> None:
    """Log an event of the service; `failure` is an exception of its own state, whose message may be logged."""
    LOGGER.log(level, message, exc_info=failure, extra={"fields": fields, "safe_exception": failure is not None})


def fault(message: str, error: BaseException, **fields: Any) -> None:
    """Log a fault met while answering a request, without the exception's message."""
    request = request_fields.get() or {}
    fields = {"request_id": request["request_id"], **fields} if "request_id" in request else fields
    LOGGER.error(message, exc_info=error, extra={"fields": fields})


def note(**fields: Any) -> None:
    """Add fields to the access line of the request at hand."""
    request = request_fields.get()
    if request is not None:
        request |= fields
