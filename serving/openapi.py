"""The OpenAPI 3.1 document at `/docs.json`.

BentoML's own generator is not used: it keeps only the first branch of a union (`temperature_C` is a number or a list),
and documents errors in a shape that this service does not answer with.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from superion import __version__
from superion.serving.access import Need
from superion.serving.answer_schema import ProblemBody
from superion.serving.callers import READ
from superion.serving.management import app
from superion.serving.management.operations import operation_id
from superion.serving.route import JSON, Route
from superion.serving.routes import ROUTES

TEXT = "text/plain"

TAGS = {
    "predictions": ("Conductivities, and what stands in a crystal.", ("predict", "structure", "known")),
    "stability": ("What the hull of known phases says.", ("window", "interface", "environment")),
    "campaigns": ("What to make next, and what became of it.", ("campaigns", "candidates")),
    "datasets": ("Tables of measurements to train on.", ("datasets",)),
    "jobs": ("Trainings and simulations.", ("jobs",)),
    "models": ("Versions of the model, and which one answers.", ("models", "shadow", "drift")),
    "service": ("The service itself.", ("me", "livez", "readyz", "metrics", "docs.json")),
}
"""The parts of the interface: what each is for, and the first segments of the paths that belong to it."""

EXAMPLES: Mapping[str, Any] = {
    "create_campaign": {
        "name": "argyrodites",
        "goal": {"temperature_C": 25.0, "avoid": ["Ge"]},
        "candidates": [{"formula": "Li6PS5Cl"}, {"id": "bromide", "formula": "Li6PS5Br", "family": "argyrodites"}],
        "measured": [{"formula": "Li3PS4", "conductivity": "0.16 mS/cm", "source": "10.1021/ja3110895"}],
    },
    "enumerate_candidates": {"parent": "Li6PS5Cl", "swaps": ["S>Se,O", "Cl>Br"], "step": 0.5},
    "suggest_experiments": {"number": 5, "seed": 0},
    "record_observations": {"observations": [{"candidate": "bromide", "value": "0.7 mS/cm"}]},
    "withdraw_suggestions": {"suggestions": [2], "reason": "no bromide at hand"},
    "undo_step": {"reason": "entered twice"},
    "simulate_campaigns": {"datasets": ["0123456789abcdef"], "batch": 5, "rounds": 18, "seeds": 20},
    "retrain_on_campaign": {"force": False},
    "create_job": {"datasets": ["0123456789abcdef"], "from": "champion", "promote": "never"},
    "promote_model": {"force": False},
    "set_shadow": {"version": "challenger"},
}
"""A body of each operation that takes a document and is not a prediction."""

_HEADERS = {
    "X-Request-Id": ("Names the request in the log of the service; that of the request, where it has one.", "string"),
    "Retry-After": ("Seconds after which to try again.", "integer"),
    "Allow": ("The methods that the path takes.", "string"),
    "WWW-Authenticate": ("How a key is sent.", "string"),
    "X-Next-Offset": ("Byte at which the next part of the log begins.", "integer"),
}
_HEADERS_OF_ERRORS = {"401": ("WWW-Authenticate",), "405": ("Allow",), "429": ("Retry-After",), "503": ("Retry-After",)}

_HEADERS_OF_ANSWERS = {"get_job_log": ("X-Next-Offset",)}

_OPEN = {
    "403": "The request comes from another site's page.",
    "405": "The path does not take this method.",
    "413": "The request is above the limit.",
    "500": "The service failed; the log has the reason.",
    "504": "The service could not answer in time.",
}
"""Errors of every route that is answered without a key."""

_ANY = {
    "401": "No key, or none that is known; the answer says how one is sent.",
    "403": "The key's role does not reach, or the request comes from another site's page.",
    "405": "The path does not take this method.",
    "413": "The request is above the limit.",
    "429": "The service holds as many requests as it can, or this caller sends too many; try again after Retry-After.",
    "500": "The service failed; the log has the reason.",
    "503": "No model is loaded yet, or a record or store of the service cannot be used; try again after Retry-After.",
    "504": "The computation took too long; ask for less at a time.",
}
"""Errors of every other route."""

_ERRORS = _ANY | {
    "400": "The body is not of this form; the message says what would be right.",
    "415": "The body is not declared to be what the route takes.",
}
"""Errors of every route that takes a body."""


@functools.cache
def document() -> dict[str, Any]:
    """Return the document as plain values; it is the same at every call, and nobody's to change."""
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [(ProblemBody, "serialization")]
    for route in ROUTES:
        models += [(route.form.model, "validation"), (route.answered, "serialization")]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    managed = _managed()
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Superion",
            "version": __version__,
            "description": "Conductivity of lithium solid electrolytes, with error bars. "
            'Every error of every route is {"error": {"code", "message", "field"}}. A key is needed once one was made; '
            "what stands beside it is the role that it needs: read, write or admin, each of which may do what those "
            "before it may.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "."}],
        "paths": {
            **{route.path: {"post": _post(route)} for route in ROUTES},
            **managed["paths"],
            "/livez": {"get": _plain("Whether the process answers.", "It does.", TEXT, _OPEN)},
            "/readyz": {"get": _plain("Whether a model is loaded.", "It is.", TEXT, _OPEN | {"503": "Not yet."})},
            "/metrics": {"get": _plain("Counters for Prometheus.", "The counters.", TEXT, _ANY, _security(READ))},
            "/docs.json": {"get": _plain("This document.", "The document.", JSON, _OPEN)},
        },
        "components": {
            "schemas": managed.get("components", {}).get("schemas", {}) | schemas["$defs"],
            "headers": {
                name: {"description": text, "schema": {"type": kind}} for name, (text, kind) in _HEADERS.items()
            },
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key that `superion key new` has made."},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
            },
        },
        "tags": [{"name": name, "description": text} for name, (text, _) in TAGS.items()],
    }
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            operation["operationId"] = operation_id(method.upper(), path)
            operation["tags"] = [_tag(path)]
            for status, response in operation["responses"].items():
                response["headers"] = _headers(operation["operationId"], status)
    return found


