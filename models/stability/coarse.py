"""What the shipped end members alone say of a composition: the coarse hull, and what the networks are given of it."""

from __future__ import annotations

from functools import lru_cache

from superion.featurizers.formula import Formula
from superion.models.stability.lithium import LithiumStability, analyse
from superion.models.stability.tables import end_member_table

__all__ = ["COARSE_KEPT", "analyse_coarsely"]

COARSE_KEPT = 128
"""Analyses that a caller who asks twice finds again."""


def analyse_coarsely(formula: Formula, *, whole: bool = False) -> LithiumStability:
    """Analyse a composition over the end members, `whole` with all of its staircase.

    The last 512 analyses are kept. Raises InvalidFormula for an element that the end members do not know.
    """
    return _analysis(formula, formula.text, whole)


# A prediction asks twice, for its hull and for its networks. Several threads may predict at once.
@lru_cache(maxsize=4 * COARSE_KEPT)
def _analysis(formula: Formula, text: str, whole: bool) -> LithiumStability:
    """Formulas that are written otherwise may be equal, and the answer repeats what was written."""
    return analyse(end_member_table(), formula, whole=whole)
