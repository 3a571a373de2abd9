"""Answer `POST /predict`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from superion.errors import InvalidValue
from superion.serving.answer_schema import Answer
from superion.serving.limits import CHUNK_MATERIALS, DEADLINE_SECONDS
from superion.serving.logs import fault, note
from superion.serving.problems import Refusal
from superion.serving.route import Asked, Route, encoded
from superion.serving.schema import FORM, MaterialBody, PredictBody

if TYPE_CHECKING:
    from superion.models.predictor import Predictor


def answer(asked: Asked[PredictBody]) -> dict[str, Any]:
    """Return the answer; raises Refusal when the request as a whole cannot be answered."""
    predictor, body = asked.predictor, asked.body
    assert predictor is not None, "the route needs a model"
    model = predictor.model.as_dict()
    note(model_version=predictor.model.version, n_materials=len(body.materials))
    predictions: list[dict[str, Any]] = []
    for start in range(0, len(body.materials), CHUNK_MATERIALS):
        if time.monotonic() - asked.arrival > DEADLINE_SECONDS:
            raise Refusal(504)
        predictions.extend(_predict(predictor, body, body.materials[start : start + CHUNK_MATERIALS]))
    note(n_failed=sum("error" in prediction for prediction in predictions))
    document = {"model": model, "temperature_C": body.temperature_C, "confidence": body.confidence}
    return document | {"predictions": predictions}


def _predict(predictor: Predictor, body: PredictBody, materials: Sequence[MaterialBody]) -> Iterator[dict[str, Any]]:
    """Yield the answers of some materials, each with the identifier that it was given."""
    try:
        answers = _ask(predictor, body, materials)
    except InvalidValue:
        # Only what holds for the whole request raises: temperature, confidence and detail.
        raise
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
    encoded({"predictions": answers})  # a number that is not finite is found here, and not in the answer as a whole
    return answers


def _ask_for_one(predictor: Predictor, body: PredictBody, material: MaterialBody) -> dict[str, Any]:
    try:
        return _ask(predictor, body, [material])[0]
    except Exception as error:
        fault("a material failed", error)
        message = "the service failed on this material; the log has the reason under the X-Request-Id of this answer"
        return {"error": {"code": "internal_error", "message": message}}


PREDICT = Route(
    "/predict",
    FORM,
    answer,
    Answer,
    summary="Predict a list of materials.",
    description="A fault of one material is its own answer and no other's: the status is 200 as long as the body is "
    "of this form.",
    success="A prediction or an error for each material, in order.",
    example={"materials": [{"id": "a", "formula": "Li6PS5Cl"}], "temperature_C": 25, "confidence": 0.9},
    errors={
        "413": "The body, the number of materials or that of predictions is above the limit.",
        "503": "No model is loaded yet; try again after Retry-After.",
    },
    needs_model=True,
)
