"""Validation: figures against hand counts, calibration on other folds, baselines that have not seen the system."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from superion.models.distribution import Spread
from superion.models.stability.learned import EnsembleOutput
from superion.models.stability.network import CLASSES, TARGETS
from superion.models.stability.tables import end_member_table
from superion.training.stability.baselines import AGAINST_LITHIUM, baseline_predictions
from superion.training.stability.labels import StabilityLabels
from superion.training.stability.units import folds_of
from superion.training.stability.validation import OutOfFold, report

ERROR = 0.25


@pytest.fixture(scope="module")
def found(labels: StabilityLabels) -> OutOfFold:
    """Return predictions off by noise of known size, whose deviations are right."""
    random = np.random.default_rng(0)
    n = len(labels)
    mean, spread = {}, {}
    for column, name in enumerate(TARGETS):
        truth = np.nan_to_num(labels.values[:, column])
        mean[name] = truth + random.laplace(0.0, ERROR, n)
        spread[name] = Spread(np.full(n, ERROR), np.zeros(n))
    chance = np.full((n, len(CLASSES)), 0.1)
    chance[np.arange(n), np.maximum(labels.classes, 0)] = 0.8
    # The class follows from the energy where the model makes the two agree; here they are made to.
    stable = labels.classes == CLASSES.index("stable")
    mean["reaction_energy"] = np.where(stable, 0.0, np.minimum(mean["reaction_energy"], -0.03))
    output = EnsembleOutput(mean, spread, chance, labels.with_lithium)
    return OutOfFold(labels, folds_of(labels.systems, 3, 0), output)


@pytest.fixture(scope="module")
def baselines(labels: StabilityLabels) -> dict[str, Any]:
    return baseline_predictions(labels, folds_of(labels.systems, 3, 0))


@pytest.fixture(scope="module")
def figures(found: OutOfFold, baselines: dict[str, Any]) -> dict[str, Any]:
    return report(found, baselines)


def test_errors_are_those_of_the_scored_rows(found: OutOfFold, figures: dict[str, Any]) -> None:
    labels = found.labels
    for name in TARGETS:
        known = np.isfinite(labels.values[:, TARGETS.index(name)])
        if name in AGAINST_LITHIUM:
            known &= labels.with_lithium
        error = np.abs(found.output.mean[name] - labels.values[:, TARGETS.index(name)])[known]
        assert figures["all"][name]["n"] == known.sum()
        assert figures["all"][name]["mae"] == pytest.approx(error.mean())
        assert min(figures["all"][name]["mae_by_fold"]) <= error.mean() <= max(figures["all"][name]["mae_by_fold"])


def test_intervals_cover_what_they_say_and_are_as_wide_as_they_must_be(figures: dict[str, Any]) -> None:
    for name in ("formation_energy", "reduction_limit", "oxidation_limit"):
        assert figures["all"][name]["coverage"] == pytest.approx(0.9, abs=0.03)
    # Nine tenths of a Laplace distribution lie within 2.3 of its scale.
    assert figures["all"]["formation_energy"]["mean_width"] == pytest.approx(2 * 2.303 * ERROR, rel=0.1)


def test_a_fold_is_calibrated_on_the_others(found: OutOfFold, baselines: dict[str, Any]) -> None:
    mean = {name: values.copy() for name, values in found.output.mean.items()}
    first = found.fold == 0
    mean["formation_energy"][first] += 50.0
    off = replace(found, output=replace(found.output, mean=mean))
    # Its own errors would have made the intervals of the fold wide enough for them.
    coverage = report(off, baselines)["all"]["formation_energy"]["coverage"]
    known = np.isfinite(found.labels.values[:, 0])
    assert coverage <= 1.0 - (first & known).sum() / known.sum() + 1e-9


def test_what_has_no_lithium_is_scored_and_calibrated_by_itself(
    found: OutOfFold, baselines: dict[str, Any], figures: dict[str, Any], labels: StabilityLabels
) -> None:
    mean = {name: values.copy() for name, values in found.output.mean.items()}
    without = ~labels.with_lithium
    mean["reduction_limit"][without] += np.where(np.arange(without.sum()) % 2, 3.0, -3.0)
    again = report(replace(found, output=replace(found.output, mean=mean)), baselines)
    assert again["all"] == figures["all"], "compounds with lithium are not touched by it"
    row = again["without_lithium"]["reduction_limit"]
    assert row["n"] == without.sum()
    assert row["mae"] == pytest.approx(3.0, abs=0.3)
    assert row["coverage"] == pytest.approx(0.9, abs=0.05)
    assert row["mean_width"] > 4.0 > figures["without_lithium"]["reduction_limit"]["mean_width"]
    assert sum(again["without_lithium"]["class"]["n"].values()) == ((labels.classes >= 0) & without).sum()


def test_the_class_is_scored_class_by_class(figures: dict[str, Any], labels: StabilityLabels) -> None:
    found = figures["all"]["class"]
    assert sum(found["n"].values()) == ((labels.classes >= 0) & labels.with_lithium).sum()
    assert found["recall"] == dict.fromkeys(CLASSES, 1.0)
    assert found["balanced_accuracy"]["networks"] == 1.0
    # It says 0.8 and is right always.
    assert found["calibration_error"] == pytest.approx(0.2)


def test_the_groups_are_what_they_are_called(found: OutOfFold, figures: dict[str, Any]) -> None:
    labels = found.labels
    known = np.isfinite(labels.values[:, 0])
    wide = labels.values[:, TARGETS.index("band_gap")] > 2.0
    assert figures["wide_gap"]["formation_energy"]["n"] == (wide & known).sum()
    table = end_member_table()
    ours = {"-".join(sorted(table.formula(row).symbols)) for row in range(len(table))}
    new = np.array([system not in ours for system in labels.systems])
    assert 0 < figures["unknown_to_end_members"]["formation_energy"]["n"] == (new & known).sum() < known.sum()


def test_differences_to_a_baseline_are_paired(found: OutOfFold, baselines: dict[str, Any]) -> None:
    same = {"boosting": dict(found.output.mean), "nearest": baselines["nearest"]}
    same["boosting"]["class"] = baselines["boosting"]["class"]
    row = report(found, same)["all"]["reduction_limit"]
    assert row["boosting"]["mae"] == pytest.approx(row["mae"])
    assert set(row["boosting"]["paired_difference"].values()) == {0.0}
    difference = row["nearest"]["paired_difference"]
    assert difference["mean"] == pytest.approx(row["mae"] - row["nearest"]["mae"])
    assert difference["lower"] < difference["mean"] < difference["upper"]


def test_baselines_have_not_seen_the_system(labels: StabilityLabels, baselines: dict[str, Any]) -> None:
    fold = folds_of(labels.systems, 3, 0)
    changed = labels.values.copy()
    changed[fold == 0] = 77.0
    again = baseline_predictions(replace(labels, values=changed), fold)
    scored = (fold == 0) & labels.with_lithium
    for key in ("boosting", "nearest"):
        for name in AGAINST_LITHIUM:
            made = baselines[key][name]
            assert np.isfinite(made[labels.with_lithium]).all()
            assert np.isnan(made[~labels.with_lithium]).all()
            assert np.array_equal(again[key][name][scored], made[scored])


def test_the_nearest_composition_is_that(labels: StabilityLabels, baselines: dict[str, Any]) -> None:
    fold = folds_of(labels.systems, 3, 0)
    column = TARGETS.index("reduction_limit")
    row = next(row for row, formula in enumerate(labels.formulas) if formula.text == "Li3PO4")

    def distance(other: int) -> float:
        one, two = labels.formulas[row], labels.formulas[other]
        symbols = {*one.symbols, *two.symbols}
        return sum(abs(one.amount(s) / one.n_atoms - two.amount(s) / two.n_atoms) for s in symbols)

    others = np.flatnonzero(labels.with_lithium & (fold != fold[row]) & np.isfinite(labels.values[:, column]))
    distances = np.array([distance(other) for other in others])
    nearest = labels.values[others[np.isclose(distances, distances.min(), atol=1e-9)], column]
    assert baselines["nearest"]["reduction_limit"][row] in nearest
