"""The line on which activation energies and conductivities of solids lie: the Meyer-Neldel rule.

Where the prefactor grows with the activation energy, log10 sigma0 = alpha + beta Ea, as it does over families of
materials, Arrhenius leaves one line between the conductivity at 25 degrees Celsius and the energy. A material that
conducts poorly is then known to have a high energy, whatever else is known of it.
Source: W. Meyer, H. Neldel, Zeitschrift fuer technische Physik 18, 588 (1937).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from superion.models.distribution import FloatArray

MIN_ROWS = 20
"""Least rows with a conductivity and an energy that a line is drawn through."""

CLEAR = 4.0
"""Standard errors that the slope must lie below zero: of twenty unrelated rows one table in two thousand would pass."""

FLOOR = -10.0
"""log10(S/cm) below which a conductivity tells nothing more of the energy: there it is a limit of detection or a
convention."""

WEIGHT = 0.5
"""Share of what a conductivity implies in an activation energy; of 0.3, 0.5, 0.7 and 1 as good as any
(docs/ablation.md)."""


@dataclass(frozen=True)
class MeyerNeldel:
    """Hold the line that gives an activation energy for a conductivity at 25 degrees Celsius."""

    intercept: float
    """Energy at 1 S/cm [eV]."""
    slope: float
    """[eV] a decade of the conductivity; below zero."""

    @classmethod
    def fit(cls, log10_conductivity: FloatArray, energy: FloatArray) -> MeyerNeldel | None:
        """Draw the line of least squares through log10(S/cm) and energies [eV], each (n_rows,), NaN where unknown.

        None where fewer than `MIN_ROWS` have both, and where the energy does not clearly fall as the conductivity
        rises: by `CLEAR` standard errors of the slope.
        """
        both = np.isfinite(log10_conductivity) & np.isfinite(energy)
        known = np.maximum(log10_conductivity[both], FLOOR)
        if both.sum() < MIN_ROWS or np.ptp(known) < 1e-6:
            return None
        (slope, intercept), covariance = np.polyfit(known, energy[both], 1, cov=True)
        return cls(float(intercept), float(slope)) if slope < -CLEAR * math.sqrt(covariance[0, 0]) else None

    def energy(self, log10_conductivity: FloatArray) -> FloatArray:
        """Return the activation energy [eV] that log10(S/cm) at 25 degrees Celsius implies, of the same shape."""
        return self.intercept + self.slope * np.maximum(log10_conductivity, FLOOR)
