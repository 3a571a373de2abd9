"""The campaigns of one process: its store, opened when it is first asked for, and the turns of what is heavy.

botorch and SQLAlchemy are imported here when a route of campaigns is first used, so that a service without campaigns
has neither.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import anyio

from superion.errors import (
    InvalidCrystal,
    InvalidFormula,
    InvalidValue,
    MissingDependency,
    NotFound,
    SuperionError,
    Unavailable,
    UnbalancedCharges,
)
from superion.serving.limits import DEADLINE_SECONDS, SUGGEST_WAIT_SECONDS
from superion.serving.logs import fault
from superion.serving.problems import Refusal

if TYPE_CHECKING:
    from superion.discovery.campaigns.state import CampaignState, Suggestion
    from superion.discovery.campaigns.store import CampaignStore
    from superion.models.predictor import Predictor

CONFLICT = 409

_store: CampaignStore | None = None
_opening = threading.Lock()


def store() -> CampaignStore:
    """Return the store of this process; raises Unavailable where it cannot be opened, and the next call tries again."""
    global _store
    with _opening:
        if _store is None:
            _store = _opened()
        return _store


def _opened() -> CampaignStore:
    try:
        from superion.discovery.campaigns.store import CampaignStore

        return CampaignStore.open()
    except (InvalidValue, MissingDependency, ModuleNotFoundError) as error:
        # What SUPERION_CAMPAIGNS names is no fault of who asks.
        raise Unavailable(f"the campaigns cannot be opened: {error}") from error


def close() -> None:
    """Let go of the store; the next call of `store` opens it again."""
    global _store
    with _opening:
        if _store is not None:
            _store.close()
        _store = None


@contextmanager
def given(**renamed: str) -> Iterator[None]:
    """Answer 400 for what is wrong with what was given; `renamed` are fields by the names of the domain."""
    try:
        yield
    except (InvalidFormula, InvalidCrystal, InvalidValue, UnbalancedCharges) as error:
        raise Refusal(400, error.message, code=error.code, field=_renamed(error, renamed)) from None


@contextmanager
def conflict(code: str, *fields: str, **renamed: str) -> Iterator[None]:
    """Answer 409 for an InvalidValue of these fields, which says that the campaign stands otherwise.

    What is not found is 404; `renamed` are fields by the names of the domain.
    """
    try:
        yield
    except NotFound as error:
        raise Refusal(404, error.message, code=error.code, field=_renamed(error, renamed)) from None
    except InvalidValue as error:
        if error.field not in fields:
            raise
        raise Refusal(CONFLICT, error.message, code=code, field=_renamed(error, renamed)) from None


def _renamed(error: SuperionError, names: dict[str, str]) -> str | None:
    return names.get(error.field or "", error.field)


@functools.cache
def _turn() -> anyio.Lock:
    return anyio.Lock()


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """Wait until nothing else is chosen in this process; raises Refusal, 503, after half a minute.

    Who waits holds no thread, so that the threads are there for the other routes.
    """
    lock = _turn()
    try:
        with anyio.fail_after(SUGGEST_WAIT_SECONDS):
            await lock.acquire()
    except TimeoutError:
        message = "other suggestions are being worked on; nothing was done, try again when they are made"
        raise Refusal(503, message, code="busy", retry_after=SUGGEST_WAIT_SECONDS / 3) from None
    try:
        yield
    finally:
        lock.release()


class _Deadline:
    """Give up, 504, what has become too old, whenever progress is told."""

    def __init__(self, arrival: float) -> None:
        self._end = arrival + DEADLINE_SECONDS

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() > self._end:
            raise Refusal(504)


def report(name: str, predictor: Predictor | None, arrival: float) -> str:
    """Return the report of a campaign as a page, with what a model believes of what is left where there is a model.

    Raises NotFound, Unavailable, and Refusal, 504, when the request has become too old.
    """
    opened = store()
    state, found = opened.state(name), opened.events(name)
    from superion.discovery.report.page import html_report

    outlook = None
    if predictor is not None:
        from superion.discovery.report.belief import outlook_of

        outlook = outlook_of(state, predictor, opened.kept(name), _Deadline(arrival))
    return html_report(state, found, outlook=outlook)


def suggest(
    name: str, predictor: Predictor, number: int, seed: int, *, by: str, arrival: float
) -> tuple[Suggestion, ...]:
    """Suggest the next experiments with a model.

    Raises NotFound, Unavailable, and Refusal: 409 where nothing is left, 504 when the request has become too old, 503
    where others changed the campaign all the time.
    """
    opened = store()
    opened.events(name)  # whether it is there, before botorch is imported
    from superion.discovery.choice.suggesting import Chooser

    in_time = _Deadline(arrival)
    # Rows of uploaded data sets are their readers' alone, and suggestions are for everybody.
    chooser = Chooser(predictor, number, seed=seed, kept=opened.kept(name), progress=in_time, readable=frozenset())

    def choose(state: CampaignState) -> Any:
        in_time(0, 0)
        return chooser(state)

    request = {"number": number, "seed": seed, "model": predictor.model.version}
    try:
        return opened.suggest(name, choose, by=by, request=request)
    except InvalidValue as error:
        if error.code == "nothing_left":
            raise Refusal(CONFLICT, error.message, code=error.code) from None
        # Numbers and seeds are right by their form, so that it is no fault of who asks.
        fault("the next experiments could not be chosen", error)
        raise Refusal(500) from None
    except Unavailable as error:
        if error.field == "name":
            raise Refusal(503, error.message, code="busy") from None
        raise
