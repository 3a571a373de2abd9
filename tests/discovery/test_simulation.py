"""Campaigns replayed: counted by hand, blind to what was not measured yet, and the same however they are run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superion.discovery.choice.proposal import Known
from superion.discovery.goal import Goal
from superion.discovery.retrospective import simulation as under_test
from superion.discovery.retrospective.plan import STRATEGIES, Plan
from superion.discovery.retrospective.simulation import Retrospective, Run, Table, replay, simulate
from superion.discovery.retrospective.strategies import Pool, Step, strategies
from superion.discovery.retrospective.summary import figure, summary
from superion.errors import InvalidTable, InvalidValue
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training.table import Measurement

from ._beliefs import FORMULAS, obelix

NAMES = STRATEGIES
QUICK = ("superion", "random", "nearest_neighbour")


def row(place: int, level: float | None, family: str | None = None, *, censored: bool = False) -> Measurement:
    """Return a measured row."""
    material = Material(Formula.parse(FORMULAS[place]))
    return Measurement(f"r{place}", place + 2, material, 25.0, level, censored, family=family)


def small() -> tuple[Measurement, ...]:
    """Return twelve rows: three hits (a quarter) in two families, and two limits."""
    levels = [-3.0, -2.0, -4.0, -2.5, -5.0, -6.0, -7.0, -8.0, -2.2, -9.0, -1.0, -10.0]
    families = ["argyrodite"] * 3 + ["LGPS"] * 2 + ["thio"] * 3 + ["garnet"] * 4
    return tuple(row(place, levels[place], families[place], censored=place in (10, 11)) for place in range(12))


def plan(**changes: Any) -> Plan:
    """Return a plan for twelve rows."""
    fields: dict[str, Any] = {"batch": 2, "rounds": 3, "start": 4, "seeds": 2, "top": 0.25, "names": ("random",)}
    return Plan(**(fields | {"workers": 1} | changes))


class Watched:
    """Note what each strategy was shown and what it chose."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[str, Known, np.ndarray, Step]] = []

        def watched(goal: Goal) -> dict[str, Any]:
            return {name: self._watch(name, strategy) for name, strategy in strategies(goal).items()}

        monkeypatch.setattr(under_test, "strategies", watched)

    def _watch(self, name: str, strategy: Any) -> Any:
        def step(pool: Pool, known: Known, left: np.ndarray, n: int, seed: int) -> Step:
            found: Step = strategy(pool, known, left, n, seed)
            self.seen.append((name, known, left.copy(), found))
            return found

        return step

    def of(self, name: str) -> list[tuple[Known, np.ndarray, Step]]:
        """Return what one strategy was shown, round by round."""
        return [(known, left, step) for other, known, left, step in self.seen if other == name]


def same_run(one: Run, other: Run) -> bool:
    """Return whether two runs agree in all but the time they took."""
    return all(
        np.array_equal(getattr(one, field), getattr(other, field), equal_nan=field == "error")
        for field in ("hits", "families", "regret", "error")
    )


def test_there_is_a_strategy_of_every_name() -> None:
    assert tuple(strategies(Goal())) == STRATEGIES


def test_hits_are_the_best_that_were_measured() -> None:
    table = Table.of(small(), 0.25)
    assert np.flatnonzero(table.hits).tolist() == [1, 3, 8]  # not 10, whose -1.0 is a limit
    assert Table.of(small(), 0.01).hits.sum() == 1
    assert table.censored.tolist() == [False] * 10 + [True] * 2
    assert table.pool.families[:2] == ["argyrodite", "argyrodite"]


def test_a_run_is_counted_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    rows, levels = small(), [one.log10_conductivity for one in small()]
    found = replay(Table.of(rows, 0.25), plan(), "nearest_neighbour", 5)
    steps = watched.of("nearest_neighbour")
    done = [int(place) for place in steps[0][0].places]
    assert len(done) == len(set(done)) == 4
    for number in range(4):
        hits = [place for place in done if place in (1, 3, 8)]
        assert found.hits[number] == len(hits)
        assert found.families[number] == len({rows[place].family for place in hits})
        measured = [levels[place] for place in done if place < 10]
        assert found.regret[number] == pytest.approx(-2.0 - max(measured) if measured else math.inf)  # type: ignore[type-var]
        if number < 3:
            known, left, step = steps[number]
            assert known.places.tolist() == done
            assert known.values.tolist() == [levels[place] for place in done]
            assert known.censored.tolist() == [place >= 10 for place in done]
            assert sorted([*done, *left.tolist()]) == list(range(12))
            assert step.predicted is not None
            pairs = zip(step.predicted, left, strict=True)
            apart = [(said - levels[place], place >= 10) for said, place in pairs]  # type: ignore[operator]
            # Below a limit any prediction is right.
            errors = [max(off, 0.0) if limit else abs(off) for off, limit in apart]
            assert found.error[number] == pytest.approx(np.mean(errors))
            done += [int(place) for place in step.chosen]
    assert len(done) == len(set(done)) == 10


