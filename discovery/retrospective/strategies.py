"""How the next experiments may be chosen from the same measurements: superion's way, and those it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superion.discovery.choice.belief import Forecast, Space
from superion.discovery.choice.chemical_prior import chemical_forecast
from superion.discovery.choice.proposal import Conditions, Known, believe, propose
from superion.discovery.goal import Goal
from superion.models.distribution import FloatArray
from superion.models.domain import fraction_vectors
from superion.models.material import Material
from superion.models.process_features import magpie_features

Places = npt.NDArray[np.intp]

N_TREES = 300


@dataclass(frozen=True)
class Pool:
    """Hold the materials of a retrospective as every strategy may see them: without what was measured."""

    materials: Sequence[Material]
    families: Sequence[str]
    space: Space
    forecast: Forecast
    """Of chemistry alone: a trained model may have learned from the measurements that are to be found."""
    descriptors: FloatArray
    """Shape (n, 139): Magpie features, lattice parameters and space group, 0 where unknown."""
    compositions: FloatArray
    """Shape (n, n_elements): square roots of the element fractions."""

    @classmethod
    def of(cls, materials: Sequence[Material], families: Sequence[str]) -> Pool:
        """Describe materials."""
        lattice = [
            [*(material.cell.cell_parameters or (0.0,) * 6), float(material.cell.space_group_number or 0)]
            for material in materials
        ]
        formulas = [material.formula for material in materials]
        return cls(
            materials=materials,
            families=families,
            space=Space.of(materials),
            forecast=chemical_forecast(formulas),
            descriptors=np.hstack([np.nan_to_num(magpie_features(materials)), np.array(lattice)]),
            compositions=np.sqrt(fraction_vectors(formulas).astype(np.float64)),
        )


@dataclass(frozen=True)
class Step:
    """Hold what a strategy does in a round."""

    chosen: Places
    predicted: FloatArray | None
    """log10(S/cm) of the candidates left, in their order, before the batch; None where a strategy predicts nothing."""


Strategy = Callable[[Pool, Known, Places, int, int], Step]
"""From the pool, what was measured, the places left, the size of the batch and a seed to a step."""


def superion(goal: Goal) -> Strategy:
    """Return superion's own strategy, whose model knows nothing but chemistry and what was measured."""

    def step(pool: Pool, known: Known, left: Places, n: int, seed: int) -> Step:
        nothing = np.empty(0, dtype=np.intp)
        conditions = Conditions.none(len(pool.materials))
        proposal = propose(pool.space, pool.forecast, known, left, nothing, pool.families, conditions, goal, n, seed)
        predicted, _ = believe(pool.space, pool.forecast, known, None).marginals(left)
        return Step(np.array(proposal.places, dtype=np.intp), predicted)

    return step


def at_random(pool: Pool, known: Known, left: Places, n: int, seed: int) -> Step:
    """Choose blindly."""
    return Step(np.random.default_rng(seed).choice(left, min(n, len(left)), replace=False), None)


def nearest_neighbour(pool: Pool, known: Known, left: Places, n: int, seed: int) -> Step:
    """Choose what is nearest in composition to the best conductors: each is taken to conduct as its nearest does.

    Among those of one nearest the nearer comes first.
    """
    one, other = pool.compositions[left], pool.compositions[known.places]
    apart = np.sqrt(np.clip(np.square(one).sum(1)[:, None] + np.square(other).sum(1) - 2.0 * one @ other.T, 0.0, None))
    nearest = apart.argmin(axis=1)
    predicted = known.values[nearest]
    order = np.lexsort((apart.min(axis=1), -predicted))
    return Step(left[order[:n]], predicted)


def forest(kappa: float) -> Strategy:
    """Return a random forest on Magpie features and the lattice, with `kappa` times the spread of its trees added."""

    def step(pool: Pool, known: Known, left: Places, n: int, seed: int) -> Step:
        from sklearn.ensemble import RandomForestRegressor

        grown = RandomForestRegressor(N_TREES, random_state=seed, n_jobs=1)
        grown.fit(pool.descriptors[known.places], known.values)
        by_tree = np.stack([tree.predict(pool.descriptors[left]) for tree in grown.estimators_])
        mean = by_tree.mean(axis=0)
        order = np.argsort(-(mean + kappa * by_tree.std(axis=0)), kind="stable")
        return Step(left[order[:n]], mean)

    return step


def strategies(goal: Goal) -> Mapping[str, Strategy]:
    """Return superion's strategy and the others, by name."""
    return {
        "superion": superion(goal),
        "random": at_random,
        "greedy": forest(0.0),
        "nearest_neighbour": nearest_neighbour,
        "magpie_forest": forest(1.0),
    }
