"""A composition that is a phase of the table but for rounding, and lithium itself."""

from __future__ import annotations

import math

import pytest

from superion.models.stability import analyse
from superion.models.stability.documents import window_document
from superion.models.stability.interface import react
from superion.models.stability.tables import end_member_table

from ._made_up import table

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
