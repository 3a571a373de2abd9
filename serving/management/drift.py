"""`GET /drift`: what was asked for lately, beside what the model was trained on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic.dataclasses import dataclass

from superion.serving import drift, drift_report, model_host
from superion.serving.access import Reader
from superion.serving.drift_report import Period
from superion.serving.problems import Refusal

router = APIRouter()

PERIODS = (7, 30)
"""Days that are looked back over unless somebody asks for others."""

NOTES = (
    "Inputs are counted, never kept; each worker adds its counts once a minute.",
    "The training set is that of the model's distinct compositions, each counted once.",
    "domain: that 8 % of the training set lie outside (5 % for models judged by distance) is how the threshold was "
    "chosen, each material seen from other papers only.",
    "distance: the training set's own distances are not kept with a model, so there is nothing to compare with.",
    "log10_S_per_cm: at 15 to 35 degrees Celsius, against what the model predicts for its training compositions at 25.",
    "structure: inputs without one are a use that the model is made for, so the verdict of a period leaves this out.",
    "Verdicts take the inputs as independent; a client that sends many variants of one material moves them alone.",
)


@dataclass(frozen=True)
class Drift:
    """Hold the report."""

    model: str
    """Version of the champion."""
    n_training: int
    periods: tuple[Period, ...]
    notes: tuple[str, ...]


@router.get("/drift", summary="Compare what is asked with what the model was trained on.", response_model=Drift)
def report(caller: Reader, days: Annotated[int | None, Query(ge=1, le=365)] = None) -> Drift:
    """Compare the inputs of the last 7 and 30 days, or of so many days as are asked for, with the training set."""
    predictor = model_host.shared().predictor
    if predictor is None:
        raise Refusal(503)
    drift.shared().flush()
    reference = drift_report.reference_of(predictor)
    version = predictor.model.version
    periods = tuple(drift_report.compare(n, version, reference) for n in ((days,) if days else PERIODS))
    return Drift(version, reference.n, periods, NOTES)
