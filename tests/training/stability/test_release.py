"""The whole way from labels to a model that is saved, read and says the same."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from superion.featurizers.formula import Formula
from superion.models.stability.learned import CALIBRATED, CALIBRATION, CARD, CONFIG, WEIGHTS, StabilityModel
from superion.models.stability.network import TARGETS
from superion.training.stability import release
from superion.training.stability.fit import StabilitySettings
from superion.training.stability.labels import StabilityLabels

ASKED = [Formula.parse(text) for text in ("Li6PS5Cl", "Li2O", "GeS2", "Li4GeO4")]


@pytest.fixture(scope="module")
def trained(
    labels: StabilityLabels, settings: StabilitySettings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StabilityModel, dict[str, Any]]:
    quick = replace(settings, passes=2, lithium_passes=2)
    return release.train_stability(labels, quick, tmp_path_factory.mktemp("units"), workers=2)


def test_what_was_measured_is_on_the_card(trained: tuple[StabilityModel, dict[str, Any]]) -> None:
    model, training = trained
    for group in ("all", "wide_gap", "unknown_to_end_members"):
        for name in TARGETS:
            row = training["cross_validation"][group][name]
            assert f"{row['n']:,} | **{row['mae']:.3f}**" in model.card
            assert f"| {row['coverage']:.3f} |" in model.card
    assert f"{training['n_with_lithium']:,} of them with lithium" in model.card.replace("\n", " ")
    assert "CC BY 4.0" in model.card
    assert max(map(len, model.card.splitlines())) < 250


def test_the_model_that_is_read_says_the_same(
    trained: tuple[StabilityModel, dict[str, Any]], labels: StabilityLabels, tmp_path: Path
) -> None:
    model, training = trained
    model.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {CONFIG, WEIGHTS, CALIBRATION, CARD}
    again = StabilityModel.load(tmp_path)
    assert again.predict(ASKED, 0.9) == model.predict(ASKED, 0.9)
    assert again.card == model.card
    assert json.loads((tmp_path / CONFIG).read_text())["training"] == json.loads(json.dumps(training))
    assert again.training["elements"] == {symbol for formula in labels.formulas for symbol in formula.symbols}


def test_the_networks_of_the_model_have_seen_every_fold(trained: tuple[StabilityModel, dict[str, Any]]) -> None:
    model, _ = trained
    weights = [np.concatenate([p.detach().numpy().ravel() for p in network.parameters()]) for network in model.networks]
    assert len(weights) == 2 and not np.array_equal(*weights)
    assert set(model.calibrations) == set(CALIBRATED)


def test_a_run_saves_its_model_tracks_its_figures_and_leaves_no_networks(
    labels: StabilityLabels,
    settings: StabilitySettings,
    tmp_path: Path,
    mlflow_database: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = replace(settings, passes=1, lithium_passes=1, n_folds=2, n_networks=1)
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(mlflow_database, home / "mlflow.db")
    monkeypatch.setenv("SUPERION_HOME", str(home))
    monkeypatch.setattr(release, "StabilitySettings", lambda: quick)
    monkeypatch.setattr(release, "stability_labels", lambda workers: labels)
    monkeypatch.setattr(release, "RELEASE_FOLDER", tmp_path / "model")
    monkeypatch.setattr(sys, "argv", ["release", "--workers", "2"])
    assert release.main() == 0
    model = StabilityModel.load(tmp_path / "model")
    assert len(model.predict(ASKED, 0.9)) == len(ASKED)
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    measured = model.training["cross_validation"]
    assert run.data.metrics["all/reaction_energy/mae"] == measured["all"]["reaction_energy"]["mae"]
    assert run.data.metrics["all/reduction_limit/mae_by_fold/1"] == measured["all"]["reduction_limit"]["mae_by_fold"][1]
    assert list((home / "runs").iterdir()) == []


def test_figures_are_named_by_their_path() -> None:
    assert release.flat({"a": {"b-c": 1, "d": [2, {"e": 3}]}}) == {"a/b_c": 1.0, "a/d/0": 2.0, "a/d/1/e": 3.0}


def test_the_digest_tells_labels_apart(labels: StabilityLabels) -> None:
    changed = labels.values.copy()
    changed[3, 0] = np.nan_to_num(changed[3, 0]) + 0.001
    assert release.digest_of(labels) == release.digest_of(replace(labels, values=labels.values.copy()))
    assert release.digest_of(labels) != release.digest_of(replace(labels, values=changed))
    said = labels.end_members.copy()
    said[3, 0] += 0.001
    assert release.digest_of(labels) != release.digest_of(replace(labels, end_members=said))
