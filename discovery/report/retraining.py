"""Whether a campaign's measurements are worth a retraining of the model.

Every batch is chosen by the model as updated by the campaign, which costs nothing. Retraining takes minutes to hours
and changes what the model says of every material: it pays where the model itself, before the campaign's own
measurements, was wrong in a way that chance does not explain.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest, ttest_1samp

from superion.discovery.report.facts import Facts

FEWEST = 20
"""Measurements with a prediction below which nothing can be told."""
SIGNIFICANCE = 0.05
"""Of each of the two tests."""
LEAST_BIAS = 0.2
"""Mean error that matters [decades]; laboratories scatter by more."""


@dataclass(frozen=True)
class Retraining:
    """Hold whether a retraining pays, and what that follows from."""

    pays: bool
    why: str
    n: int
    """Measurements, no limits, of materials that the present model predicted before."""
    model_version: str | None
    bias: float | None
    """Mean of measured less predicted by the model alone [decades]."""
    mean_absolute_error: float | None
    """Of the model alone [decades]."""
    coverage: float | None
    """Share within the model's own intervals."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def retraining(facts: Facts) -> Retraining:
    """Tell whether retraining pays, by what the model of the latest suggestions said of what was measured since."""
    state = facts.state
    version = state.suggestions[-1].model_version if state.suggestions else None
    said = {
        suggestion.candidate: suggestion.reasons["model"]
        for suggestion in state.suggestions
        if suggestion.status == "observed" and suggestion.model_version == version and "model" in suggestion.reasons
    }
    pairs = [
        (one.log10_conductivity, said[one.candidate])
        for one in facts.measured
        if one.log10_conductivity is not None and not one.censored and one.candidate in said
    ]
    n = len(pairs)
    if n < FEWEST:
        why = f"{n} measurements of what this model predicted; from {FEWEST} on it can be told"
        return Retraining(False, why, n, version, None, None, None)
    error = np.array([value - model["log10_S_per_cm"] for value, model in pairs])
    inside = sum(model["lower"] <= value <= model["upper"] for value, model in pairs)
    bias, confidence = float(error.mean()), state.goal.confidence
    found: list[str] = []
    # Of errors that are all alike no test is needed, and none can be made.
    surely = error.std() < 1e-9 or float(ttest_1samp(error, 0.0).pvalue) < SIGNIFICANCE
    if abs(bias) >= LEAST_BIAS and surely:
        found.append(f"the model is off by {bias:+.2f} decades in the mean")
    if binomtest(inside, n, confidence, alternative="less").pvalue < SIGNIFICANCE:
        found.append(f"{inside} of {n} measurements lie within its intervals at {confidence:g}")
    why = "; ".join(found) or f"over {n} measurements the model is neither off as a whole nor too sure of itself"
    return Retraining(bool(found), why, n, version, bias, float(np.abs(error).mean()), inside / n)
