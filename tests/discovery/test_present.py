"""What is believed of the candidates of a campaign, with the model that is shipped."""

from __future__ import annotations

import numpy as np
import pytest

from superion.discovery.choice.forecasts import SCATTER, InMemory
from superion.discovery.choice.present import Present, known_of
from superion.discovery.choice.suggesting import Chooser
from superion.discovery.goal import Goal
from superion.models.arrhenius import inverse_temperature_step
from superion.models.predictor import Predictor

from ._beliefs import FORMULAS
from ._choices import observation, said_of, state


def test_a_measurement_moves_the_belief_about_its_kin(predictor: Predictor) -> None:
    every = len(FORMULAS)
    high = Chooser(predictor, every)(state(("Li6PS5Cl", -1.0)))
    low = Chooser(predictor, every)(state(("Li6PS5Cl", -7.0)))
    told = [
        {choice.candidate: choice.reasons["predicted"]["log10_S_per_cm"] for choice in choices}
        for choices in (high, low)
    ]
    apart = {name: told[0][name] - told[1][name] for name in told[0]}
    assert apart["Li6PS5Br"] > apart["Li3PS4"] > apart["LiTi2(PO4)3"] > 0.0
    assert told[0]["Li6PS5Br"] - told[1]["Li6PS5Br"] > 1.0
    assert low != high


def test_a_surprise_moves_no_relative_by_much_more_than_itself(predictor: Predictor) -> None:
    n = len(FORMULAS)
    told = [
        {one.candidate: one.reasons["predicted"]["log10_S_per_cm"] for one in Chooser(predictor, n)(state(given))}
        for given in (("Li6PS5Cl", -1.0), ("Li6PS5Cl", -7.0))
    ]
    moved = {name: told[0][name] - told[1][name] for name in told[0]}
    assert max(moved.values()) < 1.5 * 6.0


def test_the_interval_narrows_with_the_deviation(predictor: Predictor) -> None:
    given = state(("Li6PS5Cl", -2.7), ("Li6PS5I", -3.0))
    present = Present.of(given, predictor, InMemory(), lambda done, total: None)
    found, said = present.believed(np.arange(len(FORMULAS))), present.said
    bromide, fluoride = FORMULAS.index("Li6PS5Br"), FORMULAS.index("LiF")
    before = said.upper - said.lower
    assert ((found.upper - found.lower) <= before + 1e-9).all()
    share = (found.upper - found.lower) / before
    start = present.believed(np.arange(len(FORMULAS))).deviation / share
    np.testing.assert_allclose(start, np.hypot(said.error, SCATTER), rtol=1e-3)
    assert share[bromide] < 0.9
    assert share[bromide] < share[fluoride] < 1.0
    assert (found.deviation > 0.0).all()


@pytest.mark.parametrize("measured_energy", [None, 0.45])
def test_a_measurement_is_brought_to_the_temperature_of_the_goal(
    predictor: Predictor, measured_energy: float | None
) -> None:
    hot = observation(1, "Li6PS5Cl", -2.0, temperature_c=60.0, activation_energy=measured_energy)
    for goal_temperature in (25.0, 0.0, 60.0):
        given = state(hot, goal=Goal(temperature_C=goal_temperature))
        said = said_of(predictor, given)
        energy = said.activation_energy[given.place["Li6PS5Cl"]] if measured_energy is None else measured_energy
        # Arrhenius: log10 sigma falls by Ea / (k ln 10) times the difference of the inverse temperatures.
        kelvin = 1.0 / (goal_temperature + 273.15) - 1.0 / (60.0 + 273.15)
        expected = -2.0 - energy / (8.617333262e-5 * np.log(10.0)) * kelvin
        assert known_of(given, said).values[0] == pytest.approx(expected, abs=1e-9)
        best = Chooser(predictor, 1)(given)[0].reasons["best_so_far"]
        assert best["log10_S_per_cm"] == pytest.approx(expected, abs=1e-9)
    assert inverse_temperature_step(25.0) == 0.0


def test_a_limit_lowers_what_is_believed_and_is_not_the_best(predictor: Predictor) -> None:
    limit = observation(1, "Li6PS5Cl", -8.0, censored=True)
    n = len(FORMULAS)
    told = {one.candidate: one.reasons for one in Chooser(predictor, n)(state(limit))}
    plain = {one.candidate: one.reasons for one in Chooser(predictor, n)(state())}
    key = "log10_S_per_cm"
    assert told["Li6PS5Br"]["predicted"][key] < plain["Li6PS5Br"]["predicted"][key] - 1.0
    assert told["Li6PS5Br"]["best_so_far"] is None and told["Li6PS5Br"]["chance_best"] is None
    assert not any(near["source"].startswith("this campaign") for near in told["Li6PS5Br"]["nearest"])
    # Neither where it equals the best that was measured.
    equal = state(observation(1, "Li3PS4", -3.0, censored=True), ("Li6PS5I", -3.0))
    assert Chooser(predictor, 1)(equal)[0].reasons["best_so_far"]["candidate"] == "Li6PS5I"
    # A limit that lies above what is predicted says nothing.
    loose = observation(1, "Li6PS5Cl", 0.5, censored=True)
    unmoved = {one.candidate: one.reasons for one in Chooser(predictor, n)(state(loose))}
    assert unmoved["Li6PS5Br"]["predicted"] == plain["Li6PS5Br"]["predicted"]
