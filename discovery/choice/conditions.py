"""How likely a candidate is to meet what a goal asks beside conductivity: stability, price, and that it can be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from superion.discovery.advice.prices import price_of
from superion.discovery.choice.belief import Space
from superion.discovery.goal import Goal
from superion.errors import Unavailable
from superion.featurizers.formula import Formula
from superion.models.distribution import FloatArray
from superion.models.kernels import within
from superion.models.process_features import distances
from superion.training.corrections import REACH

USUAL_SUCCESS = 0.9
"""Share of syntheses that are taken to succeed before any was tried: an assumption, which the campaign's own failures
and successes correct."""
WEIGHT = 1.0
"""How many experiments on the very material that assumption weighs as much as."""
AT_ONCE = 500
"""Formulas that the networks on lithium metal answer for together."""


@dataclass(frozen=True)
class AgainstLithium:
    """Hold the reaction energy of k candidates with lithium metal, each of shape (k,) [eV per atom]."""

    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    deviation: FloatArray

    def chance_above(self, limit: float) -> FloatArray:
        """Return the chance that the reaction energy lies above a limit, shape (k,)."""
        return np.asarray(ndtr((self.mean - limit) / np.maximum(self.deviation, 1e-9)), dtype=np.float64)


def against_lithium(formulas: Sequence[Formula], confidence: float) -> AgainstLithium:
    """Return what the networks say of formulas; raises Unavailable where the networks cannot be had."""
    from superion.models.stability.answers import learned_answers

    rows: list[tuple[float, float, float, float]] = []
    for first in range(0, len(formulas), AT_ONCE):
        some = formulas[first : first + AT_ONCE]
        for answer in learned_answers(some, confidence):
            if answer.values is None:
                raise Unavailable("; ".join(answer.warnings), field="stability")
            energy = answer.values.reaction_energy
            deviation = float(np.hypot(energy.std_aleatoric, energy.std_epistemic))
            rows.append((energy.mean, energy.lower, energy.upper, deviation))
    mean, lower, upper, deviations = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return AgainstLithium(mean, lower, upper, deviations)


def prices(formulas: Sequence[Formula]) -> FloatArray:
    """Return the price of the elements, shape (n,) [US dollars per kg], infinite where one has none."""
    found = [price_of(formula) for formula in formulas]
    return np.array([np.inf if price is None else price.usd_per_kg for price in found])


def chance_of_synthesis(space: Space, succeeded: npt.NDArray[np.intp], failed: npt.NDArray[np.intp]) -> FloatArray:
    """Return the chance that each of n candidates can be made, shape (n,).

    An experiment on another counts by how near its composition is, 0 to 1: the chance is the mean of a beta
    distribution whose counts are weighted so. What fails says nothing of another family.
    """
    composition = space.features["composition"]
    tried = np.concatenate([succeeded, failed]).astype(np.intp)
    if not len(tried):
        return np.full(len(composition), USUAL_SUCCESS)
    likeness = within(distances(composition, composition[tried]), REACH)
    worked = likeness[:, : len(succeeded)].sum(axis=1)
    return np.asarray((USUAL_SUCCESS * WEIGHT + worked) / (WEIGHT + likeness.sum(axis=1)), dtype=np.float64)


def allowed(formulas: Sequence[Formula], goal: Goal) -> npt.NDArray[np.bool_]:
    """Return which formulas hold none of the elements that a goal avoids, shape (n,)."""
    avoided = set(goal.avoid)
    return np.array([avoided.isdisjoint(formula.symbols) for formula in formulas], dtype=bool)
