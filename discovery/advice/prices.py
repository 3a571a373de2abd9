"""The price of the elements that a material is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from superion.discovery.advice.element_supply import supply_of
from superion.featurizers.element_data import ATOMIC_MASS
from superion.featurizers.formula import Formula

__all__ = ["Price", "price_of", "unpriced"]


@dataclass(frozen=True)
class Price:
    """Hold what the elements of a kilogram of a material cost."""

    usd_per_kg: float
    """[US dollars per kg of the material]."""
    shares: Mapping[str, float]
    """Of the price, by element; they sum to 1."""

    @property
    def dearest(self) -> str:
        """The element that makes up most of the price."""
        return max(self.shares, key=lambda symbol: (self.shares[symbol], symbol))


def price_of(formula: Formula) -> Price | None:
    """Return the price of the elements of a material, None where one of them has no price (`unpriced` names it).

    It is what pure elements cost in commercial amounts, weighted by mass: good for telling a germanium sulfide from a
    silicon one. Precursors cost otherwise, and synthesis, drying and milling are not in it; those can be most of what
    a material costs.
    """
    if unpriced(formula):
        return None
    parts = {
        symbol: amount * ATOMIC_MASS[symbol] * (supply_of(symbol).price or 0.0)
        for symbol, amount in zip(formula.symbols, formula.amounts, strict=True)
    }
    total = math.fsum(parts.values())
    return Price(total / formula.weight, {symbol: part / total for symbol, part in parts.items()})


def unpriced(formula: Formula) -> tuple[str, ...]:
    """Return the elements of a formula that have no price."""
    return tuple(symbol for symbol in formula.symbols if supply_of(symbol).price is None)
