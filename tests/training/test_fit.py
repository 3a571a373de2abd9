"""Fitting one network: repeatable, able to learn, and taught by censored rows and other temperatures as it says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from superion.featurizers import schema
from superion.featurizers.context import CellContext
from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.models.arrhenius import inverse_temperature_step
from superion.models.ensemble import Ensemble
from superion.models.material import Material
from superion.models.network import NetworkConfig, NetworkOutput, SuperionNetwork
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.training.fit import Labels, fit_network, loss_of, shown
from superion.training.settings import FitSettings
from superion.training.table import Measurement

from . import _builders

LEARNER = NetworkConfig(width=32, layers=1, heads=2, site_width=8, site_layers=1, dropout=0.0, element_dropout=0.0)
STILL = FitSettings(
    epochs=150, batch_size=64, learning_rate=5e-3, weight_decay=0.0, hide_cell=0.0, hide_atoms=0.0, jitter=0.0
)
"""No noise and no hiding, so that what can be learned is."""


def predicted(network: SuperionNetwork, rows: list[Measurement], target: str = CONDUCTIVITY) -> np.ndarray:
    return Ensemble(network.config, (network,)).predict([row.material for row in rows])[target].mean


def loss(network: SuperionNetwork, rows: list[Measurement], settings: FitSettings) -> float:
    batch = shown(rows, network.config, settings, np.random.default_rng(0))
    with torch.inference_mode():
        return float(loss_of(network(batch), Labels.of(rows, settings), network.config, settings))


def same_weights(one: SuperionNetwork, other: SuperionNetwork) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def test_the_same_seed_gives_the_same_network_and_another_seed_another() -> None:
    rows = _builders.synthetic_rows(12)
    one, again, other = (fit_network(rows, _builders.NETWORK, _builders.FIT, seed) for seed in (3, 3, 4))
    assert same_weights(one, again)
    assert not same_weights(one, other)
    assert not one.training


def test_fitting_lowers_the_loss() -> None:
    rows = _builders.synthetic_rows(24)
    settings = replace(STILL, epochs=20)
    before = loss(fit_network(rows, LEARNER, replace(settings, epochs=1, learning_rate=1e-9), 0).eval(), rows, settings)
    assert loss(fit_network(rows, LEARNER, settings, 0), rows, settings) < 0.7 * before


def test_the_curve_has_the_loss_of_every_pass_and_falls() -> None:
    rows = _builders.synthetic_rows(12)
    curve: list[float] = []
    with_curve = fit_network(rows, LEARNER, replace(STILL, epochs=30), 0, curve=curve)
    assert len(curve) == 30 and curve[-1] < 0.7 * curve[0]
    alone = fit_network(rows, LEARNER, replace(STILL, epochs=30), 0)
    assert predicted(with_curve, rows).tolist() == predicted(alone, rows).tolist()


def test_twelve_rows_can_be_learned_by_heart() -> None:
    rows = [replace(row, censored=False) for row in _builders.synthetic_rows(12)]
    network = fit_network(rows, LEARNER, STILL, 0)
    measured = np.array([row.log10_conductivity for row in rows])
    assert np.abs(predicted(network, rows) - measured).mean() < 0.15
    known = [row for row in rows if row.activation_energy is not None]
    energies = np.array([row.activation_energy for row in known])
    assert np.abs(predicted(network, known, ACTIVATION_ENERGY) - energies).mean() < 0.03


def test_rows_at_other_temperatures_teach_the_activation_energy() -> None:
    truth = {"LiCl": 0.7, "LiBr": 0.5, "Li3N": 0.3, "Li3PS4": 0.4}
    rows = [
        _builders.row(
            formula,
            log10_conductivity=-6.0 - inverse_temperature_step(celsius) * energy,
            temperature_c=celsius,
        )
        for formula, energy in truth.items()
        for celsius in (-20.0, 25.0, 80.0, 150.0)
    ]
    network = fit_network(rows, LEARNER, STILL, 0)
    found = predicted(network, [_builders.row(formula) for formula in truth], ACTIVATION_ENERGY)
    assert found == pytest.approx(list(truth.values()), abs=0.06)
    assert predicted(network, [_builders.row("LiCl")]) == pytest.approx([-6.0], abs=0.4)


def test_a_censored_row_is_learned_as_the_convention_or_its_limit_if_that_is_lower() -> None:
    rows = [
        _builders.row(log10_conductivity=-10.0, censored=True),
        _builders.row(log10_conductivity=-17.0, censored=True),
        _builders.row(log10_conductivity=-10.0),
        _builders.row(log10_conductivity=None, activation_energy=0.3),
    ]
    labels = Labels.of(rows, FitSettings(censored_at=-15.0))
    assert labels.conductivity[:3].tolist() == [-15.0, -17.0, -10.0]
    assert math.isnan(labels.conductivity[3])
    assert labels.energy[3] == pytest.approx(0.3)
    assert labels.energy[:3].isnan().all()


def test_labels_carry_the_step_of_each_temperature() -> None:
    rows = [_builders.row(temperature_c=celsius) for celsius in (25.0, 100.0, -20.0)]
    steps = [inverse_temperature_step(celsius) for celsius in (25.0, 100.0, -20.0)]
    assert Labels.of(rows, FitSettings()).step.tolist() == pytest.approx(steps, rel=1e-6)


def output(conductivity: list[float], energy: list[float], deviation: float = 1.0) -> NetworkOutput:
    spread = torch.full((len(conductivity),), deviation)
    return NetworkOutput(
        {CONDUCTIVITY: torch.tensor(conductivity), ACTIVATION_ENERGY: torch.tensor(energy)},
        {CONDUCTIVITY: spread, ACTIVATION_ENERGY: spread},
    )


def reference_loss(output: NetworkOutput, labels: Labels, config: NetworkConfig, settings: FitSettings) -> torch.Tensor:
    """Return the loss of measured rows alone, written apart."""
    total = torch.zeros(())
    energy = output.mean[ACTIVATION_ENERGY]
    for name, weight, mean, measured in (
        (CONDUCTIVITY, 1.0, output.mean[CONDUCTIVITY] - labels.step * energy, labels.conductivity),
        (ACTIVATION_ENERGY, settings.energy_weight, energy, labels.energy),
    ):
        scale = {name: scale for name, _, scale in config.scales}[name]
        known = torch.isfinite(measured)
        error = (mean[known] - measured[known]).abs() / scale
        expected = output.deviation[name][known] / scale
        likelihood = error.detach() / expected + torch.log(expected)
        total = total + weight * ((error.sum() + 0.3 * likelihood.sum()) / max(1, len(error)))
    return total


def test_without_unlabelled_compounds_the_loss_is_to_the_last_bit_that_of_the_rows() -> None:
    rows = [*_builders.synthetic_rows(12), _builders.row(log10_conductivity=None, activation_energy=0.3)]
    network = SuperionNetwork(LEARNER).train()
    batch = shown(rows, LEARNER, FitSettings(), np.random.default_rng(0))
    labels = Labels.of(rows, FitSettings())
    gradients = []
    for function in (loss_of, reference_loss):
        network.zero_grad()
        torch.manual_seed(0)
        value = function(network(batch), labels, LEARNER, FitSettings())
        value.backward()  # type: ignore[no-untyped-call]
        gradients.append([value.detach(), *(p.grad for p in network.parameters() if p.grad is not None)])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_without_unlabelled_compounds_nothing_is_drawn_for_them() -> None:
    rows = _builders.synthetic_rows(12)
    settings = replace(_builders.FIT, unlabelled_per_step=3, unlabelled_weight=5.0, unlabelled_at=-30.0)
    one = fit_network(rows, _builders.NETWORK, _builders.FIT, 3)
    assert same_weights(one, fit_network(rows, _builders.NETWORK, settings, 3, unlabelled=()))


BARE = [Material(Formula.parse(text)) for text in ("LiF", "Li2O", "Li3AlF6", "LiAlO2", "Li2SiO3")]


def test_unlabelled_compounds_join_the_mean_error_with_their_weight() -> None:
    settings = FitSettings(energy_weight=0.0, unlabelled_weight=0.1, unlabelled_at=-11.0)
    rows = [_builders.row(log10_conductivity=value) for value in (-8.0, -4.0)]
    scale = {name: scale for name, _, scale in LEARNER.scales}[CONDUCTIVITY]
    # A deviation of one scale and no error in it leave the likelihood with the error alone.
    made = output([-6.0, -5.0, -7.0, -12.0], [0.4] * 4, scale)
    alone = (2.0 + 1.0) / scale
    wanted = (alone + 0.3 * alone + 0.1 * (4.0 + 1.0) / scale) / 2.2
    assert float(loss_of(made, Labels.of(rows, settings), LEARNER, settings)) == pytest.approx(wanted, rel=1e-6)


def test_only_the_mean_of_the_conductivity_learns_from_unlabelled_compounds() -> None:
    leaves = [torch.full((3,), value, requires_grad=True) for value in (-6.0, 0.4, 1.0, 1.0)]
    made = NetworkOutput(
        {CONDUCTIVITY: leaves[0], ACTIVATION_ENERGY: leaves[1]}, {CONDUCTIVITY: leaves[2], ACTIVATION_ENERGY: leaves[3]}
    )
    rows = [_builders.row(log10_conductivity=-8.0, activation_energy=0.5, temperature_c=80.0)]
    loss_of(made, Labels.of(rows, FitSettings()), LEARNER, FitSettings()).backward()  # type: ignore[no-untyped-call]
    of_unlabelled = [leaf.grad[1:].abs().sum().item() for leaf in leaves if leaf.grad is not None]
    assert of_unlabelled[0] > 0.0 and of_unlabelled[1:] == [0.0, 0.0, 0.0]
    assert all(leaf.grad is not None and leaf.grad[0] != 0.0 for leaf in leaves)


def test_the_heads_of_deviation_and_energy_get_no_gradient_from_unlabelled_compounds() -> None:
    network = SuperionNetwork(LEARNER).train()
    batch = shown([], LEARNER, FitSettings(), np.random.default_rng(0), BARE)
    loss_of(network(batch), Labels.of([], FitSettings()), LEARNER, FitSettings()).backward()  # type: ignore[no-untyped-call]
    for name, parameter in network.named_parameters():
        if name.startswith(("deviations.", f"means.{ACTIVATION_ENERGY}")):
            assert parameter.grad is None or not parameter.grad.any(), name
        elif name.startswith(f"means.{CONDUCTIVITY}"):
            assert parameter.grad is not None and parameter.grad.any(), name


def test_unlabelled_compounds_pull_the_prediction_of_their_like_down() -> None:
    rows = [replace(row, censored=False) for row in _builders.synthetic_rows(12)]
    settings = replace(STILL, epochs=60, unlabelled_weight=0.5)
    like = [_builders.row(text) for text in ("Li3GaF6", "Li2GeO3", "LiGaO2")]
    without = predicted(fit_network(rows, LEARNER, settings, 0), like)
    pulled = fit_network(rows, LEARNER, settings, 0, unlabelled=BARE)
    assert (predicted(pulled, like) < without - 1.0).all()
    measured = np.array([row.log10_conductivity for row in rows])
    assert np.abs(predicted(pulled, rows) - measured).mean() < 0.8


def test_the_same_seed_draws_the_same_unlabelled_compounds_whatever_was_shown_before() -> None:
    rows = _builders.synthetic_rows(12)
    one, again = (fit_network(rows, _builders.NETWORK, _builders.FIT, 3, unlabelled=BARE) for _ in range(2))
    assert same_weights(one, again)
    assert not same_weights(one, fit_network(rows, _builders.NETWORK, _builders.FIT, 4, unlabelled=BARE))
    assert not same_weights(one, fit_network(rows, _builders.NETWORK, _builders.FIT, 3))


def test_a_perfect_answer_at_its_temperature_is_no_error() -> None:
    step = inverse_temperature_step(120.0)
    rows = [_builders.row(log10_conductivity=-8.0 - 0.5 * step, temperature_c=120.0, activation_energy=0.5)]
    labels = Labels.of(rows, FitSettings())
    right = loss_of(output([-8.0], [0.5]), labels, LEARNER, FitSettings())
    for wrong in (output([-8.1], [0.5]), output([-7.9], [0.5]), output([-8.0], [0.45]), output([-8.0], [0.55])):
        assert loss_of(wrong, labels, LEARNER, FitSettings()) > right


def test_the_deviation_head_is_best_at_the_error_it_sees() -> None:
    labels = Labels.of([_builders.row(log10_conductivity=-8.0)], FitSettings())
    losses = {
        deviation: float(loss_of(output([-6.5], [0.4], deviation), labels, LEARNER, FitSettings()))
        for deviation in (0.75, 1.5, 3.0)
    }
    assert min(losses, key=losses.__getitem__) == 1.5


def test_rows_without_a_value_do_not_enter_the_loss() -> None:
    known = [_builders.row(log10_conductivity=-8.0, activation_energy=0.4)]
    unknown = [*known, _builders.row(log10_conductivity=None, activation_energy=0.4)]
    settings = FitSettings(energy_weight=0.0)
    one = loss_of(output([-6.0], [0.4]), Labels.of(known, settings), LEARNER, settings)
    two = loss_of(output([-6.0, 50.0], [0.4, 0.4]), Labels.of(unknown, settings), LEARNER, settings)
    assert torch.isfinite(two)
    assert two == pytest.approx(float(one))


def test_fine_tuning_starts_from_the_weights_given() -> None:
    rows = _builders.synthetic_rows(12)
    parent = fit_network(rows, _builders.NETWORK, _builders.FIT, 0)
    still = replace(_builders.FIT, learning_rate=1e-12, weight_decay=0.0)
    tuned = fit_network(rows, _builders.NETWORK, still, 9, start=parent.state_dict())
    for name, tensor in tuned.state_dict().items():
        assert torch.allclose(tensor, parent.state_dict()[name], atol=1e-6), name


CELL = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
SALT = Crystal(np.eye(3) * 3.2, np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), ((("Li", 1.0),), (("Cl", 1.0),)))


@pytest.mark.parametrize(
    ("hidden", "crystals", "cells"),
    [
        ({}, 40, 40),
        ({"hide_crystal": 1.0}, 0, 40),
        ({"hide_cell": 1.0}, 0, 0),
    ],
)
def test_cells_and_crystals_are_hidden_as_often_as_asked(hidden: dict[str, float], crystals: int, cells: int) -> None:
    settings = FitSettings(**({"hide_cell": 0.0, "hide_crystal": 0.0, "hide_atoms": 0.0, "jitter": 0.0} | hidden))  # type: ignore[arg-type]
    rows = [replace(_builders.row(), material=Material(Formula.parse("LiCl"), SALT, CELL)) for _ in range(40)]
    batch = shown(rows, LEARNER, settings, np.random.default_rng(0))
    assert len(batch.owner) == crystals
    known = batch.composition[schema.CONTEXT_KNOWN]
    assert int(known[:, schema.CONTEXT_NAMES.index("log_a")].sum()) == cells
    assert (known[:, schema.CONTEXT_NAMES.index("n_elements")] == 1).all()


def test_unlabelled_compounds_follow_the_rows_as_bare_formulas() -> None:
    settings = FitSettings(hide_cell=0.0, hide_crystal=0.0, hide_atoms=0.0, jitter=0.0)
    whole = Material(Formula.parse("LiCl"), SALT, CELL)
    row = replace(_builders.row(), material=whole)
    batch = shown([row, row], LEARNER, settings, np.random.default_rng(0), [whole, *BARE])
    assert batch.size == 2 + 1 + len(BARE)
    assert batch.owner.tolist() == [0, 1]
    known = batch.composition[schema.CONTEXT_KNOWN]
    assert known[:2].all()
    formula = [schema.CONTEXT_NAMES.index(name) for name in ("log_formula_atoms", "n_elements")]
    assert known[2:, formula].all() and known[2:].sum() == known[2:, formula].sum()
    assert torch.equal(batch.composition[schema.CONTEXT][3], BARE[0].composition_graph[schema.CONTEXT][0])
    noisy = shown([], LEARNER, replace(settings, jitter=0.1), np.random.default_rng(0), BARE)
    still = shown([], LEARNER, settings, np.random.default_rng(0), BARE)
    difference = noisy.composition[schema.CONTEXT] - still.composition[schema.CONTEXT]
    assert 0.05 < float(difference.std()) < 0.2


def test_hiding_leaves_the_rows_as_they_were() -> None:
    material = Material(Formula.parse("LiCl"), SALT, CELL)
    before = (
        material.composition_graph[schema.CONTEXT].clone(),
        material.composition_graph[schema.CONTEXT_KNOWN].clone(),
    )
    settings = FitSettings(hide_cell=1.0, jitter=1.0)
    shown([replace(_builders.row(), material=material)] * 4, LEARNER, settings, np.random.default_rng(0))
    assert torch.equal(material.composition_graph[schema.CONTEXT], before[0])
    assert torch.equal(material.composition_graph[schema.CONTEXT_KNOWN], before[1])
