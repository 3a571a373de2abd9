"""What grows where an electrolyte meets lithium: whether its products conduct electrons, and what that makes of them.

Of a compound the table's word decides, where it has one; else the band gap, which conducts below 0.1 eV; and where none
is known a rule: an alloy is taken for a metal, a compound whose charges balance with common oxidation states for an
insulator, any other for a metal. So the table can decide over the class of a contact (docs/stability.md).
The three classes are those of P. Hartmann, T. Leichtweiss, M. R. Busche, M. Schneider, M. Reich, J. Sann, P. Adelhelm,
J. Janek, J. Phys. Chem. C 117, 21064 (2013), and S. Wenzel, T. Leichtweiss, D. Krueger, J. Sann, J. Janek, Solid State
Ionics 278, 98 (2015): stable; a mixed-conducting interphase, which goes on growing; one that passivates.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from superion.featurizers.element_data import ATOMIC_NUMBER, magpie_table
from superion.featurizers.formula import Formula
from superion.featurizers.species_kinds import ANION_CHARGES, candidate_states

if TYPE_CHECKING:
    from superion.models.stability.phases import Phase

__all__ = ["CONDUCTING_GAP", "STABLE_ENERGY", "Interphase", "Nature", "electronic_nature", "interphase_class"]

CONDUCTING_GAP = 0.1
"""Band gap below which a compound counts as conducting [eV]."""
STABLE_ENERGY = -0.03
"""Reaction energy above which a contact counts as stable [eV/atom]: about kT, and the error of computed energies."""

Interphase = Literal["stable", "mixed-conducting", "passivating"]

_NON_METALLIC = "H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Sb Te I Xe At Rn"
_NONMETALS = frozenset(_NON_METALLIC.split())
_CONDUCTING_NONMETALS = frozenset({"C", "As", "Sb"})
"""Graphite and the semimetals."""
_SEMICONDUCTORS = frozenset({"B", "Si", "Ge", "Se", "Te"})
_ANIONS = frozenset({"H", "N", "P", "O", "S", "Se", "Te", "F", "Cl", "Br", "I"})
"""Elements without any of which a compound counts as an alloy, if no gap is known."""
_MAX_COMBINATIONS = 20_000
_UNBALANCED = 1e-3
"""Charge that may be left over, as a fraction of the number of atoms: amounts are rounded."""


@dataclass(frozen=True)
class Nature:
    """Say whether a phase conducts electrons, and why."""

    kind: Literal["metal", "insulator", "unknown"]
    reason: str
    assumed: bool = False
    """Whether a rule has decided, and not the table."""


def electronic_nature(phase: Phase) -> Nature:
    """Tell whether a phase conducts electrons: by the table's word, as an element, by the band gap, by rule."""
    if phase.kind is not None:
        return Nature(phase.kind, "given in the table")
    symbols = phase.formula.symbols
    if len(symbols) == 1:
        return _element(symbols[0], phase.band_gap)
    if phase.band_gap is not None:
        return _by_gap(phase.band_gap)
    if not _ANIONS & set(symbols):
        return Nature("metal", "alloy without a known band gap", assumed=True)
    balanced = _balances(phase.formula)
    if balanced is None:
        return Nature("unknown", "no band gap and no oxidation states are known")
    if balanced:
        return Nature("insulator", "charges balance with common oxidation states", assumed=True)
    return Nature("metal", "charges do not balance with common oxidation states", assumed=True)


def interphase_class(energy: float, natures: Iterable[Nature]) -> Interphase:
    """Return the class of a contact with this reaction energy [eV/atom] and these products."""
    if energy > STABLE_ENERGY:
        return "stable"
    return "mixed-conducting" if any(nature.kind == "metal" for nature in natures) else "passivating"


def _by_gap(gap: float) -> Nature:
    return Nature("metal" if gap < CONDUCTING_GAP else "insulator", f"band gap {gap:.2f} eV")


def _element(symbol: str, gap: float | None) -> Nature:
    if symbol not in _NONMETALS:
        return Nature("metal", "metallic element")
    if symbol in _CONDUCTING_NONMETALS:
        return Nature("metal", "graphite" if symbol == "C" else "semimetal")
    if symbol in _SEMICONDUCTORS and gap is not None:
        return _by_gap(gap)
    return Nature("insulator", "semiconducting element" if symbol in _SEMICONDUCTORS else "non-metallic element")


@lru_cache(maxsize=4096)
def _balances(formula: Formula) -> bool | None:
    """Tell whether one state per element makes the formula neutral; None where an element has no known state.

    The most electronegative element is the anion; other non-metals may be either.
    """
    anion = max((symbol for symbol in formula.symbols if symbol in ANION_CHARGES), key=_electronegativity)
    choices: list[list[int]] = []
    for symbol in formula.symbols:
        states = [] if symbol == anion else [state for state, _ in candidate_states(symbol, 1)]
        if symbol in _NONMETALS and symbol in ANION_CHARGES:
            states.append(ANION_CHARGES[symbol])
        if not states:
            return None
        choices.append(states)
    if math.prod(map(len, choices)) > _MAX_COMBINATIONS:
        return None
    allowed = _UNBALANCED * formula.n_atoms
    return any(
        abs(math.fsum(state * amount for state, amount in zip(states, formula.amounts, strict=True))) <= allowed
        for states in itertools.product(*choices)
    )


def _electronegativity(symbol: str) -> float:
    table = magpie_table()
    return float(table.values[ATOMIC_NUMBER[symbol] - 1, table.properties.index("Electronegativity")])
