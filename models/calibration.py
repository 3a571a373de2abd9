"""Intervals that cover as often as they say, from the residuals of grouped cross-validation.

Distributional conformal prediction (Chernozhukov et al. 2021, doi:10.1073/pnas.2107794118): what was measured out of
fold has a position in the distribution that was predicted for it, and the interval lies between two quantiles of these
positions. Where the prediction is a normal distribution, that is the residual divided by the predicted spread. The two
tails need not be equal: of the pairs of quantiles that hold what is asked, one is taken that makes the intervals short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidTable, InvalidValue
from superion.models.distribution import FloatArray, Spread

LEVELS = np.round(np.linspace(0.0, 1.0, 401), 4)
"""Levels at which the quantiles of the positions are kept."""

LOWER_SHARES = np.round(np.linspace(0.25, 0.75, 7), 3)
"""Shares of what lies outside a wide interval that may lie below it. With less room intervals are longer, with more the
low conductors are covered less (docs/ablation.md). Within these a wider interval holds every
narrower one, because the share of an interval goes to a half as it narrows."""

SHARE_CONFIDENCE = 0.9
"""Confidence at which the share is chosen."""

SHARE_ROWS = 100
"""With fewer rows the tails stay equal: a choice among few rows would cover less than it says."""

MIN_RESIDUALS = 10
"""Fewer than these calibrate nothing."""

CONFIDENCE_RANGE = (0.05, 0.99)


@dataclass(frozen=True)
class Calibration:
    """Hold how the spread of one target becomes an interval and a standard deviation."""

    quantiles: FloatArray
    """Shape (n_levels,): quantile of the positions at each of `LEVELS`, or farther from the median where the rows are
    of few papers; standard normal."""
    std_factor: float
    """What the spread is multiplied by to be a standard deviation: the root mean square of the residuals over it."""
    n_residuals: int
    lower_share: float = 0.5
    """Share of what lies outside a wide interval that lies below it; 0.5 leaves two equal tails at any confidence."""

    @classmethod
    def fit(
        cls,
        measured: FloatArray,
        censored: npt.NDArray[np.bool_],
        mean: FloatArray,
        spread: Spread,
        papers: npt.NDArray[np.int64] | None = None,
    ) -> Calibration:
        """Fit to predictions out of fold, all of shape (n,).

        A censored row, known to lie at or below its limit, counts as the mean when that is at or below the limit and as
        the limit else.

        Rows of one of the `papers` (n,) are alike, so that fewer than n independent residuals tell where a new one may
        lie. As in the forests a paper counts as the square root of its rows, k in all, and the levels lie farther from
        the median by (1 + 2/k) for (1 + 2/n), at most at the outermost residual. That lies between every row for itself
        and the count of papers (Dunn, Wasserman, Ramdas 2022, doi:10.1080/01621459.2022.2060112), which is too careful
        where they are few (docs/ablation.md). Every row is a paper of its own unless papers are given.

        Raises InvalidTable for fewer than `MIN_RESIDUALS` rows.
        """
        if len(measured) < MIN_RESIDUALS:
            raise InvalidTable(
                f"intervals need at least {MIN_RESIDUALS} measured rows to be calibrated, not {len(measured)}",
                field="conductivity_S_per_cm",
                value=len(measured),
            )
        residual = np.where(censored, np.minimum(measured - mean, 0.0), measured - mean)
        n_rows = n_alone = float(len(residual))
        if papers is not None:
            n_alone = float(np.sqrt(np.unique(papers, return_counts=True)[1]).sum())
        farther = (1.0 + 2.0 / n_alone) / (1.0 + 2.0 / n_rows)
        levels = np.clip(0.5 + (LEVELS - 0.5) * farther, 0.0, 1.0)
        # Place (n + 1) q among the sorted positions: a new one lies below it with probability q, at any n.
        # Rounded here, not on writing, so that a calibration that was saved and read answers the same.
        quantiles = np.round(np.quantile(spread.position(residual), levels, method="weibull"), 5)
        std_factor = float(np.sqrt(np.mean((residual / spread.total) ** 2)))
        shares = LOWER_SHARES if len(residual) >= SHARE_ROWS else (0.5,)
        fitted = [cls(quantiles, std_factor, len(residual), float(share)) for share in shares]
        return min(fitted, key=lambda one: (one._mean_width(mean, spread), abs(one.lower_share - 0.5)))

    def interval(self, mean: FloatArray, spread: Spread, confidence: float) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper ends of the interval at `confidence`, each of shape (n,).

        The interval always holds the mean. Raises InvalidValue for a confidence out of range.
        """
        check_confidence(confidence)
        outside = 1.0 - confidence
        # A narrow interval of unequal tails would lie beside the mean, which it must hold.
        share = 0.5 + (self.lower_share - 0.5) * confidence
        levels = [outside * share, 1.0 - outside * (1.0 - share)]
        low, high = (float(position) for position in np.interp(levels, LEVELS, self.quantiles))
        return mean + np.minimum(spread.offset(low), 0.0), mean + np.maximum(spread.offset(high), 0.0)

    def _mean_width(self, mean: FloatArray, spread: Spread) -> float:
        lower, upper = self.interval(mean, spread, SHARE_CONFIDENCE)
        return round(float((upper - lower).mean()), 6)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "quantiles": [float(q) for q in self.quantiles],
            "std_factor": self.std_factor,
            "n_residuals": self.n_residuals,
            "lower_share": self.lower_share,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Read what `as_dict` wrote."""
        return cls(
            np.asarray(data["quantiles"], dtype=np.float64),
            float(data["std_factor"]),
            int(data["n_residuals"]),
            float(data.get("lower_share", 0.5)),
        )


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
        if self.bare is self.described or self.is_bare.all():
            return self.bare.interval(mean, spread, confidence)
        if not self.is_bare.any():
            return self.described.interval(mean, spread, confidence)
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
