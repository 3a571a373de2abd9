"""What is reported of an experiment: values and units as people write them, and what contradicts what is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.discovery.campaigns.observing import Report, read_value, shortest_conductivity
from superion.discovery.campaigns.store import CampaignStore
from superion.discovery.goal import Goal
from superion.errors import InvalidValue, SuperionError

from ._campaigns import candidates, first


@pytest.mark.parametrize(
    ("value", "unit", "log10", "censored"),
    [
        ("1.2e-3", None, math.log10(1.2e-3), False),
        (1.2e-3, None, math.log10(1.2e-3), False),
        (1, None, 0.0, False),
        ("1.2 mS/cm", None, math.log10(1.2e-3), False),
        ("1.2", "mS/cm", math.log10(1.2e-3), False),
        (1.2, "mS cm-1", math.log10(1.2e-3), False),
        ("1.2 mS/cm", "mS/cm", math.log10(1.2e-3), False),
        ("3 uS/cm", None, math.log10(3e-6), False),
        ("3", "µS/cm", math.log10(3e-6), False),
        ("0.12", "S/m", math.log10(1.2e-3), False),
        ("<1e-10", None, -10.0, True),
        ("≤ 1e-10", None, -10.0, True),
        ("< 1e-7 mS/cm", None, -10.0, True),
        ("-3.2", "log10(S/cm)", -3.2, False),
        (-3.2, "LOG10 (s/cm)", -3.2, False),
        ("<-10", "log10(S/cm)", -10.0, True),
        ("5", "S/cm", math.log10(5.0), False),
        ("5 S/cm", None, math.log10(5.0), False),
    ],
)
def test_values_are_read(value: str | float, unit: str | None, log10: float, censored: bool) -> None:
    read = read_value(value, unit)
    assert read.log10 == pytest.approx(log10, abs=1e-15)
    assert read.censored is censored


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        ("-3.2", None, "name the unit log10(S/cm)"),
        (-3.2, "S/cm", "name the unit log10(S/cm)"),
        ("-3.2 S/cm", None, "name the unit log10(S/cm)"),
        ("1.2", None, "was mS/cm meant?"),
        (5, None, "was mS/cm meant?"),
        ("250", None, "was mS/cm meant?"),
        ("250", "S/cm", "must lie between 1e-30 and 100 S/cm"),
        ("1.2 mS/cm", "S/cm", "is in mS/cm, and the unit S/cm; give one"),
        ("1,2e-3", None, "the decimal sign must be a point"),
        ("0", None, "must lie between"),
        ("high", None, "must be a number in S/cm"),
        ("nan", None, "must be a number in S/cm"),
        (math.inf, None, "must be a number in S/cm"),
        ("1e-3", "S/inch", "the unit 'S/inch' is not known"),
        ("1e-3", "MS/cm", "the unit 'MS/cm' is not known"),
        ("3", "log10(S/cm)", "no log10 of a conductivity"),
        ("-31", "log10(S/cm)", "no log10 of a conductivity"),
        ("a", "log10(S/cm)", "no log10 of a conductivity"),
        (True, None, "a number or text, not bool"),
        ([1], None, "a number or text, not list"),
        ("1" * 201, None, "201 characters"),
        ("1e-3", "", "unit is empty"),
    ],
)
def test_values_that_cannot_be_right(value: Any, unit: str | None, words: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        read_value(value, unit)
    assert words in caught.value.message
    assert caught.value.field in ("value", "unit")


@given(st.text(max_size=20) | st.floats(), st.none() | st.sampled_from(["S/cm", "mS/cm", "log10(S/cm)", "x"]))
def test_any_value_is_read_or_refused(value: str | float, unit: str | None) -> None:
    try:
        read = read_value(value, unit)
    except InvalidValue as error:
        assert error.field in ("value", "unit")
    else:
        assert -30.0 <= read.log10 <= 2.0


@given(st.decimals(1, 99, places=2, allow_nan=False), st.integers(-15, -2))
def test_a_value_is_written_as_it_was_given(mantissa: Any, power: int) -> None:
    given_ = float(f"{mantissa}e{power}")
    assert float(shortest_conductivity(math.log10(given_))) == pytest.approx(given_, rel=1e-15)
    assert len(shortest_conductivity(math.log10(given_))) <= len("1.234e-03") + 2


@pytest.mark.parametrize(
    ("report", "field", "words"),
    [
        (Report("LiI"), "value", "give the value that was measured"),
        (Report("LiI", "  "), "value", "give the value that was measured"),
        (Report("LiI", 1e-6, failed=True), "value", "a failed synthesis has no value"),
        (Report("LiI", failed=True, activation_energy_eV=0.3), "activation_energy_eV", "has no activation energy"),
        (Report("LiI", 1e-6, temperature_C=-300), "temperature_C", "temperature must lie"),
        (Report("LiI", 1e-6, temperature_C=math.nan), "temperature_C", "temperature must lie"),
        (Report("LiI", 1e-6, temperature_C="25"), "temperature_C", "is a number"),  # type: ignore[arg-type]
        (Report("LiI", 1e-6, activation_energy_eV=7.0), "activation_energy_eV", "between 0 and 5 eV"),
        (Report("LiI", 1e-6, activation_energy_eV=math.nan), "activation_energy_eV", "between 0 and 5 eV"),
        (Report("LiI", 1e-6, kind="grain"), "kind", "bulk or total, not 'grain'"),
        (Report("LiI", 1e-6, source="x" * 2001), "source", "2001 characters"),
        (Report("LiI", 1e-6, note=3), "note", "note is text, not int"),  # type: ignore[arg-type]
    ],
)
def test_reports_that_cannot_be(report: Report, field: str, words: str) -> None:
    with pytest.raises(SuperionError) as caught:
        report.checked()
    assert (caught.value.field, words in caught.value.message) == (field, True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CampaignStore]:
    """Yield a store with the campaign `lab`, whose Li6PS5Cl is pending."""
    with CampaignStore.open(f"sqlite:///{tmp_path}/campaigns.db") as opened:
        opened.create("lab", Goal(), candidates(), by="ada")
        opened.suggest("lab", first(1), by="ada")
        yield opened


def observe(store: CampaignStore, **given_: Any) -> None:
    """Record something of Li6PS5Cl."""
    store.observe("lab", **({"candidate": "Li6PS5Cl", "by": "ada"} | given_))


def test_what_was_never_suggested_needs_a_word(store: CampaignStore) -> None:
    with pytest.raises(InvalidValue, match=r"'LiI' was never suggested; .*unasked=True, on the command line --unasked"):
        observe(store, candidate="LiI", value=1e-6)
    observe(store, candidate="LiI", value=1e-6, unasked=True)
    assert store.events("lab")[-1].detail["unasked"] is True
    store.undo("lab", by="ada")
    store.undo("lab", by="ada")
    with pytest.raises(InvalidValue, match="'Li6PS5Cl' was never suggested"):
        observe(store, value=1e-3)


CONTRADICTIONS = [
    ({"value": 1e-3}, {"value": 9e-5}, "1.0 decades apart"),
    ({"value": 1e-3}, {"value": 2e-2}, "says 0.001 S/cm at 25 °C, and this one 0.02 S/cm at 25 °C"),
    ({"value": 1e-3}, {"value": 1e-5, "temperature_C": 26.9}, "2.0 decades apart"),
    ({"value": 1e-3, "kind": "bulk"}, {"value": 1e-5}, "says 0.001 S/cm at 25 °C, bulk"),
    ({"value": "<1e-6"}, {"value": 2e-6}, "0.3 decades above the limit"),
    ({"value": 2e-6}, {"value": "<1e-6"}, "0.3 decades above the limit"),
    ({"value": 1e-3}, {"failed": True}, "says 0.001 S/cm at 25 °C, and this one a failed synthesis"),
    ({"failed": True}, {"value": 1e-3}, "says a failed synthesis, and this one 0.001 S/cm"),
    ({"value": 1e-3}, {"value": "1 mS/cm"}, "already recorded as observation 1, by ada"),
    ({"value": 1e-3, "source": "a"}, {"value": 1e-3, "source": "a"}, "already recorded"),
    ({"failed": True}, {"failed": True}, "a failed synthesis is already recorded"),
]


@pytest.mark.parametrize(("before", "then", "words"), CONTRADICTIONS)
def test_a_contradiction_is_asked_about_and_can_be_kept(
    store: CampaignStore, before: dict[str, Any], then: dict[str, Any], words: str
) -> None:
    observe(store, **before)
    state = store.state("lab")
    with pytest.raises(InvalidValue) as caught:
        observe(store, **then)
    assert words in caught.value.message
    assert "record it beside the other as a repeat" in caught.value.message
    assert store.state("lab") == state
    observe(store, **then, repeat=True)
    assert len(store.state("lab").observations) == 2
    store.undo("lab", 3, by="ada")
    assert [one.number for one in store.state("lab").observations] == [2]


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ({"value": 1e-3}, {"value": 1e-4}),
        ({"value": 1e-3}, {"value": 1e-5, "temperature_C": 27.1}),
        ({"value": 1e-3, "kind": "bulk"}, {"value": 1e-5, "kind": "total"}),
        ({"value": 1e-3, "kind": "bulk"}, {"value": 1e-3, "kind": "total"}),
        ({"value": "<1e-6"}, {"value": 1e-6}),
        ({"value": "<1e-6"}, {"value": "<1e-9"}),
        ({"value": 1e-3, "source": "a"}, {"value": 1e-3, "source": "b"}),
        ({"value": 1e-3}, {"value": 1e-3, "temperature_C": 26}),
        ({"failed": True, "source": "a"}, {"failed": True, "source": "b"}),
    ],
)
def test_what_agrees_is_recorded(store: CampaignStore, before: dict[str, Any], then: dict[str, Any]) -> None:
    observe(store, **before)
    observe(store, **then)
    assert len(store.state("lab").observations) == 2


def test_a_retracted_observation_contradicts_nothing(store: CampaignStore) -> None:
    observe(store, value=1e-3)
    store.undo("lab", by="ada")
    observe(store, value=1e-9)
    assert [one.given for one in store.state("lab").observations] == ["1e-09"]
