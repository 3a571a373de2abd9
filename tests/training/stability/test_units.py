"""Units: folds by chemical system, networks that are kept as they finish, a folder of one set of settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from superion.training.stability.fit import StabilitySettings, TrainingSet, fit_stability_network
from superion.training.stability.labels import StabilityLabels
from superion.training.stability.units import FINAL, claim, file_of, fit_units, folds_of, load_networks


def test_a_chemical_system_lies_in_one_fold(labels: StabilityLabels) -> None:
    fold = folds_of(labels.systems, 5, 0)
    by_system: dict[str, set[int]] = {}
    for system, number in zip(labels.systems, fold.tolist(), strict=True):
        by_system.setdefault(system, set()).add(number)
    assert all(len(numbers) == 1 for numbers in by_system.values())
    assert set(fold.tolist()) == set(range(5))


def test_the_fold_of_a_system_depends_on_nothing_else(labels: StabilityLabels) -> None:
    fold = folds_of(labels.systems, 5, 0)
    assert folds_of(labels.systems[::-3], 5, 0).tolist() == fold[::-3].tolist()
    assert folds_of(labels.systems, 5, 1).tolist() != fold.tolist()


def test_a_stopped_run_goes_on(
    labels: StabilityLabels, data: TrainingSet, settings: StabilitySettings, tmp_path: Path
) -> None:
    quick = replace(settings, passes=1, lithium_passes=0, n_folds=2, n_networks=1)
    told: list[tuple[int, int]] = []
    fit_units(labels, quick, tmp_path, 1, lambda fold, member: told.append((fold, member)))
    assert sorted(told) == [(FINAL, 0), (0, 0), (1, 0)]
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    file_of(tmp_path, 1, 0).unlink()
    told.clear()
    fit_units(labels, quick, tmp_path, 2, lambda fold, member: told.append((fold, member)))
    assert told == [(1, 0)]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    # The network of a fold is one that has not seen it.
    fold = folds_of(labels.systems, 2, 0)
    (kept,) = load_networks(quick, tmp_path, 1)
    again = fit_stability_network(data, np.flatnonzero(fold != 1), quick, 1200)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in kept.state_dict().items())


def test_a_folder_of_other_settings_or_labels_is_refused(settings: StabilitySettings, tmp_path: Path) -> None:
    claim(tmp_path, settings, "aa")
    claim(tmp_path, replace(settings, n_networks=9), "aa")
    with pytest.raises(ValueError, match="other settings"):
        claim(tmp_path, replace(settings, passes=7), "aa")
    with pytest.raises(ValueError, match="or labels"):
        claim(tmp_path, settings, "bb")
