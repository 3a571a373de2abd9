"""Networks, forests and Gaussian processes as one: their mean, what they differ by, and what they believe together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from superion.models.batch import MaterialBatch
from superion.models.described import Described
from superion.models.distribution import (
    N_DRAWS,
    FloatArray,
    Reserve,
    Spread,
    even_quantiles,
    laplace_draws,
    pooled,
    tree_draws,
)
from superion.models.gaussian_process import ProcessOutput
from superion.models.material import Material
from superion.models.network import NetworkConfig, SuperionNetwork
from superion.models.process_ensemble import ProcessAnswers, ProcessEnsemble
from superion.models.stacked_networks import StackedNetworks
from superion.models.tree_ensemble import TreeEnsemble

MAX_BATCH_MATERIALS = 256
MAX_BATCH_SITES = 400
"""Bounds on one forward pass; a large crystal travels alone."""

KIND_BLOCKS = 12
"""Every answer has this many blocks of members, so that up to four kinds fill them in equal parts."""

REPEAT_SCATTER = 0.21
"""What a second measurement of one material differs by, as a share of the scale of its target: 0.63 decades, the root
mean square over the repeats of one composition and space group in OBELiX, for the conductivity."""


@dataclass(frozen=True)
class TargetOutput:
    """Hold what an ensemble says of one target for n materials, in the unit of the target."""

    members: FloatArray
    """Shape (n_members, n): the mean of each member; a kind with fewer members stands in it several times."""
    spread: Spread
    kinds: Mapping[str, FloatArray] = field(default_factory=dict)
    """Mean of each kind of member, shape (n,), by its name: networks, forests, processes, formula processes."""
    novelty: FloatArray | None = None
    """Shape (n,): how unlike all that was learned from the formulas are to the processes, 0 to 1; None without any."""

    @property
    def mean(self) -> FloatArray:
        """Shape (n,): the members' average, all alike; learned weights were measured to be worse."""
        return self.members.mean(axis=0)


