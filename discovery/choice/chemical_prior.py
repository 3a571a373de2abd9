"""What is expected of a lithium conductor before any is measured, where no trained model may be asked.

Soft anions hold lithium loosely: sulfides conduct better than halides, and these better than oxides and fluorides (J.
C. Bachman et al., Chem. Rev. 116, 140 (2016)). So the expected conductivity falls with the mean electronegativity of
the anions, from that of sulfur on. Of other anions, hydrogen and phosphorus for two, it says nothing, and they are
taken as neither soft nor hard.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superion.discovery.choice.belief import Forecast
from superion.errors import SuperionError
from superion.featurizers.formula import Formula
from superion.featurizers.formula_charges import formula_charges
from superion.featurizers.species_kinds import electronegativity
from superion.training.families import ANIONS

LEVEL = -5.0
"""Expected for a chloride [log10(S/cm)]; where a campaign's materials lie as a whole, its measurements tell."""
SLOPE = -3.0
"""Decades by which a unit of the anions' mean electronegativity (Pauling) changes it."""
SOFTEST, HARDEST = 2.58, 3.98
"""Sulfur's and fluorine's; beyond, nothing changes."""
MIDDLE = 3.2
"""About chlorine's."""
DEVIATION = 1.5
"""Standard deviation of what the expectation is off [decades]."""


def chemical_forecast(formulas: Sequence[Formula]) -> Forecast:
    """Return what is expected of formulas, shape (n,); nothing in it was learned from conductivities."""
    softness = np.array([_anion_electronegativity(formula) for formula in formulas], dtype=np.float64)
    mean = LEVEL + SLOPE * (softness - MIDDLE)
    return Forecast(mean, np.full(len(formulas), DEVIATION), shifts=True)


def _anion_electronegativity(formula: Formula) -> float:
    """Return the mean electronegativity of the anions, that of others than `ANIONS` taken as `MIDDLE`."""
    found = [(formula.amount(symbol), _electronegativity(symbol)) for symbol in _anions(formula)]
    total = sum(amount for amount, _ in found)
    return sum(amount * value for amount, value in found) / total if total else MIDDLE


def _electronegativity(symbol: str) -> float:
    return min(max(electronegativity(symbol), SOFTEST), HARDEST) if symbol in ANIONS else MIDDLE


def _anions(formula: Formula) -> list[str]:
    try:
        charges = formula_charges(formula)
    except SuperionError:
        # No oxidation states make it neutral: an odd composition still has its usual anions.
        return [symbol for symbol in formula.symbols if symbol in ANIONS]
    return [symbol for symbol in formula.symbols if charges[symbol] < 0.0]
