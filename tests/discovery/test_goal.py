"""Goals: what they may hold, what they refuse, and that they survive a document."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.discovery.goal import MAX_ELEMENTS, Goal
from superion.errors import InvalidValue
from superion.featurizers.element_data import SYMBOLS

FAULTS: tuple[tuple[str, Any], ...] = (
    ("temperature_C", -300.0),
    ("temperature_C", math.nan),
    ("confidence", 1.0),
    ("confidence", 0.0),
    ("acquisition", "greedy"),
    ("acquisition", "UCB"),
    ("kappa", -0.1),
    ("kappa", math.nan),
    ("kappa", math.inf),
    ("stability", "yes"),
    ("cost", "low"),
    ("reaction_energy_above", 0.1),
    ("reaction_energy_above", math.nan),
    ("cost_below", -1.0),
    ("cost_below", math.nan),
    ("cost_below", math.inf),
    ("least_chance", 1.1),
    ("least_chance", -0.1),
    ("most_of_a_family", 0),
    ("avoid", ("Ge", "Ge")),
    ("avoid", ("Unobtainium",)),
    ("avoid", ("ge",)),
    ("avoid", SYMBOLS[: MAX_ELEMENTS + 1]),
)


@pytest.mark.parametrize(("field", "value"), FAULTS)
def test_what_is_out_of_range_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        Goal(**{field: value})
    assert caught.value.field == field
    assert field.split("_C")[0] in caught.value.message


def test_a_price_that_is_a_condition_must_be_given() -> None:
    with pytest.raises(InvalidValue, match="cost_below") as caught:
        Goal(cost="constraint")
    assert caught.value.field == "cost_below"
    assert Goal(cost="constraint", cost_below=0.0).cost_below == 0.0
    assert Goal(cost="objective").cost_below is None


def test_a_front_is_sought_where_there_is_more_than_one_thing() -> None:
    assert not Goal().pareto
    assert not Goal(stability="constraint", cost="constraint", cost_below=50.0).pareto
    assert Goal(stability="objective").pareto
    assert Goal(stability="constraint", cost="objective").pareto


def test_a_document_names_every_field_and_no_other() -> None:
    with pytest.raises(InvalidValue, match="'kapa'") as caught:
        Goal.from_dict({"kapa": 1.0})
    assert "kappa" in caught.value.message
    assert Goal.from_dict({}) == Goal()
    assert Goal.from_dict({"avoid": ["Ge", "In"]}).avoid == ("Ge", "In")


@given(
    st.builds(
        Goal,
        temperature_C=st.floats(-100.0, 900.0),
        confidence=st.floats(0.05, 0.99),
        acquisition=st.sampled_from(["ucb", "log_ei", "noisy_ei", "thompson", "variance"]),
        kappa=st.floats(0.0, 100.0),
        stability=st.sampled_from(["ignore", "constraint", "objective"]),
        reaction_energy_above=st.floats(-10.0, 0.0),
        cost=st.sampled_from(["ignore", "constraint", "objective"]),
        cost_below=st.floats(0.0, 1e6),
        avoid=st.lists(st.sampled_from(SYMBOLS), unique=True, max_size=MAX_ELEMENTS).map(tuple),
        least_chance=st.floats(0.0, 1.0),
        most_of_a_family=st.none() | st.integers(1, 99),
    )
)
def test_a_goal_survives_its_document(goal: Goal) -> None:
    text = json.dumps(goal.as_dict(), allow_nan=False)
    assert Goal.from_dict(json.loads(text)) == goal