@dataclass(frozen=True)
class Ensemble:
    """Hold networks of one configuration, trained from different seeds, and what answers beside them."""

    config: NetworkConfig
    networks: tuple[SuperionNetwork, ...]
    trees: TreeEnsemble = field(default_factory=lambda: TreeEnsemble({}))
    """Forests; they count as many members as there are networks, each a part of the trees."""
    processes: ProcessEnsemble = field(default_factory=lambda: ProcessEnsemble({}))
    """Gaussian processes; they too count as many members as there are networks, and again as many by formulas alone."""
    corrections: tuple[ProcessEnsemble, ...] = ()
    """What fine-tuning adds to forests and processes, which it cannot fit anew; each to all that went before it."""
    pools: bool = True
    """Whether the spread is that of the pooled distribution. Models of artefact format 1 were calibrated on a normal
    distribution of the deviation that their networks expect, and answer with that."""
    formula_processes: bool = True
    """Whether what the processes say of the formula alone is a kind of its own. In a family of which nothing was
    learned a cell misleads where the formula does not. Models of artefact formats 1 to 3 were calibrated without."""

    def predict(self, materials: Sequence[Material]) -> dict[str, TargetOutput]:
        """Predict every target of `materials`, with each network once."""
        materials = Described.of(materials)
        targets = [(name, scale) for name, _, scale in self.config.scales]
        means = np.empty((len(targets), len(self.networks), len(materials)))
        deviations = np.empty_like(means)
        for chosen in _chunks(materials):
            found = self.stacked.predict([materials[row] for row in chosen])
            means[:, :, chosen], deviations[:, :, chosen] = found
        return {
            name: self._joined(name, scale, means[place], deviations[place], materials)
            for place, (name, scale) in enumerate(targets)
        }

    @property
    def stacked(self) -> StackedNetworks:
        """The networks as one, made when first asked for and kept until a weight of theirs changes."""
        # The dataclass is frozen, so it is put beside the fields.
        kept: StackedNetworks | None = self.__dict__.get("_stacked")
        if kept is None or not kept.weights.unchanged():
            kept = StackedNetworks.of(self.networks)
            object.__setattr__(self, "_stacked", kept)
        return kept

    def batch(self, materials: Sequence[Material]) -> MaterialBatch:
        """Build the batch that the networks themselves take."""
        return MaterialBatch.from_graphs(
            [material.composition_graph for material in materials],
            [material.crystal_graph(self.config.cutoff, self.config.neighbors) for material in materials],
        )

    def correction(self, target: str, materials: Sequence[Material]) -> FloatArray:
        """Return what is added to forests and processes for materials, shape (n,), in the unit of the target."""
        return self._corrected(target, materials)[0]

    def novelty(self, target: str, materials: Sequence[Material]) -> FloatArray | None:
        """Return what `predict` does as `TargetOutput.novelty`, without predicting anything else."""
        every = [one.processes.get((target, "formula")) for one in (self.processes, *self.corrections)]
        if every[0] is None:
            return None
        return np.min([one.predict(materials).novelty for one in every if one is not None], axis=0)

    def _corrected(self, target: str, materials: Sequence[Material]) -> tuple[FloatArray, FloatArray]:
        """Return what is added for materials, and how unlike the formulas that the additions were learned from."""
        total, novelty = np.zeros(len(materials)), np.ones(len(materials))
        for correction in self.corrections:
            answers = correction.answers(target, materials)
            if answers is not None:
                total += answers.known.mean
                novelty = np.minimum(novelty, answers.formula.novelty)
        return total, novelty

    def without_networks(self, target: str, materials: Sequence[Material]) -> FloatArray | None:
        """Return the mean of all kinds but networks for materials, shape (n,); None when there is no other kind."""
        by_tree, answers = self.trees.by_tree(target, materials), self.processes.answers(target, materials)
        means = [] if by_tree is None else [by_tree.mean(axis=0)]
        if answers is not None:
            means += [answer.mean for answer in self._process_kinds(answers).values()]
        return np.mean(means, axis=0) + self.correction(target, materials) if means else None

    def _process_kinds(self, answers: ProcessAnswers) -> dict[str, ProcessOutput]:
        kinds = {"processes": answers.known}
        return kinds | {"formula processes": answers.formula} if self.formula_processes else kinds

    def _joined(
        self,
        target: str,
        scale: float,
        means: FloatArray,
        deviations: FloatArray,
        materials: Sequence[Material],
    ) -> TargetOutput:
        n_members = len(means)
        kinds = {"networks": means}
        draws = [laplace_draws(means, deviations)]
        by_tree = self.trees.by_tree(target, materials)
        correction, novelty = self._corrected(target, materials)
        if by_tree is not None:
            by_tree = by_tree + correction
            kinds["forests"] = np.stack([by_tree[part::n_members].mean(axis=0) for part in range(n_members)])
            draws.append(tree_draws(by_tree, REPEAT_SCATTER * scale))
        answers, reserve = self.processes.answers(target, materials), None
        if answers is not None:
            for name, answer in self._process_kinds(answers).items():
                # A process has no members, but it knows how far another of its kind might lie.
                kinds[name] = answer.at(even_quantiles(n_members), answer.epistemic) + correction
                wide = np.hypot(answer.epistemic, answer.noise)
                draws.append(answer.at(even_quantiles(N_DRAWS), wide) + correction)
            reserve = Reserve(answers.known.measured, answers.known.reserved)
            novelty = np.minimum(novelty, answers.formula.novelty)
        pooled_output = replace(_pooled(kinds, draws, reserve), novelty=None if answers is None else novelty)
        if self.pools:
            return pooled_output
        return replace(pooled_output, spread=Spread(deviations.mean(axis=0), pooled_output.spread.epistemic))


def _pooled(kinds: Mapping[str, FloatArray], draws: Sequence[FloatArray], reserve: Reserve | None) -> TargetOutput:
    blocks = KIND_BLOCKS // len(kinds)
    members = np.concatenate([np.tile(block, (blocks, 1)) for block in kinds.values()])
    deviation, shape = pooled(draws, members.mean(axis=0), reserve)
    epistemic = members.std(axis=0)
    # What the pool scatters by beyond what its members differ by; rounding must not make it negative.
    aleatoric = np.sqrt(np.maximum(deviation**2 - epistemic**2, 0.01 * deviation**2))
    return TargetOutput(
        members, Spread(aleatoric, epistemic, shape), {name: block.mean(axis=0) for name, block in kinds.items()}
    )


def _chunks(materials: Sequence[Material]) -> Iterator[list[int]]:
    """Return rows of materials that go together: formulas of about as many elements, so that few rows are padded."""
    chunk: list[int] = []
    sites = 0
    for row in sorted(range(len(materials)), key=lambda row: len(materials[row].formula.symbols)):
        crystal = materials[row].crystal
        size = 0 if crystal is None else crystal.n_sites
        if chunk and (len(chunk) == MAX_BATCH_MATERIALS or sites + size > MAX_BATCH_SITES):
            yield chunk
            chunk, sites = [], 0
        chunk.append(row)
        sites += size
    if chunk:
        yield chunk
