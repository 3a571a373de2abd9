"""The Arrhenius step against the constants of SciPy and numbers worked by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from superion.errors import InvalidValue
from superion.models.arrhenius import BOLTZMANN, TEMPERATURE_RANGE_C, inverse_temperature_step

K_IN_EV = constants.k / constants.e


def test_boltzmanns_constant_is_that_of_codata() -> None:
    assert pytest.approx(K_IN_EV, rel=1e-10) == BOLTZMANN


def test_there_is_no_step_at_the_reference_temperature() -> None:
    assert inverse_temperature_step(25.0) == 0.0


@pytest.mark.parametrize("celsius", [-150.0, -40.0, 0.0, 60.0, 300.0, 1000.0])
@pytest.mark.parametrize("energy", [0.05, 0.3, 1.2])
def test_the_step_moves_a_conductivity_as_the_exponential_does(celsius: float, energy: float) -> None:
    hot = constants.convert_temperature(celsius, "Celsius", "Kelvin")
    cold = constants.convert_temperature(25.0, "Celsius", "Kelvin")
    ratio = math.exp(-energy / (K_IN_EV * hot)) / math.exp(-energy / (K_IN_EV * cold))
    assert -energy * inverse_temperature_step(celsius) == pytest.approx(math.log10(ratio), rel=1e-9)


def test_lisicon_goes_from_room_temperature_to_300_degrees_as_worked_by_hand() -> None:
    # 1/298.15 - 1/573.15 = 1.609271e-3 per kelvin; over k ln 10 = 1.984214e-4 eV/K that is 8.11037 decades per eV.
    assert -0.75 * inverse_temperature_step(300.0) == pytest.approx(0.75 * 8.11037, rel=1e-5)


@given(st.floats(*TEMPERATURE_RANGE_C), st.floats(*TEMPERATURE_RANGE_C))
def test_hotter_never_conducts_worse(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert inverse_temperature_step(high) <= inverse_temperature_step(low)


@pytest.mark.parametrize("celsius", [-150.01, 1000.01, math.nan, math.inf, -math.inf, -273.15, 1e308])
def test_a_temperature_out_of_range_is_refused_by_name(celsius: float) -> None:
    with pytest.raises(InvalidValue, match="between -150 and 1000") as caught:
        inverse_temperature_step(celsius)
    assert caught.value.field == "temperature_C"
