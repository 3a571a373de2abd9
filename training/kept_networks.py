"""What the networks that a finished run has kept in its folder say of the rows that each did not see."""

from __future__ import annotations

from pathlib import Path

from superion.training import pipeline
from superion.training.cross_validation import OutOfFold, predict_out_of_fold
from superion.training.units import Work


def out_of_fold(job: pipeline.Job, folder: Path) -> OutOfFold:
    """Predict every row of a job once more with the networks of the fold that held it out.

    `folder` is the one that `pipeline.train` has filled for the same job; nothing is fitted but the forests, which are
    grown anew from the same seeds.
    """
    # The same steps as in training, by the same functions: folds of another making would show the networks their rows.
    settings = pipeline._settings(job)
    rows = job.table.rows
    folds = pipeline._folds(rows, settings)
    work = Work(
        rows=rows,
        train=pipeline._training_rows(folds, len(rows)),
        settings=settings,
        folder=folder / "networks",
        parent_trees=None if job.parent is None else job.parent.artefact.ensemble.trees,
        device=job.device,
    )
    return predict_out_of_fold(work, folds, pipeline._unknown_to_parent(rows, job.parent))
