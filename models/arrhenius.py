"""Conductivity at a temperature from conductivity at 25 degrees Celsius and an activation energy.

Arrhenius in the conductivity itself, not in conductivity times temperature:
log10 sigma(T) = log10 sigma(25 degrees Celsius) - (Ea / (k ln 10)) (1/T - 1/298.15 K).
"""

from __future__ import annotations

import math

from superion.errors import InvalidValue

BOLTZMANN = 8.617333262e-5
"""[eV/K], CODATA 2018, exact."""

ZERO_CELSIUS = 273.15
"""[K]"""

REFERENCE_TEMPERATURE_C = 25.0

TEMPERATURE_RANGE_C = (-150.0, 1000.0)
"""What is accepted [degree Celsius]; solid electrolytes are measured well within it."""

TRUSTED_RANGE_C = (-20.0, 200.0)
"""Where one Arrhenius line is commonly seen to hold [degree Celsius]; an answer outside it carries a warning."""


def inverse_temperature_step(temperature_c: float) -> float:
    """Return (1/T - 1/298.15 K) / (k ln 10) [1/eV]: what an activation energy is multiplied by and subtracted.

    Raises InvalidValue for a temperature out of range.
    """
    low, high = TEMPERATURE_RANGE_C
    if not (math.isfinite(temperature_c) and low <= temperature_c <= high):
        raise InvalidValue(
            f"the temperature must lie between {low:g} and {high:g} degrees Celsius, not {temperature_c}",
            field="temperature_C",
            value=temperature_c,
        )
    reference = REFERENCE_TEMPERATURE_C + ZERO_CELSIUS
    return (1.0 / (temperature_c + ZERO_CELSIUS) - 1.0 / reference) / (BOLTZMANN * math.log(10.0))
