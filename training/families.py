"""The family a row belongs to: what its table says, else what its anion makes it."""

from __future__ import annotations

from collections.abc import Sequence

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


def families_of(rows: Sequence[Measurement]) -> list[str]:
    """Return the family of every row: that of its table, else that of the anion of its formula.

    A family that is written in several ways, apart in case or spaces, is named as where it stands first.
    """
    spelling: dict[str, str] = {}
    names = [" ".join((row.family or "").split()) or anion_family(row.material.formula) for row in rows]
    return [spelling.setdefault(name.casefold(), name) for name in names]


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
