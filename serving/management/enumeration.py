"""`/candidates/enumerate`: the doping series of a parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from superion.errors import InvalidValue
from superion.serving import campaigns
from superion.serving.access import Writer
from superion.serving.campaign_bodies import EnumerateBody, ParentBody
from superion.serving.campaign_schema import SeriesAnswer
from superion.serving.limits import MAX_SERIES_SITES
from superion.serving.problems import Refusal
from superion.serving.route import in_thread

if TYPE_CHECKING:
    from superion.featurizers.crystal import Crystal
    from superion.featurizers.formula import Formula

router = APIRouter()


@router.post(
    "/candidates/enumerate",
    openapi_extra={"x-superion": {"takes": "json"}},
    response_model=SeriesAnswer,
    summary="The doping series of a parent.",
)
async def enumerate_(caller: Writer, body: EnumerateBody) -> Any:
    """List charge-balanced compositions between a parent and what its elements may be replaced by; nothing is kept."""
    return await in_thread(_series, body)


def _series(body: EnumerateBody) -> dict[str, Any]:
    from superion.discovery.series import Plan, doping_series
    from superion.discovery.series_table import document_of
    from superion.discovery.swaps import Swap

    parent, limit = _parent(body)
    with campaigns.given(swap="swaps", most="up_to", formula="parent"):
        swaps = tuple(map(Swap.parse, body.swaps))
        plan = Plan(swaps, body.step, body.vary, body.up_to, body.at_once, body.charges, limit)
        try:
            series = doping_series(parent, plan)
        except InvalidValue as error:
            if error.field == "limit" and limit < body.limit:
                raise _too_many(limit) from None
            raise
    kept = [candidate for candidate in series.candidates if candidate.plausibility >= body.plausible]
    return document_of(series, kept)


def _parent(body: EnumerateBody) -> tuple[Formula | Crystal, int]:
    """Return the parent, and how many combinations are made of it: of a large structure fewer than were asked for."""
    if isinstance(body.parent, str):
        return _formula(body.parent), body.limit
    crystal = _crystal(body.parent)
    return crystal, min(body.limit, max(1, MAX_SERIES_SITES // crystal.n_sites))


def _too_many(limit: int) -> Refusal:
    message = (
        f"of a structure of this size at most {limit} combinations are made over HTTP: take a larger step or fewer "
        "substituents at once, or the command line"
    )
    return Refusal(413, message, field="parent")


def _formula(text: str) -> Formula:
    from superion.featurizers.formula import Formula

    with campaigns.given(formula="parent"):
        return Formula.parse(text)


def _crystal(body: ParentBody) -> Crystal:
    from superion.models.inputs import read_input
    from superion.models.records import Failure

    read = read_input(body.given())
    if isinstance(read, Failure):
        field = "parent" if read.field in (None, "materials") else f"parent.{read.field}"
        raise Refusal(400, read.message, code=read.code, field=field)
    assert read.material.crystal is not None, "a parent without a structure is a formula"
    return read.material.crystal
