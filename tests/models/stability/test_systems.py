"""Chemical systems against a search through the whole table, and the keys of compositions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.errors import InvalidFormula
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.formula import Formula
from superion.models.stability import PhaseTable
from superion.models.stability.composition_keys import key_of, keys_of
from superion.models.stability.systems import PhasesByElements
from superion.models.stability.tables import end_member_table


def searched(table: PhaseTable, elements: set[str]) -> list[int]:
    """Return the rows made of these elements, one after the other."""
    numbers = {ATOMIC_NUMBER[symbol] for symbol in elements}
    parts = np.split(table.numbers, table.offsets[1:-1])
    return [row for row, part in enumerate(parts) if numbers.issuperset(part.tolist())]


# Lithium to uranium: both halves of the bits; few elements are asked for set by set, many are looked for in all rows.
@pytest.mark.parametrize("size", [1, 2, 4, 6, 8, 12, 20])
def test_a_system_has_every_phase_of_its_elements(computed: PhaseTable, size: int) -> None:
    rng = np.random.default_rng(size)
    known = [symbol for symbol in SYMBOLS if computed._compounds[ATOMIC_NUMBER[symbol]]]
    assert {"Li", "U", "Pu"} <= set(known)
    elements = set(rng.choice(known, size=size, replace=False).tolist())
    elements = {"O"} if size == 1 else {*sorted(elements)[: size - 2], "Li", "O"}
    system = computed.system(elements)
    rows = searched(computed, elements)
    assert system.rows.tolist() == rows
    for symbol, unit in zip(system.symbols, system.units.tolist(), strict=True):
        assert computed.formula(rows[unit]).symbols == (symbol,)
    for row, fractions, energy in list(zip(rows, system.fractions, system.energies, strict=True))[::97]:
        formula = computed.formula(row)
        expected = [formula.amount(symbol) / formula.n_atoms for symbol in system.symbols]
        assert fractions.tolist() == pytest.approx(expected, abs=1e-12) and energy == computed.energies[row]


sets = st.sets(st.integers(1, 118), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(st.lists(sets, min_size=1, max_size=40), st.integers(1, 12))
def test_both_ways_of_finding_phases_agree(made_of: list[set[int]], repeats: int) -> None:
    """Few phases are looked through; as many as 64 for each set of elements, and more, are not."""
    phases = made_of * (64 * repeats)
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in phases])])
    found = PhasesByElements(offsets, np.array([number for one in phases for number in sorted(one)]))
    asked = sorted(made_of[0] | made_of[-1])
    assert found.among(asked).tolist() == [row for row, one in enumerate(phases) if one <= set(asked)]


def test_an_open_system_leaves_out_one_element() -> None:
    system = end_member_table().system(["S", "Li", "P"])
    opened = system.opened("Li")
    assert system.opened("Li") is opened and opened.slopes.tolist() == (-opened.open_fractions).tolist()
    lithium = system.rows[system.units[system.symbols.index("Li")]]
    assert opened.rows.tolist() == [row for row in system.rows.tolist() if row != lithium]
    assert np.column_stack([opened.open_fractions, opened.fractions]) == pytest.approx(
        system.fractions[np.isin(system.rows, opened.rows)]
    ), "lithium is the first of the three"
    assert opened.fractions[opened.units].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    with pytest.raises(InvalidFormula, match="O is not in the system Li-P-S"):
        system.composition(Formula.parse("Li2O"))


formulas = st.dictionaries(st.sampled_from(["Li", "P", "S", "O", "Zr"]), st.integers(1, 9), min_size=1).map(
    Formula.from_amounts
)


@given(st.lists(formulas, min_size=1, max_size=8))
def test_keys_are_equal_where_canonical_formulas_are(some: list[Formula]) -> None:
    offsets = np.concatenate([[0], np.cumsum([len(formula.symbols) for formula in some])])
    numbers = np.array([ATOMIC_NUMBER[symbol] for formula in some for symbol in formula.symbols])
    together = keys_of(offsets, numbers, np.array([amount for formula in some for amount in formula.amounts]))
    assert together.tolist() == [list(key_of(formula)) for formula in some]
    for one in some:
        for other in some:
            assert (key_of(one) == key_of(other)) == (one.canonical == other.canonical)
