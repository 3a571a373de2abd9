"""Answer the body of `POST /predict`: read it, predict, write the answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from superion.errors import InvalidValue
from superion.serving.limits import CHUNK_MATERIALS, DEADLINE_SECONDS
from superion.serving.logs import fault, note
from superion.serving.problems import Refusal
from superion.serving.schema import MaterialBody, PredictBody, read_body

if TYPE_CHECKING:
    from superion.models.predictor import Predictor


def answer(predictor: Predictor | None, content: bytes, arrival: float) -> bytes:
    """Return the JSON answer to a body that arrived at `arrival` [seconds of time.monotonic()].

    Raises Refusal when the request as a whole cannot be answered.
    """
    if predictor is None:
        raise Refusal(503)
    body = read_body(content)
    model = predictor.model.as_dict()
    note(model_version=predictor.model.version, n_materials=len(body.materials))
    predictions: list[dict[str, Any]] = []
    for start in range(0, len(body.materials), CHUNK_MATERIALS):
        if time.monotonic() - arrival > DEADLINE_SECONDS:
            raise Refusal(504)
        predictions.extend(_predict(predictor, body, body.materials[start : start + CHUNK_MATERIALS]))
    note(n_failed=sum("error" in prediction for prediction in predictions))
    document = {"model": model, "temperature_C": body.temperature_C, "confidence": body.confidence}
    return _encoded(document | {"predictions": predictions})


def _predict(predictor: Predictor, body: PredictBody, materials: Sequence[MaterialBody]) -> Iterator[dict[str, Any]]:
    """Yield the answers of some materials, each with the identifier that it was given."""
    try:
        answers = _ask(predictor, body, materials)
    except InvalidValue as error:
        # Only what holds for the whole request raises: temperature, confidence and detail.
        raise Refusal(400, error.message, code=error.code, field=error.field) from None
    except Exception as error:
        # One material has met a fault of the program. It is found, and the others are answered.
        fault("a chunk of materials failed; its materials are tried one by one", error)
        answers = [_ask_for_one(predictor, body, material) for material in materials]
    for material, found in zip(materials, answers, strict=True):
        yield found if material.id is None else {**found, "id": material.id}


def _ask(predictor: Predictor, body: PredictBody, materials: Sequence[MaterialBody]) -> list[dict[str, Any]]:
    items = [material.model_dump(exclude_none=True) for material in materials]
    report = predictor.predict(items, body.temperature_C, body.confidence, body.detail).as_dict()
    answers: list[dict[str, Any]] = report["predictions"]
    _encoded({"predictions": answers})  # a number that is not finite is found here, and not in the answer as a whole
    return answers


def _ask_for_one(predictor: Predictor, body: PredictBody, material: MaterialBody) -> dict[str, Any]:
    try:
        return _ask(predictor, body, [material])[0]
    except Exception as error:
        fault("a material failed", error)
        message = "the service failed on this material; the log has the reason under the X-Request-Id of this answer"
        return {"error": {"code": "internal_error", "message": message}}


def _encoded(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")
