"""The best settings of a search against the first, on folds that neither was chosen on."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import CancelledError
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from superion.training import pipeline
from superion.training.baseline import paired_difference
from superion.training.cross_validation import FoldOutput
from superion.training.dask_tasks import Tasks, fault
from superion.training.metrics import CONVENTIONS
from superion.training.settings import TrainingSettings
from superion.training.tuning.folds import Assignment, FoldTasks
from superion.training.tuning.trials import ATTEMPTS

if TYPE_CHECKING:
    from distributed import Future


def confirmed(job: pipeline.Job, best: TrainingSettings, first: TrainingSettings, tasks: Tasks) -> dict[str, Any]:
    """Compare two settings on another assignment of the rows of a job to folds; raises what a fold raised."""
    seed = pipeline.settings_of(job).seed + 1
    assignment = Assignment.of(job, seed)
    folds = FoldTasks(tasks, assignment)
    sent: dict[Future, tuple[str, int]] = {}
    sides = {"best": best, "first": first}
    for name, settings in sides.items():
        for number in range(len(assignment.folds)):
            sent[folds.submit(settings, number)] = name, number
    found: dict[str, dict[int, FoldOutput]] = {name: {} for name in sides}
    n_lost: Counter[tuple[str, int]] = Counter()
    while sent:
        future = tasks.next_ended()
        if future not in sent:
            continue
        name, number = sent.pop(future)
        outcome = tasks.outcome(future)
        if isinstance(outcome, CancelledError) and n_lost[name, number] < ATTEMPTS:
            n_lost[name, number] += 1
            sent[folds.submit(sides[name], number)] = name, number
        elif isinstance(outcome, Exception):
            raise fault(outcome)
        else:
            found[name][number] = outcome
    scored = {
        name: assignment.scored([outputs[number] for number in range(len(assignment.folds))])
        for name, outputs in found.items()
    }
    (better, papers), (worse, _) = scored["best"], scored["first"]
    answer: dict[str, Any] = {"seed_of_folds": seed, "n": len(better)}
    for convention, level in CONVENTIONS.items():
        errors = better.absolute_error(level), worse.absolute_error(level)
        answer[convention] = {
            "best": float(errors[0].mean()),
            "first": float(errors[1].mean()),
            "paired_difference": asdict(paired_difference(*errors, papers, seed)),
        }
    return answer
