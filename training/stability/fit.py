"""Fit one stability network: first on all formulas, then on those with lithium."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from superion.models.stability.inputs import StabilityInputs
from superion.models.stability.network import CLASSES, TARGETS, NetworkOutput, StabilityConfig, StabilityNetwork
from superion.training.stability.labels import StabilityLabels

DEVIATION_WEIGHT = 0.3
"""Weight of the deviations; they share nothing with the means, so it only paces their learning."""
CLASS_WEIGHT = 0.5
WARM_UP = 0.1


@dataclass(frozen=True)
class StabilitySettings:
    """Hold how the networks are trained."""

    network: StabilityConfig = field(default_factory=StabilityConfig)
    n_networks: int = 2
    n_folds: int = 5
    seed: int = 0
    passes: int = 12
    """Over all formulas."""
    lithium_passes: int = 40
    """Over those with lithium."""
    batch_size: int = 512
    lithium_batch_size: int = 256
    learning_rate: float = 1.5e-3
    lithium_learning_rate: float = 6e-4
    weight_decay: float = 0.01
    target_weights: tuple[float, ...] = (1.5, 0.5, 0.5, 1.0, 1.0, 1.0)
    """In the order of `TARGETS`."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class TrainingSet:
    """Hold labels as tensors."""

    inputs: StabilityInputs
    values: Tensor
    """Shape (n, n_targets)."""
    classes: Tensor
    """Shape (n,)."""
    with_lithium: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, labels: StabilityLabels) -> TrainingSet:
        """Look at labels."""
        said = [None if math.isnan(row[0]) else tuple(row) for row in labels.end_members]
        return cls(
            StabilityInputs.joined(labels.formulas, said),
            torch.from_numpy(labels.values).float(),
            torch.from_numpy(labels.classes),
            labels.with_lithium,
        )


def fit_stability_network(
    data: TrainingSet, rows: npt.NDArray[np.int64], settings: StabilitySettings, seed: int
) -> StabilityNetwork:
    """Fit a network to `rows` of the data; the same seed gives the same network on a CPU."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = StabilityNetwork(settings.network).train()
    _standardise(network, data, rows)
    _pass(network, data, rows, settings, random, settings.passes, settings.batch_size, settings.learning_rate)
    with_lithium = rows[data.with_lithium[rows]]
    _pass(
        network,
        data,
        with_lithium,
        settings,
        random,
        settings.lithium_passes,
        settings.lithium_batch_size,
        settings.lithium_learning_rate,
    )
    return network.eval()


def loss_of(
    network: StabilityNetwork,
    output: NetworkOutput,
    values: Tensor,
    classes: Tensor,
    class_weights: Tensor,
    settings: StabilitySettings,
) -> Tensor:
    """Return the loss: absolute errors over the spread of each target, cross-entropy of the class, deviations."""
    total = values.new_zeros(())
    # Taken out before the difference: the gradient of what is not a number is none either, even where nothing uses it.
    present = torch.isfinite(values)
    error = (output.mean - values.where(present, output.mean.detach())).abs() / network.scale
    # The density of a Laplace distribution whose deviation is predicted; the mean is not bent by it.
    deviation = output.deviation / network.scale
    surprise = error.detach() / deviation + torch.log(deviation)
    for column, weight in enumerate(settings.target_weights):
        known = present[:, column]
        if known.any():
            total = total + weight * error[known, column].mean() + DEVIATION_WEIGHT * surprise[known, column].mean()
    known = classes >= 0
    if known.any():
        entropy = nn.functional.cross_entropy(output.logits[known], classes[known], weight=class_weights)
        total = total + CLASS_WEIGHT * entropy
    return total


def _pass(
    network: StabilityNetwork,
    data: TrainingSet,
    rows: npt.NDArray[np.int64],
    settings: StabilitySettings,
    random: np.random.Generator,
    n_passes: int,
    batch_size: int,
    learning_rate: float,
) -> None:
    if n_passes == 0 or len(rows) == 0:
        return
    optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=settings.weight_decay)
    n_steps = n_passes * math.ceil(len(rows) / batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=n_steps, pct_start=WARM_UP)
    weights = _class_weights(data.classes[torch.from_numpy(rows)])
    for _ in range(n_passes):
        order = random.permutation(rows)
        for first in range(0, len(order), batch_size):
            chosen = torch.from_numpy(order[first : first + batch_size])
            output = network(data.inputs.rows(chosen))
            loss = loss_of(network, output, data.values[chosen], data.classes[chosen], weights, settings)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch does not type it
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()


def _class_weights(classes: Tensor) -> Tensor:
    """Weigh the classes by the root of how rare they are: half of the way to all counting alike."""
    counts = torch.bincount(classes[classes >= 0], minlength=len(CLASSES)).float().clamp_min(1.0)
    weights = (counts.sum() / counts).sqrt()
    return weights / weights.max()


def _standardise(network: StabilityNetwork, data: TrainingSet, rows: npt.NDArray[np.int64]) -> None:
    chosen = torch.from_numpy(rows)
    values = data.values[chosen].double().numpy()
    said = data.inputs.end_members[chosen][data.inputs.known[chosen] > 0].double().numpy()
    for name, column in (("", values), ("end_member_", said)):
        if column.shape[0] == 0:
            continue
        has = np.isfinite(column).sum(axis=0) > 1
        centre = np.array([np.nanmean(c) if ok else 0.0 for c, ok in zip(column.T, has, strict=True)])
        scale = np.array([np.nanstd(c) if ok else 1.0 for c, ok in zip(column.T, has, strict=True)])
        getattr(network, f"{name}centre").copy_(torch.from_numpy(centre))
        getattr(network, f"{name}scale").copy_(torch.from_numpy(np.where(scale > 1e-6, scale, 1.0)))
    assert len(TARGETS) == values.shape[1]
