"""Fit one network to measured rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from superion.featurizers import schema
from superion.models.arrhenius import inverse_temperature_step
from superion.models.batch import MaterialBatch
from superion.models.ensemble import MAX_BATCH_MATERIALS
from superion.models.material import Material
from superion.models.network import NetworkConfig, NetworkOutput, SuperionNetwork
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.training.settings import FitSettings
from superion.training.stopping import EarlyStopping, parted
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
    unlabelled: Sequence[Material] = (),
    start: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
    curve: list[float] | None = None,
) -> SuperionNetwork:
    """Fit a network to `rows`, from `start` where weights are given; the same seed gives the same network on a CPU.

    Some of the `unlabelled` are shown beside the rows in every step, as bare formulas that probably conduct poorly. The
    mean loss of every pass over the rows is appended to `curve`. Where the settings have a patience, some papers are
    held out, and it stops when it gets no better on them; raises InvalidValue for rows too few for that.
    """
    judging: list[Measurement] = []
    if settings.patience is not None:
        rows, judging = parted(rows, seed)
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
    stopping = None
    if settings.patience is not None:
        judge = _judge(judging, config, settings, device)
        stopping = EarlyStopping(network, settings.patience, n_steps // settings.epochs, judge)
    for _ in range(settings.epochs):
        order, losses = random.permutation(len(rows)), []
        for first in range(0, len(rows), settings.batch_size):
            chosen = [rows[index] for index in order[first : first + settings.batch_size]]
            batch = shown(chosen, config, settings, random, _drawn(unlabelled, settings, random)).to(device)
            loss = loss_of(network(batch), Labels.of(chosen, settings).to(device), config, settings)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch does not type it
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
            if stopping is not None:
                stopping.step(network)
        if curve is not None:
            curve.append(float(np.mean(losses)))
        if stopping is not None and stopping.is_over():
            break
    if stopping is not None:
        network.load_state_dict(stopping.best)
    return network.to("cpu").eval()


def shown(
    rows: Sequence[Measurement],
    config: NetworkConfig,
    settings: FitSettings,
    random: np.random.Generator,
    unlabelled: Sequence[Material] = (),
) -> MaterialBatch:
    """Build a training batch in which cells and crystals are now and then hidden, so that each input is learned.

    The `unlabelled` follow the rows; of them all but the formula is hidden.
    """
    n = len(rows)
    hide_cell = random.random(n) < settings.hide_cell
    hide_crystal = hide_cell | (random.random(n) < settings.hide_crystal)
    hide_atoms = random.random(n) < settings.hide_atoms
    always = np.ones(len(unlabelled), dtype=bool)
    hide_cell, hide_crystal, hide_atoms = (np.append(hide, always) for hide in (hide_cell, hide_crystal, hide_atoms))
    materials = [*(row.material for row in rows), *unlabelled]
    batch = MaterialBatch.from_graphs(
        [material.composition_graph for material in materials],
        [
            None if hidden else material.crystal_graph(config.cutoff, config.neighbors)
            for material, hidden in zip(materials, hide_crystal, strict=True)
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

    What the output holds beyond the labels is unlabelled. It joins the mean error of the conductivities, with
    `settings.unlabelled_weight` and as if measured at `settings.unlabelled_at`, and teaches nothing else.
    """
    scales = {name: scale for name, _, scale in config.scales}
    n = len(labels.conductivity)
    energy, energy_deviation = output.mean[ACTIVATION_ENERGY][:n], output.deviation[ACTIVATION_ENERGY][:n]
    conductivity = output.mean[CONDUCTIVITY][:n] - labels.step * energy
    deviation, scale = output.deviation[CONDUCTIVITY][:n], scales[CONDUCTIVITY]
    unlabelled = (output.mean[CONDUCTIVITY][n:] - settings.unlabelled_at).abs() / scale
    summed, n_known = _target_loss(conductivity, deviation, labels.conductivity, scale)
    summed = summed + settings.unlabelled_weight * unlabelled.sum()
    total = summed / max(1, n_known + settings.unlabelled_weight * len(unlabelled))
    summed, n_known = _target_loss(energy, energy_deviation, labels.energy, scales[ACTIVATION_ENERGY])
    return total + settings.energy_weight * (summed / max(1, n_known))


def _target_loss(mean: Tensor, deviation: Tensor, measured: Tensor, scale: float) -> tuple[Tensor, int]:
    """Return the loss of one target, summed over the rows in which it is known, and their number."""
    known = torch.isfinite(measured)
    error = (mean[known] - measured[known]).abs() / scale
    expected = deviation[known] / scale
    likelihood = error.detach() / expected + torch.log(expected)
    return error.sum() + DEVIATION_WEIGHT * likelihood.sum(), len(error)


def _judge(
    rows: Sequence[Measurement], config: NetworkConfig, settings: FitSettings, device: str
) -> Callable[[SuperionNetwork], float]:
    """Return what tells the mean loss of a network on rows of which all that is known is shown."""
    chunks = []
    for first in range(0, len(rows), MAX_BATCH_MATERIALS):
        chunk = rows[first : first + MAX_BATCH_MATERIALS]
        materials = [row.material for row in chunk]
        batch = MaterialBatch.from_graphs(
            [material.composition_graph for material in materials],
            [material.crystal_graph(config.cutoff, config.neighbors) for material in materials],
        )
        chunks.append((batch.to(device), Labels.of(chunk, settings).to(device), len(chunk)))

    def loss(network: SuperionNetwork) -> float:
        summed = sum(n * float(loss_of(network(batch), labels, config, settings)) for batch, labels, n in chunks)
        return summed / len(rows)

    return loss


def _drawn(unlabelled: Sequence[Material], settings: FitSettings, random: np.random.Generator) -> list[Material]:
    # Nothing is drawn from nothing, so that a fit without unlabelled compounds is the one that the seed always gave.
    if not unlabelled:
        return []
    return [unlabelled[index] for index in random.integers(len(unlabelled), size=settings.unlabelled_per_step)]


def _hide(known: Tensor, rows: npt.NDArray[np.bool_], entries: Sequence[int]) -> None:
    for entry in entries:
        known[torch.from_numpy(rows), entry] = 0.0
