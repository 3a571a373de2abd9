"""What the client does when the service refuses, breaks off, or is not there."""

from __future__ import annotations

import email.utils
import socket
import time
from typing import Any

import pytest

from superion import Client
from superion.errors import InvalidValue, RequestFailed, SuperionError, Unavailable

from .conftest import ME, Says, Script, refusal

CALLS = {
    "predict": lambda client: client.predict("LiF"),
    "window": lambda client: client.window("LiF"),
    "jobs": lambda client: client.jobs(),
    "train": lambda client: client.train("a"),
    "promote": lambda client: client.promote(2),
    "rollback": lambda client: client.rollback(),
    "delete_dataset": lambda client: client.delete_dataset("a"),
}
REPEATABLE = {"predict", "window", "jobs"}


@pytest.mark.parametrize("status", [429, 503])
def test_a_refused_request_is_sent_again_no_sooner_than_asked(script: Script, pauses: list[float], status: int) -> None:
    script.answers = [refusal(status, Retry_After="7"), refusal(status, Retry_After="7"), Says(document=ME)]
    assert script.client().me().name == "local"
    assert len(script.asked) == 3
    assert len(pauses) == 2
    assert all(7.0 < pause <= 8.0 for pause in pauses)


def test_pauses_grow(script: Script, pauses: list[float]) -> None:
    script.answers = [refusal(503)]
    with pytest.raises(RequestFailed):
        script.client(retries=6).me()
    assert len(script.asked) == 7
    longest = [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert [0.5 * most <= pause <= most for pause, most in zip(pauses, longest, strict=True)] == [True] * 6


def test_a_date_to_come_back_at(script: Script, pauses: list[float]) -> None:
    date = email.utils.formatdate(time.time() + 30.0, usegmt=True)
    script.answers = [refusal(503, Retry_After=date), Says(document=ME)]
    script.client().me()
    assert 20.0 < pauses[0] < 32.0


@pytest.mark.parametrize("given", ["-1", "soon", "1e3", "", "٣"])
def test_what_is_no_time_to_come_back_at_is_passed_over(script: Script, pauses: list[float], given: str) -> None:
    script.answers = [refusal(503, Retry_After=given.encode().decode("latin-1")), Says(document=ME)]
    script.client().me()
    assert pauses[0] <= 0.5


def test_a_service_that_asks_for_an_hour_is_not_waited_for(script: Script, pauses: list[float]) -> None:
    script.answers = [refusal(503, Retry_After="3600")]
    with pytest.raises(RequestFailed):
        script.client().me()
    assert pauses == []


@pytest.mark.parametrize("call", CALLS)
def test_a_broken_connection_is_tried_again_only_where_that_does_no_harm(
    script: Script, pauses: list[float], call: str
) -> None:
    script.answers = [Says(0)]
    with pytest.raises(Unavailable) as caught:
        CALLS[call](script.client(retries=2))
    assert len(script.asked) == (3 if call in REPEATABLE else 1)
    assert "whether the service has done what was asked is not known" in caught.value.message


@pytest.mark.parametrize("call", CALLS)
def test_what_never_arrived_is_tried_again(pauses: list[float], call: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", retries=3) as client:
        assert client.ready() is False
        with pytest.raises(Unavailable) as caught:
            CALLS[call](client)
    assert len(pauses) == 3
    assert "not known" not in caught.value.message


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_an_error_is_not_sent_again(script: Script, pauses: list[float], call: str, status: int) -> None:
    script.answers = [refusal(status, "mine", X_Request_Id="r-1")]
    with pytest.raises(RequestFailed) as caught:
        CALLS[call](script.client())
    failure = caught.value
    assert isinstance(failure, SuperionError)
    assert (failure.status, failure.code, failure.field, failure.request_id) == (status, "mine", "materials", "r-1")
    assert failure.as_dict() == {"code": "mine", "message": "no", "field": "materials"}
    assert len(script.asked) == 1
    assert pauses == []


@pytest.mark.parametrize("document", [b"<html>", b"", [], {"error": "no"}, {"error": {"code": 1}}])
def test_an_error_of_something_in_between(script: Script, pauses: list[float], document: Any) -> None:
    script.answers = [Says(502, document)]
    with pytest.raises(RequestFailed) as caught:
        script.client(retries=1).me()
    assert (caught.value.code, caught.value.status, caught.value.field) == ("http_502", 502, None)
    assert len(script.asked) == 2


def test_a_redirection_is_no_answer(script: Script, pauses: list[float]) -> None:
    script.answers = [Says(302, b"", {"Location": "http://203.0.113.7/"})]
    with pytest.raises(RequestFailed):
        script.client(key="secret").me()
    assert len(script.asked) == 1


@pytest.mark.parametrize("document", [b"[]", {}, ME | {"name": 3}, b"not JSON"])
def test_an_answer_of_another_form(script: Script, document: Any) -> None:
    script.answers = [Says(200, document)]
    with pytest.raises(RequestFailed) as caught:
        script.client().me()
    assert caught.value.code == "invalid_answer"


def test_a_field_that_is_new_can_be_read(script: Script) -> None:
    script.answers = [Says(200, ME | {"quota": 5})]
    assert script.client().me().quota == 5  # type: ignore[attr-defined]


def test_the_key_is_sent_and_not_shown(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    client = script.client(key="secret")
    client.me()
    assert script.headers[-1]["authorization"] == "Bearer secret"
    assert "secret" not in repr(client)
    monkeypatch.setenv("SUPERION_KEY", "of the environment")
    script.client().me()
    assert script.headers[-1]["authorization"] == "Bearer of the environment"
    monkeypatch.setenv("SUPERION_KEY", "")
    script.client().me()
    assert "authorization" not in script.headers[-1]


def test_a_path_before_the_routes(script: Script) -> None:
    with Client(f"{script.url}/superion/") as client:
        client.me()
    assert script.asked[-1][1] == "/superion/me"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"url": "localhost:3000"}, "url"),
        ({"url": "ftp://localhost"}, "url"),
        ({"url": "http://[::1"}, "url"),
        ({"key": "with\na line"}, "key"),
        ({"key": "ключ"}, "key"),
        ({"retries": -1}, "retries"),
        ({"timeout": 0.0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Client(**options)
    assert caught.value.field == field
    assert options.get("key", "?") not in str(caught.value)


@pytest.mark.parametrize("code", ["unavailable", "storage_full", "not_ready"])
@pytest.mark.parametrize("name", CALLS)
def test_what_may_have_been_done_is_not_sent_again(script: Script, pauses: list[float], name: str, code: str) -> None:
    script.answers = [refusal(503, code)]
    with pytest.raises(RequestFailed):
        CALLS[name](script.client(retries=2))
    again = name in REPEATABLE or code == "not_ready"  # which says that nothing was begun
    assert len(script.asked) == (3 if again else 1)
