"""Fit one network to measured rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from superion.featurizers import schema
from superion.models.arrhenius import inverse_temperature_step
from superion.models.batch import MaterialBatch
from superion.models.network import NetworkConfig, NetworkOutput, SuperionNetwork
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.training.settings import FitSettings
from superion.training.table import Measurement

FINE_TUNING_RATE = 0.3
"""Learning rate of fine-tuning, as a share of that from scratch."""
DEVIATION_WEIGHT = 0.3
"""Weight of the deviation heads; they share nothing with the means, so it only paces their learning."""
WARM_UP = 0.15
"""Share of the steps over which the learning rate rises."""

_ATOM_ENTRIES = [schema.CONTEXT_NAMES.index(name) for name in ("log_atoms_per_cell", "log_volume_per_atom")]
_FORMULA_ENTRIES = [schema.CONTEXT_NAMES.index(name) for name in ("log_formula_atoms", "n_elements")]
_CELL_ENTRIES = [index for index in range(len(schema.CONTEXT_NAMES)) if index not in _FORMULA_ENTRIES]


@dataclass(frozen=True)
class Labels:
    """Hold what is known of a batch of n rows, each of shape (n,); NaN where it is not."""

    conductivity: Tensor
    step: Tensor
    """What the activation energy is multiplied by to reach the row's temperature [1/eV]."""
    energy: Tensor

    @classmethod
    def of(cls, rows: Sequence[Measurement], settings: FitSettings) -> Labels:
        """Take the labels of rows; a censored row is learned as `settings.censored_at`, or its limit if lower."""

        def conductivity(row: Measurement) -> float:
            value = row.log10_conductivity
            if value is None:
                return math.nan
            return min(value, settings.censored_at) if row.censored else value

        return cls(
            torch.tensor([conductivity(row) for row in rows]),
            torch.tensor([inverse_temperature_step(row.temperature_c) for row in rows]),
            torch.tensor([math.nan if row.activation_energy is None else row.activation_energy for row in rows]),
        )

    def to(self, device: str) -> Labels:
        """Return the labels on another device."""
        return Labels(self.conductivity.to(device), self.step.to(device), self.energy.to(device))


def fit_network(
    rows: Sequence[Measurement],
    config: NetworkConfig,
    settings: FitSettings,
    seed: int,
    *,
    start: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
) -> SuperionNetwork:
    """Fit a network to `rows`, from `start` where weights are given; the same seed gives the same network on a CPU."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = SuperionNetwork(config)
    if start is not None:
        network.load_state_dict(start)
    network = network.to(device).train()
    rate = settings.learning_rate * (1.0 if start is None else FINE_TUNING_RATE)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=settings.weight_decay)
    n_steps = settings.epochs * math.ceil(len(rows) / settings.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=n_steps, pct_start=WARM_UP)
    for _ in range(settings.epochs):
        order = random.permutation(len(rows))
        for first in range(0, len(rows), settings.batch_size):
            chosen = [rows[index] for index in order[first : first + settings.batch_size]]
            batch = shown(chosen, config, settings, random).to(device)
            loss = loss_of(network(batch), Labels.of(chosen, settings).to(device), config, settings)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch does not type it
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return network.to("cpu").eval()


def shown(
    rows: Sequence[Measurement], config: NetworkConfig, settings: FitSettings, random: np.random.Generator
) -> MaterialBatch:
    """Build a training batch in which cells and crystals are now and then hidden, so that each input is learned."""
    n = len(rows)
    hide_cell = random.random(n) < settings.hide_cell
    hide_crystal = hide_cell | (random.random(n) < settings.hide_crystal)
    hide_atoms = random.random(n) < settings.hide_atoms
    batch = MaterialBatch.from_graphs(
        [row.material.composition_graph for row in rows],
        [
            None if hidden else row.material.crystal_graph(config.cutoff, config.neighbors)
            for row, hidden in zip(rows, hide_crystal, strict=True)
        ],
    )
    known = batch.composition[schema.CONTEXT_KNOWN].clone()
    _hide(known, hide_cell, _CELL_ENTRIES)
    _hide(known, hide_atoms, _ATOM_ENTRIES)
    context = batch.composition[schema.CONTEXT]
    noise = torch.from_numpy(random.normal(0.0, settings.jitter, context.shape).astype(np.float32))
    batch.composition[schema.CONTEXT_KNOWN] = known
    batch.composition[schema.CONTEXT] = context + noise
    return batch


def loss_of(output: NetworkOutput, labels: Labels, config: NetworkConfig, settings: FitSettings) -> Tensor:
    """Return the absolute error of conductivities and activation energies, plus what teaches the deviation heads.

    The deviation heads learn the Laplace likelihood of the error as it stands, without changing it. The conductivity
    away from 25 degrees is Arrhenius with the network's own activation energy, so that both heads learn from such rows.
    """
    scales = {name: scale for name, _, scale in config.scales}
    energy = output.mean[ACTIVATION_ENERGY]
    conductivity = output.mean[CONDUCTIVITY] - labels.step * energy
    total = _target_loss(conductivity, output.deviation[CONDUCTIVITY], labels.conductivity, scales[CONDUCTIVITY])
    weighted = _target_loss(energy, output.deviation[ACTIVATION_ENERGY], labels.energy, scales[ACTIVATION_ENERGY])
    return total + settings.energy_weight * weighted


def _target_loss(mean: Tensor, deviation: Tensor, measured: Tensor, scale: float) -> Tensor:
    known = torch.isfinite(measured)
    error = (mean[known] - measured[known]).abs() / scale
    expected = deviation[known] / scale
    likelihood = error.detach() / expected + torch.log(expected)
    return (error.sum() + DEVIATION_WEIGHT * likelihood.sum()) / max(1, len(error))


def _hide(known: Tensor, rows: npt.NDArray[np.bool_], entries: Sequence[int]) -> None:
    for entry in entries:
        known[torch.from_numpy(rows), entry] = 0.0
