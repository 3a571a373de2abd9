"""`POST /predict/file`: predictions for the structures or formulas of a file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, UploadFile
from starlette.responses import Response

from superion.errors import InvalidValue
from superion.serving.access import Reader
from superion.serving.answer import predicted
from superion.serving.answer_schema import Answer
from superion.serving.batch import Options
from superion.serving.guard import ARRIVAL
from superion.serving.limits import MAX_PREDICTIONS
from superion.serving.model_host import shared
from superion.serving.problems import Refusal
from superion.serving.readers import readable
from superion.serving.route import JSON, Lane, in_thread
from superion.serving.uploads import items_of
from superion.serving.versions import versions

router = APIRouter()

_Temperatures = Annotated[
    list[float] | None,
    Form(description="In degrees Celsius, 25 unless given; given more than once, each answer has a list."),
]
_Confidence = Annotated[float, Form(description="Probability that an interval holds the true value, 0.05 to 0.99.")]

_Model = Annotated[
    str | None, Form(min_length=1, max_length=80, description="Version or alias; the champion unless given.")
]


@router.post(
    "/predict/file",
    openapi_extra={"x-superion": {"takes": "upload"}},
    responses={
        404: {"description": "There is no such version of the model."},
        409: {"description": "The version that was asked for is damaged."},
        413: {"description": "The file holds more materials, or unpacks to more, than one request may have."},
    },
    response_model=Answer,
    summary="Predict the materials of a file.",
)
async def predict_file(
    caller: Reader,
    request: Request,
    file: UploadFile,
    temperature_C: _Temperatures = None,  # noqa: N803 - given
    confidence: _Confidence = 0.9,
    model: _Model = None,
) -> Response:
    """Answer as `POST /predict` does; the id of a material is its file's name, or what its row of a table says."""
    # FastAPI takes an empty field of a form for one that was not sent, whatever length it must have.
    if (await request.form()).get("model") == "":
        raise Refusal(400, "model names a version or an alias; leave it out for the champion", field="model")
    predictor = shared().predictor if model is None else await in_thread(versions().get, model, lane=Lane.LOOK_UP)
    if predictor is None:
        raise Refusal(503)
    items = await in_thread(items_of, file.filename or "", await file.read())
    given = temperature_C or [25.0]
    if len(items) * len(given) > MAX_PREDICTIONS:
        raise Refusal(
            413,
            f"{len(items)} materials at {len(given)} temperatures are too many for one request; "
            f"their product may be at most {MAX_PREDICTIONS}",
            field="temperature_C",
        )
    options = Options(given[0] if len(given) == 1 else tuple(given), confidence, (), await readable(caller, predictor))
    try:
        reply = await predicted(items, options, predictor, request.scope[ARRIVAL])
    except InvalidValue as error:
        raise Refusal(400, error.message, code=error.code, field=error.field) from None
    return Response(reply.content, media_type=JSON)
