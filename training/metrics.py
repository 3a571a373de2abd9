"""How good predictions and their intervals are: the report of `superion evaluate`.

Errors are in log10(S/cm). A censored row, reported as below a limit, is scored under two conventions: at -15 and at
-10, whatever its limit; the uncensored rows are scored alone beside them. A figure that cannot be had from so few rows
is None, never NaN.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, spearmanr

from superion.models.calibration import Calibration, RowCalibration
from superion.models.distribution import FloatArray, Spread
from superion.models.hurdle import INSULATOR_BELOW

BoolArray = npt.NDArray[np.bool_]

CONVENTIONS = {"censored_at_-15": -15.0, "censored_at_-10": -10.0}

AREA_CONFIDENCES = np.round(np.arange(0.05, 0.96, 0.05), 2)
"""Confidences over which the miscalibration area is taken."""

THIRDS = ("lowest", "middle", "highest")
"""Rows by their predicted conductivity, in three parts of about equal size."""


@dataclass(frozen=True)
class Scored:
    """Hold measurements and predictions of n rows, each of shape (n,), in log10(S/cm)."""

    measured: FloatArray
    """The limit where `censored`."""
    censored: BoolArray
    has_structure: BoolArray
    mean: FloatArray
    spread: Spread
    papers: npt.NDArray[np.int64] | None = None
    """A number for each paper; None where it does not matter which rows are of one."""

    def __len__(self) -> int:
        return len(self.measured)

    def only(self, mask: BoolArray) -> Scored:
        """Return the rows of a mask."""
        return Scored(
            self.measured[mask],
            self.censored[mask],
            self.has_structure[mask],
            self.mean[mask],
            self.spread.only(mask),
            None if self.papers is None else self.papers[mask],
        )

    def absolute_error(self, censored_at: float) -> FloatArray:
        """Return |error| (n,) with the censored rows put at `censored_at`."""
        return np.abs(self.mean - np.where(self.censored, censored_at, self.measured))

    def error_beyond_limit(self) -> FloatArray:
        """Return mean minus measured (n,), with nothing held against a censored row that is predicted below its limit.

        Its error is zero when the mean lies at or below the limit and the distance to the limit else, as its residual
        is in calibration.
        """
        error = self.mean - self.measured
        return np.where(self.censored, np.maximum(error, 0.0), error)


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
    """Return coverage, width, negative log-likelihood and miscalibration area of the intervals, and whom they serve.

    A censored row is covered when its interval reaches to or below its limit, and enters the likelihood by the
    probability of lying below it. The likelihood is the Gaussian of the mean and the calibrated standard deviation;
    the area is the mean distance between coverage and confidence from 0.05 to 0.95.

    Thirds are of the predicted mean: unlike the measured level, it is known when a prediction is made. The rank
    correlation is that of the size of `Scored.error_beyond_limit` with the calibrated standard deviation: whether a
    wider interval warns of a larger error.
    """
    if not len(scored):
        return {
            "confidence": confidence,
            **dict.fromkeys(("coverage", "mean_width", "nll")),
            "coverage_by_measured_level": dict.fromkeys(_levels(scored)),
            "coverage_by_predicted_third": dict.fromkeys(THIRDS),
            "spearman_error_std": None,
            "miscalibration_area": None,
        }
    covered, width = coverage(scored, calibration, confidence)
    std = scored.spread.total * calibration.std_factor
    return {
        "confidence": confidence,
        **described(scored, covered, width, log_likelihood(scored, calibration), std),
        "miscalibration_area": float(np.abs(reliability(scored, calibration) - AREA_CONFIDENCES).mean()),
    }


def described(
    scored: Scored, covered: BoolArray, width: FloatArray, log_likelihoods: FloatArray, std: FloatArray
) -> dict[str, Any]:
    """Summarise intervals, all of shape (n,): whether each covers, how wide it is, and the calibrated deviation."""
    return {
        "coverage": float(covered.mean()),
        "mean_width": float(width.mean()),
        "nll": float(-log_likelihoods.mean()),
        "coverage_by_measured_level": _means(covered, _levels(scored)),
        "coverage_by_predicted_third": _means(covered, _thirds(scored)),
        "spearman_error_std": _rank_correlation(np.abs(scored.error_beyond_limit()), std),
    }


def log_likelihood(scored: Scored, calibration: Calibration | RowCalibration) -> FloatArray:
    """Return the log-likelihood (n,) of the normal distribution of the mean and the calibrated standard deviation."""
    std = scored.spread.total * calibration.std_factor
    z = (scored.measured - scored.mean) / std
    return np.where(scored.censored, norm.logcdf(z), norm.logpdf(z) - np.log(std))


def reliability(scored: Scored, calibration: Calibration | RowCalibration) -> FloatArray:
    """Return the coverage at each of `AREA_CONFIDENCES`, of one row or more."""
    return np.array([coverage(scored, calibration, level)[0].mean() for level in AREA_CONFIDENCES])


def insulator_report(scored: Scored) -> dict[str, Any]:
    """Return how well the predicted mean tells insulators from conductors: ROC AUC and average precision.

    An insulator is a row measured below `INSULATOR_BELOW`, or censored with its limit at or below that; it is what is
    looked for, so that the average precision of a model that knows nothing is the insulators' share. A censored row
    with a higher limit may be either, and is left out as ambiguous. `n` counts the rows that are judged.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    limit_tells = scored.measured <= INSULATOR_BELOW
    insulator = np.where(scored.censored, limit_tells, scored.measured < INSULATOR_BELOW)
    judged = ~scored.censored | limit_tells
    insulator, rank = insulator[judged], -scored.mean[judged]
    both = bool(insulator.any() and not insulator.all())
    return {
        "threshold_log10": INSULATOR_BELOW,
        "n": int(judged.sum()),
        "n_insulators": int(insulator.sum()),
        "n_ambiguous": int((~judged).sum()),
        "roc_auc": float(roc_auc_score(insulator, rank)) if both else None,
        "average_precision": float(average_precision_score(insulator, rank)) if both else None,
    }


