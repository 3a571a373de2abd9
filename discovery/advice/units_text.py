"""Conductivities, chances and prices as a chemist writes them, without digits that nobody knows."""

from __future__ import annotations

import math

__all__ = ["chance_text", "conductivity_range", "conductivity_text", "price_text"]

UNITS = ((0, "S/cm"), (-3, "mS/cm"), (-6, "µS/cm"))
"""Powers of ten, and the unit that is used from a tenth of it on; of S/cm from 1 on."""
SMALLEST = -9
"""Power of ten below which a conductivity is written with its power [S/cm]."""
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
UNLIKELY, LIKELY = 0.01, 0.99
"""Chances that are not told apart from 0 and 1."""


def conductivity_text(log10: float, digits: int = 2) -> str:
    """Return a conductivity given as log10(S/cm) with its unit, such as `2.1 mS/cm` or `3·10⁻¹¹ S/cm`."""
    mantissa, power = _rounded(log10, digits)
    number, unit = _in_unit(mantissa, power, _unit(power))
    return f"{number} {unit}"


def conductivity_range(lower: float, upper: float, digits: int = 1) -> str:
    """Return the range between two conductivities given as log10(S/cm), with the unit once where both have it."""
    low, high = _rounded(lower, digits), _rounded(upper, digits)
    unit = _unit(high[1])
    if unit is not None and low[1] >= (SMALLEST if unit == UNITS[-1][0] else unit - 1):
        # 0.3 to 9 mS/cm reads easier than 300 µS/cm to 9 mS/cm.
        number, _ = _in_unit(*low, unit)
        other, name = _in_unit(*high, unit)
        return f"{number} to {other} {name}"
    if unit is None and _unit(low[1]) is None and low[1] == high[1]:
        return f"{low[0]:g} to {conductivity_text(upper, digits)}"
    return f"{conductivity_text(lower, digits)} to {conductivity_text(upper, digits)}"


def chance_text(chance: float) -> str:
    """Return a chance in percent, `below 1 %` and `above 99 %` at the ends."""
    if chance < UNLIKELY:
        return "below 1 %"
    return "above 99 %" if chance > LIKELY else f"{100.0 * chance:.0f} %"


def price_text(usd_per_kg: float) -> str:
    """Return a price [US dollars per kg] in two digits."""
    if usd_per_kg < 10.0:
        return f"{usd_per_kg:.2g} US dollars per kg"
    step = 10.0 ** (math.floor(math.log10(usd_per_kg)) - 1)
    return f"{round(usd_per_kg / step) * step:,.0f} US dollars per kg"


def _rounded(log10: float, digits: int) -> tuple[float, int]:
    """Return the mantissa from 1 to 10, rounded, and the power of ten; far below any double too."""
    power = math.floor(log10)
    mantissa = round(10.0 ** (log10 - power), digits - 1)
    return (mantissa / 10.0, power + 1) if mantissa >= 10.0 else (mantissa, power)


def _unit(power: int) -> int | None:
    """Return the power of ten of the unit, None where the power is written out."""
    if power < SMALLEST:
        return None
    return next((unit for unit, _ in UNITS if power >= unit - (1 if unit else 0)), UNITS[-1][0])


def _in_unit(mantissa: float, power: int, unit: int | None) -> tuple[str, str]:
    if unit is None:
        return f"{mantissa:g}·10{str(power).translate(SUPERSCRIPT)}", "S/cm"
    # Twelve digits are more than any mantissa has, and hide what binary fractions add.
    return f"{float(f'{mantissa}e{power - unit}'):.12g}", dict(UNITS)[unit]
