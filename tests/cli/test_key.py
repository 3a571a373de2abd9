"""`superion key`: what is printed, where, and how it ends."""

from __future__ import annotations

import re

import pytest

from superion.serving import keys

from .conftest import Command


def test_a_key_is_printed_once_and_alone(superion: Command) -> None:
    found = superion("key", "new", "ada", "--role", "write")
    assert found.status == 0
    assert re.fullmatch(r"sup_[A-Za-z0-9_-]{43}\n", found.out)
    assert "the key of ada, role write; it is kept nowhere and is not shown again" in found.err
    assert "this is the first key" in found.err
    token = found.out.strip()
    ((key, digest),) = keys.read_keys()
    assert (key.name, key.role, digest) == ("ada", "write", keys.digest_of(token))
    listed = superion("key", "list")
    assert token not in listed.out + listed.err
    assert "first key" not in superion("key", "new", "grace", "--role", "read").err


def test_a_key_as_a_document(superion: Command) -> None:
    found = superion("key", "new", "robot", "--role", "read", "--rate", "120", "--json")
    assert found.status == 0
    document = found.document
    assert set(document) == {"id", "name", "role", "rate_per_minute", "created", "revoked", "token"}
    assert (document["name"], document["role"], document["rate_per_minute"]) == ("robot", "read", 120.0)
    (listed,) = superion("key", "list", "--json").document["keys"]
    assert listed == {name: value for name, value in document.items() if name != "token"}


def test_the_list(superion: Command) -> None:
    empty = superion("key", "list")
    assert (empty.status, empty.out) == (0, "")
    assert "superion key new" in empty.err
    assert superion("key", "list", "--json").document == {"keys": []}
    superion("key", "new", "Grace H", "--role", "admin")
    superion("key", "new", "bot", "--role", "read", "--rate", "0.5")
    assert superion("key", "revoke", "bot").out == "the key of bot is revoked\n"
    header, grace, bot = superion("key", "list").out.splitlines()
    assert header.split("  ")[0] == "name" and "rate per minute" in header
    assert re.fullmatch(r"Grace H  admin  default +2\S+  -", grace)
    assert re.fullmatch(r"bot      read   0\.5 +2\S+  2\S+", bot)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("new", "ada", "--role", "root"), "the role of a key is read, write, admin, not 'root'"),
        (("new", "../ada", "--role", "read"), "the name of a key is 1 to 64 letters"),
        (("new", "ada", "--role", "read", "--rate", "0"), "the rate is 0.0"),
        (("new", "ada"), "--role"),
        (("new", "taken", "--role", "read"), "'taken' has a key"),
        (("revoke", "nobody"), "no key of the name 'nobody'"),
    ],
)
def test_what_cannot_be_done_ends_with_2(superion: Command, arguments: tuple[str, ...], says: str) -> None:
    keys.new_key("taken", "read")
    found = superion("key", *arguments)
    assert (found.status, found.out) == (2, "")
    assert says in found.err and "Traceback" not in found.err
    assert len(keys.list_keys()) == 1
