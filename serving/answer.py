"""Answer `POST /predict`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from superion.serving.answer_schema import Answer
from superion.serving.batch import Item, Options
from superion.serving.batching import batcher
from superion.serving.logs import note
from superion.serving.readers import readable
from superion.serving.route import Asked, Lane, Reply, Route, encoded, in_thread
from superion.serving.schema import FORM, MaterialBody, PredictBody
from superion.serving.versions import versions

if TYPE_CHECKING:
    from superion.models.predictor import Predictor


async def answer(asked: Asked[PredictBody]) -> Reply:
    """Return the answer; raises Refusal or InvalidValue when the request as a whole cannot be answered."""
    body = asked.body
    temperature = tuple(body.temperature_C) if isinstance(body.temperature_C, list) else body.temperature_C
    predictor = (
        asked.predictor if body.model is None else await in_thread(versions().get, body.model, lane=Lane.LOOK_UP)
    )
    assert predictor is not None, "the route needs a model"
    options = Options(temperature, body.confidence, tuple(body.detail), await readable(asked.caller, predictor))
    return await predicted([_item(material) for material in body.materials], options, predictor, asked.arrival)


async def predicted(items: Sequence[Item], options: Options, predictor: Predictor, arrival: float) -> Reply:
    """Return the document of predictions for the materials of a request that came at `arrival` [s, monotonic].

    Raises Refusal when the request as a whole cannot be answered, InvalidValue for an option that is out of range.
    """
    # Options are checked by the model, so that they are wrong for every material of it or for none.
    head = predictor.answer([], options.temperature_c, options.confidence, options.detail).as_dict()
    del head["predictions"]
    note(model_version=predictor.model.version, n_materials=len(items))
    answers = await asyncio.wrap_future(batcher().submit(items, predictor, options, arrival))
    note(n_failed=answers.n_failed)
    return Reply(encoded(head)[:-1] + b',"predictions":[' + b",".join(answers.documents) + b"]}")


def _item(material: MaterialBody) -> Item:
    given = {
        "formula": material.formula,
        "cif": material.cif,
        "poscar": material.poscar,
        "structure": material.structure,
    }
    return Item({kind: value for kind, value in given.items() if value is not None}, material.id)


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
        "404": "There is no such version of the model.",
        "409": "The version that was asked for is damaged.",
        "413": "The body, the number of materials or that of predictions is above the limit.",
    },
    needs_model=True,
)
