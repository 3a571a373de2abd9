"""The OpenAPI 3.1 document at `/docs.json`.

BentoML's own generator is not used: it keeps only the first branch of a union (`temperature_C` is a number or a list),
and documents errors in a shape that this service does not answer with.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from superion import __version__
from superion.serving.answer_schema import Answer, ProblemBody
from superion.serving.schema import PredictBody

_ERRORS = {
    "400": "The body is not of this form; the message says what would be right.",
    "413": "The body, the number of materials or that of predictions is above the limit.",
    "415": "The body is not declared to be JSON.",
    "429": "The service holds as many requests as it can; try again after Retry-After.",
    "500": "The service failed; the log has the reason.",
    "503": "No model is loaded yet; try again after Retry-After.",
    "504": "The computation took too long; send fewer materials at a time.",
}


def document() -> dict[str, Any]:
    """Return the document as plain values."""
    _, schemas = models_json_schema(
        [(PredictBody, "validation"), (Answer, "serialization"), (ProblemBody, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
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
            "/predict": {"post": _predict()},
            "/livez": {"get": _plain("Whether the process answers.", "It does.", "text/plain")},
            "/readyz": {
                "get": _plain("Whether a model is loaded.", "It is.", "text/plain", **{"503": "It is not, yet."})
            },
            "/metrics": {"get": _plain("Counters for Prometheus.", "The counters.", "text/plain")},
            "/docs.json": {"get": _plain("This document.", "The document.", "application/json")},
        },
        "components": {"schemas": schemas["$defs"]},
    }


def _predict() -> dict[str, Any]:
    return {
        "operationId": "predict",
        "summary": "Predict a list of materials.",
        "description": "A fault of one material is its own answer and no other's: the status is 200 as long as the "
        "body is of this form.",
        "requestBody": {"required": True, "content": _json(PredictBody)},
        "responses": {
            "200": {"description": "A prediction or an error for each material, in order.", "content": _json(Answer)},
            **{status: _error(text) for status, text in _ERRORS.items()},
        },
    }


def _plain(summary: str, success: str, media_type: str, **errors: str) -> dict[str, Any]:
    answers = {"200": {"description": success, "content": {media_type: {"schema": {}}}}}
    return {"summary": summary, "responses": answers | {status: _error(text) for status, text in errors.items()}}


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": _json(ProblemBody)}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