def test_chance_finds_all_in_the_end() -> None:
    found = simulate(small(), plan(rounds=4, start=4, seeds=3))
    for run in found.runs["random"]:
        assert run.hits[-1] == 3
        assert run.families[-1] == 3
        assert run.regret[-1] == 0.0
        assert (np.diff(run.hits) >= 0).all() and (np.diff(run.regret) <= 0.0).all()
        assert np.isnan(run.error).all()


def test_all_strategies_of_a_seed_begin_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    simulate(small(), plan(names=NAMES, rounds=1, seeds=3, start=6))
    starts = {name: [tuple(known.places) for known, _, _ in watched.of(name)] for name in NAMES}
    assert len(set(map(tuple, starts.values()))) == 1
    assert len(set(starts["random"])) == 3


def test_a_family_that_is_held_out_is_not_in_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    simulate(small(), plan(hold_out="garnet", seeds=20, start=8, rounds=2))
    first = [known.places for known, _, _ in watched.of("random") if len(known.places) == 8]
    assert len(first) == 20
    assert all(set(places.tolist()) == set(range(8)) for places in first)
    # It may be chosen afterwards.
    assert all(set(step.chosen.tolist()) <= {8, 9, 10, 11} for _, _, step in watched.of("random"))


@pytest.mark.parametrize("name", NAMES)
def test_no_strategy_sees_what_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, data_mirror: Callable[[str], Path], name: str
) -> None:
    table = Table.of(obelix(data_mirror("obelix"), 14), 0.1)
    watched = Watched(monkeypatch)
    one_round = plan(start=8, rounds=1, batch=4)
    replay(table, one_round, name, 3)
    ((known, left, step),) = watched.of(name)
    levels, censored, hits = table.levels.copy(), table.censored.copy(), table.hits.copy()
    generator = np.random.default_rng(0)
    levels[left] = generator.uniform(-15.0, 0.0, len(left))
    censored[left] = ~censored[left]
    hits[left] = generator.permutation(hits[left])
    watched.seen.clear()
    replay(replace(table, levels=levels, censored=censored, hits=hits), one_round, name, 3)
    ((again, _, other),) = watched.of(name)
    assert again.values.tolist() == known.values.tolist()
    assert other.chosen.tolist() == step.chosen.tolist()
    if step.predicted is not None:
        np.testing.assert_array_equal(other.predicted, step.predicted)


def test_a_retrospective_asks_no_trained_model(
    monkeypatch: pytest.MonkeyPatch, data_mirror: Callable[[str], Path]
) -> None:
    from superion.loading import load_predictor
    from superion.models.artefact import Artefact
    from superion.models.predictor import Predictor
    from superion.models.stability import learned

    def loaded(*_: object, **__: object) -> None:
        raise AssertionError("a trained model was loaded")

    monkeypatch.setattr(Artefact, "load", loaded)
    monkeypatch.setattr(Predictor, "from_folder", loaded)
    monkeypatch.setattr(learned, "release_model", loaded)
    with pytest.raises(AssertionError, match="was loaded"):
        load_predictor("release")
    rows = obelix(data_mirror("obelix"), 16)
    found = simulate(rows, plan(names=NAMES, start=6, rounds=2, batch=3, top=0.1, seeds=1))
    assert set(found.runs) == set(NAMES)


def test_processes_work_side_by_side_as_one_does(data_mirror: Callable[[str], Path]) -> None:
    rows = obelix(data_mirror("obelix"), 16)
    told: list[tuple[int, int]] = []
    given = plan(names=QUICK, start=6, rounds=3, batch=3, top=0.1, hold_out="garnet")
    alone = simulate(rows, given, lambda done, total: told.append((done, total)))
    assert told == [(done, 6) for done in range(1, 7)]
    told.clear()
    beside = simulate(rows, replace(given, workers=2), lambda done, total: told.append((done, total)))
    assert told == [(done, 6) for done in range(1, 7)]
    again = simulate(rows, given)
    assert list(alone.runs) == list(beside.runs) == list(QUICK)
    for name in QUICK:
        for one, two, three in zip(alone.runs[name], beside.runs[name], again.runs[name], strict=True):
            assert same_run(one, two)
            assert same_run(one, three)
    assert not same_run(*alone.runs["superion"])


