"""The BentoML service; `bentoml serve superion.serving.service:Superion` runs it too, without `superion serve`."""

from __future__ import annotations

import os
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import bentoml
from bentoml._internal.server.http.instruments import RunnerTrafficMetricsMiddleware
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from superion.serving import drift, metrics, openapi, shadow
from superion.serving.batching import batcher
from superion.serving.callers import CALLER, Caller
from superion.serving.endpoints import Endpoint, Endpoints
from superion.serving.guard import ARRIVAL, Guard
from superion.serving.identity import Identity
from superion.serving.limits import THREADS
from superion.serving.logs import fault
from superion.serving.management import app
from superion.serving.model_host import shared
from superion.serving.problems import Refusal
from superion.serving.route import JSON, Route
from superion.serving.routes import ROUTES
from superion.serving.watching import Keeper

SEEDS_VARIABLE = "SUPERION_WORKER_SEEDS"
"""Set to 0 for the workers that leave the making of a new registry to another one."""

STATIC = (
    "index.css",
    "swagger-initializer.js",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-ui.css",
)
"""What the page that documents the interface loads, from what BentoML brings."""

REPLACED = (TimeoutMiddleware, RunnerTrafficMetricsMiddleware, OpenTelemetryMiddleware)
"""Layers of BentoML in whose place the guard does it. The second would keep numbers for every path that it meets, that
of each job among them; the third makes traces, which nobody collects."""

ENDPOINTS = Endpoints(
    [
        *(Endpoint(route.path, "json", methods=frozenset({"POST"})) for route in ROUTES),
        *(Endpoint(path, open=True) for path in ("/livez", "/readyz", "/healthz", "/docs.json", "/schema.json")),
        *(Endpoint(f"/static_content/{name}", open=True) for name in STATIC),
        Endpoint("/metrics"),
        *app.endpoints(),
    ]
)


@dataclass(frozen=True)
class RawBody:
    """Hold a body as it arrived, or why it did not; it is read in the thread that predicts, not in the event loop."""

    content: bytes
    arrival: float
    caller: Caller
    refusal: Refusal | None = None


class _Unread(bentoml.IODescriptor):  # type: ignore[misc] # bentoml is not typed
    """A body as BentoML knows it."""

    __root_input__: ClassVar[bool] = True

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> RawBody:
        """Receive a body without reading it: what BentoML answers to an invalid one has neither code nor field."""
        arrival: float = request.scope[ARRIVAL]
        caller: Caller = request.scope[CALLER]
        try:
            return RawBody(await request.body(), arrival, caller)
        except Refusal as refusal:
            return RawBody(b"", arrival, caller, refusal)
        except ClientDisconnect:
            return RawBody(b"", arrival, caller, Refusal(400, "the client left before the body was complete"))


class SuperionService(bentoml.Service):  # type: ignore[misc]
    """A BentoML service inside a guard, documented by an OpenAPI document of our own."""

    def to_asgi(self, is_main: bool = True) -> Callable[..., Any]:
        """Return the application."""
        application = super().to_asgi(is_main)
        application.user_middleware = [layer for layer in application.user_middleware if layer.cls not in REPLACED]
        return Guard(application, ENDPOINTS, Identity.of_this_process())

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

    async def answer(self: Any, body: RawBody, /) -> Response:
        try:
            if body.refusal is not None:
                raise body.refusal
            reply = await route.reply(body.content, body.arrival, self.models.predictor, body.caller)
        except Refusal as refusal:
            return Response(refusal.body(), refusal.status, headers=refusal.headers, media_type=JSON)
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
        self.shadow = shadow.shared()
        self.shadow.start(lambda: batcher().n_waiting > 0)
        self.keeper = Keeper(drift.shared().flush, self.shadow.comparisons.flush)
        self.keeper.start()

    async def __is_ready__(self) -> bool:
        return self.models.predictor is not None

    def __metrics__(self, text: str) -> str:
        return metrics.page(text)

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def stop(self) -> None:
        """Stop what runs in the background."""
        self.models.stop()
        self.shadow.stop()
        self.keeper.stop()


Superion.mount_asgi_app(app.create())  # type: ignore[attr-defined] # a service by now
