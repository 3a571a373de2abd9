"""Work on Dask: every end is heard of, as a value, and what is fitted there is what is fitted here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest
import torch
from distributed import KilledWorker

from superion.errors import Unavailable
from superion.training import clusters
from superion.training.dask_tasks import Tasks, fault
from superion.training.pipeline import Job, train

from . import _builders

JOB = Job(_builders.table(), _builders.SETTINGS, workers=1)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Yield a client of a cluster of one worker process."""
    with clusters.local(1) as found:
        yield found


def test_ends_are_heard_of_whatever_they_are(client: Any) -> None:
    tasks = Tasks(client)
    assert tasks.threads() == 1
    shared = tasks.spread({"a": 1})
    sent = {
        tasks.submit(lambda value: value["a"] + 1, shared): 2,
        tasks.submit(divmod, 7, 2): (3, 1),
        tasks.submit(divmod, 7, 0): ZeroDivisionError,
    }
    for _ in range(3):
        future = tasks.next_ended()
        outcome, expected = tasks.outcome(future), sent.pop(future)
        assert isinstance(outcome, expected) if isinstance(expected, type) else outcome == expected


def test_a_task_that_was_cancelled_is_one_end_of_it(client: Any) -> None:
    tasks = Tasks(client)
    future = tasks.submit(time.sleep, 2)
    future.cancel()
    assert tasks.next_ended() is future
    assert isinstance(tasks.outcome(future), CancelledError)


@pytest.mark.check
def test_a_task_that_kills_its_workers_is_no_fault_of_superion() -> None:
    with clusters.local(1) as own:
        tasks = Tasks(own)
        outcome = tasks.outcome(_ended(tasks, os._exit, 1))
        assert isinstance(outcome, KilledWorker)
        found = fault(outcome)
        assert isinstance(found, Unavailable) and "workers die at it" in str(found)
        assert tasks.outcome(_ended(tasks, divmod, 7, 2)) == (3, 1), "others are gone on with"
    assert fault(ValueError("a")).args == ("a",)


def _ended(tasks: Tasks, function: Callable[..., Any], *arguments: Any) -> Any:
    future = tasks.submit(function, *arguments)
    assert tasks.next_ended() is future
    return future


def test_the_more_urgent_is_done_first(client: Any) -> None:
    tasks = Tasks(client)
    first = tasks.submit(time.sleep, 0.5)
    sent = {tasks.submit(int, n, priority=-n): n for n in (2, 1, 3)}
    assert tasks.next_ended() is first
    assert [sent[tasks.next_ended()] for _ in sent] == [1, 2, 3]


def test_training_there_ends_in_the_same_bytes_as_here(client: Any, tmp_path: Path, two_threads: None) -> None:
    done: list[tuple[int, int]] = []
    there = train(JOB, tmp_path / "there", lambda n, total: done.append((n, total)), client)
    # Sums that two threads share are rounded otherwise, so that a unit has to be fitted in one.
    here = train(JOB, tmp_path / "here")
    assert torch.get_num_threads() == 2
    files = {folder: sorted((tmp_path / folder / "networks").iterdir()) for folder in ("here", "there")}
    assert [path.name for path in files["there"]] == [path.name for path in files["here"]]
    for one, other in zip(files["there"], files["here"], strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    assert there.metrics == here.metrics
    assert done == [(n, 12) for n in range(13)]
    # What is finished is kept here: nothing is left to send, so that no scheduler is asked.
    again = train(JOB, tmp_path / "there", client=None)
    assert again.metrics == here.metrics
