"""Networks, forests and Gaussian processes as one: their mean, what they differ by, and what they believe together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from superion.models.batch import MaterialBatch
from superion.models.described import Described
from superion.models.distribution import (
    Belief,
    FloatArray,
    Reserve,
    Spread,
    laplace_draws,
    pooled,
    tree_draws,
)
from superion.models.material import Material
from superion.models.meyer_neldel import WEIGHT, MeyerNeldel
from superion.models.network import NetworkConfig, SuperionNetwork
from superion.models.process_ensemble import ProcessAnswers, ProcessEnsemble
from superion.models.stacked_networks import StackedNetworks
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.models.tree_ensemble import TreeEnsemble

MAX_BATCH_MATERIALS = 256
MAX_BATCH_SITES = 400
"""Bounds on one forward pass; a large crystal travels alone."""

KIND_BLOCKS = 12
"""Every answer has this many blocks of members, so that up to four kinds fill them in equal parts."""

FORMER_RESERVE = 0.5
"""Share that went to the measured values of all rows for a cell of which nothing was known. Its square covers new
families and the papers of later years better, at narrower intervals (docs/ablation.md)."""

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
    squared_reserve: bool = True
    """Whether what is reserved for the measured values of all rows goes with the square of what is unknown of a cell.
    Models of artefact formats 1 to 4 were calibrated with `FORMER_RESERVE` of it."""
    meyer_neldel: MeyerNeldel | None = None
    """What a conductivity implies of the activation energy; None where the rows did not tell, and in models of artefact
    formats 1 to 4."""

    def predict(self, materials: Sequence[Material]) -> dict[str, TargetOutput]:
        """Predict every target of `materials`, with each network once."""
        materials = Described.of(materials)
        targets = [name for name, _, _ in self.config.scales]
        means = np.empty((len(targets), len(self.networks), len(materials)))
        deviations = np.empty_like(means)
        for chosen in _chunks(materials):
            found = self.stacked.predict([materials[row] for row in chosen])
            means[:, :, chosen], deviations[:, :, chosen] = found
        answers = {name: self.processes.answers(name, materials) for name in targets}
        beliefs = {
            name: {"networks": Belief(mean, laplace_draws(mean, deviation))}
            | self._without_networks(name, materials, answers[name])
            for name, mean, deviation in zip(targets, means, deviations, strict=True)
        }
        related = self._related(beliefs)
        return {
            name: self._joined(name, materials, related[name], answers[name], deviation)
            for name, deviation in zip(targets, deviations, strict=True)
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
        materials = Described.of(materials)
        beliefs = self._related(
            {
                name: self._without_networks(name, materials, self.processes.answers(name, materials))
                for name in {CONDUCTIVITY, target}
            }
        )[target]
        if not beliefs:
            return None
        return np.mean([belief.mean for belief in beliefs.values()], axis=0) + self.correction(target, materials)

    def _without_networks(self, target: str, materials: Described, answers: ProcessAnswers | None) -> dict[str, Belief]:
        """Return what forests and processes believe of a target by itself, by the name of the kind."""
        beliefs, n_members = {}, len(self.networks)
        by_tree = self.trees.by_tree(target, materials)
        if by_tree is not None:
            parts = np.stack([by_tree[part::n_members].mean(axis=0) for part in range(n_members)])
            scale = next(scale for name, _, scale in self.config.scales if name == target)
            beliefs["forests"] = Belief(parts, tree_draws(by_tree, REPEAT_SCATTER * scale))
        if answers is not None:
            beliefs["processes"] = answers.known.belief(n_members)
            if self.formula_processes:
                beliefs["formula processes"] = self._of_formulas(target, materials, answers)
        return beliefs

    def _of_formulas(self, target: str, materials: Described, answers: ProcessAnswers) -> Belief:
        """Return what the processes on formulas add to what `known` says.

        Where `known` is itself the process on formulas, the hurdle speaks in its place, if there is one.
        """
        n_members, rest = len(self.networks), ~answers.on_cell
        bare = materials if rest.all() else materials.parted()[1]
        hurdle = self.processes.over_hurdle(target, bare, n_members) if rest.any() else None
        if hurdle is not None and rest.all():
            return hurdle
        belief = answers.formula.belief(n_members)
        return belief if hurdle is None else belief.placed(rest, hurdle)

    def _related(self, beliefs: Mapping[str, dict[str, Belief]]) -> Mapping[str, dict[str, Belief]]:
        """Return beliefs by target and kind, those in the energy moved towards what those in the conductivity imply.

        Networks that were fine-tuned have learned the energies of the new rows, whose line may be another; the other
        kinds are corrected for it.
        """
        if self.meyer_neldel is None or ACTIVATION_ENERGY not in beliefs:
            return beliefs
        energies = dict(beliefs[ACTIVATION_ENERGY])
        tuned = {"networks"} if self.corrections else set()
        for name in (energies.keys() & beliefs[CONDUCTIVITY].keys()) - tuned:
            implied = self.meyer_neldel.energy(beliefs[CONDUCTIVITY][name].mean)
            energies[name] = energies[name].moved(WEIGHT * (implied - energies[name].mean))
        return {**beliefs, ACTIVATION_ENERGY: energies}

    def _joined(
        self,
        target: str,
        materials: Described,
        beliefs: Mapping[str, Belief],
        answers: ProcessAnswers | None,
        deviations: FloatArray,
    ) -> TargetOutput:
        correction, novelty = self._corrected(target, materials)
        # Fine-tuning trains the networks themselves.
        beliefs = {name: belief if name == "networks" else belief.moved(correction) for name, belief in beliefs.items()}
        if answers is None:
            found = _pooled(beliefs, None)
        else:
            reserve = Reserve(answers.known.measured, self._reserved(answers))
            found = replace(_pooled(beliefs, reserve), novelty=np.minimum(novelty, answers.formula.novelty))
        if self.pools:
            return found
        return replace(found, spread=Spread(deviations.mean(axis=0), found.spread.epistemic))

    def _reserved(self, answers: ProcessAnswers) -> FloatArray:
        """Return the share of the belief that is given to the measured values of all rows, shape (n,).

        Those of bare formulas cover new families without it, and no more with it.
        """
        unknown = np.where(answers.on_cell, answers.known.novelty, 0.0)
        return unknown**2 if self.squared_reserve else FORMER_RESERVE * unknown


def _pooled(beliefs: Mapping[str, Belief], reserve: Reserve | None) -> TargetOutput:
    blocks = KIND_BLOCKS // len(beliefs)
    members = np.concatenate([np.tile(belief.members, (blocks, 1)) for belief in beliefs.values()])
    deviation, shape = pooled([belief.draws for belief in beliefs.values()], members.mean(axis=0), reserve)
    epistemic = members.std(axis=0)
    # What the pool scatters by beyond what its members differ by; rounding must not make it negative.
    aleatoric = np.sqrt(np.maximum(deviation**2 - epistemic**2, 0.01 * deviation**2))
    return TargetOutput(
        members, Spread(aleatoric, epistemic, shape), {name: belief.mean for name, belief in beliefs.items()}
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
