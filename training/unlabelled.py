"""Lithium compounds that nobody has measured: nearly all conduct poorly, and the networks are told so, weakly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training.matbench import read_values

DATA_SET = "mp-formation-energies"
"""Data set that the compounds are of."""
MIN_ELEMENTS, MAX_ELEMENTS = 2, 7
"""Elemental lithium is a metal; above seven elements there are a few intergrowths."""


def lithium_compounds(path: Path) -> tuple[Formula, ...]:
    """Return the distinct lithium compositions of the table of formation energies, reduced.

    Their order is that of their canonical formulas, so that it does not depend on the order of the rows. Raises
    InvalidTable for a file that is no such table, InvalidFormula for a formula that is none.
    """
    # Polymorphs repeat a formula, and six rows in seven hold no lithium: parsing is what takes time.
    texts = sorted({text for text, _ in read_values(path) if "Li" in text})
    found: dict[str, Formula] = {}
    for formula in map(Formula.parse, texts):
        if "Li" in formula and MIN_ELEMENTS <= len(formula.symbols) <= MAX_ELEMENTS:
            found.setdefault(formula.canonical, formula.reduced)
    return tuple(found[key] for key in sorted(found))


def unlabelled_materials(path: Path) -> tuple[Material, ...]:
    """Return the lithium compounds of the table of formation energies as materials of which the formula alone is known.

    Raises InvalidTable for a file that is no such table, InvalidFormula for a formula that is none.
    """
    return tuple(map(Material, lithium_compounds(path)))


def without(materials: Iterable[Material], measured: Iterable[Material]) -> tuple[Material, ...]:
    """Leave out of `materials` those whose composition is that of a measured one, at whatever scale it is written."""
    known = {material.formula.canonical for material in measured}
    return tuple(material for material in materials if material.formula.canonical not in known)


def digest_of(materials: Sequence[Material]) -> str | None:
    """Return the SHA-256 of the compositions in their order, which draws follow; None where there are none."""
    if not materials:
        return None
    return hashlib.sha256("\n".join(material.formula.canonical for material in materials).encode()).hexdigest()
