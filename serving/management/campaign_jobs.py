"""`/campaigns/simulate` and `/campaigns/{name}/retrain`: the work on campaigns that takes minutes, as jobs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from superion.errors import InvalidTable
from superion.serving import campaigns
from superion.serving.access import Writer
from superion.serving.job_bodies import JobAnswer, RetrainBody, SimulateBody
from superion.serving.jobs import store
from superion.serving.management import jobs
from superion.serving.problems import Refusal

router = APIRouter()

_JSON = {"x-superion": {"takes": "json"}}


@router.post(
    "/campaigns/simulate",
    status_code=202,
    openapi_extra=_JSON,
    responses={404: {"description": "There is no such data set that this key may read."}},
    response_model=JobAnswer,
    summary="Replay campaigns on measured data.",
)
def simulate(caller: Writer, body: SimulateBody) -> Any:
    """Queue a job that tells how soon each strategy would have found the best conductors of uploaded data sets.

    The models in it know what was measured by then and nothing else. `GET /jobs/{job_id}` has what came of it.
    """
    found = jobs.found_datasets(body.datasets, caller)
    request = {"kind": store.SIMULATION, **body.model_dump()}
    from superion.serving.jobs.replay_plan import plan_of

    with campaigns.given():
        plan = plan_of(request)
    try:
        plan.check_size(sum(one.report["check"]["counts"]["with_conductivity"] for one in found))
    except InvalidTable as error:
        raise Refusal(400, error.message, code=error.code, field="datasets") from None
    return jobs.queue(caller, request)


@router.post(
    "/campaigns/{name}/retrain",
    status_code=202,
    openapi_extra=_JSON,
    responses={
        404: {"description": "There is no such campaign."},
        409: {"description": "It does not pay, or nothing was measured; the message says why."},
    },
    response_model=JobAnswer,
    summary="Retrain the model on what a campaign measured.",
)
def retrain(caller: Writer, name: str, body: RetrainBody | None = None) -> Any:
    """Queue a job that fine-tunes the champion on the observations that stand, where that pays.

    The new version meets the champion as that of any training does, and the audit of the campaign has its number.
    """
    asked = RetrainBody.model_validate({}) if body is None else body
    jobs.check_promotion(asked.promote, caller)
    opened = campaigns.store()
    from superion.discovery.report.facts import facts_of
    from superion.discovery.report.retraining import retraining

    state = opened.state(name)
    advice = retraining(facts_of(state, opened.events(name)))
    if not any(not one.failed for one in state.observations):
        raise Refusal(campaigns.CONFLICT, f"nothing was measured in {state.name}", code="nothing_measured")
    if not (advice.pays or asked.force):
        message = f"not retrained: {advice.why}; with force it is all the same"
        raise Refusal(campaigns.CONFLICT, message, code="does_not_pay", field="force")
    settings = asked.model_dump(exclude={"force"})
    about = {"campaign": state.name, "why": advice.why, "by": caller.name, "name": f"campaign {state.name}"}
    request = {"datasets": [], "from": "champion", "unlabelled": True, **about, **settings}
    return jobs.queue(caller, jobs.of_now(request))
