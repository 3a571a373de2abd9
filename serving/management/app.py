"""The FastAPI application of everything that is not a prediction, and how its errors are answered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from superion.errors import InvalidTable, InvalidValue, NotFound, SuperionError, Unavailable
from superion.serving.dataset_files import storage_fault
from superion.serving.endpoints import Endpoint
from superion.serving.logs import event
from superion.serving.management import (
    campaign_jobs,
    campaign_steps,
    campaigns,
    datasets,
    drift,
    enumeration,
    files,
    jobs,
    known,
    me,
    models,
    shadow,
    web,
)
from superion.serving.management.operations import unique_id
from superion.serving.problems import Refusal
from superion.serving.route import JSON

ROUTERS: tuple[APIRouter, ...] = (
    me.router,
    files.router,
    datasets.router,
    jobs.router,
    models.router,
    shadow.router,
    drift.router,
    known.router,
    enumeration.router,
    campaigns.router,
    campaign_steps.router,
    campaign_jobs.router,
    web.router,
)

_BRANCH = re.compile(r"str|int|float|bool|constrained-\w+|[A-Z]\w*Body")
"""What pydantic puts at the end of a location to tell the branches of a union."""

STATUSES = {InvalidTable: 400, InvalidValue: 400, NotFound: 404, Unavailable: 503}
"""Status of an error of superion that is the caller's to mend, or that passes."""


def create() -> FastAPI:
    """Make the application; its documentation is part of the service's."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, generate_unique_id_function=unique_id)
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SuperionError, _refused)
    app.add_exception_handler(HTTPException, _unread)
    return app


def endpoints() -> list[Endpoint]:
    """Return the paths of the application, as the routers declare them with `openapi_extra`."""
    found: dict[str, Endpoint] = {}
    for router in ROUTERS:
        for route in router.routes:
            path: str = route.path  # type: ignore[attr-defined] # routers hold nothing else
            extra: dict[str, Any] = getattr(route, "openapi_extra", None) or {}
            given = extra.get("x-superion", {})
            before = found.get(path, Endpoint(path))
            methods = before.methods | route.methods  # type: ignore[attr-defined]
            found[path] = replace(Endpoint(path, **given) if given else before, methods=methods)
    return list(found.values())


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _response(_refusal_of(error.errors()))


def _refusal_of(errors: Sequence[Any]) -> Refusal:
    """Say what is wrong with a request in one sentence, without repeating what was sent."""
    first = errors[0]
    place, *path = [str(step) for step in first["loc"]]
    while path and _BRANCH.fullmatch(path[-1]):
        path.pop()
    if first["type"] == "json_invalid":
        return Refusal(400, "the body is not JSON", code="invalid_json")
    field = ".".join(path) or None
    return Refusal(400, f"{field or 'the ' + place}: {first['msg'][:200]}", field=field)


async def _unread(request: Request, error: Exception) -> Response:
    """Say why a body was not read: FastAPI takes all that stops it, an upload that could not be put by or one that the
    guard finds too long, for a body of the wrong form."""
    assert isinstance(error, HTTPException)
    cause = error.__cause__
    refusal = cause if isinstance(cause, Refusal) else storage_fault(cause)
    if refusal is None and error.status_code == 400:
        refusal = Refusal(400, f"the body cannot be read: {error.detail}")  # which names limits, and nothing sent
    return await http_exception_handler(request, error) if refusal is None else _response(refusal)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SuperionError)
    if isinstance(error, Refusal):
        return _response(error)
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)
    if status >= 500:
        # What is wrong with the state of the service is for its log; the answer says no more than which part it is.
        event("the state of the service cannot be used", failure=error)
        reason = "a record or store of the service cannot be used; its log says why"
        return _response(Refusal(status, reason, code=error.code))
    return _response(Refusal(status, error.message, code=error.code, field=error.field))


def _response(refusal: Refusal) -> Response:
    return Response(refusal.body(), refusal.status, headers=refusal.headers, media_type=JSON)
