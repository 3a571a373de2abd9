"""What a route is that takes a body: its form, the function that answers, and what documents both."""

from __future__ import annotations

import enum
import functools
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import anyio
import anyio.to_thread
from pydantic import BaseModel

from superion.errors import InvalidFormula, InvalidValue, NoEquilibrium
from superion.serving.callers import LOCAL, Caller
from superion.serving.forms import Body, Form
from superion.serving.limits import DEADLINE_SECONDS, READ_IN_PLACE_BYTES, THREADS
from superion.serving.logs import fault
from superion.serving.problems import Refusal

if TYPE_CHECKING:
    from superion.models.predictor import Predictor

JSON = "application/json"


@dataclass(frozen=True)
class Asked(Generic[Body]):
    """Hold a request whose body has been read."""

    body: Body
    arrival: float
    """Seconds of time.monotonic()."""
    predictor: Predictor | None
    """The model that answers; None only on a route that needs none."""
    caller: Caller = LOCAL


@dataclass(frozen=True)
class Reply:
    """Hold an answer as it goes out."""

    content: bytes
    media_type: str = JSON


@dataclass(frozen=True)
class Route(Generic[Body]):
    """Hold one path that is posted to."""

    path: str
    form: Form[Body]
    answer: Callable[[Asked[Body]], Mapping[str, Any] | Reply | Awaitable[Reply]]
    """Returns the document of an answer, or a reply that is no JSON. One that is no coroutine is called in a thread.

    It raises Refusal where the request cannot be answered; of what it was given it may raise InvalidFormula and
    InvalidValue, whose field must be one of the form. NoEquilibrium is nobody's fault but the program's.
    """
    answered: type[BaseModel]
    """Documents the answer."""
    summary: str
    description: str
    success: str
    """What an answer with the status 200 holds."""
    example: Mapping[str, Any]
    """A body that is answered."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """Errors that not every route has, or has for another reason, by status."""
    media_types: tuple[str, ...] = ()
    """What an answer may be besides JSON."""
    needs_model: bool = False

    @property
    def name(self) -> str:
        """Name of the operation."""
        return self.path.strip("/").replace("/", "_")

    async def reply(self, content: bytes, arrival: float, predictor: Predictor | None, caller: Caller = LOCAL) -> Reply:
        """Answer a body that arrived at `arrival` [seconds of time.monotonic()].

        Raises Refusal when the request as a whole cannot be answered.
        """
        if self.needs_model and predictor is None:
            raise Refusal(503)
        if len(content) <= READ_IN_PLACE_BYTES:
            body = self.form.read(content)
        else:
            body = await in_thread(self.form.read, content)
        if time.monotonic() - arrival > DEADLINE_SECONDS:
            raise Refusal(504)
        asked = Asked(body, arrival, predictor, caller)
        try:
            if inspect.iscoroutinefunction(self.answer):
                return await self.answer(asked)
            return await in_thread(self._answer_in_thread, asked)
        except (InvalidFormula, InvalidValue) as error:
            raise Refusal(400, error.message, code=error.code, field=error.field) from None
        except NoEquilibrium as error:
            fault("the equilibrium of phases was not found", error)
            raise Refusal(500, error.message, code=error.code) from None

    def _answer_in_thread(self, asked: Asked[Body]) -> Reply:
        found = cast("Reply | Mapping[str, Any]", self.answer(asked))
        return found if isinstance(found, Reply) else Reply(encoded(found))


Returned = TypeVar("Returned")


class Lane(enum.Enum):
    """Name the threads for one kind of work; what is slow in one holds up nothing in another."""

    REQUEST = "request", THREADS
    """What is read of a request and answered to it, in short."""
    LOOK_UP = "look-up", 2
    """What asks the registry or loads a model, and may wait for another machine."""
    UPLOAD = "upload", 1
    """What is read of a whole data set, or of a new campaign."""
    CHOICE = "choice", 1
    """The choice of the next experiments."""

    @property
    def threads(self) -> int:
        """Number of threads."""
        return int(self.value[1])


async def in_thread(work: Callable[..., Returned], *arguments: object, lane: Lane = Lane.REQUEST) -> Returned:
    """Return what a function returns, called in one of the few threads for what is not a prediction."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=_limiter(lane))


@functools.cache
def _limiter(lane: Lane) -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(lane.threads)


def encoded(document: Mapping[str, Any]) -> bytes:
    """Return a document as JSON; raises ValueError for a number that is not finite."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")
