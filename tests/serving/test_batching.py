"""How requests that wait together are answered: in batches, in turn, from memory, each with faults of its own."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

import superion
from superion.errors import InvalidValue
from superion.models.predictor import Predictor
from superion.serving import batching
from superion.serving.batch import Answered, Item, Options
from superion.serving.batching import Answers, Batcher
from superion.serving.limits import DEADLINE_SECONDS
from superion.serving.problems import Refusal

POISON, NAN = "Li7La3Zr2O12", "Li3YCl6"


class Watched:
    """The release model, with a record of what it is asked, a gate to hold it at, and materials that break it."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.model = predictor.model
        self.artefact = object()  # a model of its own
        self.batches: list[list[str]] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()

    def read(self, items: Any) -> Any:
        """Read materials."""
        if items == [{"formula": "broken"}]:
            raise ZeroDivisionError("SECRET")
        return self.predictor.read(items)

    def answer(self, read: Any, *options: Any, readable: frozenset[str] | None) -> Any:
        """Answer materials that were read."""
        formulas = [str(one.material.formula) for one in read]
        self.batches.append(formulas)
        self.entered.set()
        assert self.open.wait(60)
        if POISON in formulas:
            raise ZeroDivisionError("SECRET poison")
        report = self.predictor.answer(read, *options, readable=readable)
        for one in report.predictions:
            if one.formula == NAN:
                object.__setattr__(one.activation_energy, "mean", float("nan"))
        return report


@pytest.fixture(scope="module")
def release() -> Predictor:
    """Return the release model."""
    return superion.load("release")


@pytest.fixture
def model(release: Predictor) -> Watched:
    """Return a model whose batches are seen."""
    return Watched(release)


@pytest.fixture
def make() -> Iterator[Callable[..., Batcher]]:
    """Return a function that makes a batcher and starts it; all are stopped afterwards."""
    made: list[Batcher] = []

    def start(**bounds: Any) -> Batcher:
        made.append(Batcher(**bounds))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop()


def submit(
    batcher: Batcher, model: Any, materials: Sequence[Any], options: Options | None = None, arrival: float | None = None
) -> Future[Answers]:
    """Submit materials; text is a formula."""
    items = [Item({"formula": one} if isinstance(one, str) else one) for one in materials]
    return batcher.submit(items, model, options or Options(), time.monotonic() if arrival is None else arrival)


def documents(future: Future[Answers]) -> list[Any]:
    """Return the answers as they are read."""
    return [json.loads(one) for one in future.result(60).documents]


def held(batcher: Batcher, model: Watched, formula: str = "LiBr") -> Future[Answers]:
    """Return a request that keeps the batcher busy until the model is let go."""
    model.open.clear()
    future = submit(batcher, model, [formula])
    assert model.entered.wait(60)
    return future


def test_answers_are_those_of_the_model_in_order(make: Callable[..., Batcher], release: Predictor) -> None:
    formulas = [f"Li{6 + n / 100:.2f}PS5Cl" for n in range(100)]
    found = documents(submit(make(), release, [*formulas, "no formula"]))
    asked = release.predict([*formulas, "no formula"]).as_dict()["predictions"]
    assert [one.get("formula") for one in found] == [one.get("formula") for one in asked]
    assert found[-1] == asked[-1]
    for one, other in zip(found[:-1], asked[:-1], strict=True):
        mine, its = (x["conductivity"]["log10_S_per_cm"] for x in (one, other))
        assert mine == pytest.approx(its, abs=1e-5)


