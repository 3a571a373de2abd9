"""Fitting: the same from the same seed, blind to what is not known, better than the median."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from superion.models.stability.network import CLASSES, TARGETS, StabilityNetwork
from superion.training.stability.fit import StabilitySettings, TrainingSet, fit_stability_network, loss_of


@pytest.fixture(scope="module")
def rows(data: TrainingSet) -> np.ndarray:
    return np.arange(len(data.classes))


def test_the_same_seed_gives_the_same_network(data: TrainingSet, rows: np.ndarray, settings: StabilitySettings) -> None:
    quick = replace(settings, passes=1, lithium_passes=1)
    one, two, other = (fit_stability_network(data, rows, quick, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_values_that_are_not_known_leave_every_gradient_finite(data: TrainingSet, settings: StabilitySettings) -> None:
    torch.manual_seed(0)
    network = StabilityNetwork(settings.network)
    chosen = torch.arange(64)
    values = data.values[chosen].clone()
    assert torch.isnan(values).any()
    loss = loss_of(
        network, network(data.inputs.rows(chosen)), values, data.classes[chosen], torch.ones(len(CLASSES)), settings
    )
    loss.backward()
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert gradients and all(torch.isfinite(gradient).all() for gradient in gradients)


def test_a_target_of_which_nothing_is_known_adds_nothing(data: TrainingSet, settings: StabilitySettings) -> None:
    torch.manual_seed(0)
    network = StabilityNetwork(settings.network).eval()
    chosen = torch.arange(32)
    nothing = torch.full((32, len(TARGETS)), torch.nan)
    loss = loss_of(
        network, network(data.inputs.rows(chosen)), nothing, torch.full((32,), -1), torch.ones(len(CLASSES)), settings
    )
    assert loss.item() == 0.0


def test_the_deviations_do_not_bend_the_means(data: TrainingSet, settings: StabilitySettings) -> None:
    torch.manual_seed(0)
    network = StabilityNetwork(settings.network)
    network(data.inputs.rows(torch.arange(16))).deviation.sum().backward()
    bent = [name for name, parameter in network.named_parameters() if parameter.grad is not None]
    assert {name.split(".")[0] for name in bent} == {"deviations"}


def test_it_learns_more_than_the_median(data: TrainingSet, rows: np.ndarray, settings: StabilitySettings) -> None:
    network = fit_stability_network(data, rows, replace(settings, passes=20, lithium_passes=20), 0)
    chosen = torch.from_numpy(rows[data.with_lithium])
    with torch.inference_mode():
        output = network(data.inputs.rows(chosen))
    truth = data.values[chosen].double().numpy()
    for name in ("reaction_energy", "reduction_limit", "oxidation_limit", "formation_energy"):
        column = TARGETS.index(name)
        known = np.isfinite(truth[:, column])
        measured = truth[known, column]
        error = np.abs(output.mean[:, column].double().numpy()[known] - measured).mean()
        assert error < 0.6 * np.abs(measured - np.median(measured)).mean(), name


def test_it_learns_from_the_rows_it_is_given_alone(
    data: TrainingSet, rows: np.ndarray, settings: StabilitySettings
) -> None:
    quick = replace(settings, passes=1, lithium_passes=1)
    seen = rows[rows % 2 == 0]
    values = data.values.clone()
    values[1::2] = 1e6
    one = fit_stability_network(data, seen, quick, 0).state_dict()
    other = fit_stability_network(replace(data, values=values), seen, quick, 0).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
