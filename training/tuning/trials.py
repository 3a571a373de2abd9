"""The trials of a run of a search: begun while workers are free, heard of fold by fold, ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from superion.models.distribution import FloatArray
from superion.training.cross_validation import FoldOutput
from superion.training.dask_tasks import ATTEMPTS, Tasks, fault
from superion.training.settings import TrainingSettings
from superion.training.settings_file import with_values
from superion.training.tuning.folds import CONVENTION, FoldTasks, figures_of
from superion.training.tuning.space import Dimension, where
from superion.training.tuning.tracked import RUN_ID, TrackedStudy

if TYPE_CHECKING:
    from distributed import Future
    from optuna import Study, Trial

FIGURES = "figures"
"""Attribute of a finished trial that holds its figures."""
FIRST = "first"
"""Attribute of the trial of the settings that a search begins with, which is never given up."""
FAILED = "failed"
"""Attribute of a trial that failed by itself, with the reason."""

Progress = Callable[[int, int], None]
"""Called with the number of trials that have ended and the number in all."""


@dataclass
class _Open:
    """Hold a trial that is on its way."""

    trial: Trial
    settings: TrainingSettings
    run_id: str
    sent: dict[int, Future] = field(default_factory=dict)
    found: dict[int, FoldOutput] = field(default_factory=dict)
    errors: dict[int, FloatArray] = field(default_factory=dict)
    n_reported: int = 0
    n_lost: Counter[int] = field(default_factory=Counter)
    """By fold, how often what it was to work on went with a worker."""


class Trials:
    """Hold the trials of a run of a search, those that are on their way and those that have ended."""

    def __init__(
        self,
        study: Study,
        space: Sequence[Dimension],
        settings: TrainingSettings,
        folds: FoldTasks,
        tasks: Tasks,
        notes: TrackedStudy,
    ) -> None:
        self._study, self._space, self._settings = study, space, settings
        self._folds, self._tasks, self._notes = folds, tasks, notes
        self._of: dict[Future, tuple[_Open, int]] = {}

    def take_up(self, tell: Callable[[str], None]) -> None:
        """Have the settings tried that the search begins with, and those that an earlier run has left on their way."""
        from optuna.trial import TrialState

        ended = self._n_ended()
        left = self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
        for trial in left:
            if FIRST not in trial.user_attrs:
                self._study.enqueue_trial(trial.params)
            self._study.tell(trial.number, state=TrialState.FAIL)
            if RUN_ID in trial.user_attrs:
                self._notes.cut_off(trial.user_attrs[RUN_ID])
        # Whatever became of it before, the others are compared with it.
        good = (TrialState.COMPLETE, TrialState.WAITING)
        if not any(FIRST in one.user_attrs and one.state in good for one in self._study.get_trials(deepcopy=False)):
            self._study.enqueue_trial(dict(where(self._settings, self._space)), {FIRST: True})
        if ended or left:
            tell(
                f"{ended} trials of {self._study.study_name} have ended before"
                + (f"; {len(left)} that were stopped are tried again" if left else "")
            )

    def to_the_end(self, total: int, minutes: float | None, progress: Progress, tell: Callable[[str], None]) -> None:
        """Begin trials while workers are free and hear of their folds until all have ended.

        `total` is how many the study is to have; none is begun after so many minutes. Raises what a fold of the first
        trial raised, because the others would raise it too.
        """
        begun = time.monotonic()
        total = max(total, self._n_ended())
        progress(self._n_ended(), total)
        while True:
            # The fewer are on their way at a time, the more each of them is chosen by.
            while len(self._of) < max(1, self._tasks.threads()) and (
                self._first_is_left()
                or (
                    self._n_ended() + self._n_open() < total
                    and (minutes is None or time.monotonic() - begun < 60.0 * minutes)
                )
            ):
                self._begin()
            if not self._of:
                return
            if self._hear(tell):
                progress(self._n_ended(), total)

    def _n_ended(self) -> int:
        from optuna.trial import TrialState

        trials = self._study.get_trials(deepcopy=False)
        ended = (TrialState.COMPLETE, TrialState.PRUNED)
        # One that was stopped is tried again under another number; one that failed by itself counts.
        return sum(trial.state in ended or FAILED in trial.user_attrs for trial in trials)

    def _first_is_left(self) -> bool:
        from optuna.trial import TrialState

        waiting = self._study.get_trials(deepcopy=False, states=[TrialState.WAITING])
        return any(FIRST in trial.user_attrs for trial in waiting)

    def _n_open(self) -> int:
        return len({id(open_trial) for open_trial, _ in self._of.values()})

    def _begin(self) -> None:
        trial = self._study.ask()
        values = {one.name: one.suggest(trial) for one in self._space}
        run_id = self._notes.begin_trial(trial.number, values)
        trial.set_user_attr(RUN_ID, run_id)
        opened = _Open(trial, with_values(self._settings, values), run_id)
        for fold in range(len(self._folds.assignment.folds)):
            self._send(opened, fold)

    def _send(self, opened: _Open, fold: int) -> None:
        future = self._folds.submit(opened.settings, fold, priority=-100 * opened.trial.number - fold)
        opened.sent[fold] = future
        self._of[future] = opened, fold

    def _hear(self, tell: Callable[[str], None]) -> bool:
        """Take what came of the next fold that ends; tells whether a trial has ended with it."""
        from optuna.trial import TrialState

        future = self._tasks.next_ended()
        if future not in self._of:
            return False  # of a trial that was given up
        opened, fold = self._of.pop(future)
        outcome = self._tasks.outcome(future)
        del opened.sent[fold]
        if isinstance(outcome, CancelledError) and opened.n_lost[fold] < ATTEMPTS:
            opened.n_lost[fold] += 1
            self._send(opened, fold)
            return False
        if isinstance(outcome, Exception):
            self._drop(opened)
            reason = f"{type(outcome).__name__}: {outcome}"
            self._notes.end_trial(opened.run_id, "FAILED", {}, reason)
            if FIRST in opened.trial.user_attrs:
                raise fault(outcome)
            opened.trial.set_user_attr(FAILED, reason)
            self._study.tell(opened.trial, state=TrialState.FAIL)
            tell(f"trial {opened.trial.number} failed: {reason}")
            return True
        opened.found[fold] = outcome
        opened.errors[fold] = self._folds.assignment.errors(outcome, fold)
        if len(opened.errors[fold]):
            self._notes.note_fold(opened.run_id, fold, float(np.mean(opened.errors[fold])))
        if len(opened.found) == len(self._folds.assignment.folds):
            self._finish(opened, tell)
            return True
        if self._hopeless(opened):
            self._drop(opened)
            self._study.tell(opened.trial, state=TrialState.PRUNED)
            self._notes.end_trial(opened.run_id, "KILLED", {}, "half of the others had better first folds")
            return True
        return False

    def _hopeless(self, opened: _Open) -> bool:
        """Report the folds that are there in their order, and tell whether they are worse than most."""
        while opened.n_reported in opened.errors:
            opened.n_reported += 1
            errors = np.concatenate([opened.errors[fold] for fold in range(opened.n_reported)])
            if len(errors):
                opened.trial.report(float(np.mean(errors)), opened.n_reported)
        return FIRST not in opened.trial.user_attrs and opened.trial.should_prune()

    def _finish(self, opened: _Open, tell: Callable[[str], None]) -> None:
        assignment = self._folds.assignment
        figures = figures_of(assignment, [opened.found[fold] for fold in range(len(assignment.folds))])
        opened.trial.set_user_attr(FIGURES, figures)
        value = figures[f"mae.{CONVENTION}"]
        self._study.tell(opened.trial, value)
        self._notes.end_trial(opened.run_id, "FINISHED", figures)
        tell(f"trial {opened.trial.number}: MAE {value:.3f}, the best so far {self._study.best_value:.3f}")

    def _drop(self, opened: _Open) -> None:
        for future in opened.sent.values():
            del self._of[future]
            future.cancel()
        opened.sent.clear()
