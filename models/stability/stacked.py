"""The stability networks as a stack: what `network.StabilityNetwork` answers in eval mode, all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import gelu

from superion.models.stability.inputs import StabilityInputs
from superion.models.stability.network import NetworkOutput, StabilityNetwork
from superion.models.stacked import Composition, Linear, Perceptron, Weights

BATCH = 256
"""Bounds one pass."""


@dataclass(frozen=True)
class StackedStability:
    """Hold networks of one configuration, m of them; made anew when `weights` have changed."""

    weights: Weights
    composition: Composition
    from_end_members: Perceptron
    end_member_centre: Tensor
    """Shape (m, 1, n_said)."""
    end_member_scale: Tensor
    trunk: Perceptron
    means: Linear
    deviations: Linear
    classes: Linear
    scale: Tensor
    """Shape (m, 1, n_targets)."""

    @classmethod
    def of(cls, networks: Sequence[StabilityNetwork]) -> StackedStability:
        """Stack networks of one configuration; what they were told of training or evaluating does not matter."""
        with torch.no_grad():
            scale, centre = (_row([getattr(n, name) for n in networks]) for name in ("scale", "centre"))
            means = Linear.of([n.means for n in networks])
            return cls(
                weights=Weights(networks),
                composition=Composition.of(networks),
                from_end_members=Perceptron.of([n.from_end_members for n in networks]),
                end_member_centre=_row([n.end_member_centre for n in networks]),
                end_member_scale=_row([n.end_member_scale for n in networks]),
                trunk=Perceptron.of([n.trunk for n in networks]),
                means=Linear(means.weight * scale, means.bias * scale + centre),
                deviations=Linear.of([n.deviations for n in networks]),
                classes=Linear.of([n.classes for n in networks]),
                scale=scale,
            )

    def predict(self, inputs: StabilityInputs) -> NetworkOutput:
        """Predict n formulas; the arrays of the output have one more axis, before the others: (m, n, ...)."""
        if len(inputs) <= BATCH:
            return self._pass(inputs)
        counts = (inputs.atomic_number > 0).sum(dim=1)
        # Formulas of about as many elements go together, so that few rows are padded.
        order = counts.argsort(stable=True)
        parts = []
        for chosen in torch.split(order, BATCH):
            rows, widest = inputs.rows(chosen), int(counts[chosen[-1]])
            number, fraction = rows.atomic_number[:, :widest], rows.fraction[:, :widest]
            parts.append(self._pass(StabilityInputs(number, fraction, rows.end_members, rows.known)))
        back = order.argsort()
        return NetworkOutput(*(torch.cat(part, dim=1)[:, back] for part in zip(*map(_tensors, parts), strict=True)))

    def _pass(self, inputs: StabilityInputs) -> NetworkOutput:
        with torch.inference_mode():
            fraction = inputs.fraction
            log_fraction = torch.log(fraction.clamp_min(1e-4))
            waves = [wave(k * fraction) for k in (20.0, 50.0) for wave in (torch.sin, torch.cos)]
            amounts = [4.0 * fraction - 1.0, log_fraction + 2.0, *waves, fraction.sqrt(), fraction**2]
            pooled = self.composition(inputs.atomic_number, fraction, torch.stack(amounts, dim=-1), log_fraction)
            known = inputs.known[:, None]
            said = (inputs.end_members - self.end_member_centre) / self.end_member_scale * known
            heard = self.from_end_members(torch.cat([said, known.expand(len(said), -1, -1)], dim=2))
            trunk = gelu(self.trunk(torch.cat([pooled, heard], dim=2)))
            deviation = self.scale * self.deviations(trunk).clamp_(-5.0, 2.0).exp_()
            return NetworkOutput(self.means(trunk), deviation, self.classes(trunk))


def _row(vectors: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(vectors))[:, None, :]


def _tensors(output: NetworkOutput) -> tuple[Tensor, Tensor, Tensor]:
    return output.mean, output.deviation, output.logits
