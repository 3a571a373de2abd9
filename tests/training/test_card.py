"""What the card says: of the folds that its errors are from, of the domain, and of what the answers rest on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from superion.models.artefact import Artefact
from superion.models.predictor import RELEASE_FOLDER
from superion.training.card import model_card, with_folds

from ..models import _builders as models

ERRORS = {"mae": 1.0, "rmse": 1.5, "r2": 0.5, "spearman": 0.7}
CONVENTIONS = {"censored_at_-15": ERRORS, "censored_at_-10": ERRORS}
INTERVAL: dict[str, Any] = {
    "confidence": 0.9,
    "coverage": 0.9,
    "mean_width": 4.0,
    "nll": 1.5,
    "miscalibration_area": 0.02,
    "coverage_with_structure": None,
    "coverage_by_measured_level": {"below -9": None},
    "coverage_by_predicted_third": {"lowest": 0.9, "middle": None, "highest": 0.8},
    "spearman_error_std": None,
}
INSULATORS: dict[str, Any] = {"roc_auc": 0.9, "average_precision": 0.5, "n": 30, "n_insulators": 4}
DOMAIN = {"n": 15, "mae": 1.0, "coverage": None}
FOREST = {"mae": 1.3, "paired_difference": {"mean": -0.1, "lower": -0.2, "upper": 0.0}}
METRICS: dict[str, Any] = {
    **CONVENTIONS,
    "uncensored": ERRORS,
    "with_structure": CONVENTIONS,
    "formula_alone": {**CONVENTIONS, "interval": INTERVAL},
    "parts": {},
    "mae_by_fold": [1.0, 1.2],
    "mae_spread": 0.1,
    "activation_energy": None,
    "interval": INTERVAL,
    "forest": {
        "censored_at_-15": FOREST,
        "censored_at_-10": FOREST,
        "insulators": {"roc_auc": None, "average_precision": None},
        "mae_below_-6": {"model": None, "forest": None},
    },
    "insulators": INSULATORS,
    "by_family": {"garnet": {"n": 20, "mae": 0.51, "mae_at_-10": 0.5, "coverage": 0.9}, "rare": {"n": 2}},
    "by_domain": {"inside": DOMAIN, "outside": DOMAIN, "threshold": 0.1, "novelty_threshold": None},
    "n": 30,
    "n_censored": 0,
    "n_with_structure": 0,
}
TRAINING: dict[str, Any] = {
    "data": "own.csv",
    "data_digest": "abc",
    "n_rows": 30,
    "seed": 0,
    "fit": {"censored_at": -15.0},
    "metrics": METRICS,
}

ENSEMBLE = models.ensemble()
"""Of networks alone."""


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    """Return an artefact with a card of its own figures."""
    card = model_card("own", TRAINING, ENSEMBLE, shows_rows=True)
    return replace(Artefact.load(RELEASE_FOLDER), card=card, training=TRAINING)


def test_folds_by_paper_are_what_the_card_speaks_of(artefact: Artefact) -> None:
    found = with_folds(artefact, "paper")
    assert found.card == artefact.card
    assert "2 folds grouped by paper" in found.card and "bootstrap over papers)" in found.card
    assert found.training == {**TRAINING, "folds_by": "paper"}


def test_folds_by_composition_are_said_and_papers_no_more(artefact: Artefact) -> None:
    found = with_folds(artefact, "composition")
    assert "2 folds grouped by composition" in found.card
    assert "The error on new papers is not known, and is larger." in found.card
    assert (
        "grouped by paper" not in found.card and "bootstrap over papers, over rows where all are of one)" in found.card
    )
    assert found.training["folds_by"] == "composition"


def test_the_card_says_what_decides_about_the_domain() -> None:
    by_distance = model_card("own", TRAINING, ENSEMBLE, shows_rows=True)
    assert "no more than 10 % of its atoms" in by_distance and "novelty" not in by_distance
    by_domain = {**METRICS["by_domain"], "novelty_threshold": 0.4321}
    by_novelty = model_card(
        "own", TRAINING | {"metrics": METRICS | {"by_domain": by_domain}}, ENSEMBLE, shows_rows=True
    )
    assert "its novelty is at most 0.43" in by_novelty and "of its atoms" not in by_novelty


def test_the_card_says_what_the_answers_rest_on_beside_the_members() -> None:
    released = Artefact.load(RELEASE_FOLDER)
    line = released.ensemble.meyer_neldel
    assert released.ensemble.processes.hurdle is not None and line is not None
    card = model_card("own", TRAINING, released.ensemble, shows_rows=True)
    assert "a hurdle stands in place of the processes by the formula alone" in card
    assert f"to 50 % what the conductivity implies by the Meyer-Neldel rule, {line.intercept:.2f} eV at 1 S/cm" in card
    assert f"{-line.slope:.3f} eV more for every decade below" in card and line.slope < 0.0
    plain = model_card("own", TRAINING, ENSEMBLE, shows_rows=True)
    assert "hurdle" not in plain and "Meyer-Neldel" not in plain
