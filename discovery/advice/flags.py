"""What a chemist should know of a material before making it: what is toxic, radioactive, sensitive to air or rare.

All of it follows from the formula, and is advice on handling, not a judgement on the material.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from superion.discovery.advice.air import air_sensitivities
from superion.discovery.advice.element_supply import supply_of
from superion.discovery.advice.hazards import TOXIC
from superion.errors import UnbalancedCharges
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula
from superion.featurizers.formula_charges import formula_charges

__all__ = ["Flag", "FlagName", "flags_of"]

FlagName = Literal["toxic", "radioactive", "air-sensitive", "rare"]

RADIOACTIVE_FROM = 84
"""Atomic number from which on no isotope is stable; bismuth's lives 1e19 years."""
RADIOACTIVE_BELOW = frozenset({"Tc", "Pm"})
"""The elements before it that have no stable isotope either."""

RARE_BELOW = 1.0
"""Abundance in the Earth's crust below which an element is rare [mg/kg]."""
SCARCE_BELOW = 25.0
"""Abundance below which an element is rare if it is dear as well [mg/kg], as germanium and scandium are."""
DEAR_FROM = 200.0
"""Price from which on an element is dear [US dollars per kg]."""
NOT_FROM_ROCK = frozenset({"I", "He", "Ne", "Ar", "Kr", "Xe"})
"""Elements won from brine or air, of which the crust tells nothing."""


@dataclass(frozen=True)
class Flag:
    """Hold one thing to know before a material is made."""

    name: FlagName
    why: str
    """Begins with the element or class it is about, and a colon."""

    @property
    def subject(self) -> str:
        """The element or class it is about."""
        return self.why.partition(":")[0]


def flags_of(formula: Formula) -> tuple[Flag, ...]:
    """Return what to know of a material: first what is dangerous, last what is rare.

    Toxicity is that of the elements (`hazards`), sensitivity to air that of the class (`air`). Where no known oxidation
    states make the formula neutral, an element counts as toxic if it is so in any state. Rare is an element below
    `RARE_BELOW` in the Earth's crust, or below `SCARCE_BELOW` at a price of `DEAR_FROM` and above (`element_supply`).
    """
    try:
        charges = dict(formula_charges(formula))
    except UnbalancedCharges:
        charges = {}
    return (
        *_toxic(formula, charges),
        *_radioactive(formula),
        *(Flag("air-sensitive", why) for why in air_sensitivities(formula, charges)),
        *_rare(formula),
    )


def _toxic(formula: Formula, charges: dict[str, float]) -> Iterator[Flag]:
    for symbol in formula.symbols:
        hazard = TOXIC.get(symbol)
        if hazard is None:
            continue
        charge = charges.get(symbol)
        if hazard.from_charge is None or charge is None or charge >= hazard.from_charge:
            yield Flag("toxic", f"{symbol}: {hazard.why}")


def _radioactive(formula: Formula) -> Iterator[Flag]:
    for symbol in formula.symbols:
        if symbol in RADIOACTIVE_BELOW or ATOMIC_NUMBER[symbol] >= RADIOACTIVE_FROM:
            yield Flag("radioactive", f"{symbol}: has no stable isotope")


def _rare(formula: Formula) -> Iterator[Flag]:
    for symbol in formula.symbols:
        supply = supply_of(symbol)
        if supply.abundance is None or symbol in NOT_FROM_ROCK:
            continue
        price = supply.price or 0.0
        if supply.abundance < RARE_BELOW or (supply.abundance < SCARCE_BELOW and price >= DEAR_FROM):
            cost = f", {price:,.0f} US dollars per kg" if price >= DEAR_FROM else ""
            yield Flag("rare", f"{symbol}: {supply.abundance:g} mg in a kg of the Earth's crust{cost}")
