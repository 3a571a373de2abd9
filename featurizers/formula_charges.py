"""Oxidation states of the elements of a formula, where no structure says which atoms are bonded to which.

Every element has one state, or one of the redox-active ones a mean of two. Of the states that the ICSD knows of each
element, those are taken that make the formula neutral and are the commonest; a combination costs what one of a crystal
does (`superion.featurizers.charge_balance`). An anion is more electronegative than
every cation, so that sulfur is S2- in Li6PS5Cl and S6+ in Li2SO4, and hydrogen H- in LiBH4 and H+ in LiOH.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

from superion.errors import InvalidValue, UnbalancedCharges
from superion.featurizers.charge_balance import LEFT_OVER_UNIT, MIXED_VALENT, TOLERANCE
from superion.featurizers.formula import Formula
from superion.featurizers.species_kinds import candidate_states, electronegativity

__all__ = ["formula_charges", "substituent_charge"]

_MAX_COMBINATIONS = 10_000
"""Most combinations of states that are compared; beyond it the rarest states go first."""
_MIXED_COST = 4.0
"""Cost of a mean charge, on top of that of the states that it lies between; that of a state is -ln(share)."""


def formula_charges(formula: Formula, given: Mapping[str, float] | None = None) -> Mapping[str, float]:
    """Return the oxidation state of every element of a formula, those in `given` as they are given.

    Raises UnbalancedCharges where no known states are neutral to within `TOLERANCE`, and InvalidValue for a state given
    of an element that the formula does not hold, or that no ion can have.
    """
    given = dict(given or {})
    for symbol, charge in given.items():
        if symbol not in formula:
            raise InvalidValue(f"{formula.text} holds no {symbol}", field="charges", value=symbol)
        if not -4.0 <= charge <= 8.0:  # also False for NaN
            raise InvalidValue(
                f"the charge of {symbol} is {charge:g}; oxidation states lie from -4 to 8",
                field="charges",
                value=charge,
            )
    options = {symbol: _options(symbol, given) for symbol in formula.symbols}
    unknown = next((symbol for symbol, states in options.items() if not states), None)
    if unknown is not None:
        message = f"no oxidation state is known of {unknown} in {formula.text}: give its charge"
        raise UnbalancedCharges(message, field="formula", value=formula.text)
    found = list(_whole(formula, options, given))
    # A mean charge costs so much that most formulas need not be tried with one.
    if min((cost for cost, _ in found), default=math.inf) > _MIXED_COST:
        found += _mixed(formula, options, given)
    if not found:
        raise UnbalancedCharges(
            f"no oxidation states known of {', '.join(formula.symbols)} make {formula.text} neutral: give the charge "
            "of the element that has an unusual one",
            field="formula",
            value=formula.text,
        )
    _, charges = min(found, key=lambda one: (round(one[0], 6), one[1]))
    return dict(zip(formula.symbols, charges, strict=True))


def substituent_charge(symbol: str, host_charge: float) -> tuple[int, float] | None:
    """Return the state that an element takes in place of an ion of another, with its share among its states.

    A state costs -ln(share), and the difference to the charge of the ion: antimony is Sb5+ in place of P5+ though Sb3+
    is commoner, and tantalum Ta5+ in place of Zr4+ though there is Ta4+. None where the element has no state of that
    sign.
    """
    states = candidate_states(symbol, 1 if host_charge > 0 else -1)
    return min(states, key=lambda state: abs(state[0] - host_charge) - math.log(state[1]), default=None)


def _options(symbol: str, given: Mapping[str, float]) -> list[tuple[float, float]]:
    """Return the (charge, cost) of the states that an element may have."""
    if symbol in given:
        return [(float(given[symbol]), 0.0)]
    states = [*candidate_states(symbol, 1), *candidate_states(symbol, -1)]
    return [(float(charge), -math.log(share)) for charge, share in states if charge]


def _whole(
    formula: Formula, options: Mapping[str, list[tuple[float, float]]], given: Mapping[str, float]
) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Yield the (cost, charges) of combinations that are neutral."""
    for cost, charges in _combinations(formula, options, given):
        positive = math.fsum(a * q for a, q in zip(formula.amounts, charges, strict=True) if q > 0)
        negative = -math.fsum(a * q for a, q in zip(formula.amounts, charges, strict=True) if q < 0)
        left_over = abs(positive - negative) / max(positive, negative)
        if left_over <= TOLERANCE:
            yield cost + (left_over / LEFT_OVER_UNIT) ** 2, charges


def _mixed(
    formula: Formula, options: Mapping[str, list[tuple[float, float]]], given: Mapping[str, float]
) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Yield the (cost, charges) of combinations in which one element has a mean of its states."""
    for place, symbol in enumerate(formula.symbols):
        states = sorted(state for state in options[symbol] if state[0] > 0)
        if symbol in given or symbol not in MIXED_VALENT or len(states) < 2:
            continue
        for cost, charges in _combinations(formula, {**options, symbol: [states[0]]}, given):
            others = zip(formula.amounts, charges, strict=True)
            left = math.fsum(a * q for k, (a, q) in enumerate(others) if k != place)
            mean = round(-left / formula.amounts[place], 6)
            for (low, low_cost), (high, high_cost) in itertools.pairwise(states):
                if low < mean < high:
                    share = (mean - low) / (high - low)
                    own = (1.0 - share) * low_cost + share * high_cost + _MIXED_COST
                    yield cost - states[0][1] + own, (*charges[:place], mean, *charges[place + 1 :])


def _combinations(
    formula: Formula, options: Mapping[str, list[tuple[float, float]]], given: Mapping[str, float]
) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Yield the (cost, charges) of all combinations with cations and anions on the right sides."""
    kept = {symbol: sorted(states, key=lambda state: (state[1], state[0])) for symbol, states in options.items()}
    while math.prod(len(states) for states in kept.values()) > _MAX_COMBINATIONS:
        longest = max(kept, key=lambda symbol: len(kept[symbol]))
        kept[longest] = kept[longest][:-1]
    values = [electronegativity(symbol) for symbol in formula.symbols]
    free = [symbol not in given for symbol in formula.symbols]
    for states in itertools.product(*(kept[symbol] for symbol in formula.symbols)):
        charges = tuple(charge for charge, _ in states)
        if _in_order(charges, values, free):
            yield math.fsum(cost for _, cost in states), charges


def _in_order(charges: tuple[float, ...], values: list[float], free: list[bool]) -> bool:
    """Tell whether there are ions of both signs, and every anion outdoes every cation but where a charge was given."""
    anions = [value for charge, value, told in zip(charges, values, free, strict=True) if charge < 0 and told]
    cations = [value for charge, value, told in zip(charges, values, free, strict=True) if charge > 0 and told]
    if min(charges) >= 0.0 or max(charges) <= 0.0:
        return False
    return not (anions and cations) or min(anions) > max(cations)
