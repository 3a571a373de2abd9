"""Errors of requests as a whole: one shape for each of them, asked of a running service."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ._answers import refused

LIF = {"materials": [{"formula": "LiF"}]}
MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def alive_afterwards(service: Any) -> Iterator[None]:
    """Hold that whatever a test sent, the service answers the next request."""
    yield
    assert service.predict("LiF").status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null x",
        b"\xff\xfe",
        b'{"materials": [{"formula": "\xff"}]}',
        b'{"materials": [{"formula": "\\ud800"}]}',
        b'{"materials": [{"formula": "LiF"}], "temperature_C": NaN}',
        b'{"materials": [{"formula": "LiF"}], "confidence": Infinity}',
        b'{"materials": [{"structure": {"x": -Infinity}}]}',
        b"[" * 100_000,
        b"9" * 100_000,
        b"\xef\xbb\xbf" + json.dumps(LIF).encode(),
    ],
    ids=lambda content: content[:40].decode("latin-1"),
)
def test_what_is_no_json(service: Any, content: bytes) -> None:
    answer = service.client.post("/predict", content=content, headers={"Content-Type": "application/json"})
    assert "JSON" in refused(answer, 400, "invalid_json")


BODIES = [
    ([], None),
    (5, None),
    ("LiF", None),
    ({}, "materials"),
    ({"formula": "LiF"}, "materials"),
    ({"materials": []}, "materials"),
    ({"materials": None}, "materials"),
    ({"materials": {"formula": "LiF"}}, "materials"),
    ({"materials": ["LiF"]}, "materials[0]"),
    ({"materials": [{"formula": "LiF"}, None]}, "materials[1]"),
    ({"materials": [{"formula": "LiF"}] * 3 + [{"formula": 5}]}, "materials[3].formula"),
    ({"materials": [{"cif": ["data_"]}]}, "materials[0].cif"),
    ({"materials": [{"structure": "x"}]}, "materials[0].structure"),
    ({"materials": [{"formula": "LiF", "id": 1.5}]}, "materials[0].id"),
    ({"materials": [{"formula": "LiF", "id": True}]}, "materials[0].id"),
    ({"materials": [{"formula": "LiF", "id": "x" * 1000}]}, "materials[0].id"),
    ({"materials": [{"formula": "LiF"}, {"formla": "LiF"}]}, "materials[1].formla"),
    (LIF | {"temperature": 25}, "temperature"),
    (LIF | {"temperature_C": "25"}, "temperature_C"),
    (LIF | {"temperature_C": None}, "temperature_C"),
    (LIF | {"temperature_C": True}, "temperature_C"),
    (LIF | {"temperature_C": []}, "temperature_C"),
    (LIF | {"temperature_C": [25, "x"]}, "temperature_C[1]"),
    (LIF | {"temperature_C": [25] * 101}, "temperature_C"),
    (LIF | {"temperature_C": -274}, "temperature_C"),
    (LIF | {"temperature_C": [25, 5000]}, "temperature_C"),
    (LIF | {"temperature_C": 10**400}, "temperature_C"),
    (LIF | {"confidence": 0}, "confidence"),
    (LIF | {"confidence": 1}, "confidence"),
    (LIF | {"confidence": 90}, "confidence"),
    (LIF | {"confidence": "0.9"}, "confidence"),
    (LIF | {"confidence": [0.9]}, "confidence"),
    (LIF | {"detail": "landscape"}, "detail"),
    (LIF | {"detail": ["everything"]}, "detail[0]"),
    (LIF | {"detail": None}, "detail"),
]


@pytest.mark.parametrize(("body", "field"), BODIES, ids=lambda part: json.dumps(part)[:60])
def test_bodies_of_another_form(service: Any, body: object, field: str | None) -> None:
    answer = service.client.post("/predict", json=body)
    code = answer.json()["error"]["code"]
    assert code in {"invalid_request", "invalid_value"}
    message = refused(answer, 400, code, field)
    assert len(message) < 500


def test_a_number_beyond_any_float(service: Any) -> None:
    content = b'{"materials": [{"formula": "LiF"}], "temperature_C": 1e999}'
    refused(service.client.post("/predict", content=content), 400, "invalid_request", "temperature_C")


def test_the_message_says_what_is_right(service: Any) -> None:
    message = refused(
        service.client.post("/predict", json={"materials": [{"formula": 5}]}),
        400,
        "invalid_request",
        "materials[0].formula",
    )
    assert message == "materials[0].formula is 5; text is right"


@pytest.mark.parametrize("path", ["/nope", "/predict/", "/predict/x", "/Predict", "/static_content/x", "/%00"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths_that_are_not(service: Any, method: str, path: str) -> None:
    refused(service.client.request(method, path, json=LIF), 404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_methods_that_predict_does_not_take(service: Any, method: str) -> None:
    answer = service.client.request(method, "/predict")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


def test_probes_take_no_post(service: Any) -> None:
    refused(service.client.post("/livez"), 405, "method_not_allowed")


def test_a_body_that_is_too_long(service: Any) -> None:
    content = b'{"materials": [{"formula": "' + b"x" * (33 * MEGABYTE) + b'"}]}'
    refused(service.client.post("/predict", content=content), 413, "too_large")


def test_a_body_that_is_too_long_and_says_no_length(service: Any) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * MEGABYTE

    refused(service.client.post("/predict", content=chunks()), 413, "too_large")


def test_a_body_that_is_too_long_on_another_route(service: Any) -> None:
    refused(service.client.post("/nope", content=b" " * (34 * MEGABYTE)), 413, "too_large")


def test_a_long_body_on_a_route_that_is_not(service: Any) -> None:
    refused(service.client.post("/nope", content=b" " * (8 * MEGABYTE)), 404, "not_found")


def test_a_body_that_waits_to_be_asked_for(service: Any) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Length", str(100 * MEGABYTE))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["error"]["code"] == "too_large"
    connection.close()


def test_too_many_materials(service: Any) -> None:
    answer = service.client.post("/predict", json={"materials": [{"formula": "LiF"}] * 10_001})
    refused(answer, 413, "too_large", "materials")


def test_too_many_predictions(service: Any) -> None:
    answer = service.client.post("/predict", json={"materials": [{}] * 2001, "temperature_C": [25] * 100})
    refused(answer, 413, "too_large", "temperature_C")


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/vnd.bentoml+pickle",
        "application/xml",
        "x",
        "image/*",
    ],
)
def test_bodies_declared_as_something_else(service: Any, media_type: str) -> None:
    content = json.dumps(LIF).encode()
    answer = service.client.post("/predict", content=content, headers={"Content-Type": media_type})
    assert "application/json" in refused(answer, 415, "unsupported_media_type")


def test_bodies_that_are_compressed(service: Any) -> None:
    answer = service.client.post("/predict", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    refused(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json", None]
)
def test_bodies_declared_as_json(service: Any, media_type: str | None) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    assert service.client.post("/predict", content=json.dumps(LIF).encode(), headers=headers).status_code == 200


def test_what_curl_declares_is_read_as_json(service: Any) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert service.client.post("/predict", content=json.dumps(LIF).encode(), headers=headers).status_code == 200


def test_a_client_that_leaves_in_the_middle(service: Any) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    for _ in range(5):
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b'{"materials"')
        connection.close()


def test_no_refusal_left_a_traceback_or_an_input_in_the_log(service: Any) -> None:
    secret = "Li6PS5ClSecretX"
    service.client.post("/predict", json={"materials": [{"formula": secret, secret: 1}]})
    service.client.post("/predict", content=secret.encode())
    service.predict(secret)
    lines = service.log.read_text().splitlines()
    documents = [json.loads(line) for line in lines]
    assert all({"time", "level", "message"} <= set(document) for document in documents)
    assert [document for document in documents if "stack" in document] == []
    assert secret not in service.log.read_text()
