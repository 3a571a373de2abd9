"""Oxidation states of the species of a crystal, partial occupancies and mixed sites included.

Signs and bonds between like atoms come from the structure (`superion.featurizers.species_kinds`). Of the states that
the ICSD knows of each cation, those are taken that make the cell neutral and cost least
(`superion.featurizers.charge_balance`). A mixed-valent element is split between its sites where their bond-valence sums
tell the states apart, and has a mean charge elsewhere. Bonds within clusters (C-H, C-C, B-B) leave a mean charge too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superion.errors import UnbalancedCharges
from superion.featurizers.charge_balance import TOLERANCE, ChargeBalance, Choice
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.species_kinds import COVALENT, species_kinds
from superion.featurizers.valence_sums import contacts, global_instability_index

__all__ = ["TOLERANCE", "OxidationStates", "oxidation_states"]

_NOTED = 0.001
"""Fraction of the charge left over from which on a note says so; less is the rounding of the third decimal."""
_UNCOUNTED_BONDS_COST = 2.0
"""Cost of taking short distances between like atoms for faults of the structure and not for bonds."""
_SPLIT_GAP = 0.3
"""Gap between bond-valence sums that tells two states apart, over the difference of the states."""


@dataclass(frozen=True)
class OxidationStates:
    """Hold the oxidation states of a crystal's species."""

    charges: NDArray[np.float64]
    """Shape (n_entries,), aligned with `crystal.species_atomic_numbers`, read-only; mean charges are broken numbers."""
    by_element: Mapping[str, tuple[float, ...]]
    """The states that occur of each element, ascending."""
    residual: float
    """Sum of charge times occupancy over the cell that was left, per atom."""
    global_instability: float | None
    """Root mean square deviation of the bond-valence sums from the charges [valence units]; None where unknown."""
    notes: tuple[str, ...]
    """What was assumed: charge left over, mean charges, states split between sites."""


def oxidation_states(crystal: Crystal) -> OxidationStates:
    """Assign an oxidation state to every species entry of a crystal.

    Raises UnbalancedCharges where no states known of the elements are neutral to within `TOLERANCE`; its `best` then
    holds the commonest states, which are those of the atoms where atoms are missing.
    """
    pairs = contacts(crystal)
    kinds, kind_of_entry = species_kinds(crystal, pairs)
    counted = ChargeBalance(crystal, pairs, kinds, kind_of_entry)
    clusters = [kind for kind in kinds if kind.in_cluster]
    covalent = [kind.symbol for kind in clusters if kind.symbol in COVALENT]
    if covalent:
        return _with_mean(counted, covalent)
    plain = counted
    choices = [(counted, counted.best())]
    if clusters:
        plain = ChargeBalance(crystal, pairs, *species_kinds(crystal, pairs, count_like=False))
        choices.append((plain, plain.best()))
    found = [
        (choice.cost + _UNCOUNTED_BONDS_COST * (balance is not counted), balance is not counted, balance, choice)
        for balance, choice in choices
        if choice is not None
    ]
    if found:
        _, _, balance, choice = min(found, key=lambda entry: entry[:2])
        notes = ["short distances between like atoms are not taken for bonds"] if balance is not counted else []
        return _finished(balance, choice, notes)
    if clusters:
        return _with_mean(counted, [kind.symbol for kind in clusters])
    raise _unbalanced(plain)


def _with_mean(balance: ChargeBalance, elements: Sequence[str]) -> OxidationStates:
    """Return the assignment with a mean charge of that one of the elements that has the most atoms."""
    amounts = {e: sum(kind.amount for kind in balance.kinds if kind.symbol == e) for e in sorted(set(elements))}
    element = max(amounts, key=lambda symbol: round(amounts[symbol], 6))
    choice = balance.with_mean(element)
    if choice is None:
        raise _unbalanced(balance)
    mean = next(q for kind, q in zip(balance.kinds, choice.charges, strict=True) if kind.symbol == element)
    note = f"{element} has bonds to like atoms or to hydrogen; its mean charge is {mean:.4g}"
    return _finished(balance, choice, [note], sums_hold=False)


