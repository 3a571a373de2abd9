"""`/campaigns`: begin one, see where it stands, report on it."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from superion.serving import campaigns, model_host
from superion.serving.access import Reader, Writer
from superion.serving.callers import Caller
from superion.serving.campaign_bodies import CampaignBody, GoalBody, PageQuery, StatusQuery
from superion.serving.campaign_schema import (
    CampaignList,
    CampaignStatus,
    CandidateList,
    EventList,
    NewCampaignAnswer,
    SuggestionList,
)
from superion.serving.guard import ARRIVAL
from superion.serving.management.web import ALWAYS
from superion.serving.problems import Refusal
from superion.serving.route import Lane, in_thread

if TYPE_CHECKING:
    from superion.discovery.campaigns.state import CampaignState
    from superion.discovery.goal import Goal

router = APIRouter()

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such campaign."}}
BROWSED = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts allow-downloads"
"""What a report may besides its own policy, which a page cannot say of itself. In a sandbox it is of no origin:
whatever came to run in it could not ask this service with what the browser keeps for it."""

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


class CsvResponse(Response):
    """An answer that is a table."""

    media_type = "text/csv"


@router.post(
    "/campaigns",
    status_code=201,
    openapi_extra={"x-superion": {"takes": "json"}},
    responses={409: {"description": "There is a campaign of this name."}},
    response_model=NewCampaignAnswer,
    summary="Begin a campaign.",
)
async def create(caller: Writer, request: Request, body: CampaignBody) -> Any:
    """Keep what could be made and what was measured; what cannot be used of it is named item by item."""
    arrival: float = request.scope[ARRIVAL]
    return await in_thread(_create, caller, body, arrival, lane=Lane.UPLOAD)


def _create(caller: Caller, body: CampaignBody, arrival: float) -> dict[str, Any]:
    store = campaigns.store()
    from superion.discovery.report.status import status_of
    from superion.serving.campaign_items import ItemNote, Items, shown

    goal, items = _goal(body.goal), Items(arrival)
    with campaigns.given():
        candidates, measured = items.candidates(body.candidates), items.measured(body.measured)
        with campaigns.conflict("name_taken", "name"):
            made = store.create(body.name, goal, candidates, measured=measured, by=caller.name)
    notes = [*items.notes, *(ItemNote(f"measured.{note.line}", note.id, note.reason) for note in made.notes)]
    return {
        "status": status_of(made, store.events(made.name)),
        "left_out": list(map(asdict, shown(items.left_out))),
        "notes": list(map(asdict, shown(notes))),
    }


def _goal(body: GoalBody) -> Goal:
    from superion.discovery.goal import Goal

    with campaigns.given(**{name: f"goal.{name}" for name in GoalBody.model_fields}):
        return Goal.from_dict(body.model_dump(exclude_none=True))


@router.get("/campaigns", response_model=CampaignList, summary="The campaigns, oldest first.")
def list_campaigns(caller: Reader) -> Any:
    """Return them."""
    found = campaigns.store().list()
    from superion.discovery.campaigns.records import summary_dict

    return {"campaigns": [summary_dict(one) for one in found]}


@router.get("/campaigns/{name}", response_model=CampaignStatus, responses=NOT_FOUND, summary="Where a campaign stands.")
def get(caller: Reader, name: str) -> Any:
    """Return its goal, the best so far, what is pending, and how the predictions held."""
    store = campaigns.store()
    from superion.discovery.report.status import status_of

    return status_of(store.state(name), store.events(name))


@router.get(
    "/campaigns/{name}/candidates",
    response_model=CandidateList,
    responses=NOT_FOUND,
    summary="What could be made in a campaign.",
)
def candidates(
    caller: Reader,
    name: str,
    page: Annotated[PageQuery, Query()],
) -> Any:
    """Return some of the candidates, each with whether it is left, pending, measured or failed."""
    state = campaigns.store().state(name)
    standing = _standing(state)
    found = [
        {
            "id": one.id,
            "formula": one.material.formula.text,
            "family": one.family,
            "has_structure": one.material.crystal is not None,
            "status": standing.get(one.id, "left"),
        }
        for one in state.candidates[page.offset : page.offset + page.limit]
    ]
    return {"name": state.name, "n": len(state.candidates), "offset": page.offset, "candidates": found}


def _standing(state: CampaignState) -> dict[str, str]:
    """Return what is known of the candidates that are not left, the weightiest last."""
    standing = {one.candidate: "failed" for one in state.observations if one.failed}
    standing |= {one.candidate: "measured" for one in state.observations if not one.failed}
    return standing | {one.candidate: "pending" for one in state.pending if one.candidate not in standing}


@router.get(
    "/campaigns/{name}/suggestions",
    response_model=SuggestionList,
    responses=NOT_FOUND,
    summary="What was suggested in a campaign.",
)
def suggestions(caller: Reader, name: str, asked: Annotated[StatusQuery, Query()]) -> Any:
    """Return the suggestions with their reasons, all or those of a status, oldest first."""
    state = campaigns.store().state(name)
    from superion.discovery.campaigns.records import suggestion_dict

    found = [suggestion_dict(one) for one in state.suggestions if asked.status in (None, one.status)]
    return {"name": state.name, "suggestions": found}


@router.get(
    "/campaigns/{name}/events", response_model=EventList, responses=NOT_FOUND, summary="The audit of a campaign."
)
def events(caller: Reader, name: str) -> Any:
    """Return every step, oldest first: who did what when, and what was undone."""
    found = campaigns.store().events(name)
    from superion.discovery.campaigns.records import event_dict

    return {"name": name, "events": [event_dict(one) for one in found]}


@router.get(
    "/campaigns/{name}/report",
    response_class=HTMLResponse,
    responses=NOT_FOUND,
    summary="The report of a campaign, as a page.",
)
async def report(caller: Reader, request: Request, name: str) -> Response:
    """Return a page that needs nothing beside it, and loads and sends nothing."""
    arrival: float = request.scope[ARRIVAL]
    predictor = model_host.shared().predictor
    async with campaigns.turn():
        page = await in_thread(campaigns.report, name, predictor, arrival, lane=Lane.CHOICE)
    own = _POLICY.search(page)
    if own is None:
        raise Refusal(500)  # a page of scripts without a policy goes to nobody
    headers = ALWAYS | {"Content-Security-Policy": f"{own[1]}; {BROWSED}", "Cache-Control": "no-store"}
    return HTMLResponse(page, headers=headers)


@router.get(
    "/campaigns/{name}/export",
    response_class=CsvResponse,
    responses=NOT_FOUND,
    summary="What was measured in a campaign, as a table to train on.",
)
def export(caller: Reader, name: str) -> Response:
    """Return the observations that stand as CSV; failed syntheses have no row, and structures are not in it."""
    found = campaigns.store().export_rows(name)
    # The name of a campaign that there is has only letters, digits and '._-'.
    return CsvResponse(found.csv_text(), headers={"Content-Disposition": f'attachment; filename="{name}.csv"'})
