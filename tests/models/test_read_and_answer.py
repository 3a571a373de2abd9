"""Reading and answering apart, so that the materials of several requests can be answered together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from superion.errors import InvalidValue
from superion.models.inputs import ReadMaterial
from superion.models.predictor import Predictor
from superion.models.records import Failure, Prediction

from . import _builders

ITEMS: list[Any] = ["LiCl", "Xx", {"id": "c", "formula": "Li3N"}, _builders.rock_salt(), _builders.argyrodite(), None]


def test_a_prediction_is_the_answer_to_what_was_read(predictor: Predictor) -> None:
    read = predictor.read(ITEMS)
    kinds = [ReadMaterial, Failure, ReadMaterial, ReadMaterial, ReadMaterial, Failure]
    assert [type(item) for item in read] == kinds
    asked: dict[str, Any] = {"temperature_C": [25.0, 60.0], "confidence": 0.5, "detail": ["staircase"]}
    assert predictor.answer(read, **asked) == predictor.predict(ITEMS, **asked)
    assert predictor.answer(read) == predictor.predict(ITEMS)


def test_graphs_are_built_when_a_material_is_read(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    read = predictor.read([_builders.argyrodite()])
    expected = predictor.answer(read)
    monkeypatch.setattr("superion.models.material.crystal_arrays", None)
    assert predictor.answer(read) == expected


def test_what_another_predictor_read_is_answered_as_if_read_here(predictor: Predictor) -> None:
    other = _builders.predictor(ensemble=_builders.ensemble(config=_builders.SMALLER))
    assert other.answer(predictor.read(ITEMS)) == other.predict(ITEMS)


def test_rows_of_a_data_set_are_shown_to_its_readers(predictor: Predictor) -> None:
    domain = predictor.artefact.domain
    known = (replace(domain.known[0], dataset="a1"), *domain.known[1:])
    own = replace(predictor, artefact=replace(predictor.artefact, domain=replace(domain, known=known)))
    formula = known[0].formula

    def shown(readable: frozenset[str] | None) -> list[str]:
        (answer,) = own.predict([formula], readable=readable).predictions
        assert own.answer(own.read([formula]), readable=readable).predictions == (answer,)
        assert isinstance(answer, Prediction)
        return [near.known.formula for near in answer.domain.nearest]

    assert shown(None)[0] == shown(frozenset({"a1"}))[0] == formula
    assert formula not in shown(frozenset()) and len(shown(frozenset())) == 3


def test_a_single_material_in_place_of_a_list_is_not_read(predictor: Predictor) -> None:
    with pytest.raises(InvalidValue, match="list"):
        predictor.read("LiCl")


@pytest.mark.parametrize("asked", [{"confidence": 2.0}, {"temperature_C": []}, {"detail": ["everything"]}], ids=str)
def test_what_is_out_of_range_is_refused_before_anything_is_read(predictor: Predictor, asked: dict[str, Any]) -> None:
    def never() -> Any:
        yield pytest.fail("read")

    with pytest.raises(InvalidValue):
        predictor.answer([], **asked)
    with pytest.raises(InvalidValue):
        predictor.predict(never(), **asked)
