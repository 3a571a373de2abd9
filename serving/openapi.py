"""The OpenAPI 3.1 document at `/docs.json`.

BentoML's own generator is not used: it keeps only the first branch of a union (`temperature_C` is a number or a list),
and documents errors in a shape that this service does not answer with.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from superion import __version__
from superion.serving.answer_schema import ProblemBody
from superion.serving.route import JSON, Route
from superion.serving.routes import ROUTES

_ERRORS = {
    "400": "The body is not of this form; the message says what would be right.",
    "413": "The body is above the limit.",
    "415": "The body is not declared to be JSON.",
    "429": "The service holds as many requests as it can; try again after Retry-After.",
    "500": "The service failed; the log has the reason.",
    "504": "The computation took too long; ask for less at a time.",
}
"""Errors of every route that takes a body."""


def document() -> dict[str, Any]:
    """Return the document as plain values."""
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [(ProblemBody, "serialization")]
    for route in ROUTES:
        models += [(route.form.model, "validation"), (route.answered, "serialization")]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Superion",
            "version": __version__,
            "description": "Conductivity of lithium solid electrolytes, with error bars. "
            'Every error of every route is {"error": {"code", "message", "field"}}.',
        },
        "servers": [{"url": "."}],
        "paths": {
            **{route.path: {"post": _post(route)} for route in ROUTES},
            "/livez": {"get": _plain("Whether the process answers.", "It does.", "text/plain")},
            "/readyz": {
                "get": _plain("Whether a model is loaded.", "It is.", "text/plain", **{"503": "It is not, yet."})
            },
            "/metrics": {"get": _plain("Counters for Prometheus.", "The counters.", "text/plain")},
            "/docs.json": {"get": _plain("This document.", "The document.", "application/json")},
        },
        "components": {"schemas": schemas["$defs"]},
    }


def _post(route: Route[Any]) -> dict[str, Any]:
    body = _json(route.form.model)
    body[JSON]["example"] = dict(route.example)
    others: dict[str, Any] = {media_type: {"schema": {}} for media_type in route.media_types}
    errors = sorted((_ERRORS | dict(route.errors)).items())
    return {
        "operationId": route.name,
        "summary": route.summary,
        "description": route.description,
        "requestBody": {"required": True, "content": body},
        "responses": {
            "200": {"description": route.success, "content": _json(route.answered) | others},
            **{status: _error(text) for status, text in errors},
        },
    }


def _plain(summary: str, success: str, media_type: str, **errors: str) -> dict[str, Any]:
    answers = {"200": {"description": success, "content": {media_type: {"schema": {}}}}}
    return {"summary": summary, "responses": answers | {status: _error(text) for status, text in errors.items()}}


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": _json(ProblemBody)}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {JSON: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
