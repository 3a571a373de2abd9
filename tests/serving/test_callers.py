"""What is bounded of who asks, headers that nobody thought of, and what is logged."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.serving import keys
from superion.serving.callers import CALLER, LOCAL, Caller
from superion.serving.endpoints import Endpoints
from superion.serving.guard import Guard
from superion.serving.problems import Refusal
from superion.serving.rates import Rates

from ._desk import ASKED, OPEN


def test_a_key_asks_no_more_often_than_it_may(desk: Any) -> None:
    _, slow = keys.new_key("slow", "read", 6.0)
    _, other = keys.new_key("other", "read")
    asked = desk(workers=2)
    for _ in range(3):
        asked.ask(slow)
    refusal = asked.refused(slow)
    assert (refusal.status, refusal.code, refusal.headers) == (429, "rate_limited", {"Retry-After": "20"})
    asked.clock.now += 15.5
    assert asked.refused(slow).headers == {"Retry-After": "5"}
    for _ in range(500):
        asked.ask(other)
        asked.ask(slow, endpoint=OPEN)
    asked.clock.now += 4.5
    asked.ask(slow)
    assert asked.refused(slow).status == 429


def test_an_address_tries_no_more_wrong_keys_than_it_may(desk: Any) -> None:
    _, token = keys.new_key("ada", "read")
    asked = desk(workers=6)
    for number in range(10):
        assert asked.refused(f"sup_{number}", client="2001:db8::1").status == 401
    refusal = asked.refused("sup_10", client="2001:db8::2")
    assert (refusal.status, refusal.code, refusal.headers) == (429, "rate_limited", {"Retry-After": "6"})
    assert asked.refused("sup_11", client="2001:db8:0:1::1").status == 401, "another subscriber"
    assert asked.refused(client="2001:db8::1").status == 401, "no key is no wrong key"
    assert asked.ask(token, client="2001:db8::1").name == "ada", "a good key is served"


def test_who_needs_no_key_has_no_rate(desk: Any) -> None:
    asked = desk(served=Rates(1), failed=Rates(1))
    assert {asked.ask() for _ in range(1000)} == {LOCAL}


headers_given = st.dictionaries(
    st.sampled_from(["host", "origin", "authorization", "x_api_key", "forwarded", "x_forwarded_for"]),
    st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
    | st.sampled_from(
        ["Bearer ", "http://[::", "[::1", "::1]:80", "127.0.0.1:99999999", "null", "http://\u2100", "0x7f.1"]
    ),
)


@pytest.mark.parametrize("made", [False, True])
def test_no_header_is_a_fault_of_the_program(desk: Any, made: bool) -> None:
    if made:
        keys.new_key("ada", "read")
    asked = desk()

    @settings(max_examples=400, deadline=None)
    @given(headers=headers_given, client=st.none() | st.text(max_size=20) | st.ip_addresses().map(str))
    def garbage(headers: dict[str, str], client: str | None) -> None:
        try:
            caller = asked.ask(client=client, **{"host": "localhost", **headers})
        except Refusal as refusal:
            assert refusal.status in (401, 403, 429)
        else:
            assert caller == LOCAL and not made

    garbage()


def test_the_guard_names_the_caller_in_the_log_and_never_a_key(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    _, token = keys.new_key("ada", "read")
    seen: list[Caller] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope[CALLER])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    guard = Guard(app, Endpoints([ASKED]), desk().identity)

    def ask(given: str) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {given}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/x", "headers": headers, "client": ("127.0.0.1", 1)}
        asyncio.run(guard(scope, receive, send))
        return sent

    with caplog.at_level(logging.INFO, "superion.serving"):
        good, bad = ask(token), ask(token + "x")
    assert (good[0]["status"], bad[0]["status"]) == (200, 401)
    assert dict(bad[0]["headers"])[b"www-authenticate"] == b"Bearer"
    assert json.loads(bad[1]["body"])["error"]["code"] == "unauthorized"
    assert [caller.name for caller in seen] == ["ada"]
    lines = [record.fields for record in caplog.records if record.message == "request"]  # type: ignore[attr-defined]
    assert [line.get("caller") for line in lines] == ["ada", None]
    assert token not in str(lines) + str(bad) + caplog.text
