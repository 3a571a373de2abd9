"""What becomes of requests when the model is missing, slow or broken, without a process."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest

from superion.errors import InvalidValue
from superion.serving import answer as module
from superion.serving.answer import PREDICT
from superion.serving.problems import Refusal

NAME = {"name": "superion", "version": "9", "alias": "champion"}


class Report:
    """Stand in for a report."""

    def __init__(self, predictions: list[dict[str, Any]]) -> None:
        self.predictions = predictions

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"predictions": self.predictions}


class Model:
    """Stand in for the name of a model."""

    version = "9"

    def as_dict(self) -> dict[str, str]:
        """Return plain values."""
        return NAME


class Predictor:
    """Stand in for a predictor: it echoes formulas, and fails as they say."""

    model = Model()

    def __init__(self) -> None:
        self.chunks: list[int] = []

    def predict(self, items: list[dict[str, Any]], temperature: object, confidence: float, detail: object) -> Report:
        """Return one answer an item."""
        self.chunks.append(len(items))
        if confidence > 1:
            raise InvalidValue("out of range", field="confidence")
        return Report([self._one(item) for item in items])

    def _one(self, item: dict[str, Any]) -> dict[str, Any]:
        if item.get("formula") == "poison":
            raise ZeroDivisionError("SECRET poison")
        if item.get("formula") == "nan":
            return {"value": float("nan")}
        return {"id": str(item["id"]), "formula": item["formula"]} if "id" in item else {"formula": item["formula"]}


def ask(predictor: Any, materials: list[dict[str, Any]], arrival: float | None = None, **options: Any) -> Any:
    """Return the parsed answer."""
    content = json.dumps({"materials": materials, **options}).encode()
    return json.loads(PREDICT.reply(content, time.monotonic() if arrival is None else arrival, predictor).content)


def test_without_a_model_a_request_is_refused_before_it_is_read() -> None:
    with pytest.raises(Refusal) as refusal:
        PREDICT.reply(b"not even JSON", time.monotonic(), None)
    assert (refusal.value.status, refusal.value.code) == (503, "not_ready")


def test_materials_are_predicted_in_chunks_and_keep_their_order() -> None:
    predictor = Predictor()
    document = ask(predictor, [{"formula": str(i)} for i in range(150)])
    assert [one["formula"] for one in document["predictions"]] == [str(i) for i in range(150)]
    assert predictor.chunks == [64, 64, 22]


def test_a_request_that_waited_too_long_is_given_up() -> None:
    predictor = Predictor()
    with pytest.raises(Refusal) as refusal:
        ask(predictor, [{"formula": "LiF"}], arrival=time.monotonic() - module.DEADLINE_SECONDS - 1)
    assert (refusal.value.status, predictor.chunks) == (504, [])


@pytest.mark.parametrize("formula", ["poison", "nan"])
def test_a_material_that_breaks_the_model_breaks_no_other(formula: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "superion.serving"):
        document = ask(Predictor(), [{"formula": "LiF", "id": 1}, {"formula": formula, "id": 2}, {"formula": "LiCl"}])
    first, broken, last = document["predictions"]
    assert (first, last) == ({"id": 1, "formula": "LiF"}, {"formula": "LiCl"})
    assert (broken["id"], broken["error"]["code"]) == (2, "internal_error")
    assert "SECRET" not in json.dumps(document)
    assert "a material failed" in caplog.text


def test_an_argument_out_of_range_is_the_fault_of_the_request() -> None:
    with pytest.raises(Refusal) as refusal:
        ask(Predictor(), [{"formula": "LiF"}], confidence=2)
    assert (refusal.value.status, refusal.value.field) == (400, "confidence")


def test_the_model_is_named() -> None:
    assert ask(Predictor(), [{"formula": "LiF"}])["model"] == NAME
