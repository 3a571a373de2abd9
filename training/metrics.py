"""How good predictions and their intervals are: the report of `superion evaluate`.

Errors are in log10(S/cm). A censored row, reported as below a limit, is scored under two conventions: at -15 and at
-10, whatever its limit; the uncensored rows are scored alone beside them. A figure that cannot be had from so few rows
is None, never NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, spearmanr

from superion.models.calibration import Calibration, FloatArray, RowCalibration, Spread

BoolArray = npt.NDArray[np.bool_]

CONVENTIONS = {"censored_at_-15": -15.0, "censored_at_-10": -10.0}

AREA_CONFIDENCES = np.round(np.arange(0.05, 0.96, 0.05), 2)
"""Confidences over which the miscalibration area is taken."""


@dataclass(frozen=True)
class Scored:
    """Hold measurements and predictions of n rows, each of shape (n,), in log10(S/cm)."""

    measured: FloatArray
    """The limit where `censored`."""
    censored: BoolArray
    has_structure: BoolArray
    mean: FloatArray
    spread: Spread

    def __len__(self) -> int:
        return len(self.measured)

    def only(self, mask: BoolArray) -> Scored:
        """Return the rows of a mask."""
        spread = Spread(self.spread.aleatoric[mask], self.spread.epistemic[mask])
        return Scored(self.measured[mask], self.censored[mask], self.has_structure[mask], self.mean[mask], spread)

    def absolute_error(self, censored_at: float) -> FloatArray:
        """Return |error| (n,) with the censored rows put at `censored_at`."""
        return np.abs(self.mean - np.where(self.censored, censored_at, self.measured))


def error_report(scored: Scored) -> dict[str, Any]:
    """Return MAE, RMSE, R2 and Spearman correlation under each convention, of all rows and of those with a crystal."""
    with_structure = scored.only(scored.has_structure)
    return {
        **_conventions(scored),
        "uncensored": _errors(scored.measured[~scored.censored], scored.mean[~scored.censored]),
        "with_structure": _conventions(with_structure),
    }


def interval_report(
    scored: Scored, calibration: Calibration | RowCalibration, confidence: float = 0.9
) -> dict[str, Any]:
    """Return coverage, width, negative log-likelihood and miscalibration area of the intervals.

    A censored row is covered when its interval reaches to or below its limit, and enters the likelihood by the
    probability of lying below it. The likelihood is the Gaussian of the mean and the calibrated standard deviation;
    the area is the mean distance between coverage and confidence from 0.05 to 0.95.
    """
    if not len(scored):
        unknown = dict.fromkeys(("coverage", "mean_width", "nll", "miscalibration_area"))
        return {"confidence": confidence, **unknown, "coverage_by_measured_level": dict.fromkeys(_levels(scored))}
    covered, width = coverage(scored, calibration, confidence)
    std = scored.spread.total * calibration.std_factor
    z = (scored.measured - scored.mean) / std
    log_likelihood = np.where(scored.censored, norm.logcdf(z), norm.logpdf(z) - np.log(std))
    gaps = [abs(coverage(scored, calibration, level)[0].mean() - level) for level in AREA_CONFIDENCES]
    return {
        "confidence": confidence,
        "coverage": float(covered.mean()),
        "mean_width": float(width.mean()),
        "nll": float(-log_likelihood.mean()),
        "miscalibration_area": float(np.mean(gaps)),
        "coverage_by_measured_level": {
            name: float(covered[mask].mean()) if mask.any() else None for name, mask in _levels(scored).items()
        },
    }


def coverage(
    scored: Scored, calibration: Calibration | RowCalibration, confidence: float
) -> tuple[BoolArray, FloatArray]:
    """Return which rows their interval covers and how wide it is, each of shape (n,)."""
    lower, upper = calibration.interval(scored.mean, scored.spread, confidence)
    inside = (lower <= scored.measured) & (scored.measured <= upper)
    return np.where(scored.censored, lower <= scored.measured, inside), upper - lower


def _levels(scored: Scored) -> dict[str, BoolArray]:
    value = np.where(scored.censored, -np.inf, scored.measured)
    return {"below -9": value < -9.0, "-9 to -6": (value >= -9.0) & (value <= -6.0), "above -6": value > -6.0}


def _conventions(scored: Scored) -> dict[str, Mapping[str, float | None]]:
    return {
        name: _errors(np.where(scored.censored, level, scored.measured), scored.mean)
        for name, level in CONVENTIONS.items()
    }


def _errors(measured: FloatArray, predicted: FloatArray) -> dict[str, float | None]:
    if not len(measured):
        return dict.fromkeys(("mae", "rmse", "r2", "spearman"))
    error = predicted - measured
    scatter = float(((measured - measured.mean()) ** 2).sum())
    varied = len(measured) > 2 and np.ptp(measured) > 0 and np.ptp(predicted) > 0
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": 1.0 - float((error**2).sum()) / scatter if scatter > 0 else None,
        "spearman": float(spearmanr(measured, predicted).statistic) if varied else None,
    }
