"""Tables and compositions that hypothesis makes up."""

from __future__ import annotations

from hypothesis import strategies as st

from superion.featurizers.formula import Formula
from superion.models.stability import Phase, PhaseTable

ELEMENTS = ("Li", "P", "S", "O")
BASE = [("Li2S", -1.0), ("Li3P", -0.6), ("P2S5", -0.4), ("Li2O", -2.0), ("P2O5", -2.2)]

amounts = st.lists(st.integers(0, 8), min_size=4, max_size=4).filter(lambda n: sum(n) > 0)
compounds = amounts.filter(lambda n: sum(x > 0 for x in n) > 1)
energies = st.integers(-300, 100).map(lambda n: n / 100)
phases = st.lists(st.tuples(compounds, energies), max_size=12)


def formula(numbers) -> Formula:
    """Return the formula of these amounts."""
    return Formula.from_amounts({s: float(n) for s, n in zip(ELEMENTS, numbers, strict=True) if n})


def table(rows) -> PhaseTable:
    """Return a table of the base and what was made up."""
    base = [Phase(Formula.parse(text), energy) for text, energy in BASE]
    return PhaseTable.from_phases("made up", [*base, *(Phase(formula(n), energy) for n, energy in rows)])
