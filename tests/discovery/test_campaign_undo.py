"""Undoing: the campaign is as it was before, the audit keeps all, and no later step is left hanging."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superion.discovery.campaigns.state import CampaignState
from superion.discovery.campaigns.store import CampaignStore
from superion.discovery.goal import Goal
from superion.errors import InvalidValue, NotFound, SuperionError

from ._campaigns import FORMULAS, candidates, first, these


@contextmanager
def lab(folder: Path) -> Iterator[CampaignStore]:
    """Yield a store with the campaign `lab`."""
    with CampaignStore.open(f"sqlite:///{folder}/campaigns.db") as store:
        store.create("lab", Goal(), candidates(*FORMULAS[:4]), by="ada")
        yield store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CampaignStore]:
    """Yield a store with the campaign `lab`."""
    with lab(tmp_path) as opened:
        yield opened


def still(state: CampaignState) -> CampaignState:
    """Return a state without its revision, which always grows."""
    return replace(state, revision=0)


def test_the_latest_steps_are_undone_one_after_another(store: CampaignStore) -> None:
    states = [store.state("lab")]
    store.suggest("lab", first(2), by="ada")
    states.append(store.state("lab"))
    store.observe("lab", candidate=FORMULAS[0], value=1e-3, by="ada")
    states.append(store.state("lab"))
    store.withdraw("lab", [2], by="ada", reason="")
    for state, number in zip(reversed(states), (4, 3, 2), strict=True):
        event = store.undo("lab", by="bob", reason="wrong")
        assert (event.action, event.detail["event"], event.detail["reason"]) == ("undo", number, "wrong")
        assert still(store.state("lab")) == still(state)
    with pytest.raises(InvalidValue, match="there is no step left to undo"):
        store.undo("lab", by="bob")
    events = store.events("lab")
    assert [(event.action, event.undone_by) for event in events] == [
        ("new", None),
        ("suggest", 7),
        ("observe", 6),
        ("withdraw", 5),
        ("undo", None),
        ("undo", None),
        ("undo", None),
    ]


def test_an_undo_is_undone(store: CampaignStore) -> None:
    store.suggest("lab", first(2), by="ada")
    store.observe("lab", candidate=FORMULAS[0], value=1e-3, by="ada")
    before = store.state("lab")
    store.undo("lab", by="ada")
    store.undo("lab", 4, by="ada")
    assert still(store.state("lab")) == still(before)
    assert [event.undone_by for event in store.events("lab")] == [None, None, None, 5, None]
    with pytest.raises(InvalidValue, match="event 4 \\(undo\\) is undone already, by event 5"):
        store.undo("lab", 4, by="ada")
    with pytest.raises(InvalidValue, match="event 5 brought event 3 back; undo that one"):
        store.undo("lab", 5, by="ada")
    store.undo("lab", 3, by="ada")
    assert store.state("lab").observations == ()


def test_what_later_steps_rest_on_is_not_undone(store: CampaignStore) -> None:
    store.suggest("lab", first(2), by="ada")
    store.observe("lab", candidate=FORMULAS[0], value=1e-3, by="bob")
    with pytest.raises(InvalidValue, match=r"event 2 \(suggest\) cannot be undone while event 3 \(observe, by bob\)"):
        store.undo("lab", 2, by="ada")
    store.undo("lab", 3, by="ada")
    store.withdraw("lab", [2], by="ada", reason="")
    with pytest.raises(InvalidValue, match="while event 5 \\(withdraw"):
        store.undo("lab", 2, by="ada")
    store.suggest("lab", these(FORMULAS[1]), by="ada")
    with pytest.raises(InvalidValue, match="event 5 \\(withdraw\\) cannot be undone while event 6 \\(suggest"):
        store.undo("lab", 5, by="ada")


def test_an_undo_is_not_undone_over_what_came_since(store: CampaignStore) -> None:
    store.observe("lab", candidate=FORMULAS[0], value=1e-3, by="ada", unasked=True)
    store.undo("lab", by="ada")
    store.suggest("lab", these(FORMULAS[0]), by="bob")
    with pytest.raises(InvalidValue, match="event 3 \\(undo\\) cannot be undone while event 4 \\(suggest, by bob\\)"):
        store.undo("lab", 3, by="ada")
    store.undo("lab", 4, by="bob")
    store.undo("lab", 3, by="ada")
    assert len(store.state("lab").observations) == 1


def test_a_wrong_value_is_corrected_beside_a_repeat(store: CampaignStore) -> None:
    store.suggest("lab", first(1), by="ada")
    store.observe("lab", candidate=FORMULAS[0], value=1e-6, by="ada")
    store.observe("lab", candidate=FORMULAS[0], value=1e-3, by="ada", repeat=True)
    store.undo("lab", 3, by="ada")
    state = store.state("lab")
    assert [one.given for one in state.observations] == ["0.001"]
    assert state.suggestions[0].status == "observed"
    store.undo("lab", 4, by="ada")
    assert store.state("lab").suggestions[0].status == "pending"


def test_an_undo_is_not_undone_over_what_is_back_since(store: CampaignStore) -> None:
    store.observe("lab", candidate=FORMULAS[0], value=1e-3, by="ada", unasked=True)
    store.undo("lab", 2, by="ada")
    store.suggest("lab", these(FORMULAS[0]), by="bob")
    store.undo("lab", 4, by="ada")
    store.undo("lab", 3, by="ada")
    with pytest.raises(InvalidValue, match="event 5 \\(undo\\) cannot be undone while event 2 \\(observe, by ada\\)"):
        store.undo("lab", 5, by="bob")


@pytest.mark.parametrize(
    ("event", "error", "words"),
    [
        (1, InvalidValue, "event 1 made the campaign and cannot be undone"),
        (9, NotFound, "there is no event 9; there are 1 to 2"),
        (0, NotFound, "there is no event 0"),
        (10**30, NotFound, "there is no event"),
        ("2", InvalidValue, "named by its number"),
        (True, InvalidValue, "named by its number"),
    ],
)
def test_events_that_cannot_be_undone(store: CampaignStore, event: int, error: type[SuperionError], words: str) -> None:
    store.suggest("lab", first(1), by="ada")
    with pytest.raises(error, match=words):
        store.undo("lab", event, by="ada")
    assert store.state("lab").revision == 2


STEPS = st.one_of(
    st.tuples(st.just("suggest"), st.integers(1, 2)),
    st.tuples(st.just("observe"), st.integers(0, 3), st.sampled_from([1e-3, 1e-4, None]), st.booleans(), st.booleans()),
    st.tuples(st.just("withdraw"), st.integers(1, 4)),
    st.tuples(st.just("undo"), st.none() | st.integers(1, 12)),
)


def take(store: CampaignStore, step: tuple) -> bool:
    """Take a step; returns whether it was allowed."""
    try:
        match step:
            case ("suggest", n):
                store.suggest("lab", first(n), by="ada")
            case ("observe", place, value, unasked, repeat):
                store.observe(
                    "lab",
                    candidate=FORMULAS[place],
                    value=value,
                    failed=value is None,
                    by="ada",
                    unasked=unasked,
                    repeat=repeat,
                )
            case ("withdraw", number):
                store.withdraw("lab", [number], by="ada", reason="")
            case ("undo", event):
                store.undo("lab", event, by="ada")
    except (InvalidValue, NotFound):
        return False
    return True


def hold_together(state: CampaignState) -> None:
    """Hold what is true of every campaign."""
    observed = {one.candidate for one in state.observations}
    pending = [one.candidate for one in state.pending]
    assert len(set(pending)) == len(pending)
    assert not observed & set(pending)
    assert all(one.candidate in observed for one in state.suggestions if one.status == "observed")
    assert len(state.left) == len(state.candidates) - len(observed | set(pending))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=10))
def test_undoing_whatever_was_done_brings_back_what_was_before(steps: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder)) as store:
        for step in steps:
            before = store.state("lab")
            allowed = take(store, step)
            after = store.state("lab")
            hold_together(after)
            if not allowed:
                assert after == before
                continue
            assert after.revision == before.revision + 1
            # Any step that was just taken can be undone, and brought back.
            number = after.revision
            events = {event.number: event for event in store.events("lab")}
            undone = events[number].detail.get("event")
            if step[0] == "undo" and events[undone].action == "undo":
                number = events[undone].detail["event"]
            store.undo("lab", number, by="ada")
            assert still(store.state("lab")) == still(before)
            if step[0] != "undo":
                store.undo("lab", store.state("lab").revision, by="ada")
                assert still(store.state("lab")) == still(after)
            hold_together(store.state("lab"))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=14))
def test_all_steps_can_be_undone_from_the_last_to_the_first(steps: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder)) as store:
        start = store.state("lab")
        for step in steps:
            take(store, step)
        audit = store.events("lab")
        while take(store, ("undo", None)):
            hold_together(store.state("lab"))
        assert still(store.state("lab")) == still(start)
        kept = store.events("lab")[: len(audit)]
        assert [replace(event, undone_by=None) for event in kept] == [replace(event, undone_by=None) for event in audit]