def test_requests_that_wait_together_are_one_batch(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make()
    first = held(batcher, model)
    others = [submit(batcher, model, [formula]) for formula in ("LiF", "LiCl", "LiI")]
    assert batcher.n_waiting == 4
    model.open.set()
    assert [documents(future)[0]["formula"] for future in (first, *others)] == ["LiBr", "LiF", "LiCl", "LiI"]
    assert model.batches == [["LiBr"], ["LiF", "LiCl", "LiI"]]
    assert batcher.n_waiting == 0


def test_a_formula_does_not_wait_for_the_list_before_it(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make(max_materials=4)
    held(batcher, model)
    many = submit(batcher, model, [f"Li{n}PS5Cl" for n in range(1, 13)])
    single = submit(batcher, model, ["LiF"])
    model.open.set()
    documents(single)
    assert [len(batch) for batch in model.batches[:2]] == [1, 4]
    assert "LiF" in model.batches[1]
    assert len(documents(many)) == 12


def test_more_requests_than_a_batch_has_room_for_take_turns(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make(max_materials=2)
    held(batcher, model)
    futures = [submit(batcher, model, [f"Li{n}S", f"Li{n}Se"]) for n in range(2, 5)]
    model.open.set()
    assert all(len(documents(future)) == 2 for future in futures)
    assert model.batches == [["LiBr"], ["Li2S", "Li3S"], ["Li4S", "Li2Se"], ["Li3Se", "Li4Se"]]


def test_a_fault_outside_of_any_material_ends_what_it_hit_and_nothing_more(
    make: Callable[..., Batcher], model: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    batcher = make(max_materials=2)
    with monkeypatch.context() as broken:
        broken.setattr(batching, "written", None)
        with pytest.raises(Refusal) as refusal:
            submit(batcher, model, ["LiF", "LiCl", "LiI"]).result(60)
    assert (refusal.value.status, batcher.n_waiting) == (500, 0)
    assert documents(submit(batcher, model, ["LiBr"]))


def test_where_there_was_company_it_is_waited_for(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make(patience=50.0)
    held(batcher, model)
    together = [submit(batcher, model, [formula]) for formula in ("LiF", "LiCl", "LiI")]
    model.open.set()
    assert all(documents(future) for future in together)
    again = [submit(batcher, model, ["Li2S"])]
    time.sleep(0.2)
    again += [submit(batcher, model, [formula]) for formula in ("Li2Se", "Li2O")]
    assert all(documents(future) for future in again)
    assert model.batches == [["LiBr"], ["LiF", "LiCl", "LiI"], ["Li2S", "Li2Se", "Li2O"]]
    late = submit(batcher, model, ["Li3N"])
    batcher.stop()
    with pytest.raises(Refusal) as refusal:
        late.result(20)
    assert refusal.value.status == 503


def test_a_request_alone_waits_for_nobody_and_in_company_not_for_long(
    make: Callable[..., Batcher], model: Watched
) -> None:
    model.open.set()
    alone = make(patience=50.0)
    for formula in ("LiF", "LiCl", "LiI"):
        submit(alone, model, [formula]).result(20)
    model.open.clear()
    batcher = make(patience=0.05)
    held(batcher, model)
    together = [submit(batcher, model, [formula]) for formula in ("Li2S", "Li2Se")]
    model.open.set()
    assert all(documents(future) for future in together)
    assert documents(submit(batcher, model, ["Li2O"]))


def test_a_batch_is_bounded_by_atoms(make: Callable[..., Batcher], model: Watched, structure: Any) -> None:
    def cell(a: float) -> dict[str, Any]:
        scaled = {**structure["lattice"], "matrix": [[a, 0, 0], [0, a, 0], [0, 0, a]]}
        return {"structure": {**structure, "lattice": scaled}}

    batcher = make(max_atoms=6)
    held(batcher, model)
    future = submit(batcher, model, [cell(4.0 + n / 100) for n in range(8)])
    model.open.set()
    assert len(documents(future)) == 8
    assert [len(batch) for batch in model.batches] == [1, 3, 3, 2]  # of two atoms each


def test_other_options_are_another_batch_and_come_next(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make(max_materials=2)
    held(batcher, model)
    usual = submit(batcher, model, ["LiF", "LiCl", "LiI", "Li2S"])
    hot = submit(batcher, model, ["Li3N"], Options(temperature_c=(25.0, 60.0)))
    model.open.set()
    documents(usual)
    (answer,) = documents(hot)
    assert [one["temperature_C"] for one in answer["conductivity"]] == [25.0, 60.0]
    assert model.batches == [["LiBr"], ["LiF", "LiCl"], ["Li3N"], ["LiI", "Li2S"]]


def test_equal_materials_are_computed_once_and_remembered(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make(cached=2)
    first, second = documents(submit(batcher, model, ["LiClO4", "O4ClLi"]))
    assert model.batches == [["LiClO4"]]
    assert (first["formula"], second["formula"]) == ("LiClO4", "O4ClLi")
    assert {**first, "formula": ""} == {**second, "formula": ""}
    documents(submit(batcher, model, ["LiClO4"]))
    assert (len(model.batches), batcher.cache.hits, batcher.cache.misses) == (1, 1, 1)
    (narrow,) = documents(submit(batcher, model, ["LiClO4"], Options(confidence=0.5)))
    assert narrow["conductivity"] != first["conductivity"]
    assert documents(submit(batcher, model, ["LiClO4"])) == [first], "each of its own options"
    documents(submit(batcher, model, ["LiF", "LiCl"]))  # which are one more than it can remember
    documents(submit(batcher, model, ["LiClO4"]))
    assert model.batches[1:] == [["LiClO4"], ["LiF", "LiCl"], ["LiClO4"]]
    assert len(batcher.cache) == 2


def test_a_version_under_another_name_shares_memory_and_batches(
    make: Callable[..., Batcher], release: Predictor
) -> None:
    batcher = make()
    documents(submit(batcher, release, ["LiF"]))
    documents(submit(batcher, release.named("7", "challenger"), ["LiF"]))
    assert (batcher.cache.hits, batcher.cache.misses) == (1, 1)


def test_models_that_are_asked_no_more_are_let_go(make: Callable[..., Batcher], release: Predictor) -> None:
    batcher, models = make(), [Watched(release) for _ in range(5)]
    for model in models:
        documents(submit(batcher, model, ["LiF"]))
    assert len(batcher.cache) == 4
    documents(submit(batcher, models[0], ["LiF"]))
    documents(submit(batcher, models[4], ["LiF"]))
    assert (len(models[0].batches), len(models[4].batches)) == (2, 1)


def test_a_fault_while_a_batch_is_gathered_leaves_nobody_waiting(
    make: Callable[..., Batcher], model: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    batcher = make()
    with monkeypatch.context() as broken:
        broken.setattr(batching, "read_item", None)
        with pytest.raises(Refusal) as refusal:
            submit(batcher, model, ["LiF"]).result(60)
    assert (refusal.value.status, batcher.n_waiting) == (500, 0)
    assert documents(submit(batcher, model, ["LiBr"]))


def test_another_model_does_not_answer_from_memory(make: Callable[..., Batcher], release: Predictor) -> None:
    batcher, one, other = make(), Watched(release), Watched(release)
    documents(submit(batcher, one, ["LiF"]))
    documents(submit(batcher, other, ["LiF"]))
    assert (one.batches, other.batches) == ([["LiF"]], [["LiF"]])


@pytest.mark.parametrize("formula", [POISON, NAN, "broken"])
def test_a_material_that_breaks_the_model_breaks_no_other(
    formula: str, make: Callable[..., Batcher], model: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "superion.serving"):
        future = make().submit(
            [Item({"formula": "LiF"}, 1), Item({"formula": formula}, 2), Item({"formula": "LiCl"})],
            model,  # type: ignore[arg-type] # a watched one
            Options(),
            time.monotonic(),
        )
        first, broken, last = documents(future)
    assert (first["id"], first["formula"], last["formula"], "id" in last) == (1, "LiF", "LiCl", False)
    assert (broken["id"], broken["error"]["code"]) == (2, "internal_error")
    assert future.result().n_failed == 1
    assert "SECRET" not in json.dumps(broken)
    assert "a material failed" in caplog.text


def test_a_request_that_waited_too_long_is_given_up(make: Callable[..., Batcher], model: Watched) -> None:
    late = submit(make(), model, ["LiF"], arrival=time.monotonic() - DEADLINE_SECONDS - 1)
    with pytest.raises(Refusal) as refusal:
        late.result(60)
    assert (refusal.value.status, model.batches) == (504, [])


def test_a_client_that_left_is_not_computed_for(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make()
    first = held(batcher, model)
    gone = submit(batcher, model, ["LiF"] * 5)
    assert gone.cancel()
    model.open.set()
    documents(first)
    documents(submit(batcher, model, ["LiCl"]))
    assert model.batches == [["LiBr"], ["LiCl"]]
    assert batcher.n_waiting == 0
    with pytest.raises(CancelledError):
        gone.result(0)


def test_a_client_that_leaves_while_it_is_computed_for_leaves_nothing(
    make: Callable[..., Batcher], model: Watched
) -> None:
    batcher = make()
    leaving = held(batcher, model)
    assert leaving.cancel()
    model.open.set()
    documents(submit(batcher, model, ["LiCl"]))
    assert batcher.n_waiting == 0


def test_more_than_can_wait_is_refused_with_the_time_to_come_back(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make(max_waiting_materials=10, max_waiting_requests=3)
    first = held(batcher, model)
    second = submit(batcher, model, ["LiF"] * 9)
    with pytest.raises(Refusal) as refusal:
        submit(batcher, model, ["LiCl"])
    assert (refusal.value.status, refusal.value.code) == (429, "overloaded")
    assert "10 materials wait already" in refusal.value.message
    model.open.set()
    documents(first), documents(second)
    assert len(documents(submit(batcher, model, ["LiF"] * 11))) == 11  # more than may wait, where nobody waits


def test_too_many_requests_are_refused(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make(max_waiting_requests=2)
    futures = [held(batcher, model), submit(batcher, model, ["LiF"])]
    with pytest.raises(Refusal):
        submit(batcher, model, ["LiCl"])
    model.open.set()
    assert all(documents(future) for future in futures)


def test_what_waits_is_refused_at_the_end(make: Callable[..., Batcher], model: Watched) -> None:
    batcher = make()
    first = held(batcher, model)
    second = submit(batcher, model, ["LiF"])
    batcher.stop()
    model.open.set()
    assert documents(first)
    for refused in (lambda: second.result(60), lambda: submit(batcher, model, ["LiCl"])):
        with pytest.raises(Refusal) as refusal:
            refused()
        assert refusal.value.status == 503


def test_watchers_see_what_was_answered_and_cannot_break_it(
    make: Callable[..., Batcher], model: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Answered] = []

    def broken(answered: Answered) -> None:
        seen.append(answered)
        raise ZeroDivisionError

    batcher = make(watchers=[broken])
    for _ in range(2):  # once computed, once remembered
        documents(submit(batcher, model, ["LiF", "no formula"]))
    batcher.stop()
    assert [len(one.predictions) for one in seen] == [2, 2]
    assert seen[0].predictions[0].formula == seen[1].read[0].material.formula.text == "LiF"
    assert "a watcher of predictions failed" in caplog.text


def test_options_are_checked_by_the_model(make: Callable[..., Batcher], release: Predictor) -> None:
    with pytest.raises(InvalidValue):
        release.answer([], 25.0, 2.0)
    assert batching.batcher() is batching.batcher()
