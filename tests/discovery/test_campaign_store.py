"""Campaigns in SQLite and in PostgreSQL: the steps, what is refused, and what the audit keeps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from superion.discovery.campaigns.steps import FaultyReports
from superion.discovery.campaigns.store import CampaignStore, NothingLeft, Report
from superion.discovery.candidates import CandidateList
from superion.discovery.goal import Goal
from superion.errors import InvalidValue, NotFound, Unavailable

from ._campaigns import FORMULAS, candidate, candidates, first, these


@pytest.fixture
def store(database: str) -> Iterator[CampaignStore]:
    """Yield a store with the campaign `lab`."""
    with CampaignStore.open(database) as opened:
        opened.create("lab", Goal(temperature_C=30.0, avoid=("Ge",)), candidates(), by="ada")
        yield opened


def test_a_campaign_is_what_it_was_made_of(store: CampaignStore, database: str) -> None:
    with CampaignStore.open(database) as other:
        state = other.state("lab")
    assert state.candidates == candidates().candidates
    assert [one.material.key for one in state.candidates] == [one.material.key for one in candidates().candidates]
    assert (state.name, state.goal, state.revision) == ("lab", Goal(temperature_C=30.0, avoid=("Ge",)), 1)
    assert (state.created_by, state.observations, state.suggestions) == ("ada", (), ())
    assert state.created_at is not None and state.created_at.utcoffset() is not None
    (event,) = store.events("lab")
    assert (event.number, event.action, event.by, event.at) == (1, "new", "ada", state.created_at)
    assert (event.detail["n_candidates"], event.detail["digest"]) == (len(FORMULAS), "0" * 64)


def test_suggest_observe_and_what_is_left(store: CampaignStore) -> None:
    made = store.suggest("lab", first(3), by="ada", request={"n": 3, "seed": 7})
    assert [(one.number, one.batch, one.candidate, one.status) for one in made] == [
        (number, 1, formula, "pending") for number, formula in enumerate(FORMULAS[:3], 1)
    ]
    assert store.state("lab").suggestions == made
    seen = store.observe(
        "lab",
        candidate="Li6PS5Br",
        value="1.2 mS/cm",
        activation_energy_eV=0.3,
        kind="Total",
        source="book 3, page 4",
        note="cold pressed",
        by="bob",
    )
    assert (seen.number, seen.candidate, seen.given, seen.kind) == (1, "Li6PS5Br", "1.2 mS/cm", "total")
    assert seen.log10_conductivity == pytest.approx(np.log10(1.2e-3), abs=1e-15)
    state = store.state("lab")
    assert state.observations == (seen,)
    assert [one.status for one in state.suggestions] == ["pending", "observed", "pending"]
    assert [state.candidates[place].id for place in state.left] == list(FORMULAS[3:])
    assert store.suggest("lab", first(1), by="bob")[0].batch == 2
    assert [(event.action, event.by) for event in store.events("lab")] == [
        ("new", "ada"),
        ("suggest", "ada"),
        ("observe", "bob"),
        ("suggest", "bob"),
    ]
    assert store.events("lab")[1].detail["request"] == {"n": 3, "seed": 7}
    (summary,) = store.list()
    assert (summary.n_candidates, summary.n_observed, summary.n_pending, summary.revision) == (8, 1, 3, 4)
    store.create("empty", Goal(), candidates("LiI"), by="bob")
    assert [(one.name, one.n_candidates, one.n_observed, one.n_pending) for one in store.list()] == [
        ("lab", 8, 1, 3),
        ("empty", 1, 0, 0),
    ]


def test_withdrawn_is_left_again_and_counts_as_suggested(store: CampaignStore) -> None:
    store.suggest("lab", first(2), by="ada")
    event = store.withdraw("lab", [1], by="ada", reason="no chloride in stock")
    assert (event.number, event.action, event.detail["reason"]) == (3, "withdraw", "no chloride in stock")
    state = store.state("lab")
    assert [one.status for one in state.suggestions] == ["withdrawn", "pending"]
    assert 0 in state.left
    with pytest.raises(InvalidValue, match="suggestion 1 \\(Li6PS5Cl\\) is not pending but withdrawn"):
        store.withdraw("lab", [1], by="ada", reason="again")
    store.observe("lab", candidate="Li6PS5Cl", value=1e-3, by="ada")
    assert [one.status for one in store.state("lab").suggestions] == ["withdrawn", "pending"]
    with pytest.raises(NotFound, match="has no suggestion 9"):
        store.withdraw("lab", [9], by="ada", reason="")
    with pytest.raises(InvalidValue, match="named twice"):
        store.withdraw("lab", [2, 2], by="ada", reason="")
    with pytest.raises(InvalidValue, match="name the suggestions"):
        store.withdraw("lab", [], by="ada", reason="")


def test_nobody_is_suggested_what_is_pending_or_observed(store: CampaignStore) -> None:
    store.suggest("lab", these("LiI"), by="ada")
    for names in (["LiI"], ["Li3YCl6", "Li3YCl6"], ["Li2O"]):
        with pytest.raises(InvalidValue, match="no candidate that is left, or was chosen twice"):
            store.suggest("lab", these(*names), by="ada")
    with pytest.raises(NothingLeft, match="none of the 7 candidates that are left meets the conditions"):
        store.suggest("lab", lambda state: [], by="ada")
    store.suggest("lab", first(7), by="ada")
    with pytest.raises(NothingLeft, match="0 candidates were observed and 8 are pending"):
        store.suggest("lab", first(1), by="ada")
    for name in FORMULAS:
        store.observe("lab", candidate=name, value=1e-5, by="ada")
    with pytest.raises(NothingLeft, match="all 8 candidates were observed") as caught:
        store.suggest("lab", first(1), by="ada")
    assert isinstance(caught.value, InvalidValue) and caught.value.code == "nothing_left"


def test_reasons_that_are_no_json_are_refused_and_nothing_is_written(store: CampaignStore) -> None:
    from superion.discovery.campaigns.state import Choice

    with pytest.raises(InvalidValue, match="reasons cannot be kept as JSON"):
        store.suggest("lab", lambda state: [Choice("LiI", {"mean": float("nan")}, "1")], by="ada")
    assert store.state("lab").revision == 1


def test_a_change_meanwhile_is_seen_by_the_chooser(store: CampaignStore, database: str) -> None:
    seen = []
    with CampaignStore.open(database) as other:

        def choose(state):
            seen.append(len(state.pending))
            if len(seen) == 1:
                other.suggest("lab", first(2), by="bob")
            # None of what the other is given: that alone would do no harm, but the batch is to know of it.
            return these(*FORMULAS[2:4])(state)

        made = store.suggest("lab", choose, by="ada")
    assert seen == [0, 2]
    assert [(one.candidate, one.number, one.batch) for one in made] == [(FORMULAS[2], 3, 2), (FORMULAS[3], 4, 2)]


def test_a_campaign_that_always_changes_is_given_up(store: CampaignStore, database: str) -> None:
    with CampaignStore.open(database) as other:

        def choose(state):
            other.observe("lab", candidate="LiI", value=1e-6, by="bob", unasked=True, repeat=True)
            return first(1)(state)

        with pytest.raises(Unavailable, match="changed the campaign lab 5 times"):
            store.suggest("lab", choose, by="ada")
    assert store.state("lab").suggestions == ()


def test_unknown_names_are_told_with_those_near(store: CampaignStore) -> None:
    with pytest.raises(NotFound, match="there is no campaign 'lib'; near it: 'lab'"):
        store.state("lib")
    with pytest.raises(NotFound, match=r"'Li6PS5C' is no candidate of lab; near it: .*'Li6PS5Cl'"):
        store.observe("lab", candidate="Li6PS5C", value=1e-3, by="ada")
    for call in (
        lambda: store.suggest("x", first(1), by="ada"),
        lambda: store.observe("x", candidate="LiI", value=1, by="ada"),
        lambda: store.undo("x", by="ada"),
        lambda: store.events("x"),
        lambda: store.withdraw("x", [1], by="ada", reason=""),
        lambda: store.kept_arrays("x", "belief"),
        lambda: store.export_rows("x"),
    ):
        with pytest.raises(NotFound, match="there is no campaign 'x'"):
            call()


@pytest.mark.parametrize("name", ["", "a b", "ä", "-x", ".x", "x" * 65, "x/y", "x\n", None])
def test_names_that_cannot_be(store: CampaignStore, name: str) -> None:
    with pytest.raises(InvalidValue, match="a campaign's name has 1 to 64"):
        store.create(name, Goal(), candidates(), by="ada")


def test_a_name_is_taken_once(store: CampaignStore) -> None:
    with pytest.raises(InvalidValue, match="there is a campaign 'lab' already"):
        store.create("lab", Goal(), candidates("Li2O"), by="bob")
    assert [one.name for one in store.list()] == ["lab"]
    assert store.create("lab.2_a-b", Goal(), candidates("Li2O"), by="bob").revision == 1


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (CandidateList("x", ()), "needs a candidate"),
        (CandidateList("x", (candidate("LiI", "a"), candidate("LiBr", "a"))), "two candidates have the id 'a'"),
        (CandidateList("x", (candidate("LiI", "a\0"),)), "cannot be kept"),
        (CandidateList("x", (candidate("LiI", "\udc80"),)), "cannot be kept"),
        (CandidateList("x", (candidate("LiI", "x" * 501),)), "501 characters"),
        (CandidateList("x", (candidate("LiI", " "),)), "candidate is empty"),
    ],
)
def test_candidates_that_cannot_be_kept(store: CampaignStore, made: CandidateList, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        store.create("other", Goal(), made, by="ada")
    assert len(store.list()) == 1


@pytest.mark.parametrize("by", ["", "  ", "a\0", None, 3, "x" * 201])
def test_somebody_does_it(store: CampaignStore, by: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        store.suggest("lab", first(1), by=by)
    assert caught.value.field == "by"


def test_texts_of_every_script_come_back(store: CampaignStore) -> None:
    note = "«тест» 試料 🔥 '; DROP TABLE campaigns; --\nline 2 <script>"
    store.observe("lab", candidate="LiI", value="1 µS/cm", note=note, by="Åsa Ö", unasked=True)
    (seen,) = store.state("lab").observations
    assert (seen.note, seen.by, seen.given) == (note, "Åsa Ö", "1 µS/cm")
    for unkept in ("a\0b", "\udc80"):
        with pytest.raises(InvalidValue, match="note holds characters that cannot be kept"):
            store.observe("lab", candidate="LiI", value=1e-6, note=unkept, by="ada", unasked=True, repeat=True)
        with pytest.raises(NotFound):
            store.observe("lab", candidate=unkept, value=1e-6, by="ada")
        with pytest.raises(NotFound):
            store.state(unkept)


def test_a_candidate_is_named_by_its_formula_where_only_one_has_it(store: CampaignStore) -> None:
    store.suggest("lab", these("Li6PS5Cl"), by="ada")
    assert store.observe("lab", candidate="Li12P2S10Cl2", value=1e-3, by="ada").candidate == "Li6PS5Cl"
    made = CandidateList("x", (candidate("LiI", "a"), candidate("Li2I2", "b"), candidate("LiBr", "LiI")))
    store.create("twins", Goal(), made, by="ada")
    with pytest.raises(InvalidValue, match="2 candidates of twins are Li3I3: name one by its id, such as 'a', 'b'"):
        store.observe("twins", candidate="Li3I3", value=1e-6, by="ada", unasked=True)
    # An id goes before a formula.
    assert store.observe("twins", candidate="LiI", value=1e-6, by="ada", unasked=True).candidate == "LiI"


def test_several_are_recorded_all_or_none(store: CampaignStore) -> None:
    store.suggest("lab", first(3), by="ada")
    before = store.state("lab")
    reports = [
        Report("Li6PS5Cl", "1 mS/cm"),
        Report("Li6PS5Cl", "1 µS/cm"),
        Report("nothing", 1e-3),
        Report("LiI", 1e-6),
    ]
    with pytest.raises(FaultyReports, match="3 of 4 reports cannot be recorded") as caught:
        store.observe_all("lab", reports, by="ada")
    assert [place for place, _ in caught.value.faults] == [1, 2, 3]
    assert [type(error) for _, error in caught.value.faults] == [InvalidValue, NotFound, InvalidValue]
    assert store.state("lab") == before
    seen = store.observe_all("lab", [Report(name, 1e-4) for name in FORMULAS[:3]], by="ada")
    assert [one.number for one in seen] == [1, 2, 3]
    assert store.state("lab").pending == ()
    assert store.events("lab")[-1].detail["closed"] == [1, 2, 3]
    store.undo("lab", by="ada")
    assert len(store.state("lab").pending) == 3
    with pytest.raises(InvalidValue, match="nothing to record"):
        store.observe_all("lab", [], by="ada")


def test_arrays_are_kept_beside_the_campaign(store: CampaignStore) -> None:
    revision = store.state("lab").revision
    kept = store.kept("lab")
    arrays = {"mean": np.linspace(0, 1, 5), "ids": np.array(["a", "ß"]), "place": np.arange(3, dtype=np.int8)}
    assert kept.get("belief") is None
    kept.put("belief", arrays)
    found = kept.get("belief")
    assert found is not None and found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) and found[name].dtype == arrays[name].dtype for name in arrays)
    kept.put("belief", {"mean": np.zeros(2)})
    assert list(kept.get("belief") or {}) == ["mean"]
    for number in range(4):
        kept.put(f"key {number}", {"n": np.array(number)})
    assert kept.get("belief") is None
    assert [int((kept.get(f"key {number}") or {})["n"]) for number in range(4)] == [0, 1, 2, 3]
    assert store.state("lab").revision == revision
    with pytest.raises(InvalidValue, match="holds objects"):
        kept.put("objects", {"a": np.array([object()])})


def test_damaged_arrays_are_none(store: CampaignStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import update

    from superion.discovery.campaigns.schema import arrays as table

    store.keep_arrays("lab", "belief", {"mean": np.arange(1000.0)})
    with store._database.reading() as connection:
        content = connection.execute(table.select()).one().content
    for damaged in (b"", b"no archive", content[:-300], content[:200] + bytes(100) + content[300:]):
        with store._database.writing() as connection:
            connection.execute(update(table).values(content=damaged))
        assert store.kept_arrays("lab", "belief") is None
    monkeypatch.setattr("superion.discovery.campaigns.kept_arrays.MOST_BYTES", 10)
    store.keep_arrays("lab", "large", {"mean": np.arange(1000.0)})
    assert store.kept_arrays("lab", "large") is None
