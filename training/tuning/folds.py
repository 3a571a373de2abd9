"""The folds of a trial as tasks of Dask.

A task fits the networks of one fold, puts them together with the forests and the Gaussian processes of its rows and
predicts the rows that the fold holds out. Processes depend on nothing that a search changes, so that they are fitted
once for each fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from superion.models.distribution import FloatArray
from superion.training import pipeline
from superion.training.cross_validation import (
    CONFIDENCE,
    BoolArray,
    FoldOutput,
    OutOfFold,
    check_enough,
    energy_calibration,
    intervals,
    joined,
    predict_fold,
    scored_conductivity,
)
from superion.training.dask_tasks import Tasks
from superion.training.metrics import CONVENTIONS, Scored
from superion.training.settings import TrainingSettings
from superion.training.splits import Fold, paper_groups
from superion.training.units import Array, Unit, Work, fitted, put_together

if TYPE_CHECKING:
    from distributed import Future

CONVENTION = "censored_at_-15"
"""How rows below a limit are scored in what a search makes small."""


@dataclass(frozen=True)
class Assignment:
    """Hold the rows of a job and one way to part them into folds."""

    work: Work
    folds: Sequence[Fold]
    usable: BoolArray

    @classmethod
    def of(cls, job: pipeline.Job, seed: int) -> Assignment:
        """Part the rows of a job; raises InvalidTable where they are too few."""
        rows = job.table.rows
        folds = pipeline.folds_of(rows, replace(pipeline.settings_of(job), seed=seed))
        usable = pipeline.unknown_to(job.parent, rows)
        check_enough(rows, folds, usable)
        train: dict[int, Sequence[int]] = {number: fold.train.tolist() for number, fold in enumerate(folds)}
        return cls(pipeline.work_of(job, train, Path()), folds, usable)

    def joined(self, found: Sequence[FoldOutput]) -> OutOfFold:
        """Put the answers of all folds together."""
        return joined(found, self.work.rows, self.folds, self.usable)

    def errors(self, found: FoldOutput, number: int) -> FloatArray:
        """Return the errors of the rows of one fold that score, shape (n,), under `CONVENTION` [log10(S/cm)]."""
        fold = self.folds[number]
        rows = [self.work.rows[int(index)] for index in fold.test]
        part = OutOfFold(rows, (), found[0], found[1], np.zeros(len(rows), dtype=np.int64), self.usable[fold.test])
        return scored_conductivity(part, None)[0].absolute_error(CONVENTIONS[CONVENTION])

    def scored(self, found: Sequence[FoldOutput]) -> tuple[Scored, list[str]]:
        """Return the rows that score, and the paper of each."""
        whole = self.joined(found)
        scored, chosen = scored_conductivity(whole, energy_calibration(whole))
        groups = paper_groups(self.work.rows)
        return scored, [groups[int(index)] for index in chosen]


def figures_of(assignment: Assignment, found: Sequence[FoldOutput]) -> dict[str, float]:
    """Return the figures of a cross-validation: errors from all that is known and from formulas, intervals."""
    whole = assignment.joined(found)
    energies = energy_calibration(whole)
    answer: dict[str, float] = {}
    for prefix, outputs in (("", whole.output), ("formula_alone.", whole.bare)):
        scored, chosen = scored_conductivity(whole, energies, outputs)
        for name, level in CONVENTIONS.items():
            answer[f"{prefix}mae.{name}"] = float(scored.absolute_error(level).mean())
        interval = intervals(scored, whole.fold_of[chosen])[0]
        for key in ("coverage", "mean_width", "nll"):
            if interval.get(key) is not None:
                answer[f"{prefix}interval_{CONFIDENCE}.{key}"] = float(interval[key])
    return answer


class FoldTasks:
    """Send the folds of trials to the workers, which are given the rows once."""

    def __init__(self, tasks: Tasks, assignment: Assignment) -> None:
        self.assignment = assignment
        self._tasks = tasks
        self._shared: Future | None = None
        self._processes: list[Future] = []

    def submit(self, settings: TrainingSettings, fold: int, priority: int = 0) -> Future:
        """Send one fold of a trial with these settings."""
        if self._shared is None or self._shared.status != "finished":
            # The last worker that held the rows may have gone.
            self._shared = self._tasks.spread(self.assignment.work)
            self._processes = [
                self._tasks.submit(fitted, self._shared, Unit(number, kind="processes"), priority=1)
                for number in range(len(self.assignment.folds))
            ]
        return self._tasks.submit(
            predict_held_out,
            self._shared,
            self.assignment.folds[fold],
            fold,
            settings,
            self._processes[fold],
            priority=priority,
        )


def predict_held_out(
    work: Work, fold: Fold, number: int, settings: TrainingSettings, processes: dict[str, Array]
) -> FoldOutput:
    """Fit an ensemble without the rows of a fold and predict those; what runs on a worker."""
    own = replace(work, settings=settings)
    networks = [fitted(own, Unit(number, member)) for member in range(settings.n_members)]
    return predict_fold(put_together(own, number, networks, processes), own.rows, fold)