def test_what_was_replayed_before_is_not_replayed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    given = plan(names=("random", "nearest_neighbour"))
    kept: dict[tuple[str, int], Run] = {}
    whole = simulate(small(), given, keep=kept.__setitem__)
    assert set(kept) == {(name, seed) for name in given.names for seed in range(2)}
    half = {task: run for task, run in kept.items() if task[0] == "random"}
    watched, told, new = Watched(monkeypatch), list[tuple[int, int]](), list[tuple[str, int]]()
    going_on = simulate(
        small(), given, lambda done, total: told.append((done, total)), done=half, keep=lambda task, _: new.append(task)
    )
    assert {name for name, *_ in watched.seen} == {"nearest_neighbour"}
    assert (told, new) == ([(3, 4), (4, 4)], [("nearest_neighbour", 0), ("nearest_neighbour", 1)])
    assert list(going_on.runs) == list(whole.runs)
    for name in given.names:
        assert all(map(same_run, going_on.runs[name], whole.runs[name]))


def test_a_run_is_read_as_it_was_written() -> None:
    run = replay(Table.of(small(), 0.25), plan(), "random", 0)
    assert same_run(Run.from_dict(json.loads(json.dumps(run.as_dict()))), run)
    nothing = replace(run, regret=np.full_like(run.regret, np.inf))
    assert np.isinf(Run.from_dict(json.loads(json.dumps(nothing.as_dict()))).regret).all()


def made_up(hits: list[list[int]], *, n: int = 40, n_hits: int = 4, **changes: Any) -> Retrospective:
    """Return a retrospective of made-up runs of one strategy on n materials."""
    given = plan(rounds=len(hits[0]) - 1, seeds=len(hits), names=("random",), **changes)
    rows = [row(index % len(FORMULAS), -3.0 - 0.1 * index, "one") for index in range(n)]
    table = Table.of([replace(one, id=f"r{index}") for index, one in enumerate(rows)], n_hits / n)
    assert table.hits.sum() == n_hits
    rounds = len(hits[0]) - 1
    runs = [
        Run(
            np.array(one),
            np.minimum(one, 1),
            np.linspace(2.0, 0.0, rounds + 1),
            np.full(rounds, np.nan),
            np.ones(rounds),
        )
        for one in hits
    ]
    return Retrospective(given, table, {"random": tuple(runs)})


def test_enhancement_and_acceleration_are_those_of_rohr() -> None:
    found = made_up([[0, 1, 2, 4], [1, 1, 1, 2], [2, 2, 3, 4]], start=4, batch=2)
    document = summary(found)
    assert document["experiments"] == [4, 6, 8, 10]
    assert (document["n"], document["n_hits"], found.half) == (40, 4, 2)
    # The first of the seeds reaches two hits after 8 experiments, the second after 10, the third at the start.
    assert found.to_half("random").tolist() == [8.0, 10.0, 4.0]
    told = document["strategies"]["random"]
    assert told["experiments_to_half"] == {"reached": 3, "median": 8.0, "lower": 4.0, "upper": 10.0}
    # Chance needs 2 (40 + 1) / (4 + 1) = 16.4 in the mean.
    assert document["chance_experiments_to_half"] == pytest.approx(16.4)
    assert told["acceleration"] == {"median": 2.05, "lower": 1.64, "upper": 4.1}
    # Chance has found 4 x 10 / 40 = 1 at the end; the runs 4, 2 and 4.
    assert told["enhancement"] == pytest.approx([2.5, 20 / 9, 2.5, 10 / 3], abs=1e-3)
    assert told["hits"] == pytest.approx([1.0, 4 / 3, 2.0, 10 / 3], abs=1e-3)
    assert told["error_decades"] == [None, None, None]


def test_what_was_not_reached_has_no_acceleration() -> None:
    found = made_up([[0, 0, 1], [0, 1, 1], [0, 0, 2]], start=4, batch=2)
    told = summary(found)["strategies"]["random"]
    assert found.to_half("random").tolist() == [math.inf, math.inf, 8.0]
    assert told["experiments_to_half"] == {"reached": 1, "median": None, "lower": 8.0, "upper": None}
    assert told["acceleration"] == {"median": None, "lower": None, "upper": 2.05}


