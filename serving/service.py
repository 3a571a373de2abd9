"""The BentoML service; `bentoml serve superion.serving.service:Superion` runs it too, without `superion serve`."""

from __future__ import annotations

import os
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import bentoml
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from starlette import routing
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from superion.serving import openapi
from superion.serving.guard import ARRIVAL, Guard
from superion.serving.limits import THREADS
from superion.serving.logs import fault
from superion.serving.model_host import shared
from superion.serving.problems import Refusal
from superion.serving.route import JSON, Route
from superion.serving.routes import ROUTES

SEEDS_VARIABLE = "SUPERION_WORKER_SEEDS"
"""Set to 0 for the workers that leave the making of a new registry to another one."""

STATIC = (
    "index.css",
    "swagger-initializer.js",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-ui.css",
)
"""What the page at / loads, from what BentoML brings."""

POSTED = frozenset(route.path for route in ROUTES)
PATHS = (
    POSTED
    | {"/", "/livez", "/readyz", "/healthz", "/metrics", "/docs.json", "/schema.json"}
    | {f"/static_content/{name}" for name in STATIC}
)

# BentoML's own page calls an analytics service from the visitor's browser.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Superion</title>
<link rel="stylesheet" href="static_content/swagger-ui.css"><link rel="stylesheet" href="static_content/index.css">
<link rel="icon" href="data:,"></head>
<body><div id="swagger-ui"></div>
<script src="static_content/swagger-ui-bundle.js"></script>
<script src="static_content/swagger-ui-standalone-preset.js"></script>
<script src="static_content/swagger-initializer.js"></script>
</body></html>
"""


@dataclass(frozen=True)
class RawBody:
    """Hold a body as it arrived, or why it did not; it is read in the thread that predicts, not in the event loop."""

    content: bytes
    arrival: float
    refusal: Refusal | None = None


class _Unread(bentoml.IODescriptor):  # type: ignore[misc] # bentoml is not typed
    """A body as BentoML knows it."""

    __root_input__: ClassVar[bool] = True

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> RawBody:
        """Receive a body without reading it: what BentoML answers to an invalid one has neither code nor field."""
        arrival: float = request.scope[ARRIVAL]
        try:
            return RawBody(await request.body(), arrival)
        except Refusal as refusal:
            return RawBody(b"", arrival, refusal)
        except ClientDisconnect:
            return RawBody(b"", arrival, Refusal(400, "the client left before the body was complete"))


class SuperionService(bentoml.Service):  # type: ignore[misc]
    """A BentoML service inside a guard, documented by an OpenAPI document of our own."""

    def to_asgi(self, is_main: bool = True) -> Callable[..., Any]:
        """Return the application."""
        app = super().to_asgi(is_main)
        # The guard has a timeout of its own; see there.
        app.user_middleware = [layer for layer in app.user_middleware if layer.cls is not TimeoutMiddleware]
        return Guard(app, PATHS, POSTED)

    @property
    def openapi_spec(self) -> Any:
        """The document at `/docs.json`."""
        return _Document()


class _Document:
    def asdict(self) -> dict[str, Any]:
        """Return the document as plain values, which is what BentoML asks for."""
        return openapi.document()


def _api(route: Route[Any]) -> Any:
    """Return a route as a method of the service, which has `models`."""

    def answer(self: Any, body: RawBody, /) -> Response:
        try:
            if body.refusal is not None:
                raise body.refusal
            reply = route.reply(body.content, body.arrival, self.models.predictor)
        except Refusal as refusal:
            return Response(refusal.body(), refusal.status, media_type=JSON)
        except Exception as error:
            fault("a request failed", error)
            return Response(Refusal(500).body(), 500, media_type=JSON)
        return Response(reply.content, media_type=reply.media_type)

    answer.__name__, answer.__doc__ = route.name, route.summary
    form = route.form.model
    unread = types.new_class(form.__name__, (_Unread, form))
    return bentoml.api(route=route.path, input_spec=unread, output_spec=route.answered)(answer)


_Routes: Any = type("_Routes", (), {route.name: _api(route) for route in ROUTES})


@bentoml.service(
    name="superion",
    service_class=SuperionService,
    workers=1,
    threads=THREADS,
    logging={"access": {"enabled": False}},
)
class Superion(_Routes):  # type: ignore[misc] # made above
    """Predict lithium-ion conductivity of solid electrolytes."""

    def __init__(self) -> None:
        self.models = shared()
        self.models.start(seeds=os.environ.get(SEEDS_VARIABLE) != "0")

    async def __is_ready__(self) -> bool:
        return self.models.predictor is not None

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def stop(self) -> None:
        """Stop what runs in the background."""
        self.models.stop()


async def _page(request: Request) -> Response:
    return HTMLResponse(PAGE)


Superion.mount_asgi_app(Starlette(routes=[routing.Route("/", _page)]))  # type: ignore[attr-defined] # a service by now