def _tag(path: str) -> str:
    first = path.split("/")[1]
    return next(name for name, (_, segments) in TAGS.items() if first in segments)


def _headers(operation: str, status: str) -> dict[str, Any]:
    more = _HEADERS_OF_ERRORS.get(status, ()) if status >= "400" else _HEADERS_OF_ANSWERS.get(operation, ())
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *more)}


def _security(role: str) -> list[dict[str, list[str]]]:
    """Return what has to come with a request: nothing while there are no keys, else a key with a role."""
    return [{}, {"key": [role]}, {"header": [role]}]


def _managed() -> dict[str, Any]:
    """Return what FastAPI says of the routes that are not predictions, with the errors that this service answers."""
    found = get_openapi(title="", version="", routes=app.create().routes)
    roles = _roles()
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            operation.pop("x-superion", None)
            operation["security"] = _security(roles[path, method.upper()])
            if example := EXAMPLES.get(operation["operationId"]):
                operation["requestBody"]["content"][JSON]["example"] = example
            responses = operation["responses"]
            responses.pop("422", None)  # FastAPI's own, in a shape of its own; here it is 400
            takes_body = "requestBody" in operation
            for status, text in (_ERRORS if takes_body else _ANY | {"400": _ERRORS["400"]}).items():
                responses.setdefault(status, {"description": text})
            for status, response in responses.items():
                if status >= "400":
                    response["content"] = _json(ProblemBody)
    schemas = found.get("components", {}).get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for name, schema in schemas.items():
        if name.startswith("Body_"):
            schema["properties"] = {field: _of_form(part) for field, part in schema["properties"].items()}
    return found


def _roles() -> dict[tuple[str, str], str]:
    """Return the role that each operation of the application needs, by path and method."""
    return {
        (route.path, method): need.call.role
        for router in app.ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
        for need in route.dependant.dependencies
        if isinstance(need.call, Need)
    }


def _of_form(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field of a form: no form has a null, and what is a file says so in the older way too."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
    if len(branches) == 1:
        schema = branches[0] | {key: value for key, value in schema.items() if key != "anyOf"}
    if "contentMediaType" in schema:
        schema = schema | {"format": "binary"}
    return schema


def _post(route: Route[Any]) -> dict[str, Any]:
    body = _json(route.form.model)
    body[JSON]["example"] = dict(route.example)
    figures = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in route.media_types}
    errors = sorted((_ERRORS | dict(route.errors)).items())
    return {
        "summary": route.summary,
        "description": route.description,
        "security": _security(READ),
        "requestBody": {"required": True, "content": body},
        "responses": {
            "200": {"description": route.success, "content": _json(route.answered) | figures},
            **{status: _error(text) for status, text in errors},
        },
    }


def _plain(
    summary: str, success: str, media_type: str, errors: Mapping[str, str], security: Any = ()
) -> dict[str, Any]:
    schema = {"type": "object" if media_type == JSON else "string"}
    answers = {"200": {"description": success, "content": {media_type: {"schema": schema}}}}
    responses = answers | {status: _error(text) for status, text in errors.items()}
    return {"summary": summary, "security": list(security), "responses": responses}


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": _json(ProblemBody)}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {JSON: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
