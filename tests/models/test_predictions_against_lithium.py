"""What predictions say of the contact with lithium metal: learned values, the hull, and where the two disagree."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from superion.errors import InvalidArtefact, InvalidValue
from superion.featurizers.formula import Formula
from superion.models.predictor import Predictor
from superion.models.records import Dendrites, Estimate, InterphaseAnswer, LithiumMetal, Prediction
from superion.models.stability import analyse
from superion.models.stability import learned as learned_module
from superion.models.stability.answers import COARSE, where_they_disagree
from superion.models.stability.learned import release_model
from superion.models.stability.tables import default_table, end_member_table

ESTIMATE = {"mean", "lower", "upper"}


def one(predictor: Predictor, item: object, **asked: Any) -> Prediction:
    (answer,) = predictor.predict([item], **asked).predictions
    assert isinstance(answer, Prediction), answer
    return answer


HULL = {
    "table",
    "reaction_energy_eV_per_atom",
    "reduction_limit_V",
    "oxidation_limit_V",
    "energy_above_hull_eV_per_atom",
    "class",
    "products",
}


def test_the_contact_with_lithium_metal_is_that_of_the_engine(predictor: Predictor) -> None:
    found = analyse(end_member_table(), "Li6PS5Cl")
    answer = one(predictor, "Li6PS5Cl").as_dict()["li_metal"]
    hull = answer.pop("hull")
    assert set(hull) == HULL
    assert (hull["table"], hull["products"], hull["class"]) == (
        "end-members",
        ["LiCl", "Li2S", "Li3P"],
        "passivating",
    )
    assert hull["reaction_energy_eV_per_atom"] == found.reaction_energy_eV_per_atom
    assert hull["reduction_limit_V"] == found.reduction_limit_V
    assert hull["oxidation_limit_V"] == found.oxidation_limit_V
    assert hull["energy_above_hull_eV_per_atom"] is None, "it is no end member"


def test_the_staircase_comes_where_it_is_asked_for(predictor: Predictor) -> None:
    answer = one(predictor, "Li6PS5Cl", detail=["staircase"]).as_dict()["li_metal"]["hull"]
    assert set(answer) == HULL | {"staircase"}
    steps = json.loads(json.dumps(answer["staircase"], allow_nan=False))
    assert steps[0]["lower_V"] == 0.0 and steps[-1]["upper_V"] is None
    assert [step["upper_V"] for step in steps[:-1]] == [step["lower_V"] for step in steps[1:]]
    assert [product["formula"] for product in steps[0]["products"]] == answer["products"]


def test_the_learned_answers_are_those_of_the_shipped_networks(predictor: Predictor) -> None:
    (learned,) = release_model().predict([Formula.parse("Li6PS5Cl")], 0.8)
    answer = one(predictor, "Li6PS5Cl", confidence=0.8).as_dict()
    metal = answer["li_metal"]
    for key, estimate in (
        ("reaction_energy_eV_per_atom", learned.reaction_energy),
        ("reduction_limit_V", learned.reduction_limit),
        ("oxidation_limit_V", learned.oxidation_limit),
    ):
        assert estimate is not None
        assert metal[key] == estimate.as_dict(parts=False)
        assert set(metal[key]) == ESTIMATE
    assert metal["interphase"] == {"class": learned.interphase, "probabilities": learned.probabilities}
    assert answer["formation_energy_eV_per_atom"] == learned.formation_energy.as_dict(parts=False)
    assert answer["shear_modulus_GPa"] == learned.shear_modulus.as_dict(parts=False)
    assert answer["band_gap_eV"] == {**learned.band_gap.as_dict(parts=False), "functional": "PBE"}


def test_a_damaged_stability_model_costs_the_learned_values_alone(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged() -> None:
        raise InvalidArtefact("the model of stability is damaged", field="model", value="release")

    monkeypatch.setattr(learned_module, "release_model", damaged)
    answer = one(predictor, "Li6PS5Cl")
    document = answer.as_dict()
    assert document["li_metal"]["interphase"] is document["li_metal"]["dendrites"] is document["band_gap_eV"] is None
    assert document["li_metal"]["hull"]["class"] == "passivating"
    assert any("no learned values: the model of stability is damaged" in text for text in answer.warnings)
    with pytest.raises(InvalidValue, match="confidence"):
        predictor.predict(["Li6PS5Cl"], confidence=2.0)


def test_the_confidence_asked_for_does_not_change_whether_hull_and_networks_agree(predictor: Predictor) -> None:
    narrow, usual = (one(predictor, "Li6PS5Cl", confidence=level) for level in (0.05, 0.9))
    assert [w for w in narrow.warnings if "interval" in w] == [w for w in usual.warnings if "interval" in w]
    assert narrow.band_gap is not None and usual.band_gap is not None
    assert narrow.band_gap.upper < usual.band_gap.upper


def test_without_lithium_there_is_no_oxidation_limit(predictor: Predictor) -> None:
    metal = one(predictor, "Al2O3").as_dict()["li_metal"]
    assert metal["oxidation_limit_V"] is None and metal["hull"]["oxidation_limit_V"] is None
    assert metal["reduction_limit_V"]["mean"] > 0.0


@pytest.mark.parametrize(
    ("lower", "upper", "met"), [(8.5, 20.0, "yes"), (8.4, 20.0, "uncertain"), (2.0, 8.5, "uncertain"), (2.0, 8.4, "no")]
)
def test_the_dendrite_criterion_is_met_where_the_whole_interval_is_above(lower: float, upper: float, met: str) -> None:
    found = Dendrites.of(Estimate((lower + upper) / 2, lower, upper, 1.0, 1.0)).as_dict()
    assert (found["threshold_GPa"], found["met"]) == (8.5, met)
    assert "Monroe and Newman" in found["note"]


def test_a_hull_outside_the_learned_interval_is_warned_of(predictor: Predictor) -> None:
    (learned,) = release_model().predict([Formula.parse("Li6PS5Cl")], 0.9)
    hull = analyse(end_member_table(), "Li6PS5Cl")
    assert learned.oxidation_limit is not None
    inside = replace(
        hull,
        reaction_energy_eV_per_atom=learned.reaction_energy.mean,
        reduction_limit_V=learned.reduction_limit.lower,
        oxidation_limit_V=learned.oxidation_limit.upper,
    )
    assert where_they_disagree(learned, inside) == where_they_disagree(learned, None) == ()
    off = replace(inside, reduction_limit_V=9.0, oxidation_limit_V=9.5)
    (warning,) = where_they_disagree(learned, off)
    assert "reduction limit 9.00 V against" in warning and "oxidation limit 9.50 V against" in warning
    assert "reaction energy" not in warning and "end-members" in warning


def test_a_disagreement_reaches_the_answer(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.csv"
    # By this table next to nothing is set free.
    path.write_text("formula,target\nLiCl,-0.01\nLi2S,-0.01\nLi3P,-0.01\nPS,-0.01\n")
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(path))
    assert any("outside the learned 90 % interval" in text for text in one(predictor, "Li6PS5Cl").warnings)


def test_learned_values_beside_the_hull_are_plain() -> None:
    estimate = Estimate(-0.9, -1.0, -0.8, 0.1, 0.1)
    interphase = InterphaseAnswer("passivating", {"passivating": 0.7, "stable": 0.3})
    answer = LithiumMetal(reaction_energy=estimate, interphase=interphase).as_dict()
    assert answer["reaction_energy_eV_per_atom"] == {"mean": -0.9, "lower": -1.0, "upper": -0.8}
    assert answer["interphase"] == {"class": "passivating", "probabilities": {"passivating": 0.7, "stable": 0.3}}
    assert answer["hull"] is answer["oxidation_limit_V"] is answer["dendrites"] is None


def test_the_coarse_hull_is_warned_of_and_a_fuller_one_is_not(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warning, *others = one(predictor, "Li6PS5Cl").warnings
    assert all("outside the learned 90 % interval" in text for text in others)
    assert warning == COARSE and "superion data fetch mp-formation-energies" in warning
    path = tmp_path / "own.csv"
    path.write_text("formula,target\nLiCl,-2.1\nLi2S,-1.5\nLi3P,-0.8\nP2S5,-0.4\nLi6PS5Cl,-1.4\n")
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(path))
    answer = one(predictor, "Li6PS5Cl")
    hull = answer.lithium_metal.hull
    assert COARSE not in answer.warnings and hull is not None
    assert (hull.table, hull.energy_above_hull_eV_per_atom) == ("own", 0.0)
    lacking = one(predictor, "Li3OCl")
    assert lacking.lithium_metal.hull is None
    assert any("no compound of O" in text for text in lacking.warnings)


def test_an_element_that_the_table_does_not_know_costs_the_hull_alone(predictor: Predictor) -> None:
    answer = one(predictor, "Li3PuCl6")
    assert answer.as_dict()["li_metal"]["hull"] is None
    assert any("there is no hull: the table end-members knows no compound of Pu" in text for text in answer.warnings)


def test_a_table_that_cannot_be_read_costs_the_hull_alone(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.csv"
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(path))
    for text in (None, "formula,target\nLiCl,-400\n"):
        if text is not None:
            path.write_text(text)
        answer = one(predictor, "LiCl")
        assert answer.lithium_metal.hull is None
        (warning,) = answer.warnings
        assert "own.csv" in warning and str(tmp_path) not in warning


def test_a_prediction_builds_the_later_steps_only_where_they_are_shown(predictor: Predictor) -> None:
    asked = ["Li6PS5Cl", "LiF", "Li", "P2S5", "Li9S", "Li3.833Sn0.833As0.166S4"]
    # In either order: what is kept of one must not answer for the other.
    for details in ((), ("staircase",)), (("staircase",), ()):
        answers = {detail: predictor.predict(asked, detail=detail).predictions for detail in details}
        for text, bare, full in zip(asked, answers[()], answers["staircase",], strict=True):
            assert isinstance(bare, Prediction) and isinstance(full, Prediction)
            document = full.as_dict()
            steps = document["li_metal"]["hull"].pop("staircase")
            assert document == bare.as_dict()
            assert len(steps) == len(analyse(default_table(), text).staircase)
            assert bare.lithium_metal.hull is not None and len(bare.lithium_metal.hull.staircase) == 1
