"""What a goal asks beside conductivity, with the models that are shipped: who is suggested, and who is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superion.discovery.advice.prices import price_of
from superion.discovery.choice.asked import Asked
from superion.discovery.choice.forecasts import InMemory, space_of
from superion.discovery.choice.present import known_of
from superion.discovery.choice.proposal import believe
from superion.discovery.choice.stabilities import Stabilities
from superion.discovery.choice.suggesting import Chooser
from superion.discovery.goal import Goal
from superion.errors import InvalidValue
from superion.featurizers.formula import Formula
from superion.models.predictor import Predictor

from ._beliefs import FORMULAS
from ._choices import FEW, chosen, said_of, state


def test_failed_syntheses_speak_against_their_kin(predictor: Predictor) -> None:
    every = len(FORMULAS)
    told = {one.candidate: one.reasons for one in Chooser(predictor, every)(state(("Li6PS5Cl", None)))}
    chances = [told[name]["chance_synthesis"] for name in ("Li6PS5Br", "Li2S", "LiTi2(PO4)3")]
    assert chances == sorted(chances)
    # What fails in one family says nothing of another.
    assert chances[0] < 0.6 and chances[-1] == pytest.approx(0.9, abs=0.01)
    assert "for the synthesis to work" in told["Li6PS5Br"]["text"]
    before = chosen(Chooser(predictor, every)(state()))
    after = chosen(Chooser(predictor, every)(state(("Li6PS5Cl", None))))
    assert after.index("Li6PS5Br") > before.index("Li6PS5Br")
    # So unlikely that it is not suggested at all.
    strict = Goal(least_chance=0.6)
    assert "Li6PS5Br" not in chosen(Chooser(predictor, every)(state(("Li6PS5Cl", None), goal=strict)))
    # A success beside it makes up for it.
    both = {
        one.candidate: one.reasons
        for one in Chooser(predictor, every)(state(("Li6PS5Cl", None), ("Li6PS5I", -4.0), ("Li3PS4", -5.0)))
    }
    assert both["Li6PS5Br"]["chance_synthesis"] > told["Li6PS5Br"]["chance_synthesis"]


def test_elements_are_avoided(predictor: Predictor) -> None:
    goal = Goal(avoid=("P", "Cl"))
    found = chosen(Chooser(predictor, 99)(state(goal=goal)))
    assert set(found) == {name for name in FORMULAS if not {"P", "Cl"} & set(Formula.parse(name).symbols)}
    with pytest.raises(InvalidValue, match="holds one of Li, which the goal avoids") as caught:
        Chooser(predictor, 1)(state(goal=Goal(avoid=("Li",))))
    assert caught.value.field == "avoid"


def test_what_is_too_dear_is_not_suggested(predictor: Predictor) -> None:
    goal = Goal(cost="constraint", cost_below=60.0)
    found = Chooser(predictor, 99)(state(goal=goal))
    cheap = {
        name for name in FORMULAS if (price := price_of(Formula.parse(name))) is not None and price.usd_per_kg <= 60.0
    }
    assert set(chosen(found)) == cheap
    assert 0 < len(cheap) < len(FORMULAS)
    with pytest.raises(InvalidValue, match="none of the 24 candidates left meets the conditions") as caught:
        Chooser(predictor, 1)(state(goal=replace(goal, cost_below=0.01)))
    assert caught.value.field == "least_chance"


def test_what_reacts_with_lithium_is_not_suggested(predictor: Predictor) -> None:
    goal = Goal(stability="constraint", reaction_energy_above=-0.1, least_chance=0.5)
    found = Chooser(predictor, 99)(state(goal=goal))
    assert 0 < len(found) < len(FORMULAS)
    for choice in found:
        assert choice.reasons["chance_stable"] >= 0.5
        both = choice.reasons["chance_stable"] * choice.reasons["chance_synthesis"]
        assert choice.reasons["chance_feasible"] == pytest.approx(both)
    unasked = {one.candidate: one.reasons for one in Chooser(predictor, 99)(state())}
    stable = {name for name, reasons in unasked.items() if reasons["chance_stable"] >= 0.5}
    assert set(chosen(found)) == stable
    assert "Li10GeP2S12" not in stable and "LiF" in stable
    with pytest.raises(InvalidValue, match="meets the conditions with a chance"):
        Chooser(predictor, 1)(state(goal=goal, formulas=["Li10GeP2S12", "Li3YCl6"]))


def test_what_was_measured_and_does_not_meet_the_conditions_is_not_to_be_improved_on(predictor: Predictor) -> None:
    """The sulfide conducts better than anything that is stable: beside it no stable candidate would be worth a look."""
    for acquisition in ("log_ei", "noisy_ei"):
        goal = Goal(acquisition=acquisition, stability="constraint", least_chance=0.5)
        values = [
            one.reasons["acquisition"]["value"]
            for one in Chooser(predictor, 3)(state(("Li10GeP2S12", -1.9), goal=goal))
        ]
        assert max(values) > -2.0  # the logarithm of an improvement of decades


@pytest.mark.parametrize(
    "goal",
    [Goal(stability="objective"), Goal(cost="objective"), Goal(stability="objective", cost="objective", kappa=1.0)],
)
def test_a_front_is_sought_with_and_without_measurements(predictor: Predictor, goal: Goal) -> None:
    for given in (state(goal=goal), state(*FEW, goal=goal, pending=["LiI", "Li3N"]), state(goal=goal, pending=["LiI"])):
        choices = Chooser(predictor, 5)(given)
        assert len(set(chosen(choices))) == 5
        assert {choice.reasons["acquisition"]["name"] for choice in choices} == {"hypervolume"}
    alone = state(goal=goal, formulas=["Li3PS4"])
    assert chosen(Chooser(predictor, 5)(alone)) == ["Li3PS4"]


def test_the_front_of_what_was_measured_is_what_it_is(predictor: Predictor) -> None:
    """What is sought beside the conductivity is known of the measured ones and of those in the furnace too."""
    goal = Goal(stability="objective", cost="objective")
    given = state(("LiF", -9.0), ("Li10GeP2S12", -2.0), goal=goal, pending=["Li3YCl6"])
    said = said_of(predictor, given)
    formulas = [one.material.formula for one in given.candidates]
    space, start = space_of(predictor, [one.material for one in given.candidates], said.error)
    belief = believe(space, said.forecast, known_of(given, said), start)
    stabilities = Stabilities(formulas, goal.confidence, InMemory())
    left = np.array(given.left, dtype=np.intp)
    asked = Asked.of(given, belief, left, stabilities, lambda done, total: None)
    every = np.arange(len(FORMULAS))
    energy, cost = asked.conditions.others
    np.testing.assert_allclose(energy, stabilities.of(every).mean)
    prices = [price_of(formula) for formula in formulas]
    dearest = max(price.usd_per_kg for price in prices if price is not None)
    expected = [-np.log10(dearest if price is None else price.usd_per_kg) for price in prices]
    np.testing.assert_allclose(cost, expected)
    assert set(asked.left.tolist()) <= set(left.tolist())


def test_what_is_cheaper_than_all_that_was_measured_extends_the_front(predictor: Predictor) -> None:
    formulas = ("Li2S", "Li3PS4", "Li10GeP2S12", "LiF")
    prices = {name: price_of(Formula.parse(name)) for name in formulas}
    usd = {name: price.usd_per_kg for name, price in prices.items() if price is not None}
    assert usd["Li3PS4"] < 0.5 * usd["Li2S"] < usd["Li10GeP2S12"]
    # Nothing conducts as well as what was measured: what is cheaper is all that is left to be found.
    given = state(("Li2S", -1.0), ("Li10GeP2S12", -2.0), goal=Goal(cost="objective"), formulas=formulas)
    assert chosen(Chooser(predictor, 2)(given))[0] == "Li3PS4"
    # Once that one is measured and is a good conductor besides, nothing of the rest is cheaper.
    then = state(("Li2S", -4.0), ("Li3PS4", -3.0), goal=Goal(cost="objective"), formulas=formulas)
    assert chosen(Chooser(predictor, 3)(then))[0] == "Li10GeP2S12"


def test_what_was_measured_and_holds_what_the_goal_avoids_is_not_to_be_improved_on(predictor: Predictor) -> None:
    for acquisition in ("log_ei", "noisy_ei"):
        values = []
        for avoid in (("Ge",), ()):
            goal = Goal(acquisition=acquisition, avoid=avoid)
            given = state(("Li10GeP2S12", -1.9), goal=goal, formulas=[*FORMULAS[7:], "Li10GeP2S12"])
            values.append(Chooser(predictor, 1)(given)[0].reasons["acquisition"]["value"])
        assert values[0] > values[1] + 1.0, acquisition
