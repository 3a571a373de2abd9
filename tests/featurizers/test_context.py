"""The smallest whole-number formula: worked by hand, and by trying every size."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.featurizers.context import (
    AMOUNT_TOLERANCE,
    MAX_FORMULA_ATOMS,
    CellContext,
    context_vector,
    smallest_formula_atoms,
    smallest_formulas_atoms,
)
from superion.featurizers.formula import Formula
from superion.featurizers.schema import CONTEXT_NAMES


def by_trying(formula: Formula) -> int:
    """Try one size after the other."""
    for size in range(1, MAX_FORMULA_ATOMS + 1):
        amounts = [fraction * size for fraction in formula.fractions.tolist()]
        if all(abs(amount - round(amount)) <= AMOUNT_TOLERANCE and round(amount) >= 1 for amount in amounts):
            return size
    return MAX_FORMULA_ATOMS


@pytest.mark.parametrize(
    ("text", "atoms"),
    # 981 of LiO999 are 0.981 and 980.019 atoms; no size to 1,000 fits LiO2999.
    [
        ("Li", 1),
        ("Li24P4S20Cl4", 13),
        ("Li5.5PS4.5Cl1.5", 25),
        ("Li6.4La3Zr1.4Ta0.6O12", 117),
        ("LiO999", 981),
        ("LiO2999", 1000),
    ],
)
def test_the_smallest_formula_holds_so_many_atoms(text: str, atoms: int) -> None:
    assert smallest_formula_atoms(Formula.parse(text).fractions) == atoms


amounts = st.dictionaries(
    st.sampled_from(["Li", "P", "S", "Cl", "O", "Zr"]),
    st.integers(1, 9) | st.floats(0.1, 9.0).map(lambda amount: round(amount, 2)),
    min_size=1,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(amounts.map(Formula.from_amounts), max_size=80))
def test_many_formulas_are_answered_as_one_by_one(formulas: list[Formula]) -> None:
    found = smallest_formulas_atoms([formula.fractions for formula in formulas])
    assert found == [by_trying(formula) for formula in formulas]
    for formula, atoms in zip(formulas, found, strict=True):
        values, known = context_vector(formula, CellContext())
        again = context_vector(formula, CellContext(), atoms)
        assert np.array_equal(values, again[0]) and np.array_equal(known, again[1])


def test_a_bare_formula_tells_its_size_and_its_number_of_elements() -> None:
    values, known = context_vector(Formula.parse("Li6PS5Cl"), CellContext())
    told = {CONTEXT_NAMES[place]: float(values[place]) for place in np.flatnonzero(known)}
    assert told == pytest.approx({"log_formula_atoms": math.log(13) / 2 - 1.75, "n_elements": -0.25})
    assert not values[known == 0.0].any()
