"""The family a row belongs to: what its table says, else what its anion makes it."""

from __future__ import annotations

from superion.featurizers.formula import Formula
from superion.training.table import Measurement

ANIONS = {
    "O": "oxides",
    "S": "sulfides",
    "Se": "selenides",
    "Te": "tellurides",
    "N": "nitrides",
    "F": "fluorides",
    "Cl": "chlorides",
    "Br": "bromides",
    "I": "iodides",
}
"""Elements that are taken as the anion; where two hold as many atoms, the one that stands first."""

HYDRIDE_FORMERS = ("B", "Al")
"""Elements beside which hydrogen is the anion, as in hydroborates; else it belongs to water, hydroxide or an amine."""

PNICTIDES = {"P": "phosphides", "As": "arsenides", "Sb": "antimonides"}
"""Anions where there is no other, as in Li3P."""

OTHER = "other"


def family_of(row: Measurement) -> str:
    """Return the family of a row's table, else that of the anion of its formula."""
    return (row.family or "").strip() or anion_family(row.material.formula)


def anion_family(formula: Formula) -> str:
    """Name a formula for the anion that most of its atoms are, `OTHER` where it has none."""
    amounts = {symbol: formula.amount(symbol) for symbol in ANIONS if symbol in formula}
    hydrogen = formula.amount("H") if "H" in formula else 0.0
    if (
        hydrogen
        and any(symbol in formula for symbol in HYDRIDE_FORMERS)
        and hydrogen > max(amounts.values(), default=0)
    ):
        return "hydrides"
    if amounts:
        return ANIONS[max(amounts, key=lambda symbol: amounts[symbol])]
    if hydrogen:
        return "hydrides"
    return next((name for symbol, name in PNICTIDES.items() if symbol in formula), OTHER)
