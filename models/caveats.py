"""What a chemist should know beside a number: materials of which one Arrhenius line, or one phase, is a fiction."""

from __future__ import annotations

import re
from collections.abc import Iterable

from superion.featurizers.formula import Formula
from superion.models.arrhenius import TRUSTED_RANGE_C

ADDUCT = re.compile(r"\s*[\d.]+\s*\(?[A-Z][^-·*]*[-·*]\s*[\d.]*\s*\(?[A-Z]")
"""Text such as 75Li2S-25P2S5: a multiplier, a formula, and another one after a dash or a dot."""


def caveats(formula: Formula, temperatures_c: Iterable[float]) -> list[str]:
    """Return warnings that follow from the formula and the temperatures alone [degree Celsius]."""
    found = []
    if "Li" not in formula:
        found.append("the material holds no lithium: the model learned from lithium conductors only")
    if len(formula.symbols) == 1:
        found.append("the material is an element, not an electrolyte")
    if "B" in formula and "H" in formula and "O" not in formula:
        found.append(
            "hydroborates often change phase between 25 and 120 degrees Celsius and conduct far better above it; "
            "one Arrhenius line does not hold across the transition"
        )
    if "P" in formula and "N" in formula and "O" in formula and "Li" in formula:
        found.append("Li-P-O-N materials are mostly glasses: conductivity depends on how the film was made")
    elif is_adduct(formula):
        found.append(
            "a mixture written as an adduct is mostly a glass: conductivity depends on how it was quenched, "
            "and one Arrhenius line does not hold across its crystallisation"
        )
    if _is_undoped_garnet(formula):
        found.append(
            "garnets with 7 Li per formula unit are tetragonal at room temperature (about 1e-6 S/cm) and cubic when "
            "doped or hot (up to 1e-3 S/cm); one Arrhenius line does not hold across the transition"
        )
    low, high = TRUSTED_RANGE_C
    outside = sorted({t for t in temperatures_c if not low <= t <= high})
    if outside:
        found.append(
            f"{', '.join(f'{t:g}' for t in outside)} degrees Celsius lies outside {low:g} to {high:g}: the Arrhenius "
            "extrapolation from 25 degrees Celsius is untested there"
        )
    return found


def is_adduct(formula: Formula) -> bool:
    """Tell whether a formula is written as a mixture, such as 75Li2S-25P2S5."""
    return ADDUCT.match(formula.text) is not None


def _is_undoped_garnet(formula: Formula) -> bool:
    """Tell Li7A3B2O12: 7 Li to 12 O, no more cations than five."""
    oxygen = formula.amount("O")
    if oxygen <= 0.0 or set(formula.symbols) & {"P", "S", "Si", "B", "H"}:
        return False
    unit = 12.0 / oxygen
    others = sum(formula.amounts) * unit - 12.0 - formula.amount("Li") * unit
    return abs(formula.amount("Li") * unit - 7.0) < 0.05 and abs(others - 5.0) < 0.05
