"""Which elements go along with a higher or lower conductivity, where the measurements are enough to say so."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ElementEffect", "element_effects"]

LEAST_ON_A_SIDE = 4
"""Fewest measured candidates with, and without, an element for it to be tested."""
LEVEL = 0.05
"""Chance to name any element at all where none matters."""


@dataclass(frozen=True)
class ElementEffect:
    """Hold how the candidates with an element compare with those without."""

    symbols: tuple[str, ...]
    """The element, or those that occur in the same candidates and cannot be told apart."""
    n_with: int
    n_without: int
    median_with: float
    """[log10(S/cm)], as `median_without`."""
    median_without: float
    p_value: float
    """Of the rank test, times the number of elements that were still to be tested (Holm)."""


def element_effects(measured: Sequence[tuple[Sequence[str], float]]) -> tuple[ElementEffect, ...]:
    """Return the elements whose candidates differ from the others, the surest first; most often there is none.

    `measured` holds the elements and the conductivity [log10(S/cm)] of each measured candidate. Each element is tested
    by ranks (H. B. Mann, D. R. Whitney, Ann. Math. Stat. 18, 50 (1947)), and the tests are corrected for their number
    (S. Holm, Scand. J. Stat. 6, 65 (1979)). That candidates were chosen for being promising, and that elements come
    together in families, no test can undo: a difference is a hint.
    """
    from scipy.stats import mannwhitneyu

    together: dict[frozenset[int], list[str]] = {}
    for symbol in sorted({symbol for held, _ in measured for symbol in held}):
        holders = frozenset(place for place, (held, _) in enumerate(measured) if symbol in held)
        together.setdefault(holders, []).append(symbol)
    tested = []
    for holders, symbols in together.items():
        having = [value for place, (_, value) in enumerate(measured) if place in holders]
        lacking = [value for place, (_, value) in enumerate(measured) if place not in holders]
        # Where all are the same there are no ranks to compare.
        if min(len(having), len(lacking)) >= LEAST_ON_A_SIDE and len({*having, *lacking}) > 1:
            tested.append((float(mannwhitneyu(having, lacking).pvalue), tuple(symbols), having, lacking))
    found = []
    for place, (p_value, names, having, lacking) in enumerate(sorted(tested, key=lambda one: (one[0], one[1]))):
        corrected = p_value * (len(tested) - place)
        if not corrected <= LEVEL:
            break
        found.append(
            ElementEffect(
                symbols=names,
                n_with=len(having),
                n_without=len(lacking),
                median_with=statistics.median(having),
                median_without=statistics.median(lacking),
                p_value=corrected,
            )
        )
    return tuple(found)
