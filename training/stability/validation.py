"""How good the stability networks are on chemical systems that they have not seen, beside baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import recall_score

from superion.models.calibration import Calibration
from superion.models.distribution import FloatArray, Spread
from superion.models.stability.learned import (
    CALIBRATED,
    SPLIT,
    WITHOUT_LITHIUM,
    EnsembleOutput,
    calibration_of,
    classes_of,
    interval_of,
    output_of,
)
from superion.models.stability.network import BAND_GAP, CLASSES, TARGETS
from superion.models.stability.tables import end_member_table
from superion.training.baseline import paired_difference
from superion.training.stability.baselines import AGAINST_LITHIUM
from superion.training.stability.fit import StabilitySettings, TrainingSet
from superion.training.stability.labels import StabilityLabels
from superion.training.stability.units import folds_of, load_networks

CONFIDENCE = 0.9
WIDE_GAP = 2.0
"""Band gap above which a compound could be an electrolyte at all [eV]."""


@dataclass(frozen=True)
class OutOfFold:
    """Hold what was predicted for each formula by networks that saw nothing of its chemical system."""

    labels: StabilityLabels
    fold: npt.NDArray[np.int64]
    output: EnsembleOutput

    def calibrations(self, rows: npt.NDArray[np.bool_]) -> dict[str, Calibration]:
        """Fit the calibrations that a model needs on `rows`."""
        found = {}
        for key in CALIBRATED:
            name = key.removesuffix(WITHOUT_LITHIUM)
            kept = rows & (self.known(name) & ~self.labels.with_lithium if key != name else self.scored(name))
            mean, spread = self.output.mean[name][kept], self.output.spread[name].only(kept)
            measured = self.labels.values[kept, TARGETS.index(name)]
            found[key] = Calibration.fit(measured, np.zeros(len(measured), dtype=bool), mean, spread)
        return found

    def known(self, name: str) -> npt.NDArray[np.bool_]:
        """Return for which formulas a target is known, shape (n,)."""
        return np.isfinite(self.labels.values[:, TARGETS.index(name)])

    def scored(self, name: str) -> npt.NDArray[np.bool_]:
        """Return which formulas count for a target, shape (n,): those with lithium where it speaks of lithium."""
        return self.known(name) & self.labels.with_lithium if name in AGAINST_LITHIUM else self.known(name)


def out_of_fold(labels: StabilityLabels, settings: StabilitySettings, folder: Path) -> OutOfFold:
    """Predict every formula by the networks of its fold, which must be fitted."""
    fold = folds_of(labels.systems, settings.n_folds, settings.seed)
    data = TrainingSet.of(labels)
    n = len(labels)
    mean = {name: np.zeros(n) for name in TARGETS}
    parts = {name: (np.zeros(n), np.zeros(n)) for name in TARGETS}
    chance = np.zeros((n, len(CLASSES)))
    for number in range(settings.n_folds):
        rows = np.flatnonzero(fold == number)
        found = output_of(load_networks(settings, folder, number), data.inputs.rows(torch.from_numpy(rows)))
        chance[rows] = found.probabilities
        for name in TARGETS:
            mean[name][rows] = found.mean[name]
            parts[name][0][rows] = found.spread[name].aleatoric
            parts[name][1][rows] = found.spread[name].epistemic
    spread = {name: Spread(*parts[name]) for name in TARGETS}
    return OutOfFold(labels, fold, EnsembleOutput(mean, spread, chance, labels.with_lithium))


def report(found: OutOfFold, baselines: Mapping[str, Mapping[str, FloatArray]], seed: int = 0) -> dict[str, Any]:
    """Return errors, coverage and widths by target, of all scored formulas and of groups of them.

    Each fold is calibrated on the others. `baselines` are predictions of `AGAINST_LITHIUM` and of `class`, by the name
    of the baseline; differences to them are paired, with intervals from resampled chemical systems.
    """
    labels = found.labels
    bounds, systems = _bounds(found), np.array(labels.systems)
    known = {
        "-".join(sorted(phase.symbols)) for phase in map(end_member_table().formula, range(len(end_member_table())))
    }
    groups = {
        "all": np.ones(len(labels), dtype=bool),
        "wide_gap": labels.values[:, TARGETS.index(BAND_GAP)] > WIDE_GAP,
        "unknown_to_end_members": ~np.isin(systems, list(known)),
    }
    answer: dict[str, Any] = {}
    for group, chosen in groups.items():
        answer[group] = {}
        for name in TARGETS:
            rows = chosen & found.scored(name)
            answer[group][name] = _target_report(found, name, rows, bounds[name], baselines, systems, seed)
        answer[group]["class"] = _class_report(found, chosen & labels.with_lithium, baselines)
    # What lithium does to a compound without it: a coating, a cathode. No baseline learns from these.
    without = ~labels.with_lithium
    answer["without_lithium"] = {
        name: _target_report(found, name, without & found.known(name), bounds[name], {}, systems, seed)
        for name in SPLIT
    }
    answer["without_lithium"]["class"] = _class_report(found, without, {})
    return answer


def _target_report(
    found: OutOfFold,
    name: str,
    rows: npt.NDArray[np.bool_],
    bounds: tuple[FloatArray, FloatArray],
    baselines: Mapping[str, Mapping[str, FloatArray]],
    systems: npt.NDArray[np.str_],
    seed: int,
) -> dict[str, Any]:
    truth = found.labels.values[:, TARGETS.index(name)]
    error = np.abs(found.output.mean[name] - truth)
    others = {key: np.abs(made[name] - truth) for key, made in baselines.items() if name in made}
    return {
        **_errors(found, error, rows, others, systems, seed),
        **_intervals(truth[rows], bounds[0][rows], bounds[1][rows]),
        "mae_of_median": float(np.abs(truth[rows] - np.median(truth[rows])).mean()),
    }


def _bounds(found: OutOfFold) -> dict[str, tuple[FloatArray, FloatArray]]:
    n = len(found.labels)
    bounds = {name: (np.zeros(n), np.zeros(n)) for name in TARGETS}
    for number in np.unique(found.fold):
        here = found.fold == number
        calibrations, output = found.calibrations(~here), found.output.only(here)
        for name in TARGETS:
            calibration = calibration_of(calibrations, output, name)
            mean, spread = output.mean[name], output.spread[name]
            for side, end in zip(bounds[name], interval_of(calibration, name, mean, spread, CONFIDENCE), strict=True):
                side[here] = end
    return bounds


def _errors(
    found: OutOfFold,
    error: FloatArray,
    rows: npt.NDArray[np.bool_],
    others: Mapping[str, FloatArray],
    systems: npt.NDArray[np.str_],
    seed: int,
) -> dict[str, Any]:
    numbers = [number for number in np.unique(found.fold) if (rows & (found.fold == number)).any()]
    return {
        "n": int(rows.sum()),
        "mae": float(error[rows].mean()),
        "mae_by_fold": [float(error[rows & (found.fold == number)].mean()) for number in numbers],
        **{
            key: {
                "mae": float(other[rows].mean()),
                "paired_difference": asdict(paired_difference(error[rows], other[rows], list(systems[rows]), seed)),
            }
            for key, other in others.items()
        },
    }


def _intervals(truth: FloatArray, lower: FloatArray, upper: FloatArray) -> dict[str, float]:
    covered = (lower - 1e-9 <= truth) & (truth <= upper + 1e-9)
    return {"coverage": float(covered.mean()), "mean_width": float((upper - lower).mean())}


def _class_report(
    found: OutOfFold, chosen: npt.NDArray[np.bool_], baselines: Mapping[str, Mapping[str, FloatArray]]
) -> dict[str, Any]:
    """Return recalls, their mean (the balanced accuracy), and how far the probabilities are from what came true."""
    rows = chosen & (found.labels.classes >= 0)
    truth, predicted = found.labels.classes[rows], classes_of(found.output)[rows]
    numbers = np.arange(len(CLASSES))
    recall = recall_score(truth, predicted, labels=numbers, average=None, zero_division=0.0)
    accuracy = {key: _balanced(truth, made["class"][rows].astype(np.int64)) for key, made in baselines.items()}
    certainty = found.output.probabilities[rows, predicted]
    return {
        "n": {name: int((truth == number).sum()) for number, name in enumerate(CLASSES)},
        "recall": dict(zip(CLASSES, recall.tolist(), strict=True)),
        "balanced_accuracy": {"networks": _balanced(truth, predicted), **accuracy},
        "calibration_error": _calibration_error(certainty, truth == predicted),
    }


def _balanced(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> float:
    present = np.unique(truth)
    return float(recall_score(truth, predicted, labels=present, average="macro", zero_division=0.0))


def _calibration_error(certainty: FloatArray, right: npt.NDArray[np.bool_]) -> float:
    """Return the mean distance between the probability of the class named and how often it is right, in ten bins."""
    place = np.minimum((certainty * 10.0).astype(np.int64), 9)
    off = np.bincount(place, certainty - right, minlength=10)
    return float(np.abs(off).sum() / len(certainty))
