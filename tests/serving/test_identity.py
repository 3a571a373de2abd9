"""Who asks: keys, machines and pages, without a process or a model."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from superion.serving import keys, state
from superion.serving.callers import LOCAL, Caller
from superion.serving.identity import NOBODY, Identity
from superion.serving.problems import Refusal

from ._desk import ASKED, OPEN


@pytest.mark.parametrize(
    ("client", "host"),
    [
        ("127.0.0.1", "127.0.0.1:3000"),
        ("127.0.0.1", "localhost"),
        ("127.8.9.1", "LocalHost:3000"),
        ("::1", "[::1]:3000"),
        ("::1", "[::1]"),
        ("::ffff:127.0.0.1", "superion.localhost:80"),
    ],
)
def test_without_keys_whoever_is_on_this_machine_may_do_everything(desk: Any, client: str, host: str) -> None:
    assert desk().ask(client=client, host=host) == LOCAL


@pytest.mark.parametrize(
    ("client", "host", "headers"),
    [
        ("192.168.1.20", "192.168.1.2:3000", {}),
        ("192.168.1.20", "localhost", {}),
        ("::ffff:10.0.0.1", "localhost", {}),
        ("fe80::1", "localhost", {}),
        (None, "localhost", {}),
        ("unix", "localhost", {}),
        ("127.0.0.1", "evil.example", {}),
        ("127.0.0.1", "localhost.evil.example:3000", {}),
        ("127.0.0.1", "127.0.0.1.evil.example", {}),
        ("127.0.0.1", "192.168.1.2:3000", {}),
        ("127.0.0.1", "", {}),
        ("127.0.0.1", "localhost", {"x_forwarded_for": "127.0.0.1"}),
        ("127.0.0.1", "localhost", {"forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", "localhost", {"x_real_ip": "127.0.0.1"}),
    ],
)
def test_without_keys_nobody_else_may_do_anything(
    desk: Any, client: str | None, host: str, headers: dict[str, str]
) -> None:
    refusal = desk().refused(client=client, host=host, **headers)
    assert (refusal.status, refusal.code) == (401, "unauthorized")
    assert refusal.headers == {"WWW-Authenticate": "Bearer"}
    assert "superion key new" in refusal.message


@pytest.mark.parametrize("role", ["read", "write", "admin"])
def test_a_key_says_who_asks_from_wherever(desk: Any, role: str) -> None:
    key, token = keys.new_key("ada", role)
    asked = desk()
    for client, host in (("127.0.0.1", "localhost"), ("192.168.1.20", "superion.example"), (None, "")):
        assert asked.ask(token, client=client, host=host) == Caller(key.id, "ada", role)
    for headers in ({"x_api_key": token}, {"x_api_key": f" {token} ", "authorization": "Basic YWRhOmFkYQ=="}):
        assert asked.ask(**headers).name == "ada"
    assert asked.ask(authorization=f"bearer  {token} ").name == "ada"


@pytest.mark.parametrize("required", [False, True])
def test_with_a_key_made_nobody_is_let_in_without_one(desk: Any, required: bool) -> None:
    _, token = keys.new_key("ada", "read")
    asked = desk(required=required)
    for headers in ({}, {"authorization": token}, {"authorization": "Bearer "}, {"authorization": "Basic x"}):
        refusal = asked.refused(**headers)
        assert refusal.status == 401 and "Authorization: Bearer KEY" in refusal.message
    for wrong in (token[:-1], token + "x", token.upper(), keys.digest_of(token), "sup_", "None"):
        refusal = asked.refused(wrong)
        assert (refusal.status, refusal.headers) == (401, {"WWW-Authenticate": "Bearer"})
        assert "not known" in refusal.message and wrong not in refusal.message


def test_keys_may_be_required_before_one_is_made(desk: Any) -> None:
    assert desk(required=True).refused().status == 401


@pytest.mark.parametrize(
    ("value", "status"), [("1", 401), ("true", 401), ("yes", 401), ("0", None), ("", None), ("no", None)]
)
def test_the_environment_says_whether(monkeypatch: pytest.MonkeyPatch, value: str, status: int | None) -> None:
    monkeypatch.setenv("SUPERION_REQUIRE_KEYS", value)
    identity = Identity.of_this_process()
    scope, headers = {"client": ("127.0.0.1", 1)}, {b"host": "localhost"}
    try:
        found = identity(scope, headers, ASKED)
    except Refusal as refusal:
        assert refusal.status == status
    else:
        assert (found, status) == (LOCAL, None)
    finally:
        identity._known.stop()


def test_a_revoked_key_is_refused_and_keeps_keys_required(desk: Any) -> None:
    _, token = keys.new_key("ada", "admin")
    asked = desk()
    assert asked.ask(token).name == "ada"
    keys.revoke("ada")
    assert asked.ask(token).name == "ada", "until the keys are looked at again"
    asked.known.look()
    assert "this key is revoked" in asked.refused(token).message
    assert asked.refused().status == 401


def test_the_thread_finds_the_first_key_and_its_end(desk: Any, wait_for: Callable[..., Any]) -> None:
    asked = desk()
    asked.known._refresh_seconds = 0.01
    assert asked.ask() == LOCAL
    _, token = keys.new_key("ada", "write")
    assert wait_for(lambda: asked.known.any_made, 5.0)
    assert asked.refused().status == 401 and asked.ask(token).name == "ada"
    keys.revoke("ada")
    assert wait_for(lambda: asked.known.find(token).revoked, 5.0)
    assert asked.refused(token).status == 401


def spoil(how: str) -> None:
    """Make the database unreadable."""
    if how == "gone":
        for path in state.database().parent.glob("service.db*"):
            path.unlink()
    elif how == "newer":
        opened = sqlite3.connect(state.database())
        opened.execute("PRAGMA user_version = 99")
        opened.close()
    else:
        for path in state.database().parent.glob("service.db-*"):
            path.unlink()
        state.database().write_bytes(b"" if how == "empty" else b"no database " * 1000)


@pytest.mark.parametrize("how", ["gone", "newer", "empty", "damaged"])
def test_a_database_that_cannot_be_read_opens_nothing(desk: Any, how: str, caplog: pytest.LogCaptureFixture) -> None:
    _, token = keys.new_key("ada", "read")
    asked = desk()
    assert asked.ask(token).name == "ada"
    spoil(how)
    with caplog.at_level(logging.INFO, "superion.serving"):
        for _ in range(3):
            asked.known.look()
    assert asked.ask(token).name == "ada", "the keys from before stay"
    assert asked.refused().status == 401
    assert [record.message for record in caplog.records] == ["the keys cannot be read; those from before stay"]
    if how != "gone":
        late = desk()
        assert late.refused().status == late.refused(token).status == 503
        assert late.ask(endpoint=OPEN) == NOBODY


def test_a_service_without_keys_does_not_stay_open_when_it_cannot_tell(desk: Any) -> None:
    keys.new_key("ada", "read")
    with state.connection() as opened:
        opened.execute("DELETE FROM keys")
    asked = desk()
    assert asked.ask() == LOCAL
    spoil("damaged")
    asked.known.look()
    assert asked.refused().status == 503


def test_what_is_open_needs_no_key_and_gives_no_role_to_change_anything(desk: Any) -> None:
    keys.new_key("ada", "read")
    asked = desk()
    assert asked.ask(endpoint=OPEN, client="203.0.113.7", host="x") == NOBODY
    assert not NOBODY.may("write")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:3000", "127.0.0.1:3000"),
        ("http://LOCALHOST", "localhost:80"),
        ("http://localhost:80", "localhost"),
        ("https://superion.example", "superion.example"),
        ("https://superion.example", "Superion.example:443"),
        ("http://[::1]:3000", "[::1]:3000"),
    ],
)
def test_the_service_s_own_page_may_ask(desk: Any, origin: str, host: str) -> None:
    _, token = keys.new_key("ada", "read")
    assert desk().ask(token, host=host, origin=origin).name == "ada"


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1:3001",
        "https://127.0.0.1:3000.evil.example",
        "http://127.0.0.1",
        "http://x@127.0.0.1:3000",
        "http://127.0.0.1:3000/page",
        "ftp://127.0.0.1:3000",
        "null",
        "",
        "http://[",
        "//127.0.0.1:3000",
        "http://127.0.0.1:3000 http://evil.example",
    ],
)
def test_the_page_of_another_site_may_not_ask_whatever_key_it_has(desk: Any, origin: str) -> None:
    asked = desk()
    refusal = asked.refused(origin=origin)
    assert (refusal.status, refusal.code) == (403, "forbidden")
    _, token = keys.new_key("ada", "admin")
    asked.known.look()
    assert asked.refused(token, origin=origin).status == 403
    assert asked.refused(origin=origin, endpoint=OPEN).status == 403