def family_report(scored: Scored, families: Sequence[str], covered: BoolArray) -> dict[str, dict[str, Any]]:
    """Return the figures of each family, the largest first; `families` names that of every row.

    `covered` (n,) says which rows lie in their intervals.

    `mae` has the censored rows at -15, `mae_at_-10` at -10. `bias` is the mean of predicted minus measured over the
    rows with a value, None where there are none.
    """
    names = np.asarray(families, dtype=np.str_)
    error = scored.mean - scored.measured
    answer = {}
    for name, n in sorted(Counter(families).items(), key=lambda item: (-item[1], item[0])):
        inside = names == name
        known = inside & ~scored.censored
        answer[name] = {
            "n": n,
            "n_censored": int((inside & scored.censored).sum()),
            "mae": float(scored.absolute_error(-15.0)[inside].mean()),
            "mae_at_-10": float(scored.absolute_error(-10.0)[inside].mean()),
            "bias": float(error[known].mean()) if known.any() else None,
            "coverage": float(covered[inside].mean()),
        }
    return answer


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


def _thirds(scored: Scored) -> dict[str, BoolArray]:
    """Part the rows at the quantiles of the predicted mean, so that equal predictions stay together."""
    first, second = np.quantile(scored.mean, [1.0 / 3.0, 2.0 / 3.0])
    low, high = scored.mean <= first, scored.mean > second
    return dict(zip(THIRDS, (low, ~low & ~high, high), strict=True))


def _means(covered: BoolArray, masks: Mapping[str, BoolArray]) -> dict[str, float | None]:
    return {name: float(covered[mask].mean()) if mask.any() else None for name, mask in masks.items()}


def _rank_correlation(one: FloatArray, other: FloatArray) -> float | None:
    """Return Spearman's correlation, None where there are too few rows or one side does not vary."""
    varied = len(one) > 2 and np.ptp(one) > 0 and np.ptp(other) > 0
    return float(spearmanr(one, other).statistic) if varied else None


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
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": 1.0 - float((error**2).sum()) / scatter if scatter > 0 else None,
        "spearman": _rank_correlation(measured, predicted),
    }
