"""What the shipped end members alone say of a composition: the coarse hull, and what the networks are given of it."""

from __future__ import annotations

from functools import lru_cache

from superion.featurizers.formula import Formula
from superion.models.stability.lithium import LithiumStability, analyse
from superion.models.stability.tables import end_member_table

__all__ = ["analyse_coarsely"]


def analyse_coarsely(formula: Formula) -> LithiumStability:
    """Analyse a composition over the end members; raises InvalidFormula for an element that they do not know."""
    return _analysis(formula, formula.text)


# A prediction asks twice, for its hull and for its networks; the materials of a request come in batches of 64.
@lru_cache(maxsize=256)
def _analysis(formula: Formula, text: str) -> LithiumStability:
    """Formulas that are written otherwise may be equal, and the answer repeats what was written."""
    return analyse(end_member_table(), formula)
