"""The best settings of a search against the first, on folds that neither was chosen on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from superion.training import pipeline
from superion.training.baseline import paired_difference
from superion.training.dask_tasks import Tasks
from superion.training.gate import verdict
from superion.training.metrics import CONVENTIONS
from superion.training.settings import TrainingSettings
from superion.training.tuning.folds import Assignment, FoldTasks


def confirmed(job: pipeline.Job, best: TrainingSettings, first: TrainingSettings, tasks: Tasks) -> dict[str, Any]:
    """Compare two settings on another assignment of the rows of a job to folds; raises what a fold raised."""
    seed = pipeline.settings_of(job).seed + 1
    assignment = Assignment.of(job, seed)
    folds = FoldTasks(tasks, assignment)
    sides = {"best": best, "first": first}
    jobs = [(name, number) for name in sides for number in range(len(assignment.folds))]
    found = dict(tasks.results(jobs, lambda job: folds.submit(sides[job[0]], job[1])))
    scored = {
        name: assignment.scored([found[name, number] for number in range(len(assignment.folds))]) for name in sides
    }
    (better, papers), (worse, _) = scored["best"], scored["first"]
    answer: dict[str, Any] = {"seed_of_folds": seed, "n": len(better)}
    differences = []
    for convention, level in CONVENTIONS.items():
        errors = better.absolute_error(level), worse.absolute_error(level)
        differences.append(paired_difference(*errors, papers, seed))
        answer[convention] = {
            "best": float(errors[0].mean()),
            "first": float(errors[1].mean()),
            "paired_difference": asdict(differences[-1]),
        }
    return {**answer, "verdict": verdict(differences)}
