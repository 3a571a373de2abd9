"""Networks and forests as one: their mean, and what they differ by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from superion.models.batch import MaterialBatch
from superion.models.calibration import FloatArray, Spread
from superion.models.material import Material
from superion.models.network import NetworkConfig, SuperionNetwork
from superion.models.tree_ensemble import TreeEnsemble

MAX_BATCH_MATERIALS = 256
MAX_BATCH_SITES = 5000
"""Bounds on one forward pass; a large crystal travels alone."""


@dataclass(frozen=True)
class TargetOutput:
    """Hold what an ensemble says of one target for n materials, in the unit of the target."""

    members: FloatArray
    """Shape (n_members, n): the mean of each member."""
    spread: Spread

    @property
    def mean(self) -> FloatArray:
        """Shape (n,): the members' average, all alike; learned weights were measured to be worse."""
        return self.members.mean(axis=0)


@dataclass(frozen=True)
class Ensemble:
    """Hold networks of one configuration, trained from different seeds, and the forests that answer beside them."""

    config: NetworkConfig
    networks: tuple[SuperionNetwork, ...]
    trees: TreeEnsemble = field(default_factory=lambda: TreeEnsemble({}))
    """Counts as many members as there are networks, each a part of its trees, so that both kinds weigh the same."""

    def predict(self, materials: Sequence[Material]) -> dict[str, TargetOutput]:
        """Predict every target of `materials`, with each network once."""
        parts: dict[str, list[tuple[FloatArray, FloatArray]]] = {name: [] for name, _, _ in self.config.scales}
        with torch.inference_mode():
            for chunk in _chunks(materials):
                batch = self.batch(chunk)
                outputs = [network(batch) for network in self.networks]
                for name, kept in parts.items():
                    means = np.stack([output.mean[name].double().numpy() for output in outputs])
                    deviations = np.stack([output.deviation[name].double().numpy() for output in outputs])
                    kept.append((means, deviations))
        return {name: self._joined(name, kept, materials) for name, kept in parts.items()}

    def batch(self, materials: Sequence[Material]) -> MaterialBatch:
        """Build the batch that the networks take."""
        return MaterialBatch.from_graphs(
            [material.composition_graph for material in materials],
            [material.crystal_graph(self.config.cutoff, self.config.neighbors) for material in materials],
        )

    def _joined(
        self, target: str, parts: Sequence[tuple[FloatArray, FloatArray]], materials: Sequence[Material]
    ) -> TargetOutput:
        members = np.concatenate([means for means, _ in parts], axis=1)
        deviations = np.concatenate([deviation for _, deviation in parts], axis=1)
        by_trees = self.trees.members(target, materials, len(self.networks))
        if by_trees is not None:
            members = np.concatenate([members, by_trees])
        elif self.trees.forests:
            # Members of one number belong together across targets, so a target without trees repeats its networks.
            members = np.concatenate([members, members])
        epistemic = members.std(axis=0, ddof=1) if len(members) > 1 else np.zeros(members.shape[1])
        return TargetOutput(members, Spread(aleatoric=deviations.mean(axis=0), epistemic=epistemic))


def _chunks(materials: Sequence[Material]) -> Iterator[list[Material]]:
    chunk: list[Material] = []
    sites = 0
    for material in materials:
        size = 0 if material.crystal is None else material.crystal.n_sites
        if chunk and (len(chunk) == MAX_BATCH_MATERIALS or sites + size > MAX_BATCH_SITES):
            yield chunk
            chunk, sites = [], 0
        chunk.append(material)
        sites += size
    if chunk:
        yield chunk
