"""Intervals that cover as often as they say, from the residuals of grouped cross-validation.

Normalised split-conformal prediction (Lei et al. 2018, doi:10.1080/01621459.2017.1307116): residuals out of fold are
divided by the predicted spread, and the interval is the mean plus that spread times two of their quantiles, one for
each side, because insulators make the lower tail longer than the upper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidTable, InvalidValue

FloatArray = npt.NDArray[np.float64]

LEVELS = np.round(np.linspace(0.0, 1.0, 401), 4)
"""Levels at which the quantiles of the normalised residuals are kept."""

MIN_RESIDUALS = 10
"""Fewer than these calibrate nothing."""

CONFIDENCE_RANGE = (0.05, 0.99)


@dataclass(frozen=True)
class Spread:
    """Hold the two parts of the uncertainty before calibration, each of shape (n,), in the unit of the target."""

    aleatoric: FloatArray
    """What the data scatter by: the deviation that the network expects of itself."""
    epistemic: FloatArray
    """What the members of the ensemble differ by: their standard deviation."""

    @property
    def total(self) -> FloatArray:
        """Root of the summed squares."""
        return np.sqrt(self.aleatoric**2 + self.epistemic**2)


@dataclass(frozen=True)
class Calibration:
    """Hold how the spread of one target becomes an interval and a standard deviation."""

    quantiles: FloatArray
    """Shape (n_levels,): quantile of the normalised residual at each of `LEVELS`."""
    std_factor: float
    """What the spread is multiplied by to be a standard deviation: the root mean square of the normalised residuals."""
    n_residuals: int

    @classmethod
    def fit(
        cls, measured: FloatArray, censored: npt.NDArray[np.bool_], mean: FloatArray, spread: Spread
    ) -> Calibration:
        """Fit to residuals out of fold, all of shape (n,).

        A censored row, known to lie at or below its limit, counts as zero when the mean is at or below the limit
        and as the distance to the limit else.

        Raises InvalidTable for fewer than `MIN_RESIDUALS` rows.
        """
        if len(measured) < MIN_RESIDUALS:
            raise InvalidTable(
                f"intervals need at least {MIN_RESIDUALS} measured rows to be calibrated, not {len(measured)}",
                field="conductivity_S_per_cm",
                value=len(measured),
            )
        score = (measured - mean) / spread.total
        score = np.where(censored, np.minimum(score, 0.0), score)
        n = len(score)
        # Position (n + 1) q among the sorted residuals: a new one lies below it with probability q, at any n.
        # Rounded here, not on writing, so that a calibration that was saved and read answers the same.
        quantiles = np.round(np.quantile(score, LEVELS, method="weibull"), 5)
        return cls(quantiles, float(np.sqrt(np.mean(score**2))), n)

    def interval(self, mean: FloatArray, spread: Spread, confidence: float) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper ends of the interval at `confidence`, each of shape (n,).

        The interval always holds the mean. Raises InvalidValue for a confidence out of range.
        """
        check_confidence(confidence)
        low, high = np.interp([(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0], LEVELS, self.quantiles)
        return mean + min(low, 0.0) * spread.total, mean + max(high, 0.0) * spread.total

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "quantiles": [float(q) for q in self.quantiles],
            "std_factor": self.std_factor,
            "n_residuals": self.n_residuals,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Read what `as_dict` wrote."""
        return cls(np.asarray(data["quantiles"], dtype=np.float64), float(data["std_factor"]), int(data["n_residuals"]))


@dataclass(frozen=True)
class RowCalibration:
    """Choose between two calibrations row by row: one for what is fully described, one for bare formulas."""

    described: Calibration
    bare: Calibration
    is_bare: npt.NDArray[np.bool_]
    """Shape (n,)."""

    @property
    def std_factor(self) -> FloatArray:
        """Shape (n,)."""
        return np.where(self.is_bare, self.bare.std_factor, self.described.std_factor)

    def interval(self, mean: FloatArray, spread: Spread, confidence: float) -> tuple[FloatArray, FloatArray]:
        """Return what `Calibration.interval` does, of the calibration of each row."""
        ends = zip(
            self.bare.interval(mean, spread, confidence), self.described.interval(mean, spread, confidence), strict=True
        )
        lower, upper = (np.where(self.is_bare, bare, described) for bare, described in ends)
        return lower, upper


def check_confidence(confidence: float) -> None:
    """Raise InvalidValue unless `confidence` lies in the range that the calibration can speak of."""
    low, high = CONFIDENCE_RANGE
    if not low <= confidence <= high:
        raise InvalidValue(
            f"the confidence must lie between {low} and {high}, not {confidence}", field="confidence", value=confidence
        )
