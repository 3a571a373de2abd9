"""`/campaigns/{name}/...`: suggest experiments, record what became of them, take steps back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from superion.errors import InvalidValue, NotFound, SuperionError
from superion.serving import campaigns, model_host
from superion.serving.access import Writer
from superion.serving.campaign_bodies import ObserveBody, SuggestBody, UndoBody, WithdrawBody
from superion.serving.campaign_schema import ObservationList, StepAnswer, SuggestionList
from superion.serving.guard import ARRIVAL
from superion.serving.management.campaigns import NOT_FOUND
from superion.serving.problems import Refusal
from superion.serving.route import Lane, in_thread

if TYPE_CHECKING:
    from superion.discovery.campaigns.observing import Report
    from superion.discovery.campaigns.state import Event

router = APIRouter()

_JSON = {"x-superion": {"takes": "json"}}


@router.post(
    "/campaigns/{name}/suggestions",
    status_code=201,
    openapi_extra=_JSON,
    responses={**NOT_FOUND, 409: {"description": "Nothing is left to suggest; the message says why."}},
    response_model=SuggestionList,
    summary="Suggest the next experiments.",
)
async def suggest(caller: Writer, request: Request, name: str, body: SuggestBody) -> Any:
    """Choose a batch with the model that answers; it is pending until it is observed or withdrawn.

    A batch has fewer than asked for where fewer are left that meet the conditions of the goal.
    """
    predictor = model_host.shared().predictor
    if predictor is None:
        raise Refusal(503)
    arrival: float = request.scope[ARRIVAL]

    def work() -> dict[str, Any]:
        made = campaigns.suggest(name, predictor, body.number, body.seed, by=caller.name, arrival=arrival)
        from superion.discovery.campaigns.records import suggestion_dict

        return {"name": name, "suggestions": [suggestion_dict(one) for one in made]}

    async with campaigns.turn():
        return await in_thread(work, lane=Lane.CHOICE)


@router.post(
    "/campaigns/{name}/observations",
    status_code=201,
    openapi_extra=_JSON,
    responses={
        404: {"description": "There is no such campaign, or no such candidate of it."},
        409: {"description": "An observation contradicts or repeats one that stands, or was never asked for."},
    },
    response_model=ObservationList,
    summary="Record what became of experiments.",
)
def observe(caller: Writer, name: str, body: ObserveBody) -> Any:
    """Record all of them in one step, or none; their suggestions are closed."""
    store = campaigns.store()
    from superion.discovery.campaigns.observing import Report
    from superion.discovery.campaigns.records import observation_dict
    from superion.discovery.campaigns.store import FaultyReports

    reports = [Report(**one.model_dump()) for one in body.observations]
    for place, report in enumerate(reports):
        _check(place, report)
    try:
        made = store.observe_all(name, reports, by=caller.name)
    except FaultyReports as error:
        raise _refusal(error, len(reports)) from None
    return {"name": name, "observations": [observation_dict(one) for one in made]}


def _check(place: int, report: Report) -> None:
    """Refuse what is wrong by itself, so that what the campaign refuses later is at odds with what it holds."""
    try:
        report.checked()
    except InvalidValue as error:
        raise Refusal(400, error.message, code=error.code, field=_field(place, error)) from None


def _refusal(error: Any, n: int) -> Refusal:
    """Return the refusal of reports of which some cannot be recorded: that of the first, and how many there are."""
    place, first = error.faults[0]
    message = first.message if n == 1 else error.message
    if isinstance(first, NotFound):
        return Refusal(404, message, code=first.code, field=_field(place, first))
    code = {"unasked": "not_suggested", "value": "contradiction"}.get(first.field or "")
    if code is None:
        return Refusal(400, message, code=first.code, field=_field(place, first))
    return Refusal(campaigns.CONFLICT, message, code=code, field=_field(place, first))


def _field(place: int, error: SuperionError) -> str:
    return f"observations.{place}" + ("" if error.field is None else f".{error.field}")


@router.post(
    "/campaigns/{name}/withdraw",
    openapi_extra=_JSON,
    responses={
        404: {"description": "There is no such campaign, or no such suggestion of it."},
        409: {"description": "A suggestion is not pending."},
    },
    response_model=StepAnswer,
    summary="Take suggestions back.",
)
def withdraw(caller: Writer, name: str, body: WithdrawBody) -> Any:
    """Take back suggestions that are pending, so that they can be suggested again."""
    if len(set(body.suggestions)) < len(body.suggestions):
        raise Refusal(400, "suggestions names one twice", field="suggestions")
    with campaigns.given(), campaigns.conflict("not_pending", "suggestion", suggestion="suggestions"):
        done = campaigns.store().withdraw(name, body.suggestions, by=caller.name, reason=body.reason)
    return _step(name, done)


@router.post(
    "/campaigns/{name}/undo",
    openapi_extra=_JSON,
    responses={
        404: {"description": "There is no such campaign, or no such step of it."},
        409: {"description": "The step cannot be undone; the message names what stands in the way."},
    },
    response_model=StepAnswer,
    summary="Undo a step.",
)
def undo(caller: Writer, name: str, body: UndoBody | None = None) -> Any:
    """Undo the latest step that stands, or the one that is named; an undo that is named brings its step back."""
    event, reason = (None, "") if body is None else (body.event, body.reason)
    with campaigns.given(), campaigns.conflict("cannot_undo", "event"):
        done = campaigns.store().undo(name, event, by=caller.name, reason=reason)
    return _step(name, done)


def _step(name: str, event: Event) -> dict[str, Any]:
    from superion.discovery.campaigns.records import event_dict

    return {"name": name, "event": event_dict(event)}
