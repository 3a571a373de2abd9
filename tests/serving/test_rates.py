"""Token buckets: how many are granted, how long the others wait, and that nothing is remembered for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.serving.rates import Rates


class Clock:
    """Tell the time that a test says it is."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("per_minute", "at_once", "wait"), [(60.0, 60, 1.0), (6.0, 6, 10.0), (0.5, 1, 120.0)])
def test_a_minute_s_worth_at_once_and_then_one_at_a_time(per_minute: float, at_once: int, wait: float) -> None:
    clock = Clock()
    rates = Rates(10, clock)
    assert [rates.take("a", per_minute) for _ in range(at_once)] == [0.0] * at_once
    for _ in range(3):
        assert rates.take("a", per_minute) == pytest.approx(wait)
    clock.now += 0.9 * wait
    assert rates.take("a", per_minute) == pytest.approx(0.1 * wait)
    clock.now += 0.1 * wait
    assert rates.take("a", per_minute) == 0.0
    assert rates.take("a", per_minute) == pytest.approx(wait)
    assert rates.take("b", per_minute) == 0.0, "another name has a bucket of its own"


@given(
    st.lists(st.floats(0.0, 30.0), min_size=1, max_size=200),
    st.sampled_from([0.3, 1.0, 7.0, 120.0]),
)
def test_never_more_than_the_rate_and_a_bucket(pauses: list[float], per_minute: float) -> None:
    clock = Clock()
    rates = Rates(10, clock)
    granted = 0
    for pause in pauses:
        clock.now += pause
        wait = rates.take("a", per_minute)
        granted += wait == 0.0
        if wait:
            clock.now += wait
            assert rates.take("a", per_minute) == 0.0, "after the wait one is granted"
            granted += 1
        assert granted <= max(1.0, per_minute) + clock.now * per_minute / 60.0 + 1e-6


def test_names_are_forgotten_when_their_bucket_is_full_again() -> None:
    clock = Clock()
    rates = Rates(1000, clock)
    for number in range(500):
        rates.take(str(number), 60.0)
    assert len(rates) == 500
    clock.now += 1.01
    rates.take("late", 60.0)
    assert len(rates) == 1


def test_no_more_names_are_remembered_than_allowed() -> None:
    rates = Rates(100, Clock())
    for number in range(1000):
        assert rates.take(str(number), 1.0) == 0.0
    assert len(rates) == 100
    assert rates.take("999", 1.0) > 0.0
