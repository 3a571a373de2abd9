"""Doping series of a parent: what may take the place of what, in steps, kept neutral by one element that varies.

Charges are counted as changes against the parent, so that a parent whose written amounts are rounded is not repaired on
the way.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from superion.discovery.carried import carried
from superion.discovery.plausibility import Fit, counter_radius, fit_of
from superion.discovery.swaps import Swap, check_swaps
from superion.errors import InvalidValue, UnbalancedCharges
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import MIN_AMOUNT, Formula
from superion.featurizers.formula_charges import formula_charges, substituent_charge

MAX_CANDIDATES = 100_000
"""Most candidates of one call unless asked otherwise."""
DECIMALS = 6
"""Amounts are rounded to so many decimals."""
NEUTRAL = 1e-6
"""Change of charge per formula unit that counts as none."""

NOT_NEUTRAL = "not neutral, and no element varies to make it so"
TOO_LITTLE = "neutral only with less than none of the element that varies"
NO_LITHIUM = "without lithium"
REPEATED = "the composition of another"


@dataclass(frozen=True)
class Substitution:
    """Hold how much of an element of the parent another has taken the place of."""

    host: str
    dopant: str
    share: float
    """Of the host's atoms, above 0 to 1."""
    charge: float
    """Oxidation state of the dopant."""
    fit: Fit

    def __str__(self) -> str:
        return f"{self.host}>{self.dopant} {self.share:g}"


@dataclass(frozen=True)
class Doped:
    """Hold one composition of a series."""

    formula: Formula
    substitutions: tuple[Substitution, ...]
    varied: float
    """Change of the amount of the element that varies, per formula unit of the parent; 0 where none does."""
    crystal: Crystal | None = None
    """Structure of the parent with the substituents on its sites; None without one, or where `note` says why."""
    note: str | None = None

    @property
    def plausibility(self) -> float:
        """Return the product over the substitutions, 0 to 1."""
        return math.prod(substitution.fit.plausibility for substitution in self.substitutions)

    @property
    def misfit(self) -> float | None:
        """Return the largest change of a bond length, over the bond length; None where no size is known."""
        known = [s.fit.misfit for s in self.substitutions if s.fit.misfit is not None]
        return max(known, key=abs, default=None)


@dataclass(frozen=True)
class Series:
    """Hold the candidates of a parent, and what became of the other combinations."""

    parent: Formula
    charges: Mapping[str, float]
    """Oxidation states of the parent's elements and of the substituents."""
    candidates: tuple[Doped, ...]
    refused: Mapping[str, int]
    """Number of combinations by the reason for which they are no candidates."""


@dataclass(frozen=True)
class Plan:
    """Hold what a series is made of."""

    swaps: tuple[Swap, ...]
    step: float = 0.1
    """Share of a host's atoms that is replaced at a time."""
    vary: str | None = None
    """Element of the parent whose amount keeps the whole neutral."""
    most: float = 1.0
    """Largest share of a host's atoms that is replaced."""
    at_once: int = 2
    """Most substituents of one composition."""
    charges: Mapping[str, float] | None = None
    """Oxidation states that are not to be guessed, of the parent's elements or of substituents."""
    limit: int = MAX_CANDIDATES

    def __post_init__(self) -> None:
        if not 0.001 <= self.step <= 1.0:
            raise InvalidValue("the step lies from 0.001 to 1", field="step", value=self.step)
        if not self.step <= self.most <= 1.0:
            raise InvalidValue(
                f"the largest share lies from the step, {self.step:g}, to 1", field="most", value=self.most
            )
        if self.at_once < 1:
            raise InvalidValue("at least one substituent at once is needed", field="at_once", value=self.at_once)
        if self.limit < 1:
            raise InvalidValue("the limit is at least 1", field="limit", value=self.limit)


def doping_series(parent: Formula | Crystal, plan: Plan) -> Series:
    """Return all charge-balanced compositions of a plan, each once, in order of the swaps and of the amounts.

    The structures of a parent that is a crystal are carried over. Raises InvalidValue for swaps that do not fit the
    parent and for more combinations than the plan's limit, UnbalancedCharges where an oxidation state is not known.
    """
    crystal = parent if isinstance(parent, Crystal) else None
    formula = parent.formula.reduced if isinstance(parent, Crystal) else parent
    check_swaps(plan.swaps, formula)
    if plan.vary is not None and plan.vary not in formula:
        raise InvalidValue(
            f"{formula.text} holds no {plan.vary} that could vary; it holds {', '.join(formula.symbols)}",
            field="vary",
            value=plan.vary,
        )
    charges, fits = _ions(formula, plan)
    found: dict[str, Doped] = {}
    refused: Counter[str] = Counter()
    for number, shares in enumerate(_combinations(plan)):
        if number >= plan.limit:
            raise InvalidValue(
                f"there are more than {plan.limit} combinations: take a larger step, a smaller largest share or fewer "
                "substituents at once, or raise the limit",
                field="limit",
                value=plan.limit,
            )
        made = _composed(formula, charges, shares, plan.vary)
        if isinstance(made, str):
            refused[made] += 1
            continue
        amounts, varied = made
        composition = Formula.from_amounts(amounts)
        if composition.canonical in found or composition.canonical == formula.canonical:
            refused[REPEATED] += 1
            continue
        substitutions = tuple(
            Substitution(host, dopant, float(share), charges[dopant], fits[host, dopant])
            for (host, dopant), share in shares.items()
        )
        structure, note = None, None
        if crystal is not None:
            replaced = {pair: float(share) for pair, share in shares.items()}
            structure, note = carried(crystal, replaced, plan.vary, _total(crystal, formula, amounts, plan.vary))
        found[composition.canonical] = Doped(composition, substitutions, varied, structure, note)
    return Series(formula, charges, tuple(found.values()), dict(refused))


