"""What may stand after --where, and which rows it keeps."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest

from superion.discovery.screening.columns import RESULTS
from superion.discovery.screening.condition import Condition
from superion.errors import InvalidValue

COLUMNS: dict[str, list[Any]] = {
    "log10_sigma": [-2.0, -3.0, None, -9.0],
    "log10_sigma_lower": [-3.0, -5.0, None, -11.0],
    "reaction_energy": [-0.2, -0.05, 0.0, None],
    "interphase": ["stable", "passivating", None, "mixed-conducting"],
    "in_domain": [True, False, True, True],
}


def table() -> pa.Table:
    """Return four rows, of which the third and the fourth lack something."""
    return pa.table({f.name: pa.array(COLUMNS.get(f.name, [None] * 4), f.type) for f in RESULTS})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("log10_sigma_lower > -4 and reaction_energy > -0.1", []),
        ("log10_sigma_lower > -6 and reaction_energy > -0.1", [1]),
        ("log10_sigma_lower>-4 or reaction_energy>-0.1", [0, 1, 2]),
        ("interphase == 'stable' or not in_domain", [0, 1]),
        ("interphase in ['stable', 'mixed-conducting']", [0, 3]),
        ("-3 <= log10_sigma < -1", [0, 1]),
        ("log10_sigma - log10_sigma_lower > 1.5", [1, 3]),
        ("not log10_sigma > -5", [2, 3]),
        ("in_domain", [0, 2, 3]),
        ("  in_domain == False ", [1]),
    ],
)
def test_rows_are_kept_that_meet_it(text: str, kept: list[int]) -> None:
    assert [place for place, holds in enumerate(Condition(text).holds(table())) if holds] == kept


def test_it_says_the_same_as_python_does_row_by_row() -> None:
    text = "log10_sigma_lower > -6 and (reaction_energy > -0.1 or interphase == 'stable')"
    rows = [
        {name: math.nan if value is None and name != "interphase" else value for name, value in row.items()}
        for row in table().to_pylist()
    ]
    assert Condition(text).holds(table()) == [bool(eval(text, {}, row)) for row in rows]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("log10_sigma >", "cannot be read"),
        ("sigma > 3", "no column 'sigma'; there are row, id, composition"),
        ("log10_sigma", "neither true nor false"),
        ("1 > 0", "neither true nor false"),
        ("interphase > 3", "'>' not supported"),
        ("__import__('os').system('true')", "no part of a condition"),
        ("formula.str.len() > 3", "no part of a condition"),
        ("log10_sigma > @x", "cannot be read"),
        ("[x for x in id]", "no part of a condition"),
        ("lambda: 1", "no part of a condition"),
        ("(log10_sigma := 3) > 2", "no part of a condition"),
    ],
)
def test_what_is_no_condition_is_refused_before_anything_is_screened(text: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said) as caught:
        Condition(text)
    assert (caught.value.field, caught.value.value) == ("where", text)