def _finished(
    balance: ChargeBalance, choice: Choice, notes: Sequence[str] = (), *, sums_hold: bool = True
) -> OxidationStates:
    """Return the assignment of a choice; without `sums_hold` bond-valence sums mean nothing."""
    crystal = balance.crystal
    charges = np.array(choice.charges)[balance.kind_of_entry]
    notes = list(notes)
    if choice.mixed is not None:
        split = _split(balance, choice.mixed, choice.charges[choice.mixed])
        charges[balance.kind_of_entry == choice.mixed] = split
        notes.append(_mixed_note(balance.kinds[choice.mixed].symbol, choice.charges[choice.mixed], split))
    left_over = float(balance.left_over(np.array([choice.charges]))[0])
    if abs(left_over) > _NOTED:
        total = float(np.array(choice.charges) @ balance.amounts)
        notes.append(f"the occupancies leave a charge of {total:+.3g} per cell, {abs(left_over):.1%} of all")
    charges.setflags(write=False)
    symbols = [SYMBOLS[z - 1] for z in crystal.species_atomic_numbers]
    states = sorted({(symbol, round(q, 6)) for symbol, q in zip(symbols, charges.tolist(), strict=True)})
    occupancies = crystal.species_occupancies
    return OxidationStates(
        charges=charges,
        by_element={symbol: tuple(q for s, q in states if s == symbol) for symbol, _ in states},
        residual=float(charges @ occupancies) / float(occupancies.sum()),
        global_instability=global_instability_index(crystal, charges, balance.pairs) if sums_hold else None,
        notes=tuple(notes),
    )


def _split(balance: ChargeBalance, index: int, mean: float) -> NDArray[np.float64]:
    """Return the charges of the entries of a mixed-valent kind, whole where their sums tell the states apart.

    The sites with the largest sums take the higher state, as far as it goes; those in between keep a mean.
    """
    states = [state for state, _ in balance.candidates[index]]
    low, high = max(q for q in states if q < mean), min(q for q in states if q > mean)
    sums, occupancies = balance.sums(index, mean), balance.occupancies(index)
    order = np.argsort(-sums, kind="stable")
    starts = np.flatnonzero(np.diff(-sums[order]) > _SPLIT_GAP * (high - low)) + 1
    charges = np.empty(len(sums))
    high_left = (mean - low) / (high - low) * occupancies.sum()
    for group in np.split(order, starts):
        amount = occupancies[group].sum()
        share = min(max(high_left / amount, 0.0), 1.0)
        charges[group] = low + share * (high - low)
        high_left -= share * amount
    whole = np.rint(charges)
    return np.where(np.abs(charges - whole) < 1e-9, whole, charges)


def _mixed_note(symbol: str, mean: float, split: NDArray[np.float64]) -> str:
    states = sorted({float(f"{q:.4g}") for q in split.tolist()})
    if len(states) == 1:
        return f"{symbol} is mixed-valent, with a mean charge of {mean:.4g} on all its sites"
    listed = ", ".join(f"{q:g}" for q in states)
    return f"{symbol} is mixed-valent, with a mean charge of {mean:.4g}: its sites have {listed} by bond-valence sums"


def _unbalanced(balance: ChargeBalance) -> UnbalancedCharges:
    """Return the error, with the commonest states of the elements as the best there is."""
    formula = balance.crystal.formula.text
    choice = balance.commonest()
    if choice is None:
        unknown = balance.unknown()
        message = f"no oxidation state is known of {unknown} in {formula}"
        return UnbalancedCharges(message, field="species", value=unknown)
    best = _finished(balance, choice)
    ions = ", ".join(f"{symbol} {'/'.join(f'{q:+g}' for q in states)}" for symbol, states in best.by_element.items())
    total = float(np.array(choice.charges) @ balance.amounts)
    left_over = abs(float(balance.left_over(np.array([choice.charges]))[0]))
    message = (
        f"no oxidation states known of {', '.join(best.by_element)} balance {formula}: the commonest, {ions}, leave "
        f"{total:+.4g} per cell, {left_over:.1%} of all charge where {TOLERANCE:.0%} is accepted; atoms are missing or "
        "an occupancy is wrong"
    )
    return UnbalancedCharges(message, field="species", value=formula, best=best)
