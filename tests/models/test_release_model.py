"""The model that is shipped, as it lies in `models/release/`.

These tests are claims about the trained release model; an untrained stand-in fails some of them, and should.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

import superion
from superion.models.artefact import CALIBRATION, CARD, CONFIG, DOMAIN, WEIGHTS, featuriser_fingerprint
from superion.models.predictor import RELEASE_FOLDER, Predictor
from superion.models.records import Prediction
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.training.reference import reference_table

MAX_BYTES = 20_000_000
"""The package is downloaded and the repository cloned with it."""


@cache
def release() -> Predictor:
    return superion.load("release")


@cache
def config() -> dict[str, Any]:
    return json.loads((RELEASE_FOLDER / CONFIG).read_text())


def metrics() -> dict[str, Any]:
    assert "metrics" in config()["training"], "the model in models/release was not trained: `make release-model`"
    return config()["training"]["metrics"]


def conductivity(formula: str, celsius: float = 25.0) -> Any:
    (answer,) = release().predict([formula], temperature_C=celsius).predictions
    assert isinstance(answer, Prediction)
    return answer.conductivity[0].log10


def test_the_release_lies_in_the_package_and_is_complete() -> None:
    assert Path(superion.models.__file__).parent / "release" == RELEASE_FOLDER  # type: ignore[attr-defined]
    files = {path.name for path in RELEASE_FOLDER.iterdir()}
    assert files == {CONFIG, WEIGHTS, CALIBRATION, DOMAIN, CARD}
    assert sum(path.stat().st_size for path in RELEASE_FOLDER.iterdir()) < MAX_BYTES


def test_the_release_was_made_with_this_featuriser() -> None:
    assert config()["featuriser"] == featuriser_fingerprint()


def test_the_release_is_version_4_of_superion() -> None:
    assert (release().model.name, release().model.version) == ("superion", "4")


def test_the_release_is_the_champion_of_a_new_home() -> None:
    champion = superion.load()
    assert champion.model.as_dict() == {"name": "superion", "version": "1", "alias": "champion"}
    asked = ["Li6PS5Cl", "Li7La3Zr2O12"]
    assert champion.predict(asked).as_dict()["predictions"] == release().predict(asked).as_dict()["predictions"]


def test_the_release_answers_conductivity_and_activation_energy_with_intervals() -> None:
    assert {CONDUCTIVITY, ACTIVATION_ENERGY} <= set(release().artefact.calibrations)
    assert min(calibration.n_residuals for calibration in release().artefact.calibrations.values()) > 200


def test_the_grouped_error_is_what_the_project_promises() -> None:
    assert metrics()["n"] == 478
    assert metrics()["n_censored"] == 29
    assert metrics()["n_with_structure"] == 254
    assert metrics()["censored_at_-15"]["mae"] <= 1.30
    for convention in ("censored_at_-15", "censored_at_-10"):
        difference = metrics()["forest"][convention]["paired_difference"]
        assert difference["mean"] <= -0.1 and difference["upper"] < 0.0, "better than the published forest"
    assert metrics()["insulators"]["roc_auc"] > metrics()["forest"]["insulators"]["roc_auc"] + 0.02
    assert metrics()["censored_at_-10"]["mae"] < metrics()["censored_at_-15"]["mae"]


def test_intervals_of_the_release_cover_out_of_fold_what_they_say() -> None:
    assert metrics()["interval"]["confidence"] == 0.9
    interval = metrics()["interval"]
    assert 0.88 <= interval["coverage"] <= 0.92
    assert interval["mean_width"] <= 4.2
    assert min(interval["coverage_by_predicted_third"].values()) >= 0.8
    assert min(interval["coverage_by_measured_level"].values()) >= 0.7
    assert interval["miscalibration_area"] < 0.05
    outside = metrics()["by_domain"]["outside"]
    assert outside["n"] <= 0.1 * metrics()["n"] and outside["coverage"] >= 0.85


def test_the_card_states_the_figures_of_the_configuration() -> None:
    card = (RELEASE_FOLDER / CARD).read_text(encoding="utf-8")
    found = metrics()
    rows = (
        ("censored rows at -15", found["censored_at_-15"]),
        ("censored rows at -10", found["censored_at_-10"]),
        ("uncensored rows alone", found["uncensored"]),
        ("with a structure, at -15", found["with_structure"]["censored_at_-15"]),
        ("with a structure, at -10", found["with_structure"]["censored_at_-10"]),
    )
    for label, values in rows:
        assert f"| {label} | " + " | ".join(f"{values[key]:.2f}" for key in ("mae", "rmse", "r2", "spearman")) in card
    assert f"coverage {found['interval']['coverage']:.3f}" in re.sub(r"\s+", " ", card)
    assert f"{found['forest']['censored_at_-15']['mae']:.2f}" in card
    assert config()["training"]["data_digest"][:16] in card
    assert "What it must not be used for" in card
    # The settings were chosen on the folds that the figures are from, which a reader cannot know from the figures.
    assert "How the settings were chosen" in card


def test_the_release_shows_no_training_value() -> None:
    from superion.training.reference import known_materials

    assert set(release().artefact.domain.known) <= set(known_materials())


def test_a_well_known_superionic_conductor_is_recognised() -> None:
    found = conductivity("Li10GeP2S12")
    assert found.mean > -5.0
    assert found.lower <= found.mean <= found.upper


def test_literature_values_are_ranked() -> None:
    rows = [row for row in reference_table().rows if row.log10_conductivity is not None and row.temperature_c <= 30]
    predicted = [conductivity(str(row.material.formula), row.temperature_c).mean for row in rows]
    measured = [row.log10_conductivity for row in rows]
    assert len(rows) >= 12
    assert spearmanr(predicted, measured).statistic > 0.3


def test_a_good_conductor_is_told_from_insulating_salts() -> None:
    good = min(conductivity(text).mean for text in ("Li10GeP2S12", "Li6PS5Cl", "Li7P3S11"))
    assert good > max(conductivity(text).mean for text in ("LiF", "Li2CO3"))


@pytest.mark.parametrize("formula", ["Li6PS5Cl", "Li7La3Zr2O12", "Li1.3Al0.3Ti1.7(PO4)3", "Li3InCl6"])
def test_answers_are_physical(formula: str) -> None:
    (answer,) = release().predict([formula]).predictions
    assert isinstance(answer, Prediction) and answer.activation_energy is not None
    assert -16.0 < answer.conductivity[0].log10.mean < 0.0
    assert 0.0 < answer.activation_energy.mean < 1.5
    assert conductivity(formula, 100.0).mean > conductivity(formula).mean
    assert np.isfinite([answer.conductivity[0].log10.lower, answer.conductivity[0].log10.upper]).all()


@pytest.mark.parametrize("formula", ["Li6PS5Cl", "Li10GeP2S12", "Li7La3Zr2O12"])
def test_common_electrolytes_lie_inside_the_domain(formula: str) -> None:
    (answer,) = release().predict([formula]).predictions
    assert isinstance(answer, Prediction) and answer.domain.in_domain
