"""Figures of evaluations and of training runs: which panels, of which rows, with which intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superion.training import metrics, plots
from superion.training.cross_validation import (
    CONFIDENCE,
    OutOfFold,
    calibrated,
    energy_calibration,
    scored_conductivity,
)
from superion.training.evaluate import Evaluation
from superion.training.families import families_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def of_evaluation(evaluation: Evaluation) -> Figure:
    """Draw the four panels of a table that a model was scored on."""
    scored, calibration = evaluation.scored, evaluation.calibration
    return plots.evaluation(
        scored,
        evaluation.lower,
        evaluation.upper,
        scored.spread.total * calibration.std_factor,
        metrics.reliability(scored, calibration),
        evaluation.families,
        confidence=evaluation.confidence,
    )


def of_cross_validation(found: OutOfFold) -> dict[str, Figure]:
    """Draw parity, residuals by family and reliability of the predictions out of fold, by the name of their files.

    The intervals of a fold are calibrated on the other folds.
    """
    scored, chosen = scored_conductivity(found, energy_calibration(found))
    fold_of = found.fold_of[chosen]
    lower, upper = np.empty(len(scored)), np.empty(len(scored))
    covered = np.zeros(len(metrics.AREA_CONFIDENCES))
    for number in np.unique(fold_of):
        inside = fold_of == number
        part, calibration = scored.only(inside), calibrated(scored, ~inside)
        lower[inside], upper[inside] = calibration.interval(part.mean, part.spread, CONFIDENCE)
        covered += metrics.reliability(part, calibration) * len(part)
    families = families_of([found.rows[int(index)] for index in chosen])
    return {
        "parity.png": plots.parity(scored, lower, upper, confidence=CONFIDENCE),
        "residuals_by_family.png": plots.residuals_by_family(scored, families),
        "reliability.png": plots.reliability(covered / len(scored), len(scored)),
    }
