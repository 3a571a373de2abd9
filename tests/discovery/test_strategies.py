"""The strategies: each against what it is said to be, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from superion.discovery.choice.proposal import Known
from superion.discovery.goal import Goal
from superion.discovery.retrospective.strategies import Pool, Step, strategies
from superion.training.families import families_of

from ._beliefs import obelix

NAMES = tuple(strategies(Goal()))


@pytest.fixture(scope="module")
def pool(data_mirror: Callable[[str], Path]) -> Pool:
    """Return some of the materials of OBELiX."""
    rows = obelix(data_mirror("obelix"), 14)
    return Pool.of([row.material for row in rows], families_of(rows))


def stepped(pool: Pool, name: str, n: int = 4, seed: int = 0, m: int = 8) -> tuple[Known, np.ndarray, Step]:
    """Return what was known, what was left and what a strategy made of it."""
    generator = np.random.default_rng(1)
    size = len(pool.materials)
    done = generator.choice(size, m, replace=False)
    known = Known(done, generator.uniform(-9.0, -2.0, m), np.arange(m) == 3)
    left = np.setdiff1d(np.arange(size), done)
    return known, left, strategies(Goal())[name](pool, known, left, n, seed)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_of_what_is_left_each_once_and_reproducible(pool: Pool, name: str) -> None:
    _, left, step = stepped(pool, name)
    assert len(set(step.chosen.tolist())) == len(step.chosen) == 4
    assert set(step.chosen.tolist()) <= set(left.tolist())
    assert (step.predicted is None) == (name == "random")
    if step.predicted is not None:
        assert step.predicted.shape == left.shape
        assert np.isfinite(step.predicted).all()
    np.testing.assert_array_equal(stepped(pool, name)[2].chosen, step.chosen)


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_takes_all_where_few_are_left(pool: Pool, name: str) -> None:
    _, left, step = stepped(pool, name, n=99, m=len(pool.materials) - 3)
    assert sorted(step.chosen.tolist()) == left.tolist()


def test_chance_prefers_nothing(pool: Pool) -> None:
    n = 1200
    counts = np.zeros(len(pool.materials))
    for seed in range(n):
        _, left, step = stepped(pool, "random", seed=seed)
        counts[step.chosen] += 1
    share = 4 / len(left)
    assert (np.abs(counts[left] - n * share) < 5.0 * np.sqrt(n * share * (1.0 - share))).all()
    assert counts.sum() == counts[left].sum()


def test_the_nearest_neighbour_is_that_of_brute_force(pool: Pool) -> None:
    known, left, step = stepped(pool, "nearest_neighbour", n=len(pool.materials))
    predicted, apart = [], []
    for place in left:
        distances = [np.linalg.norm(pool.compositions[place] - pool.compositions[other]) for other in known.places]
        predicted.append(known.values[int(np.argmin(distances))])
        apart.append(min(distances))
    np.testing.assert_array_equal(step.predicted, predicted)
    order = sorted(range(len(left)), key=lambda index: (-predicted[index], round(apart[index], 7)))
    chosen = {int(place): index for index, place in enumerate(step.chosen)}
    ranks = [chosen[int(left[index])] for index in order]
    assert [predicted[index] for index in order] == sorted(predicted, reverse=True)
    # Equal distances may stand in either order.
    for (one, rank), (other, following) in zip(
        zip(order, ranks, strict=True), list(zip(order, ranks, strict=True))[1:], strict=False
    ):
        assert rank < following or abs(apart[one] - apart[other]) < 1e-6


@pytest.mark.parametrize(("name", "kappa"), [("greedy", 0.0), ("magpie_forest", 1.0)])
def test_the_forests_are_those_of_sklearn(pool: Pool, name: str, kappa: float) -> None:
    from sklearn.ensemble import RandomForestRegressor

    known, left, step = stepped(pool, name, n=len(pool.materials), seed=7)
    grown = RandomForestRegressor(300, random_state=7).fit(pool.descriptors[known.places], known.values)
    np.testing.assert_allclose(step.predicted, grown.predict(pool.descriptors[left]), atol=1e-9)
    spread = np.std([tree.predict(pool.descriptors[left]) for tree in grown.estimators_], axis=0)
    bound = grown.predict(pool.descriptors[left]) + kappa * spread
    in_order = bound[np.searchsorted(left, step.chosen)]
    np.testing.assert_allclose(in_order, np.sort(bound)[::-1], atol=1e-9)


def test_a_pool_describes_every_material_and_knows_no_conductivity(pool: Pool) -> None:
    n = len(pool.materials)
    assert pool.descriptors.shape == (n, 139)
    assert np.isfinite(pool.descriptors).all()
    np.testing.assert_allclose(np.square(pool.compositions).sum(axis=1), 1.0, atol=1e-6)
    assert len(pool.forecast.mean) == n
    # Cells are told apart: at least one column of the lattice varies.
    assert pool.descriptors[:, -7:].std(axis=0).min() > 0.0


def test_superions_own_way_takes_its_goal(pool: Pool) -> None:
    known, left, _ = stepped(pool, "random")
    chosen = {
        kind: tuple(strategies(Goal(acquisition=kind))["superion"](pool, known, left, 4, 0).chosen)
        for kind in ("ucb", "variance")
    }
    assert chosen["ucb"] != chosen["variance"]
    capped = strategies(Goal(most_of_a_family=1))["superion"](pool, known, left, 4, 0).chosen
    assert len({pool.families[place] for place in capped}) == 4
