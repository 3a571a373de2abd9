"""What holds for a batch by whatever it is chosen: its members, its seed, and lists that leave little choice."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.discovery.choice.acquisition import choose
from superion.discovery.goal import Goal

from ._beliefs import listing
from ._goals import GOALS, NAMES, pair


@given(st.integers(0, 40), st.sampled_from(range(len(GOALS))), st.integers(1, 9), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_members_of_a_batch_differ_and_are_as_many_as_there_can_be(seed: int, goal: int, k: int, n: int) -> None:
    given_listing = pair(GOALS[goal], k + 2, seed, choices=range(k), pending=[k], measured=[k + 1])
    found = choose(given_listing, GOALS[goal], n, seed)
    assert len(set(found.numbers)) == len(found.numbers) == len(found.values) == min(n, k)
    assert set(found.numbers) <= set(range(k))
    assert all(map(math.isfinite, found.values))


@pytest.mark.parametrize("goal", GOALS, ids=NAMES)
def test_a_seed_gives_one_answer_and_leaves_the_draws_of_others_alone(goal: Goal) -> None:
    given_listing = pair(goal, 10, 4, choices=range(8), pending=[8], measured=[9])
    torch.manual_seed(77)
    expected = torch.rand(3)
    torch.manual_seed(77)
    np.random.seed(5)  # noqa: NPY002 - the generator that must not be touched
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first = choose(given_listing, goal, 4, 11)
    assert torch.equal(torch.rand(3), expected)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    torch.manual_seed(1234)
    assert choose(given_listing, goal, 4, 11) == first


@pytest.mark.parametrize("goal", GOALS, ids=NAMES)
@pytest.mark.parametrize("measured", [False, True])
def test_a_list_of_one(goal: Goal, measured: bool) -> None:
    given_listing = pair(goal, 2, measured=[1], choices=[0]) if measured else pair(goal, 1)
    assert choose(given_listing, goal, 5, 0).numbers == (0,)


@pytest.mark.parametrize("goal", GOALS, ids=NAMES)
def test_candidates_that_are_all_alike_do_not_fail(goal: Goal) -> None:
    for covariance in (np.ones((6, 6)), np.zeros((6, 6)), np.full((6, 6), 4.0) - 1e-13 * np.eye(6)):
        given_listing = pair(
            goal, 6, mean=np.full(6, -5.0), covariance=covariance, choices=range(4), pending=[4], measured=[5]
        )
        found = choose(given_listing, goal, 4, 0)
        assert sorted(found.numbers) == [0, 1, 2, 3]
        assert all(map(math.isfinite, found.values))
        alone = replace(given_listing, pending=np.empty(0, dtype=np.intp), measured=np.empty(0, dtype=np.intp))
        assert sorted(choose(alone, goal, 4, 0).numbers) == [0, 1, 2, 3]


def test_a_family_has_no_more_than_its_share_while_there_are_others() -> None:
    families = ["argyrodites"] * 5 + ["garnets"] * 2 + ["halides"]
    given_listing = listing(8, mean=np.linspace(-2.0, -9.0, 8), covariance=1e-4 * np.eye(8), families=families)
    found = choose(given_listing, Goal(most_of_a_family=2), 6, 0).numbers
    assert found[:5] == (0, 1, 5, 6, 7)
    # No other family is left: a batch is not cut short for the sake of variety.
    assert found[5] == 2
    assert choose(given_listing, Goal(), 6, 0).numbers == (0, 1, 2, 3, 4, 5)


def test_what_is_looked_at_in_parts_is_chosen_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given_listing = listing(23, seed=12, choices=range(20), measured=[20, 21, 22])
    for goal in (Goal(), Goal(acquisition="noisy_ei"), Goal(acquisition="variance")):
        whole = choose(given_listing, goal, 4, 3)
        with monkeypatch.context() as patch:
            patch.setattr("superion.discovery.choice.acquisition.AT_ONCE", 3)
            parts = choose(given_listing, goal, 4, 3)
        assert parts.numbers == whole.numbers
        np.testing.assert_allclose(parts.values, whole.values, atol=1e-9)


@given(st.integers(0, 30), st.sampled_from(["ucb", "variance", "log_ei", "noisy_ei"]), st.permutations(range(7)))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_list_does_not_matter(seed: int, kind: str, order: list[int]) -> None:
    given_listing = listing(7, seed, choices=range(6), measured=[6])
    place = np.argsort(order)
    shuffled = listing(
        7,
        mean=given_listing.mean[order],
        covariance=given_listing.covariance[np.ix_(order, order)],
        choices=place[:6],
        measured=place[6:],
    )
    goal = Goal(acquisition=kind)
    found = [order[number] for number in choose(shuffled, goal, 3, 0).numbers]
    assert found == list(choose(given_listing, goal, 3, 0).numbers)


def test_the_number_of_threads_is_left_as_it_was(two_threads: None) -> None:
    choose(listing(5), Goal(), 2, 0)
    assert torch.get_num_threads() == 2
