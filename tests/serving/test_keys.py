"""The keys of a service as they are kept: made once, listed without what they are, revoked for good."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from superion.errors import InvalidValue, NotFound, Unavailable
from superion.serving import keys, state


def events() -> list[tuple[str | None, str, dict[str, str]]]:
    with state.reading() as opened:
        rows = opened.execute("SELECT actor, action, detail FROM events ORDER BY number").fetchall()
    return [(row["actor"], row["action"], json.loads(row["detail"])) for row in rows]


def test_a_key_is_random_and_only_its_digest_is_kept(superion_home: Path) -> None:
    made = [keys.new_key(f"chemist {number}", "write") for number in range(5)]
    tokens = [token for _, token in made]
    assert len(set(tokens)) == 5
    assert all(re.fullmatch(r"sup_[A-Za-z0-9_-]{43}", token) for token in tokens)
    assert [digest for _, digest in keys.read_keys()] == [hashlib.sha256(t.encode()).hexdigest() for t in tokens]
    written = b"".join(path.read_bytes() for path in superion_home.iterdir())
    assert b"chemist 4" in written
    assert not any(token.removeprefix("sup_").encode() in written for token in tokens)


def test_keys_are_listed_as_they_were_made() -> None:
    assert keys.list_keys() == []
    first, _ = keys.new_key("ada", "admin")
    second, _ = keys.new_key("robot-7", "read", 90.5)
    assert keys.list_keys() == [first, second]
    document = second.as_dict()
    assert document == {
        "id": second.id,
        "name": "robot-7",
        "role": "read",
        "rate_per_minute": 90.5,
        "created": document["created"],
        "revoked": None,
    }
    assert abs(datetime.fromisoformat(document["created"]).timestamp() - time.time()) < 60


def test_nothing_is_made_by_looking(superion_home: Path) -> None:
    assert keys.list_keys() == []
    with pytest.raises(NotFound):
        keys.revoke("ada")
    assert not superion_home.exists()


def test_a_revoked_key_stays_listed_and_its_name_taken() -> None:
    key, _ = keys.new_key("ada", "write")
    revoked = keys.revoke("ada", actor="grace")
    assert (revoked.id, revoked.name) == (key.id, "ada")
    assert revoked.revoked is not None and revoked.revoked >= key.created
    assert keys.revoke("ada") == revoked, "once is for good"
    assert keys.list_keys() == [revoked]
    with pytest.raises(InvalidValue, match="'ada' had a key, which is revoked; take another name") as caught:
        keys.new_key("ada", "read")
    assert caught.value.field == "name"


def test_what_is_done_is_noted_without_the_key() -> None:
    key, token = keys.new_key("ada", "write", actor="grace")
    keys.revoke("ada")
    keys.revoke("ada")
    assert events() == [
        ("grace", "key.new", {"key": key.id, "name": "ada", "role": "write"}),
        (None, "key.revoke", {"key": key.id, "name": "ada"}),
    ]
    assert token not in str(events())


@pytest.mark.parametrize(
    "name", ["", " ada", "ada ", "-ada", "a" * 65, "../ada", "a/b", "a\nb", "a\x00b", "<b>", "'; DROP TABLE keys; --"]
)
def test_a_name_that_cannot_be_one_is_refused(name: str, superion_home: Path) -> None:
    with pytest.raises(InvalidValue, match="the name of a key is 1 to 64 letters") as caught:
        keys.new_key(name, "read")
    assert caught.value.field == "name"
    assert not superion_home.exists()


def test_names_are_those_of_people() -> None:
    for name in ("Jürgen Janek", "ada@lab-2", "x", "李", "a" * 64, "robot_7+b.c"):
        assert keys.new_key(name, "read")[0].name == name


def test_a_name_that_has_a_key_and_the_name_of_those_without_one_are_refused() -> None:
    keys.new_key("ada", "read")
    with pytest.raises(InvalidValue, match="'ada' has a key; take another name"):
        keys.new_key("ada", "admin")
    with pytest.raises(InvalidValue, match="'local' is what the service calls who needs no key"):
        keys.new_key("local", "read")
    assert [key.role for key in keys.list_keys()] == ["read"]


@pytest.mark.parametrize("role", ["", "root", "Admin", "read "])
def test_a_role_that_is_none_is_refused(role: str) -> None:
    with pytest.raises(InvalidValue, match="the role of a key is read, write, admin, not"):
        keys.new_key("ada", role)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), 1e7])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(InvalidValue, match="requests a minute above 0, up to 1,000,000 is right") as caught:
        keys.new_key("ada", "read", rate)
    assert caught.value.field == "rate"


def test_revoking_a_name_without_a_key() -> None:
    keys.new_key("ada", "read")
    with pytest.raises(NotFound, match="no key of the name 'grace'"):
        keys.revoke("grace")


def test_of_many_who_make_one_key_at_a_time_one_does() -> None:
    outcomes: list[str] = []

    def make() -> None:
        try:
            keys.new_key("ada", "read")
            outcomes.append("made")
        except InvalidValue:
            outcomes.append("taken")

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] + ["taken"] * 7


def test_reading_waits_for_nobody_who_writes() -> None:
    key, _ = keys.new_key("ada", "read")
    with state.connection() as opened:
        opened.execute("UPDATE keys SET revoked = 1.0")
        assert keys.list_keys() == [key], "what is not finished is not seen"


def test_a_database_that_cannot_be_read_is_said(superion_home: Path) -> None:
    superion_home.mkdir()
    state.database().write_bytes(b"")
    with pytest.raises(Unavailable, match="holds nothing"):
        keys.list_keys()
    state.database().write_bytes(b"no database " * 1000)
    with pytest.raises(Unavailable, match="cannot be read"):
        keys.list_keys()


def test_reading_waits_for_a_database_that_is_being_made(superion_home: Path) -> None:
    superion_home.mkdir()
    state.database().touch()
    made = threading.Timer(0.1, keys.new_key, ("ada", "read"))
    made.start()
    # The tables are there before the first key is.
    assert [key.name for key in keys.list_keys()] in ([], ["ada"])
    made.join()
    assert [key.name for key in keys.list_keys()] == ["ada"]


def test_a_database_of_a_newer_superion_is_not_read() -> None:
    keys.new_key("ada", "read")
    with sqlite3.connect(state.database()) as opened:
        opened.execute("PRAGMA user_version = 99")
    opened.close()
    for ask in (keys.list_keys, lambda: keys.revoke("ada")):
        with pytest.raises(Unavailable, match="written by a newer superion"):
            ask()
