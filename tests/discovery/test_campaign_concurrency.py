"""Several people at one campaign: nobody is given what another makes, and what was acknowledged stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from superion.discovery.campaigns import schema as tables
from superion.discovery.campaigns.store import CampaignStore
from superion.discovery.goal import Goal
from superion.errors import Unavailable

from ._campaigns import candidate, candidates, first

MANY = tuple(f"Li{number}PS5Cl" for number in range(1, 41))


@pytest.fixture
def url(database: str) -> str:
    """Return the URL of a database with the campaign `lab`."""
    with CampaignStore.open(database) as store:
        store.create("lab", Goal(), candidates(*MANY), by="ada")
    return database


def ask(store: CampaignStore, who: str, times: int) -> list[str]:
    """Ask for experiments until they were given `times`; another who was faster every time is no fault."""
    got: list[str] = []
    while len(got) < 2 * times:
        try:
            got += [one.candidate for one in store.suggest("lab", first(2), by=who)]
        except Unavailable as error:
            assert "changed the campaign" in error.message
    return got


ASKER = """
import sys
from superion.discovery.campaigns.state import Choice
from superion.discovery.campaigns.store import CampaignStore
from superion.errors import Unavailable

def choose(state):
    return [Choice(state.candidates[place].id, {}, "1") for place in state.left[:2]]

store, got = CampaignStore.open(sys.argv[1]), []
print("ready", flush=True)
sys.stdin.readline()
while len(got) < 8:
    try:
        got += [one.candidate for one in store.suggest("lab", choose, by=sys.argv[2])]
    except Unavailable as error:
        assert "changed the campaign" in error.message
print(*got)
"""
"""Asks for experiments in a process of its own, from the same moment on as others."""


def hold_each_once(store: CampaignStore, given: list[str]) -> None:
    """Hold that what several were given is all different, pending, and in the audit in full."""
    state = store.state("lab")
    assert Counter(given) == Counter(one.candidate for one in state.pending)
    assert max(Counter(given).values()) == 1
    assert [one.number for one in state.suggestions] == list(range(1, len(given) + 1))
    events = store.events("lab")
    assert [event.number for event in events] == list(range(1, state.revision + 1))
    assert sorted(name for event in events[1:] for name in event.detail["candidates"]) == sorted(given)


def test_threads_are_never_given_the_same(url: str) -> None:
    barrier = Barrier(4)

    def work(who: int) -> list[str]:
        barrier.wait()
        return ask(store, f"thread {who}", 4)

    with CampaignStore.open(url) as store:
        with ThreadPoolExecutor(4) as pool:
            given = [name for names in pool.map(work, range(4)) for name in names]
        assert len(given) == 32
        hold_each_once(store, given)


def test_processes_are_never_given_the_same(url: str) -> None:
    command = [sys.executable, "-c", ASKER, url]
    askers = [
        subprocess.Popen([*command, f"process {number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    for asker in askers:
        assert asker.stdout is not None and asker.stdout.readline() == "ready\n"
    for asker in askers:
        assert asker.stdin is not None
        asker.stdin.write("go\n")
        asker.stdin.flush()
    parts = [asker.communicate(timeout=60)[0].split() for asker in askers]
    assert [asker.returncode for asker in askers] == [0, 0, 0]
    with CampaignStore.open(url) as store:
        given = [name for names in parts for name in names]
        assert len(given) == 24
        hold_each_once(store, given)


def test_observers_at_once_lose_nothing(url: str) -> None:
    def work(number: int) -> int:
        value = 10.0 ** -(1 + number % 9)
        return store.observe("lab", candidate=MANY[number], value=value, by=str(number), unasked=True).number

    with CampaignStore.open(url) as store, ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(20))) == list(range(1, 21))
        assert len(store.state("lab").observations) == 20
        assert store.state("lab").revision == 21


def test_the_first_to_open_make_the_tables_once(tmp_path: Path) -> None:
    barrier = Barrier(6)

    def work(who: int) -> str:
        barrier.wait()
        with CampaignStore.open(f"sqlite:///{tmp_path}/new.db") as store:
            return store.create(f"of-{who}", Goal(), candidates("LiI"), by="ada").name

    with ThreadPoolExecutor(6) as pool:
        names = list(pool.map(work, range(6)))
    with CampaignStore.open(f"sqlite:///{tmp_path}/new.db") as store:
        assert sorted(one.name for one in store.list()) == sorted(names)


def test_the_database_itself_refuses_to_have_one_pending_twice(url: str) -> None:
    with CampaignStore.open(url) as store:
        store.suggest("lab", first(1), by="ada")
        row = {"number": 9, "batch": 9, "candidate": 0, "status": "pending", "model_version": "1", "reasons": "{}"}
        with store._database.writing() as connection, pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(insert(tables.suggestions).values(campaign=1, by="x", at="x", **row))
        assert len(store.state("lab").pending) == 1


WRITER = """
import os, sys
from superion.discovery.campaigns.store import CampaignStore
store = CampaignStore.open(sys.argv[1])
for number in range(1, 1000):
    seen = store.observe("lab", candidate=f"Li{1 + number % 40}PS5Cl", value=1e-3 / number, by="writer", unasked=True,
                         repeat=True)
    os.write(1, f"{seen.number}\\n".encode())
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/campaigns.db"
    with CampaignStore.open(url) as store:
        store.create("lab", Goal(), candidates(*MANY), by="ada")
    for round_ in range(3):
        process = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(5 + 7 * round_)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += process.stdout.read().splitlines(keepends=True)
        process.stdout.close()
        process.wait()
        told = {int(line) for line in acknowledged if line.endswith("\n")}
        with CampaignStore.open(url) as store:
            state = store.state("lab")
            kept = {one.number for one in state.observations}
            assert told <= kept
            # One more may have been written that nobody was told of; nothing is there by half.
            assert kept == set(range(1, len(kept) + 1))
            assert [event.number for event in store.events("lab")] == list(range(1, state.revision + 1))
            assert state.revision == 1 + len(kept)


def test_a_chooser_that_takes_its_time_holds_nobody_up(tmp_path: Path) -> None:
    with CampaignStore.open(f"sqlite:///{tmp_path}/campaigns.db") as store:
        store.create("lab", Goal(), candidates(*MANY), by="ada")
        store.create("other", Goal(), candidates("LiI"), by="ada")

        def choose(state):
            # Written while the batch is chosen: it would wait for the lock, and fail, if one were held.
            store.kept("lab").put("belief", {})
            store.observe("other", candidate="LiI", value=1e-6, by="bob", unasked=True, repeat=True)
            return first(1)(state)

        assert len(store.suggest("lab", choose, by="ada")) == 1


def test_one_reader_sees_one_moment(tmp_path: Path) -> None:
    with CampaignStore.open(f"sqlite:///{tmp_path}/campaigns.db") as store:
        store.create("lab", Goal(), candidates(*MANY), by="ada")
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(lambda: [ask(store, "ada", 1) for _ in range(15)])
            while not writing.done():
                state = store.state("lab")
                assert len(state.suggestions) == 2 * (state.revision - 1)
            writing.result()


def test_candidates_are_read_once(tmp_path: Path) -> None:
    with CampaignStore.open(f"sqlite:///{tmp_path}/campaigns.db") as store:
        for name in "abcdef":
            store.create(name, Goal(), candidates("LiI"), by="ada")
        assert store.state("f").candidates is store.state("f").candidates
        assert store.state("f").candidates[0] == candidate("LiI")
        for name in "abcdef":
            assert len(store.state(name).candidates) == 1
        assert len(store._candidates) == 4
