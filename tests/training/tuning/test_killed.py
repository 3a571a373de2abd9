"""A search whose process, or whose worker, is killed in the middle of a trial."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from optuna.trial import FrozenTrial, TrialState

from superion.training import tracking
from superion.training.tuning import storage
from superion.training.tuning.tracked import PARENT, RUN_ID

from .. import _builders
from .._noise import MLFLOW

pytestmark = [*MLFLOW, pytest.mark.check, pytest.mark.timeout(300)]

TRIALS = 4


def trials() -> list[FrozenTrial]:
    """Return the trials as their database has them, which is not to be opened before the search has made its tables."""
    with storage.opened(storage.place(None)) as found:
        return optuna.load_study(study_name="ours", storage=found).trials


def finished(found: list[FrozenTrial]) -> dict[int, float | None]:
    return {trial.number: trial.value for trial in found if trial.state is TrialState.COMPLETE}


def on_their_way(found: list[FrozenTrial]) -> list[FrozenTrial]:
    """Return those that are noted in MLflow already and have not ended."""
    return [trial for trial in found if trial.state is TrialState.RUNNING and RUN_ID in trial.user_attrs]


def in_the_middle(found: list[FrozenTrial]) -> bool:
    return len(finished(found)) >= 1 and len(on_their_way(found)) == 1 and len(found) < TRIALS


class Running:
    """Hold `superion tune` in a process of its own, with one worker."""

    def __init__(self, folder: Path) -> None:
        self.printed, self.said = (folder / f"{name}-{time.monotonic_ns()}.txt" for name in ("printed", "said"))
        data = _builders.synthetic_csv(folder / "own.csv")
        options = ["--study", "ours", "--trials", TRIALS, "--epochs", 2, "--members", 2, "--folds", 3, "--workers", 1]
        options += ["--search", "fit.learning_rate,fit.jitter", "--no-unlabelled", "--no-confirm", "--json"]
        code = "import sys; from superion.cli import main; sys.argv[0] = 'superion'; main()"
        with self.printed.open("w") as printed, self.said.open("w") as said:
            command = [sys.executable, "-c", code, "tune", "--data", str(data), *map(str, options)]
            self.process = subprocess.Popen(command, stdout=printed, stderr=said)

    def wait_for_the_middle(self) -> None:
        """Wait until the first trial has ended and another, which is not the last, is on its way."""
        deadline = time.monotonic() + 120.0
        while "trial 0: MAE" not in self.said.read_text() or not in_the_middle(trials()):
            assert self.process.poll() is None and time.monotonic() < deadline, self.said.read_text()
            time.sleep(0.02)

    @property
    def workers(self) -> list[psutil.Process]:
        """Return the processes of the workers."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in children if any("spawn_main" in text for text in one.cmdline())]

    def end(self) -> dict[str, Any]:
        """Return the document that was printed, once it has ended."""
        status = self.process.wait(timeout=200)
        assert status == 0, self.said.read_text()
        document: dict[str, Any] = json.loads(self.printed.read_text())
        return document


@pytest.fixture
def start(mlflow_home: Path, tmp_path: Path) -> Iterator[Callable[[], Running]]:
    """Yield what starts a search in the home of the test; what still runs in the end is killed."""
    begun: list[Running] = []

    def run() -> Running:
        begun.append(Running(tmp_path))
        return begun[-1]

    yield run
    for one in begun:
        one.process.kill()
        one.process.wait()


def test_after_a_kill_of_the_command_the_same_command_completes(start: Callable[[], Running]) -> None:
    first = start()
    first.wait_for_the_middle()
    workers = first.workers
    os.kill(first.process.pid, signal.SIGKILL)
    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert gone and not alive, "workers without a scheduler end"
    first.process.wait()
    before = trials()
    (lost,) = on_their_way(before)
    client = tracking.client()
    assert client.get_run(lost.user_attrs[RUN_ID]).info.status == "RUNNING"

    again = start()
    found = again.end()
    said = again.said.read_text()
    assert f"{len(finished(before))} trials of ours have ended before; 1 that were stopped are tried again" in said
    assert found["trials"] == {"finished": TRIALS, "given_up": 0, "failed": 0}
    after = trials()
    assert finished(after).items() > finished(before).items()
    assert after[lost.number].state is TrialState.FAIL
    tried = [trial.number for trial in after if trial.params == lost.params and trial.number != lost.number]
    assert tried == [lost.number + 1], "the values of the lost trial are tried next"
    assert len(after) == TRIALS + 1

    parent = client.get_run(found["run_id"])
    assert parent.info.status == "FINISHED"
    nested = client.search_runs([parent.info.experiment_id], f"tags.{PARENT} = '{found['run_id']}'")
    status = {run.info.run_id: run.info.status for run in nested}
    assert status.pop(lost.user_attrs[RUN_ID]) == "KILLED"
    assert list(status.values()) == ["FINISHED"] * TRIALS
    assert not on_their_way(after)


def test_a_worker_that_is_killed_costs_its_fold_and_no_trial(start: Callable[[], Running]) -> None:
    """It is the only one, so that the rows and the processes of the folds go with it and are sent again."""
    running = start()
    running.wait_for_the_middle()
    victim = max(running.workers, key=lambda one: one.cpu_times().user)
    victim.send_signal(signal.SIGKILL)
    psutil.wait_procs([victim], timeout=10)
    assert running.process.poll() is None
    found = running.end()
    assert found["trials"] == {"finished": TRIALS, "given_up": 0, "failed": 0}
    assert [trial.state for trial in trials()] == [TrialState.COMPLETE] * TRIALS