def _ions(parent: Formula, plan: Plan) -> tuple[Mapping[str, float], Mapping[tuple[str, str], Fit]]:
    """Return the charges of all elements, and how every dopant fits in its place."""
    given = dict(plan.charges or {})
    dopants = {dopant for swap in plan.swaps for dopant in swap.dopants}
    for symbol in given:
        if symbol not in ATOMIC_NUMBER or not (symbol in parent or symbol in dopants):
            raise InvalidValue(
                f"a charge is given for {symbol}, which is neither in {parent.text} nor a substituent",
                field="charges",
                value=symbol,
            )
    charges = dict(formula_charges(parent, {s: q for s, q in given.items() if s in parent}))
    fits: dict[tuple[str, str], Fit] = {}
    for swap in plan.swaps:
        around = counter_radius(parent, charges, swap.host)
        for dopant in swap.dopants:
            state = substituent_charge(dopant, charges[swap.host])
            charge, share = (given[dopant], 1.0) if dopant in given else state or (None, 0.0)
            charge = charges.get(dopant, charge)
            if charge is None or charge * charges[swap.host] <= 0.0:
                raise UnbalancedCharges(
                    f"{dopant} has no oxidation state with which it could take the place of {swap.host} "
                    f"({charges[swap.host]:+g}): leave it out, or give its charge",
                    field="swap",
                    value=str(swap),
                )
            charges[dopant] = float(charge)
            fits[swap.host, dopant] = fit_of((swap.host, charges[swap.host]), (dopant, float(charge)), share, around)
    return charges, fits


def _combinations(plan: Plan) -> Iterator[dict[tuple[str, str], Fraction]]:
    """Yield the share of every host that each dopant replaces, fewest substituents first."""
    step, most = Fraction(str(plan.step)), Fraction(str(plan.most))
    steps = range(1, math.floor(most / step) + 1)
    pairs = [(swap.host, dopant) for swap in plan.swaps for dopant in swap.dopants]
    for count in range(1, min(plan.at_once, len(pairs)) + 1):
        for chosen in itertools.combinations(pairs, count):
            for numbers in itertools.product(steps, repeat=count):
                shares = {pair: number * step for pair, number in zip(chosen, numbers, strict=True)}
                if all(total <= most for total in _by_host(shares).values()):
                    yield shares


def _by_host(shares: Mapping[tuple[str, str], Fraction]) -> Mapping[str, Fraction]:
    totals: dict[str, Fraction] = {}
    for (host, _), share in shares.items():
        totals[host] = totals.get(host, Fraction()) + share
    return totals


def _composed(
    parent: Formula, charges: Mapping[str, float], shares: Mapping[tuple[str, str], Fraction], vary: str | None
) -> tuple[dict[str, float], float] | str:
    """Return the amounts with the substituents behind their hosts, and the change of what varies; or why not."""
    amounts = dict(zip(parent.symbols, parent.amounts, strict=True))
    order: dict[str, list[str]] = {symbol: [symbol] for symbol in parent.symbols}
    moved = 0.0
    for (host, dopant), share in shares.items():
        amount = parent.amount(host) * float(share)
        amounts[host] -= amount
        amounts[dopant] = amounts.get(dopant, 0.0) + amount
        moved += amount * (charges[dopant] - charges[host])
        if dopant not in order:
            order[host].append(dopant)
    varied = 0.0
    if abs(moved) > NEUTRAL:
        if vary is None:
            return NOT_NEUTRAL
        varied = round(-moved / charges[vary], DECIMALS)
        amounts[vary] += varied
    amounts = {symbol: round(amounts[symbol], DECIMALS) for group in order.values() for symbol in group}
    if min(amounts.values()) < 0.0:
        return TOO_LITTLE
    amounts = {symbol: amount for symbol, amount in amounts.items() if amount >= MIN_AMOUNT}
    return (amounts, varied) if "Li" in amounts else NO_LITHIUM


def _total(crystal: Crystal, parent: Formula, amounts: Mapping[str, float], vary: str | None) -> float | None:
    """Return how many atoms of the element that varies the cell is to hold; None where none does."""
    if vary is None:
        return None
    return amounts.get(vary, 0.0) * crystal.formula.n_atoms / parent.n_atoms


def read_charges(texts: Sequence[str]) -> Mapping[str, float]:
    """Read oxidation states written as `Sb=5`; raises InvalidValue."""
    charges: dict[str, float] = {}
    for text in texts:
        symbol, _, number = text.partition("=")
        try:
            charges[symbol.strip()] = float(number)
        except ValueError:
            raise InvalidValue(
                f"the charge {text!r} cannot be read; write for example Sb=5", field="charges", value=text
            ) from None
    return charges
