"""What holds of every route that takes a body, asked of a running service; being in the table is all it takes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from superion.serving.limits import DEADLINE_SECONDS, MAX_BODY_BYTES
from superion.serving.problems import Refusal
from superion.serving.routes import ROUTES

from ._answers import fault, refused

every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)


@pytest.fixture(scope="module")
def document(service: Any) -> Any:
    """Return the documentation."""
    return service.client.get("/docs.json").json()


@every_route
def test_the_example_is_answered_as_it_is_documented(service: Any, document: Any, route: Any) -> None:
    post = document["paths"][route.path]["post"]
    (body,) = post["requestBody"]["content"].values()
    assert fault(body["schema"], body["example"], document["components"]["schemas"]) is None
    answer = service.client.post(route.path, json=body["example"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    schema = post["responses"]["200"]["content"]["application/json"]["schema"]
    assert fault(schema, answer.json(), document["components"]["schemas"]) is None
    assert {"200", "400", "413", "415", "429", "500", "504"} <= set(post["responses"])


@every_route
@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"x": NaN}'], ids=["empty", "open", "no UTF-8", "NaN"])
def test_what_is_no_json(service: Any, route: Any, content: bytes) -> None:
    message = refused(service.client.post(route.path, content=content), 400, "invalid_json")
    assert ("NaN" in message) == (b"NaN" in content)


@every_route
@pytest.mark.parametrize("body", [[], "Li6PS5Cl", 5, None], ids=json.dumps)
def test_what_is_no_object(service: Any, route: Any, body: object) -> None:
    message = refused(service.client.post(route.path, content=json.dumps(body)), 400, "invalid_request")
    assert message.endswith(f"; {route.form.expected['']} is right")


@every_route
def test_a_field_that_is_not_known(service: Any, route: Any) -> None:
    answer = service.client.post(route.path, json={**route.example, "colour": "red"})
    message = refused(answer, 400, "invalid_request", "colour")
    known = list(route.form.model.model_fields)
    assert message.startswith(f"colour is not a known field; {', '.join(known)} ")


@every_route
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_methods_that_it_does_not_take(service: Any, route: Any, method: str) -> None:
    answer = service.client.request(method, route.path)
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@every_route
def test_paths_near_it(service: Any, route: Any) -> None:
    for path in (f"{route.path}/", f"{route.path}/x", route.path.upper()):
        refused(service.client.post(path, json=route.example), 404, "not_found")


@every_route
@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data; boundary=x", "image/png"])
def test_bodies_declared_as_something_else(service: Any, route: Any, media_type: str) -> None:
    content = json.dumps(route.example).encode()
    answer = service.client.post(route.path, content=content, headers={"Content-Type": media_type})
    assert "application/json" in refused(answer, 415, "unsupported_media_type")


@every_route
def test_bodies_that_are_compressed(service: Any, route: Any) -> None:
    answer = service.client.post(route.path, content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    refused(answer, 415, "unsupported_media_type")


@every_route
def test_what_curl_declares_is_read_as_json(service: Any, route: Any) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = service.client.post(route.path, content=json.dumps(route.example).encode(), headers=headers)
    assert answer.status_code == 200


@every_route
def test_a_body_that_is_too_long(service: Any, route: Any) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 2**20 + 1):
            yield b" " * 2**20

    refused(service.client.post(route.path, content=chunks()), 413, "too_large")


@every_route
def test_a_request_that_waited_too_long_is_given_up(route: Any) -> None:
    with pytest.raises(Refusal) as refusal:
        # The model is there but never asked.
        asyncio.run(route.reply(json.dumps(route.example).encode(), time.monotonic() - DEADLINE_SECONDS - 1, object()))
    assert refusal.value.status == 504


def paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the path of every field of a form and of the models within it, and of the entries of its lists."""
    for name, field in model.model_fields.items():
        yield from within(field.annotation, f"{prefix}{name}")


def within(kind: Any, path: str) -> Iterator[str]:
    yield path
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from paths(kind, f"{path}.")
    elif getattr(kind, "__origin__", None) is list:
        yield from within(get_args(kind)[0], f"{path}[]")
    elif getattr(kind, "__origin__", None) is not dict:
        for branch in get_args(kind):
            # Types, and not the values that a Literal has or the bounds of an Annotated.
            if isinstance(branch, type) or hasattr(branch, "__origin__"):
                yield from within(branch, path)


@every_route
def test_what_would_be_right_is_said_for_every_field(route: Any) -> None:
    assert {"", *paths(route.form.model)} == set(route.form.expected)


def test_no_two_routes_have_a_path_or_a_name_in_common() -> None:
    assert len({route.path for route in ROUTES}) == len({route.name for route in ROUTES}) == len(ROUTES)
