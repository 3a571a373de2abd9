"""Batches where several things are sought: the front that no other candidate beats in everything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch.utils.cpp_extension
from botorch.acquisition.multi_objective import logei

from superion.discovery.choice.acquisition import choose

from ._beliefs import Array, listing
from ._goals import PARETO, pair


def on_the_front(points: Array) -> set[int]:
    """Return the numbers of the points that no other is at least as good as in everything."""
    return {
        index
        for index, point in enumerate(points)
        if not any((other >= point).all() and (other > point).any() for other in points)
    }


@pytest.mark.parametrize("n_others", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_without_noise_the_front_is_found_first(n_others: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    # A front on a sphere, and what lies well within it.
    outside = np.abs(generator.normal(size=(4, 1 + n_others))) + 0.1
    outside /= np.linalg.norm(outside, axis=1, keepdims=True)
    points = np.concatenate([0.5 * outside, outside, 0.3 * outside])
    k = len(points)
    given_listing = listing(
        k,
        mean=points[:, 0],
        covariance=np.zeros((k, k)),
        others=points[:, 1:].T.copy(),
        other_deviations=np.zeros((n_others, k)),
        choices=range(8),
        measured=range(8, 12),
    )
    front = on_the_front(points)
    assert front == {4, 5, 6, 7}
    assert set(choose(given_listing, PARETO, 2, 0).numbers) <= front


def test_the_next_of_a_front_adds_most_to_the_region_below_it() -> None:
    points = np.array([[1.0, 0.1], [0.9, 0.6], [0.6, 0.9], [0.1, 1.0], [0.2, 0.2], [0.0, 0.0]])
    k = len(points)
    given_listing = listing(
        k,
        mean=points[:, 0],
        covariance=np.zeros((k, k)),
        others=points[:, 1:].T.copy(),
        other_deviations=np.zeros((1, k)),
        choices=range(5),
        measured=[5],
    )
    first, second = choose(given_listing, PARETO, 2, 0).numbers
    assert {first, second} == {1, 2}
    # What is measured already adds nothing: with the middle known, an end comes first.
    known = replace(given_listing, choices=np.array([0, 3, 4]), measured=np.array([1, 2, 5]))
    assert set(choose(known, PARETO, 2, 0).numbers) == {0, 3}


def test_a_front_is_sought_among_what_meets_the_conditions() -> None:
    points = np.array([[0.8, 0.8], [0.9, 0.6], [0.6, 0.9], [0.1, 0.1]])
    given_listing = listing(
        4,
        mean=points[:, 0],
        covariance=1e-4 * np.eye(4),
        others=points[:, 1:].T.copy(),
        other_deviations=np.full((1, 4), 0.01),
        feasible=np.array([1e-6, 1.0, 1.0, 1.0]),
        choices=range(3),
        measured=[3],
    )
    assert set(choose(given_listing, PARETO, 2, 0).numbers) == {1, 2}
    assert choose(replace(given_listing, feasible=np.ones(4)), PARETO, 1, 0).numbers == (0,)


def test_the_twin_of_a_pending_candidate_adds_nothing_to_the_front() -> None:
    fields = {
        "mean": np.array([-4.0, -3.0, -5.0, -4.0, -5.5]),
        "covariance": 1e-6 * np.eye(5),
        "others": np.array([[-0.3, -1.0, -0.2, -0.3, -1.5]]),
        "other_deviations": np.full((1, 5), 0.001),
        "choices": [0, 1, 2],
        "measured": [4],
    }
    assert choose(listing(5, **fields), PARETO, 3, 0).numbers[0] == 0
    assert choose(listing(5, **fields, pending=[3]), PARETO, 3, 0).numbers[-1] == 0


@pytest.mark.parametrize("seed", range(12))
def test_a_front_is_begun_without_a_measurement(seed: int) -> None:
    """What stands for the measurements that are not there is a candidate itself, and may be chosen."""
    given_listing = pair(PARETO, 8, seed)
    assert sorted(choose(given_listing, PARETO, 8, seed).numbers) == list(range(8))


def test_where_one_is_best_in_all_the_order_of_the_others_is_theirs() -> None:
    """A reference just below the front of one would leave the others worth nothing, in any order."""
    fields = {
        "mean": np.array([-1.0, -5.0, -3.0, -4.0]),
        "covariance": 1e-4 * np.eye(4),
        "others": np.array([[0.0, -4.0, -2.0, -3.0]]),
        "other_deviations": np.full((1, 4), 0.01),
    }
    found = choose(listing(4, **fields), PARETO, 3, 0)
    assert found.numbers[0] == 0
    ahead = choose(listing(4, **fields, choices=[1, 2, 3]), PARETO, 3, 0)
    assert ahead.numbers[0] == 2 and ahead.values[0] > -5.0


def test_a_front_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[object] = []
    monkeypatch.setattr(torch.utils.cpp_extension, "load", lambda **given: built.append(given))
    choose(pair(PARETO, 6, 0, choices=range(4), measured=[4, 5]), PARETO, 2, 0)
    assert built == []
    # What is left alone is where it is expected: else the line that does so has no effect any more.
    assert logei._load_attempted
    monkeypatch.setattr(logei, "_load_attempted", False)
    choose(pair(PARETO, 6, 0, choices=range(4), measured=[4, 5]), PARETO, 2, 0)
    assert [given["name"] for given in built] == ["logei_fused_ext"]
