"""A composition that is a phase but for rounding, lithium itself, and an analysis without its staircase."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.errors import SuperionError
from superion.featurizers.formula import Formula
from superion.models.stability import PhaseTable, analyse
from superion.models.stability.documents import window_document
from superion.models.stability.interface import react
from superion.models.stability.tables import end_member_table

from ._made_up import amounts, formula, phases, table

BELOW = "below the hull"


@pytest.mark.parametrize("formula", ["Li2.9999PS4", "Li3.0001PS4"])
def test_a_phase_of_the_table_is_never_below_the_hull(formula):
    """The table's key is rounded to four decimals, the hull is that of the amounts as they are written."""
    made = table([((3, 1, 4, 0), -1.5)])
    found = analyse(made, formula)
    assert found.energy_source == "table" and found.energy_eV_per_atom < found.hull_energy_eV_per_atom
    assert found.energy_above_hull_eV_per_atom == 0.0
    assert not any(BELOW in note for note in found.notes)
    assert react(made, formula, "P2O5").electrolyte.above_hull == 0.0


def test_a_phase_of_the_computed_table_is_never_below_the_hull(computed):
    found = analyse(computed, "Li2.9999PS4")
    assert found.energy_source == "table"
    assert found.energy_above_hull_eV_per_atom >= 0.0
    assert not any(BELOW in note for note in found.notes)


def test_a_given_energy_may_lie_below_the_hull():
    found = analyse(table([]), "Li3PS4", -1.5)
    assert found.energy_above_hull_eV_per_atom < 0.0
    assert any(BELOW in note for note in found.notes)


@pytest.mark.parametrize(("energy", "expected"), [(None, 0.0), (0.0, 0.0), (-0.5, 0.0), (0.2, -0.2)])
def test_lithium_itself_never_takes_energy_up(energy, expected):
    document = window_document(analyse(end_member_table(), "Li", energy))
    (step,) = document["staircase"]
    for value in (document["reaction_energy_eV_per_atom"], step["reaction_energy_lower_eV_per_atom"]):
        assert value == expected
        assert math.copysign(1.0, value) == (-1.0 if expected < 0.0 else 1.0), "there is no negative zero"


def without_the_staircase(table: PhaseTable, asked: Formula, energy: float | None) -> None:
    """Hold that an analysis differs in nothing but the later steps where they are not asked for."""
    try:
        whole = analyse(table, asked, energy)
    except SuperionError as error:
        with pytest.raises(type(error)) as caught:
            analyse(table, asked, energy, whole=False)
        assert caught.value.as_dict() == error.as_dict()
        return
    assert analyse(table, asked, energy, whole=True) == whole
    first = analyse(table, asked, energy, whole=False)
    assert len(first.staircase) == 1
    assert repr(first) == repr(replace(whole, staircase=whole.staircase[:1])), "to the sign of a zero"


ELEMENTS = [
    "Li",
    "H",
    "B",
    "N",
    "O",
    "F",
    "Na",
    "Al",
    "Si",
    "P",
    "S",
    "Cl",
    "Ti",
    "Ge",
    "Y",
    "Zr",
    "Br",
    "I",
    "La",
    "Xe",
]
ENERGIES = st.none() | st.floats(-3.0, 1.0)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(ELEMENTS), st.integers(1, 12) | st.floats(0.01, 12.0), min_size=1, max_size=6),
    ENERGIES,
)
def test_without_the_staircase_nothing_else_differs(amounts: dict[str, float], energy: float | None) -> None:
    without_the_staircase(end_member_table(), Formula.from_amounts(amounts), energy)


@settings(max_examples=100, deadline=None)
@given(phases, amounts, ENERGIES)
def test_without_the_staircase_of_a_table_that_is_made_up(rows, numbers, energy) -> None:
    without_the_staircase(table(rows), formula(numbers), energy)


@pytest.mark.parametrize(
    "text", ["Li", "LiF", "Li2.9999PS4", "Li9S", "P2S5", "H2O", "Li3.833Sn0.833As0.166S4", "Li6.4La3Zr1.4Ta0.6O12"]
)
@pytest.mark.parametrize("energy", [None, -4.0, 0.5])
def test_without_the_staircase_of_computed_phases(computed, text: str, energy: float | None) -> None:
    without_the_staircase(computed, Formula.parse(text), energy)
