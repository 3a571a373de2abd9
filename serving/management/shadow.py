"""`/shadow`: a version that is asked beside the champion, and how the two compare."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from superion.errors import InvalidArtefact
from superion.serving import comparison, model_host, shadow, state
from superion.serving.access import Admin, Reader
from superion.serving.callers import Caller
from superion.serving.problems import Refusal

router = APIRouter()


class ShadowBody(BaseModel):
    """Says which version is to be the shadow."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$")] | None
    """A version or an alias, such as `challenger`; null for none."""


class ShadowReport(BaseModel):
    """Says how the shadow compares with the champion, since the two were first compared."""

    version: str | None
    champion: str | None
    n: int = 0
    """Materials that both have predicted, at the same temperature."""
    mean_difference: float | None = None
    """Of log10(S/cm), shadow minus champion."""
    mean_absolute_difference: float | None = None
    root_mean_square_difference: float | None = None
    share_outside_interval: float | None = None
    """Of materials for which the shadow's mean lies outside the interval that the champion answered with."""
    share_outside_domain: float | None = None
    """Of materials outside the shadow's domain."""
    n_failed: int = 0
    n_dropped: int = 0
    """Materials that the shadow was not asked for, because too many waited."""
    seconds_per_material: float | None = None
    since: datetime | None = None
    problem: str | None = None
    """Why the version is not asked."""


@router.get("/shadow", summary="How the shadow compares with the champion.", response_model=ShadowReport)
def get_shadow(caller: Reader) -> ShadowReport:
    """Return how the version that is asked beside the champion compares with it."""
    return _report()


@router.put(
    "/shadow",
    summary="Ask a version beside the champion.",
    response_model=ShadowReport,
    openapi_extra={"x-superion": {"takes": "json"}},
    responses={
        404: {"description": "The registry holds no such version."},
        409: {"description": "The version is the champion, or its files are damaged."},
    },
)
def put_shadow(caller: Admin, body: ShadowBody) -> ShadowReport:
    """Have a version asked for what the champion is asked for, without answering from it; or none, with null.

    It is loaded and answers for a canned material first. Every worker follows within seconds.
    """
    from superion.training import registry

    if body.version is None:
        registry.clear_shadow()
        _note(caller, "shadow_cleared", None)
    else:
        _set(caller, body.version)
    shadow.shared().look()
    return _report()


def _set(caller: Caller, wanted: str) -> None:
    from superion.training import registry

    try:
        version = registry.resolve(wanted).version
        if version == registry.resolve_or_release(registry.CHAMPION).version:
            raise Refusal(409, f"version {version} is the champion", code="is_champion", field="version")
        registry.set_shadow(version)
    except InvalidArtefact as error:
        _note(caller, "shadow_refused", wanted)
        message = f"{wanted} cannot be used: {error.message}"
        raise Refusal(409, message, code=error.code, field="version") from error
    _note(caller, "shadow_set", version)


def _note(caller: Caller, action: str, version: str | None) -> None:
    with state.connection() as opened:
        state.note_event(opened, caller.name, action, {"version": version})


def _report() -> ShadowReport:
    from superion.training import registry

    champion = model_host.shared().predictor
    version, answering = registry.shadow_version(), None if champion is None else champion.model.version
    if version is None or answering is None or version == answering:
        return ShadowReport(version=None if version == answering else version, champion=answering)
    found = shadow.shared()
    found.comparisons.flush()
    since, sums = comparison.read(version, answering)
    report = ShadowReport(
        version=version,
        champion=answering,
        n=sums.n,
        n_failed=sums.n_failed,
        n_dropped=sums.n_dropped,
        since=None if since is None else datetime.fromtimestamp(since, UTC),
        problem=found.problem,
    )
    if sums.n:
        report.mean_difference = sums.sum_difference / sums.n
        report.mean_absolute_difference = sums.sum_absolute / sums.n
        report.root_mean_square_difference = (sums.sum_squares / sums.n) ** 0.5
        report.share_outside_interval = sums.n_outside_interval / sums.n
        report.share_outside_domain = sums.n_outside_domain / sums.n
        report.seconds_per_material = sums.seconds / sums.n
    return report
