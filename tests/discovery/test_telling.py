"""What is told of each candidate of a batch, with the model that is shipped."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from superion.discovery.advice.prices import price_of
from superion.discovery.choice.forecasts import space_of
from superion.discovery.choice.present import known_of
from superion.discovery.choice.proposal import believe
from superion.discovery.choice.suggesting import Chooser
from superion.discovery.goal import Goal
from superion.featurizers.formula import Formula
from superion.models.domain import KnownMaterial
from superion.models.predictor import Predictor
from superion.models.records import Prediction

from ._beliefs import FORMULAS
from ._choices import FEW, chosen, said_of, state
from ._reported import REASONS


def test_reasons_are_complete_and_agree_with_one_another(predictor: Predictor) -> None:
    goal = Goal(confidence=0.8, temperature_C=40.0, kappa=1.0)
    given = state(*FEW, ("LiF", None), goal=goal, pending=["Li3InCl6"])
    said = said_of(predictor, given)
    space, start = space_of(predictor, [one.material for one in given.candidates], said.error)
    known = known_of(given, said)
    belief = believe(space, said.forecast, known, start)
    choices = Chooser(predictor, 6)(given)
    assert len(set(chosen(choices))) == 6
    for choice in choices:
        told, place = choice.reasons, given.place[choice.candidate]
        formula = Formula.parse(choice.candidate)
        assert set(told) == REASONS
        json.dumps(told, allow_nan=False)
        predicted, model = told["predicted"], told["model"]
        assert predicted["lower"] <= predicted["log10_S_per_cm"] <= predicted["upper"]
        assert (predicted["confidence"], predicted["temperature_C"]) == (0.8, 40.0)
        assert [model[key] for key in ("log10_S_per_cm", "lower", "upper")] == pytest.approx(
            [said.mean[place], said.lower[place], said.upper[place]]
        )
        mean, spread = (float(value[0]) for value in belief.marginals([place]))
        assert predicted["log10_S_per_cm"] == pytest.approx(mean, abs=1e-9)
        deviation = np.hypot(spread, belief.noise)
        best = told["best_so_far"]
        assert best["log10_S_per_cm"] == pytest.approx(max(known.values))
        assert told["chance_best"] == pytest.approx(norm.sf(best["log10_S_per_cm"], mean, deviation), abs=1e-9)
        energy = told["reaction_energy_eV_per_atom"]
        assert energy["lower"] <= energy["mean"] <= energy["upper"]
        price = price_of(formula)
        (answered,) = predictor.predict([str(formula)]).predictions
        assert isinstance(answered, Prediction)
        assert told["price_USD_per_kg"] == (None if price is None else pytest.approx(price.usd_per_kg))
        assert 0.0 < told["chance_feasible"] <= 1.0
        assert told["chance_feasible"] == told["chance_synthesis"]  # a synthesis has failed, and nothing else is asked
        assert told["in_domain"] == answered.domain.in_domain
        assert told["acquisition"]["name"] == "ucb"
        assert told["family"] == given.candidates[place].family
        distances = [near["distance"] for near in told["nearest"]]
        assert len(distances) == 3 and distances == sorted(distances)
        assert told["text"].startswith("Predicted ")


def test_what_was_measured_is_the_best_so_far_and_among_the_nearest(predictor: Predictor) -> None:
    choices = Chooser(predictor, 20)(state(*FEW, ("Li6PS5I", -5.0)))
    best = choices[0].reasons["best_so_far"]
    assert (best["candidate"], best["formula"], best["log10_S_per_cm"]) == ("Li6PS5Cl", "Li6PS5Cl", -2.7)
    told = next(choice.reasons for choice in choices if choice.candidate == "Li6PS5Br")
    own = [near for near in told["nearest"] if near["source"].startswith("this campaign")]
    assert {near["formula"] for near in own} <= {"Li6PS5Cl", "Li6PS5I"} and own
    for near in own:
        assert near["measured_S_per_cm"] == pytest.approx(10.0 ** {"Li6PS5Cl": -2.7, "Li6PS5I": -5.0}[near["formula"]])
        assert near["source"] == f"this campaign, {near['formula']} at 25 °C"
        assert near["distance"] == pytest.approx(1.0 / 13.0, abs=1e-6)


def test_materials_of_data_sets_that_one_may_not_read_are_not_shown(predictor: Predictor) -> None:
    artefact = predictor.artefact
    secret = KnownMaterial("Li6PS5Br", 1e-3, "an uploaded table", "ds-1")
    domain = replace(artefact.domain, known=(secret, *artefact.domain.known))
    own = replace(predictor, artefact=replace(artefact, domain=domain))

    def shown(readable: frozenset[str] | None) -> set[str]:
        choices = Chooser(own, len(FORMULAS), readable=readable)(state())
        return {near["source"] for choice in choices for near in choice.reasons["nearest"]}

    assert "an uploaded table" in shown(None)
    assert "an uploaded table" in shown(frozenset({"ds-1"}))
    assert "an uploaded table" not in shown(frozenset())
    assert "an uploaded table" not in shown(frozenset({"ds-2"}))
