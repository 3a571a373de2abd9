"""Predictions as users get them: one answer an input, in order, with the JSON of the contract."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import constants

from superion.errors import InvalidArtefact, InvalidValue
from superion.featurizers.context import CellContext
from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.models.predictor import MAX_TEMPERATURES, Predictor
from superion.models.records import Failure, Prediction
from superion.models.stability.answers import COARSE
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY, from_formula

from . import _builders, _processes

ESTIMATE = {"mean", "lower", "upper"}
KEYS = {
    "formula",
    "input",
    "conductivity",
    "activation_energy_eV",
    "li_metal",
    "formation_energy_eV_per_atom",
    "shear_modulus_GPa",
    "band_gap_eV",
    "domain",
    "warnings",
}


def one(predictor: Predictor, item: object, **asked: Any) -> Prediction:
    (answer,) = predictor.predict([item], **asked).predictions
    assert isinstance(answer, Prediction), answer
    return answer


def test_good_and_bad_materials_are_answered_in_order(predictor: Predictor) -> None:
    items = ["LiCl", "Xx", {"id": "c", "formula": "Li3N"}, {"id": "d"}, _builders.rock_salt(), None]
    report = predictor.predict(items)
    assert [type(answer) for answer in report.predictions] == [
        Prediction,
        Failure,
        Prediction,
        Failure,
        Prediction,
        Failure,
    ]
    assert [getattr(answer, "formula", None) for answer in report.predictions] == [
        "LiCl",
        None,
        "Li3N",
        None,
        "LiCl",
        None,
    ]
    assert [answer.id for answer in report.predictions] == [None, None, "c", "d", None, None]
    assert report.n_failed == 3


def test_a_bad_neighbour_changes_no_answer(predictor: Predictor) -> None:
    alone = predictor.predict(["LiCl", "Li3N"]).as_dict()["predictions"]
    among = predictor.predict(["LiCl", "Xx", "Li3N", {}]).as_dict()["predictions"]
    assert [among[0], among[2]] == alone


def test_no_material_or_none_that_can_be_read_is_no_fault_of_the_model(predictor: Predictor) -> None:
    assert predictor.predict([]).predictions == ()
    assert predictor.predict(["Xx", "yy"]).n_failed == 2


def test_any_iterable_of_materials_will_do(predictor: Predictor) -> None:
    assert len(predictor.predict(text for text in ("LiCl", "Li3N")).predictions) == 2


@pytest.mark.parametrize("single", ["LiCl", {"formula": "LiCl"}])
def test_a_single_material_in_place_of_a_list_is_refused(predictor: Predictor, single: object) -> None:
    with pytest.raises(InvalidValue, match="list") as caught:
        predictor.predict(single)  # type: ignore[arg-type]
    assert caught.value.field == "materials"


def test_the_answer_has_the_form_of_the_contract(predictor: Predictor) -> None:
    document = json.loads(json.dumps(predictor.predict([{"id": "a", "formula": "Li6PS5Cl"}, "Xx"]).as_dict()))
    assert list(document) == ["model", "temperature_C", "confidence", "predictions"]
    assert document["model"] == {"name": "small", "version": "3", "alias": "champion"}
    assert (document["temperature_C"], document["confidence"]) == (25.0, 0.9)
    good, bad = document["predictions"]
    assert set(good) == KEYS | {"id"}
    assert (good["id"], good["formula"], good["input"]) == ("a", "Li6PS5Cl", "formula")
    assert set(good["conductivity"]) == {"log10_S_per_cm", "S_per_cm", "mS_per_cm"}
    log10 = good["conductivity"]["log10_S_per_cm"]
    assert set(log10) == ESTIMATE | {"std_aleatoric", "std_epistemic"}
    assert set(good["activation_energy_eV"]) == ESTIMATE
    assert log10["lower"] <= log10["mean"] <= log10["upper"]
    assert good["conductivity"]["S_per_cm"] == pytest.approx(10 ** log10["mean"])
    assert good["conductivity"]["mS_per_cm"] == pytest.approx(1e3 * 10 ** log10["mean"])
    assert set(good["domain"]) == {"in_domain", "distance", "novelty", "nearest"}
    assert set(good["domain"]["nearest"][0]) == {"formula", "distance", "measured_S_per_cm", "source"}
    assert good["warnings"] == [COARSE]
    assert set(bad) == {"error"}
    assert set(bad["error"]) == {"code", "message", "field"}
    assert bad["error"]["code"] == "invalid_formula"


def test_an_id_is_left_out_where_none_was_given(predictor: Predictor) -> None:
    (answer,) = predictor.predict(["LiCl"]).as_dict()["predictions"]
    assert set(answer) == KEYS


def test_a_list_of_temperatures_gives_lists_and_one_gives_one(predictor: Predictor) -> None:
    single = predictor.predict(["LiCl"], temperature_C=60.0).as_dict()
    listed = predictor.predict(["LiCl"], temperature_C=[60.0]).as_dict()
    several = predictor.predict(["LiCl"], temperature_C=(25, 60.0, 100.0)).as_dict()
    assert single["temperature_C"] == 60.0 and listed["temperature_C"] == [60.0]
    assert several["temperature_C"] == [25.0, 60.0, 100.0]
    (at_60,) = listed["predictions"][0]["conductivity"]
    assert at_60.pop("temperature_C") == 60.0
    assert at_60 == single["predictions"][0]["conductivity"]
    assert [entry["temperature_C"] for entry in several["predictions"][0]["conductivity"]] == [25.0, 60.0, 100.0]
    assert several["predictions"][0]["conductivity"][1]["log10_S_per_cm"] == at_60["log10_S_per_cm"]


@pytest.mark.parametrize("celsius", [-100.0, 0.0, 60.0, 200.0, 800.0])
def test_conductivity_is_arrhenius_with_the_activation_energy_that_is_answered(
    predictor: Predictor, celsius: float
) -> None:
    at_25, hot = one(predictor, "Li6PS5Cl", temperature_C=[25.0, celsius]).conductivity
    energy = one(predictor, "Li6PS5Cl").activation_energy
    assert energy is not None
    kelvin = constants.convert_temperature([25.0, celsius], "Celsius", "Kelvin")
    step = energy.mean * constants.e / constants.k / math.log(10) * (1 / kelvin[1] - 1 / kelvin[0])
    assert hot.log10.mean == pytest.approx(at_25.log10.mean - step, abs=1e-6)


def test_uncertainty_grows_away_from_25_degrees(predictor: Predictor) -> None:
    parts = one(predictor, "Li6PS5Cl", temperature_C=[25.0, 60.0, 150.0, 500.0]).conductivity
    aleatoric = [part.log10.std_aleatoric for part in parts]
    assert aleatoric == sorted(aleatoric) and aleatoric[0] < aleatoric[-1]


def test_the_parts_of_the_uncertainty_are_the_ensembles_own_times_the_calibration(predictor: Predictor) -> None:
    output = predictor.artefact.ensemble.predict([Material(Formula.parse("Li6PS5Cl"))])[CONDUCTIVITY]
    found = one(predictor, "Li6PS5Cl").conductivity[0].log10
    factor = predictor.artefact.calibrations[CONDUCTIVITY].std_factor
    assert found.mean == pytest.approx(output.mean[0])
    assert found.std_aleatoric == pytest.approx(factor * output.spread.aleatoric[0])
    assert found.std_epistemic == pytest.approx(factor * output.spread.epistemic[0])
    # Positions run from -3 to 2, so that the 90 % interval of this calibration lies at -2.75 and 1.75.
    assert found.lower == pytest.approx(found.mean + output.spread.offset(-2.75)[0])
    assert found.upper == pytest.approx(found.mean + output.spread.offset(1.75)[0])


def test_more_confidence_is_a_wider_interval_about_the_same_mean(predictor: Predictor) -> None:
    narrow = one(predictor, "LiCl", confidence=0.5).conductivity[0].log10
    wide = one(predictor, "LiCl", confidence=0.95).conductivity[0].log10
    assert wide.lower < narrow.lower < narrow.mean == wide.mean < narrow.upper < wide.upper


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"confidence": 0.0}, "confidence"),
        ({"confidence": 1.0}, "confidence"),
        ({"confidence": math.nan}, "confidence"),
        ({"temperature_C": -300.0}, "temperature_C"),
        ({"temperature_C": math.nan}, "temperature_C"),
        ({"temperature_C": [25.0, 2000.0]}, "temperature_C"),
        ({"temperature_C": []}, "temperature_C"),
        ({"temperature_C": [25.0] * (MAX_TEMPERATURES + 1)}, "temperature_C"),
        ({"detail": ["everything"]}, "detail"),
    ],
    ids=str,
)
@pytest.mark.parametrize("materials", [[], ["LiCl"]], ids=["of none", "of one"])
def test_what_is_asked_out_of_range_is_refused_even_of_no_material(
    predictor: Predictor, asked: dict[str, Any], field: str, materials: list[str]
) -> None:
    with pytest.raises(InvalidValue) as caught:
        predictor.predict(materials, **asked)
    assert caught.value.field == field


def test_as_many_temperatures_as_allowed_are_answered(predictor: Predictor) -> None:
    asked = np.linspace(-20, 200, MAX_TEMPERATURES).tolist()
    assert len(one(predictor, "LiCl", temperature_C=asked).conductivity) == MAX_TEMPERATURES


def test_a_detail_that_is_not_computed_yet_is_said(predictor: Predictor) -> None:
    warnings = one(predictor, "Li6PS5Cl", detail=["landscape", "staircase"]).warnings
    assert any("landscape" in text for text in warnings) and not any("staircase" in text for text in warnings)


def test_the_domain_is_answered_with_its_nearest_materials(predictor: Predictor) -> None:
    inside = one(predictor, "Li12P2S10Cl2").domain
    assert (inside.in_domain, inside.distance) == (True, pytest.approx(0.0, abs=1e-6))
    assert inside.nearest[0].known.formula == "Li6PS5Cl"
    assert inside.as_dict()["nearest"][0]["measured_S_per_cm"] == 2e-3
    garnet = one(predictor, "Li7La3Zr2O12").domain.as_dict()
    assert garnet["nearest"][0]["measured_S_per_cm"] is None


@pytest.mark.parametrize(
    ("text", "in_domain", "says"),
    [
        ("Li6PS5Cl", True, None),
        ("Li5PS5Cl2", True, None),
        ("Li6PS5F", False, "no training material holds F"),
        ("LiTiS4P4", False, "outside the compositions"),
    ],
)
def test_what_lies_outside_the_domain_is_warned_of(
    predictor: Predictor, text: str, in_domain: bool, says: str | None
) -> None:
    answer = one(predictor, text)
    assert answer.domain.in_domain is in_domain
    about = [warning for warning in answer.warnings if "training" in warning or "trained on" in warning]
    assert about == [] if says is None else says in about[0]


@pytest.mark.parametrize(("threshold", "in_domain"), [(0.999, True), (0.001, False), (None, False)])
def test_novelty_decides_where_the_model_is_judged_by_it(threshold: float | None, in_domain: bool) -> None:
    small = _builders.artefact()
    ensemble = replace(small.ensemble, processes=_processes.both())
    judged = replace(small.domain, novelty_threshold=threshold)
    predictor = _builders.predictor(ensemble=ensemble, domain=judged)
    asked = Material(Formula.parse("LiTiS4P4"))  # too far by its distance, of no new element
    answer = one(predictor, asked)
    (expected,) = _processes.process("formula").predict([asked]).novelty
    assert 0.001 < expected < 0.999
    assert answer.domain.as_dict()["novelty"] == (None if threshold is None else pytest.approx(expected))
    assert answer.domain.in_domain is in_domain
    assert predictor.inside([asked]) == [in_domain]
    assert any("outside the compositions" in text for text in answer.warnings) is not in_domain
    (about_new,) = (text for text in one(predictor, "LiTiS4P4F0.1").warnings if "training material" in text)
    assert about_new.startswith("no training material holds F: ")
    assert ("elements that replace it" in about_new) is in_domain
    mean, spread, novelties = predictor.log10_conductivity_and_novelty([asked], np.array([60.0]))
    alone = predictor.log10_conductivity([asked], np.array([60.0]))
    assert (mean, spread.total) == (alone[0], alone[1].total)
    assert novelties == [answer.domain.novelty]


def test_a_crystal_without_a_space_group_is_warned_of(predictor: Predictor) -> None:
    assert any("no space group" in text for text in one(predictor, _builders.argyrodite()).warnings)
    assert not any("no space group" in text for text in one(predictor, _builders.rock_salt()).warnings)


def test_caveats_reach_the_answer(predictor: Predictor) -> None:
    assert any("tetragonal" in text for text in one(predictor, "Li7La3Zr2O12").warnings)
    assert any("lies outside" in text for text in one(predictor, "Li6PS5Cl", temperature_C=400.0).warnings)


def test_a_model_without_activation_energies_answers_none_and_says_so_when_hot() -> None:
    calibrations = {CONDUCTIVITY: _builders.calibration()}
    cold_only = _builders.predictor(calibrations=calibrations)
    cold, hot = one(cold_only, "Li6PS5Cl"), one(cold_only, "Li6PS5Cl", temperature_C=60.0)
    assert cold.activation_energy is None and cold.as_dict()["activation_energy_eV"] is None
    assert cold.warnings == (COARSE,)
    assert any("learned no activation energy" in text for text in hot.warnings)


def test_many_threads_get_the_answers_of_one() -> None:
    shared = _builders.predictor()
    asked = [["Li6PS5Cl", "Xx", _builders.argyrodite()], ["LiCl"], ["Li7La3Zr2O12", "Li3N"], [_builders.rock_salt()]]
    expected = [_builders.predictor().predict(items, temperature_C=60.0).as_dict() for items in asked]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda items: shared.predict(items, temperature_C=60.0).as_dict(), asked * 10))
    assert found == expected * 10


def test_rows_are_scored_each_at_its_own_temperature(predictor: Predictor) -> None:
    materials = [Material(Formula.parse(text)) for text in ("LiCl", "Li3N", "Li6PS5Cl")]
    temperatures = np.array([25.0, 100.0, -10.0])
    mean, spread = predictor.log10_conductivity(materials, temperatures)
    for index, material in enumerate(materials):
        found = one(predictor, material, temperature_C=float(temperatures[index])).conductivity[0].log10
        assert mean[index] == pytest.approx(found.mean, abs=1e-5)
        assert spread.aleatoric[index] * predictor.artefact.calibrations[CONDUCTIVITY].std_factor == pytest.approx(
            found.std_aleatoric, rel=1e-4
        )


def test_a_single_member_predicts_without_an_epistemic_part() -> None:
    lone = _builders.predictor(ensemble=_builders.ensemble(1))
    assert one(lone, "LiCl", temperature_C=80.0).conductivity[0].log10.std_epistemic == pytest.approx(0.0, abs=1e-12)


def test_the_scatter_of_the_energy_is_scaled_by_its_calibration(predictor: Predictor) -> None:
    calibrations = dict(predictor.artefact.calibrations)
    wider = replace(calibrations[ACTIVATION_ENERGY], std_factor=10.0 * calibrations[ACTIVATION_ENERGY].std_factor)
    unsure = _builders.predictor(calibrations=calibrations | {ACTIVATION_ENERGY: wider})
    for celsius, factor in ((25.0, 1.0), (900.0, 2.0)):
        sure = one(predictor, "LiCl", temperature_C=celsius).conductivity[0].log10.std_aleatoric
        loose = one(unsure, "LiCl", temperature_C=celsius).conductivity[0].log10.std_aleatoric
        assert loose == pytest.approx(sure) if factor == 1.0 else loose > factor * sure


def test_a_bare_formula_has_the_interval_of_bare_formulas() -> None:
    cell = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
    wide = _builders.calibration(-30.0, 20.0)
    calibrations = {CONDUCTIVITY: _builders.calibration(), from_formula(CONDUCTIVITY): wide}
    apart = _builders.predictor(calibrations=calibrations)
    formula = Formula.parse("Li6PS5Cl")
    bare, full = apart.predict([formula, Material(formula, cell=cell)]).predictions
    partly = one(apart, Material(formula, cell=replace(cell, atoms_per_cell=None)))
    for answer, position in ((bare, -27.5), (partly, -27.5), (full, -2.75)):
        assert isinstance(answer, Prediction)
        log10 = answer.conductivity[0].log10
        asked = Material(formula, cell=cell) if answer is full else Material(formula)
        asked = Material(formula, cell=replace(cell, atoms_per_cell=None)) if answer is partly else asked
        (spread,) = (apart.artefact.ensemble.predict([asked])[CONDUCTIVITY].spread,)
        assert log10.lower - log10.mean == pytest.approx(spread.offset(position)[0], rel=1e-4)


def test_a_model_is_checked_on_a_well_known_electrolyte() -> None:
    sound = _builders.predictor()
    assert sound.check() is sound
    hopeless = replace(_builders.calibration(), quantiles=np.full_like(_builders.calibration().quantiles, np.nan))
    with pytest.raises(InvalidArtefact, match="the model answers Li6PS5Cl"):
        _builders.predictor(calibrations={CONDUCTIVITY: hopeless}).check()


@pytest.mark.parametrize("temperature", ["25", None, [25, "60"], np.array([25.0, 60.0]), True])
def test_a_temperature_that_is_no_number_is_refused(predictor: Predictor, temperature: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        predictor.predict(["LiCl"], temperature_C=temperature)  # type: ignore[arg-type]
    assert caught.value.field == "temperature_C"


def test_a_structure_whose_graph_cannot_be_built_fails_alone(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def graph(crystal: Crystal, *sizes: float) -> Any:
        raise InvalidValue("more neighbour pairs than the limit", field="cutoff")

    monkeypatch.setattr("superion.models.material.crystal_arrays", graph)
    structure = {
        "lattice": {"matrix": [[5.1, 0, 0], [0, 5.1, 0], [0, 0, 5.1]]},
        "sites": [{"species": [{"element": "Li", "occu": 1}], "abc": [0, 0, 0]}],
    }
    answers = predictor.predict([{"formula": "LiCl"}, {"id": "b", "structure": structure}]).predictions
    assert isinstance(answers[0], Prediction)
    assert isinstance(answers[1], Failure)
    assert (answers[1].id, answers[1].code, answers[1].field) == ("b", "invalid_structure", "structure")


def test_p1_is_read_as_no_symmetry_and_said_so(predictor: Predictor) -> None:
    structure = {
        "lattice": {"matrix": [[5.1, 0, 0], [0, 5.1, 0], [0, 0, 5.1]]},
        "sites": [
            {"species": [{"element": "Li", "occu": 1}], "abc": [0, 0, 0]},
            {"species": [{"element": "Cl", "occu": 1}], "abc": [0.5, 0.5, 0.5]},
        ],
    }
    text = Crystal.from_dict(structure).to_cif()
    for item in ({"structure": structure}, {"cif": text}):
        (answer,) = predictor.predict([item]).predictions
        assert isinstance(answer, Prediction)
        assert any("P 1" in warning for warning in answer.warnings)


def test_no_activation_energy_is_below_zero() -> None:
    wide = _builders.calibration(-80.0, 80.0)
    unsure = _builders.predictor(calibrations={CONDUCTIVITY: _builders.calibration(), ACTIVATION_ENERGY: wide})
    (answer,) = unsure.predict(["Li10GeP2S12"], confidence=0.9).predictions
    assert isinstance(answer, Prediction) and answer.activation_energy is not None
    assert answer.activation_energy.lower == 0.0
    assert answer.activation_energy.upper > answer.activation_energy.mean
