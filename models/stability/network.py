"""The network that learns formation energy, gap, shear modulus and what happens against lithium, from a formula.

The elements of a formula attend to one another as in the conductivity networks (`models.layers`), here over padded
rows instead of edges, because the table it learns from has a hundred thousand formulas and no crystals.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from superion.models.layers import ElementEncoder
from superion.models.stability.inputs import END_MEMBER_NAMES, StabilityInputs

FORMATION_ENERGY, BAND_GAP, LOG_SHEAR = "formation_energy", "band_gap", "log10_shear_modulus"
REACTION_ENERGY, REDUCTION_LIMIT, OXIDATION_LIMIT = "reaction_energy", "reduction_limit", "oxidation_limit"
TARGETS = (FORMATION_ENERGY, BAND_GAP, LOG_SHEAR, REACTION_ENERGY, REDUCTION_LIMIT, OXIDATION_LIMIT)
"""[eV/atom, eV, log10(GPa), eV/atom, V, V]"""
CLASSES = ("stable", "passivating", "mixed-conducting")

_N_AMOUNTS = 8
_FAR = -1e9


@dataclass(frozen=True)
class StabilityConfig:
    """Hold the sizes of a network; saved with its weights."""

    width: int = 128
    layers: int = 3
    heads: int = 4
    dropout: float = 0.05
    element_dropout: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class NetworkOutput:
    """Hold the answers for n formulas, in the units of `TARGETS`."""

    mean: Tensor
    """Shape (n, n_targets)."""
    deviation: Tensor
    """Shape (n, n_targets): expected absolute deviation."""
    logits: Tensor
    """Shape (n, n_classes)."""


class DenseAttention(nn.Module):
    """Let the elements of a composition attend to one another, each heard in proportion to its fraction (Roost)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_update = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.fraction_power = nn.Parameter(torch.ones(heads))
        self.mix = nn.Linear(width, width)
        self.update = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, log_fraction: Tensor, padding: Tensor) -> Tensor:
        """Update elements `x` (n, n_elements, width); `log_fraction` and `padding` (n, n_elements)."""
        n, count, width = x.shape
        parts = self.query_key_value(self.norm_attention(x)).view(n, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        score = query @ key.transpose(-1, -2) / math.sqrt(width / self.heads)
        score = score + self.fraction_power.view(1, -1, 1, 1) * log_fraction[:, None, None, :]
        weight = score.masked_fill(padding[:, None, None, :], _FAR).softmax(-1)
        heard = (weight @ value).transpose(1, 2).reshape(n, count, width)
        x = x + self.dropout(self.mix(heard))
        updated: Tensor = x + self.dropout(self.update(self.norm_update(x)))
        return updated


class StabilityNetwork(nn.Module):
    """Predict the targets and the interphase class of formulas."""

    centre: Tensor
    scale: Tensor
    end_member_centre: Tensor
    end_member_scale: Tensor

    def __init__(self, config: StabilityConfig) -> None:
        super().__init__()
        self.config = config
        width, n_targets, n_said = config.width, len(TARGETS), len(END_MEMBER_NAMES)
        self.elements = ElementEncoder(width, config.element_dropout)
        self.from_amounts = nn.Linear(_N_AMOUNTS, width)
        self.attention = nn.ModuleList(
            DenseAttention(width, config.heads, config.dropout) for _ in range(config.layers)
        )
        self.from_end_members = nn.Sequential(nn.Linear(n_said + 1, width), nn.GELU(), nn.Linear(width, width))
        self.trunk = nn.Sequential(
            nn.Linear(3 * width, 2 * width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * width, width),
            nn.GELU(),
        )
        self.means = nn.Linear(width, n_targets)
        self.deviations = nn.Linear(width, n_targets)
        self.classes = nn.Linear(width, len(CLASSES))
        for name, count in (("", n_targets), ("end_member_", n_said)):
            self.register_buffer(f"{name}centre", torch.zeros(count))
            self.register_buffer(f"{name}scale", torch.ones(count))

    def forward(self, inputs: StabilityInputs) -> NetworkOutput:
        """Predict a batch of n formulas."""
        fraction, padding = inputs.fraction, inputs.atomic_number == 0
        log_fraction = torch.log(fraction.clamp_min(1e-4))
        waves = [wave(k * fraction) for k in (20.0, 50.0) for wave in (torch.sin, torch.cos)]
        amounts = [4.0 * fraction - 1.0, log_fraction + 2.0, *waves, fraction.sqrt(), fraction**2]
        x = self.elements()[inputs.atomic_number] + self.from_amounts(torch.stack(amounts, dim=-1))
        for block in self.attention:
            x = block(x, log_fraction, padding)
        mean = (x * fraction[..., None]).sum(dim=1)
        largest = x.masked_fill(padding[..., None], _FAR).amax(dim=1)
        known = inputs.known[:, None]
        said = (inputs.end_members - self.end_member_centre) / self.end_member_scale * known
        trunk = self.trunk(torch.cat([mean, largest, self.from_end_members(torch.cat([said, known], dim=1))], dim=1))
        # The trunk is left alone by the deviations: learning how wrong the mean is must not bend the mean.
        log_deviation = self.deviations(trunk.detach()).clamp(-5.0, 2.0)
        return NetworkOutput(
            self.centre + self.scale * self.means(trunk), self.scale * log_deviation.exp(), self.classes(trunk)
        )
