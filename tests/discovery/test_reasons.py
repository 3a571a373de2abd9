"""Why an experiment is suggested: the fields, the sentences, and numbers without digits that nobody knows."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.discovery.advice.reasons import ModelBelief, Predicted
from superion.discovery.advice.units_text import chance_text, conductivity_range, conductivity_text, price_text
from superion.errors import InvalidValue

from ._reported import REASONS, reasons

SCALE = {"S/cm": 1.0, "mS/cm": 1e-3, "µS/cm": 1e-6}
PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def value_of(text: str) -> float:
    """Read a conductivity back [S/cm]."""
    number, unit = text.split(" ")
    mantissa, _, power = number.partition("·10")
    return float(f"{mantissa}e{power.translate(PLAIN)}" if power else mantissa) * SCALE[unit]


def test_the_text_says_what_a_chemist_asks() -> None:
    told = reasons(
        "Li6PS5Cl",
        math.log10(2.1e-3),
        predicted=Predicted(math.log10(2.1e-3), math.log10(3e-4), math.log10(9e-3), 0.9, 25.0),
        model=ModelBelief(math.log10(2e-3), -4.0, -2.0),
    )
    assert told.text == (
        "Predicted 2.1 mS/cm at 25 °C (90 %: 0.3 to 9 mS/cm); 34 % to beat the best so far, Li10GeP2S12 at 12 mS/cm. "
        "12 % to be stable against lithium. Nearest measured: Li6PS5Br, 0.9 mS/cm. Sulfide: handle dry."
    )


def test_what_there_is_nothing_to_say_of_is_left_out() -> None:
    told = reasons(
        "LiTaSiO5", -9.5, chance_best=None, best_so_far=None, chance_stable=None, nearest=(), price_USD_per_kg=None
    )
    assert told.text == "Predicted 3.2·10⁻¹⁰ S/cm at 25 °C (90 %: 3·10⁻¹¹ S/cm to 0.003 µS/cm). Rare: Ta."


def test_what_is_unusual_is_said() -> None:
    told = reasons(
        "Li10GeP2S12",
        -2.0,
        model=ModelBelief(-4.0, -5.0, -3.0),
        chance_synthesis=0.4,
        teaches=0.2,
        in_domain=False,
        chance_stable=0.001,
    )
    for part in (
        "The model alone said 0.1 mS/cm.",
        "40 % for the synthesis to work.",
        "settles 20 % of what is uncertain",
        "Unlike what the model learned from",
        "Its elements cost about 120 US dollars per kg.",
        "Below 1 % to be stable",
        "Rare: Ge.",
    ):
        assert part in told.text


def test_the_fields_are_those_of_the_contract_and_survive_json() -> None:
    told = reasons("Li10GeP2S12", -2.0).as_dict()
    assert set(told) == REASONS
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert set(told["predicted"]) == {"log10_S_per_cm", "lower", "upper", "confidence", "temperature_C"}
    assert set(told["model"]) == {"log10_S_per_cm", "lower", "upper"}
    assert set(told["best_so_far"]) == {"candidate", "formula", "log10_S_per_cm"}
    assert set(told["reaction_energy_eV_per_atom"]) == {"mean", "lower", "upper"}
    assert [set(near) for near in told["nearest"]] == [{"formula", "distance", "measured_S_per_cm", "source"}]
    assert all(set(flag) == {"name", "why"} for flag in told["flags"])
    assert set(told["acquisition"]) == {"name", "value"}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"chance_best": 1.2}, "chance_best"),
        ({"teaches": -0.1}, "teaches"),
        ({"chance_synthesis": math.nan}, "chance_synthesis"),
        ({"predicted": Predicted(-3.0, -2.0, -1.0, 0.9, 25.0)}, "predicted"),
        ({"model": ModelBelief(-3.0, -4.0, -math.inf)}, "model.upper"),
    ],
)
def test_numbers_that_cannot_be_are_refused(more: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        reasons("Li6PS5Cl", -3.0, **more)
    assert caught.value.field == field


@given(st.floats(-40.0, 2.0), st.integers(1, 3))
def test_a_conductivity_reads_back_to_its_digits(log10: float, digits: int) -> None:
    text = conductivity_text(log10, digits)
    assert value_of(text) == pytest.approx(10.0**log10, rel=0.5001 * 10.0 ** (1 - digits))
    mantissa = re.match(r"[0-9.]+", text)
    assert mantissa is not None
    # Zeros behind a whole number stand for the power of ten.
    assert len(mantissa.group().replace(".", "").strip("0")) <= digits
    assert ("·" in text) == (value_of(text) < 0.999e-9)


@given(st.floats(-20.0, 1.0), st.floats(0.0, 8.0))
def test_a_range_names_the_unit_once_or_twice(lower: float, width: float) -> None:
    low, high = conductivity_range(lower, lower + width).split(" to ")
    top = value_of(high)
    assert top == pytest.approx(10.0 ** (lower + width), rel=0.5)
    if " " in low:
        bottom = value_of(low)
    elif "·" in high:
        bottom = value_of(f"{low}·{high.partition('·')[2]}")
    else:
        bottom = value_of(f"{low} {high.split(' ')[1]}")
    assert bottom == pytest.approx(10.0**lower, rel=0.5001)
    assert bottom <= top


@pytest.mark.parametrize(
    ("chance", "text"), [(0.0, "below 1 %"), (0.004, "below 1 %"), (0.34, "34 %"), (0.999, "above 99 %")]
)
def test_chances_at_the_ends_are_not_told_apart(chance: float, text: str) -> None:
    assert chance_text(chance) == text


def test_prices_have_two_digits() -> None:
    assert [price_text(value).split()[0] for value in (0.123, 8.16, 14.6, 1234.0, 28606.7)] == [
        "0.12",
        "8.2",
        "15",
        "1,200",
        "29,000",
    ]