@pytest.mark.parametrize(("n", "n_hits"), [(40, 4), (24, 1), (30, 7), (12, 3)])
def test_what_chance_needs_is_what_it_took_in_many_trials(n: int, n_hits: int) -> None:
    found = made_up([[0, 0]], n=n, n_hits=n_hits, start=1, batch=1)
    generator = np.random.default_rng(0)
    order = generator.permuted(np.tile(np.arange(n) < n_hits, (20_000, 1)), axis=1)
    took = (order.cumsum(axis=1) >= found.half).argmax(axis=1) + 1
    assert found.half == math.ceil(n_hits / 2)
    assert found.chance_to_half == pytest.approx(took.mean(), abs=5.0 * took.std() / math.sqrt(len(took)))


def test_differences_are_paired_by_seed() -> None:
    found = made_up([[0, 1], [1, 3], [2, 2]], start=4, batch=2)
    own = tuple(replace(run, hits=run.hits + 1) for run in found.runs["random"])
    document = summary(replace(found, runs={"superion": own, **found.runs}))
    apart = document["strategies"]["random"]["superion_minus_this"]
    # The seeds differ by more than the strategies; in pairs they do not differ at all.
    assert apart["hits"] == {"mean": 1.0, "lower": 1.0, "upper": 1.0}
    assert apart["families"] == {"mean": 0.0, "lower": 0.0, "upper": 0.0}
    assert "superion_minus_this" not in document["strategies"]["superion"]


def test_the_document_is_json_and_the_figure_is_drawn(tmp_path: Path) -> None:
    # The start may hold nothing but limits: then there is no best yet.
    rows = [replace(one, censored=index % 2 == 0) for index, one in enumerate(small())]
    found = simulate(rows, plan(start=1, seeds=6, names=("random", "nearest_neighbour"), hold_out="argyrodite"))
    assert any(np.isinf(run.regret).any() for run in found.runs["random"])
    document = json.loads(json.dumps(summary(found), allow_nan=False))
    assert document["strategies"]["random"]["regret_decades"][0] is None
    assert document["held_out"] == "argyrodite"
    assert Goal.from_dict(document["goal"]) == Goal()
    assert sum(document["hits_by_family"].values()) == document["n_hits"]
    drawn = figure(found)
    drawn.savefig(tmp_path / "hits.png")
    assert (tmp_path / "hits.png").stat().st_size > 5000
    (axes,) = drawn.axes
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"random", "nearest neighbour"}
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), document["experiments"])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), document["strategies"]["random"]["hits"], atol=1e-4)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("batch", {"batch": 0}),
        ("rounds", {"rounds": 0}),
        ("start", {"start": 0}),
        ("seeds", {"seeds": -1}),
        ("workers", {"workers": 0}),
        ("top", {"top": 0.0}),
        ("top", {"top": 1.0}),
        ("top", {"top": math.nan}),
        ("strategies", {"names": ("superion", "oracle")}),
        ("goal", {"goal": Goal(stability="objective")}),
        ("goal", {"goal": Goal(cost="constraint", cost_below=10.0)}),
        ("goal", {"goal": Goal(avoid=("Ge",))}),
    ],
)
def test_a_plan_that_cannot_be_is_refused(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as caught:
        plan(**changes)
    assert caught.value.field == field


def test_a_table_that_is_too_small_is_refused() -> None:
    with pytest.raises(InvalidTable, match="9 rows have a conductivity") as caught:
        simulate([*small()[:9], row(12, None), row(13, None)], plan())
    assert caught.value.field == "data"
    with pytest.raises(InvalidTable, match=r"12 rows \(12 of them for the start\) are too few for 4 experiments"):
        simulate(small(), plan(rounds=5))
    with pytest.raises(InvalidTable, match=r"12 rows \(8 of them for the start\) are too few for 9 experiments"):
        simulate(small(), plan(hold_out="garnet", start=9, rounds=1))
    assert simulate(small(), plan(rounds=4)).runs


def test_limits_alone_have_no_best() -> None:
    limits = [replace(one, censored=True) for one in small()]
    with pytest.raises(InvalidTable, match="0 of 12 conductivities are more than limits; 3 are to be hits"):
        simulate(limits, plan())
    three = [replace(one, censored=index > 2) for index, one in enumerate(small())]
    assert np.flatnonzero(Table.of(three, 0.25).hits).tolist() == [0, 1, 2]
    with pytest.raises(InvalidTable, match="3 of 12"):
        Table.of(three, 0.4)


def test_a_family_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidValue, match="'Garnet'") as caught:
        simulate(small(), plan(hold_out="Garnet"))
    assert caught.value.field == "hold_out"
    assert "LGPS, argyrodite, garnet, thio" in caught.value.message


def test_rows_without_a_conductivity_are_no_part_of_the_pool() -> None:
    found = simulate([*small(), row(14, None, "energy alone")], plan())
    assert len(found.table.hits) == 12
    assert "energy alone" not in found.table.pool.families
