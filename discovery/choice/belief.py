"""What is believed of every candidate: a model's forecast, updated by what the campaign has measured.

Where the forecast is wrong, it is wrong for alike materials alike. The error of the forecast is a Gaussian process over
the chemically meaningful distances of the models, with the deviation that the model itself states; what was measured
conditions it. So a belief is joint over the candidates, and before anything is measured it is the forecast.

Of two materials the less certain one has the error of the other, as far as they are alike, and one of its own besides:
their covariance is the likeness times the smaller of the two variances (a product of two covariances: the smaller of
two numbers is that of Brownian motion). So a surprise moves no other material by more than itself.

Source: C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press (2006), section 2.7.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from superion.models.described import Described
from superion.models.distribution import FloatArray
from superion.models.forest import has_full_cell
from superion.models.kernels import PLAIN_TERMS, Terms, blocks_of, kernel, prior_variance
from superion.models.material import Material
from superion.models.process_features import Block, MagpieScale, distances, feature_blocks, magpie_features
from superion.models.tree_ensemble import Kind
from superion.training.processes import first_hyperparameters, most_likely

Places = Sequence[int] | npt.NDArray[np.intp]

RIDGE = 2.0
"""Weight of the squared distance of the hyper-parameters from those at the start: campaigns begin with ten rows."""
FEWEST = 5
"""Measurements from which on the hyper-parameters are fitted."""
SMALLEST_NOISE = 1e-4
"""Variance that is always added to that of the noise, so that the covariance can be factored."""
ROWS_AT_ONCE = 2048
"""Candidates whose marginals are computed together: bounds the memory."""


@dataclass(frozen=True)
class Forecast:
    """Hold what a model says of each candidate before the campaign has measured any, each of shape (n,)."""

    mean: FloatArray
    """log10(S/cm)."""
    deviation: FloatArray
    """Standard deviation of what the mean is off, without the scatter of a measurement."""
    shifts: bool = False
    """Whether all of it may be off by one amount, as where only the order of the candidates is known."""

    @cached_property
    def unit(self) -> float:
        """Decades in which the process counts: the median of the deviations."""
        return float(np.median(self.deviation))


@dataclass(frozen=True)
class Space:
    """Hold the candidates as the process compares them."""

    terms: Terms
    """Of the kernel."""
    features: Mapping[str, Block]
    """By block, each of shape (n, columns)."""

    @classmethod
    def of(cls, materials: Sequence[Material], scale: MagpieScale | None = None) -> Space:
        """Describe candidates: by their cells where most have one, else by their formulas.

        `scale` is that of their Magpie features, their own unless given. Elements count each for itself: a kernel in
        which those that replace each other are alike, which predicts better from hundreds of rows, found 18 of 24 hits
        where this one finds 22.
        """
        described = Described.of(materials)
        own = MagpieScale.of(described.once(magpie_features)) if scale is None else scale
        terms = PLAIN_TERMS[kind_of(materials)]
        return cls(terms, feature_blocks(blocks_of(terms), described, own))

    def at(self, places: Places) -> dict[str, Block]:
        """Return the blocks of some candidates."""
        chosen = np.asarray(places, dtype=np.intp)
        return {name: self.features[name][chosen] for name in blocks_of(self.terms)}


def kind_of(materials: Sequence[Material]) -> Kind:
    """Return what candidates are compared by: their cells where most have one, else their formulas."""
    return "cell" if 2 * sum(map(has_full_cell, materials)) > len(materials) else "formula"


@dataclass(frozen=True)
class Belief:
    """Hold a forecast that was conditioned on m measurements."""

    space: Space
    forecast: Forecast
    measured: npt.NDArray[np.intp]
    """Shape (m,): places of the measured candidates; one that was measured again stands again."""
    hyperparameters: FloatArray
    shift: float
    """What all of the forecast is off [decades]."""
    weights: FloatArray
    """Shape (m,)."""
    inverse_factor: FloatArray
    """Shape (m, m): inverse of the lower Cholesky factor of the covariance of the measurements."""

    @classmethod
    def conditioned(
        cls,
        space: Space,
        forecast: Forecast,
        measured: Places,
        values: FloatArray,
        *,
        hyperparameters: FloatArray | None = None,
        ridge: float = RIDGE,
    ) -> Belief:
        """Condition a forecast on measured values [log10(S/cm)], shape (m,), of the candidates at places (m,).

        The hyper-parameters are those given, else those of `first_hyperparameters`; from `FEWEST` measurements on the
        most likely ones near them are taken, and whether all of the forecast is off is asked where it may be.
        """
        start = first_hyperparameters(space.terms) if hyperparameters is None else hyperparameters
        places = np.asarray(measured, dtype=np.intp)
        features, unit = space.at(places), forecast.unit
        error = (values - forecast.mean[places]) / unit
        shared = _shared(forecast.deviation[places], forecast.deviation[places], unit)
        found, shift = start, 0.0
        if len(places) >= FEWEST:
            apart = {
                name: torch.from_numpy(distances(features[name], features[name])) for name in blocks_of(space.terms)
            }
            found, shift = most_likely(
                space.terms,
                apart,
                torch.from_numpy(shared),
                torch.from_numpy(error),
                shifts=forecast.shifts,
                start=start,
                ridge=ridge,
                towards=start,
            )
        covariance = kernel(space.terms, found, features, features) * shared
        covariance[np.diag_indices(len(places))] += math.exp(2.0 * found[-1]) + SMALLEST_NOISE
        inverse = np.linalg.inv(np.linalg.cholesky(covariance)) if len(places) else np.empty((0, 0))
        weights = inverse.T @ (inverse @ (error - shift))
        return cls(space, forecast, places, found, shift * unit, weights, inverse)

    @property
    def noise(self) -> float:
        """Standard deviation of a measurement of a candidate about its own conductivity [decades]."""
        return self.forecast.unit * math.sqrt(math.exp(2.0 * self.hyperparameters[-1]) + SMALLEST_NOISE)

    def marginals(self, places: Places) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation of candidates, each of shape (k,) [log10(S/cm)], without noise."""
        chosen = np.asarray(places, dtype=np.intp)
        means, deviations = [np.empty(0)], [np.empty(0)]
        prior = prior_variance(self.space.terms, self.hyperparameters)
        for first in range(0, len(chosen), ROWS_AT_ONCE):
            some = chosen[first : first + ROWS_AT_ONCE]
            across = self._across(some, self.measured)
            explained = np.square(across @ self.inverse_factor.T).sum(axis=1)
            own = prior * np.square(self.forecast.deviation[some])
            means.append(self.forecast.mean[some] + self.shift + self.forecast.unit * (across @ self.weights))
            deviations.append(np.sqrt(np.clip(own - self.forecast.unit**2 * explained, 1e-12 * own, None)))
        return np.concatenate(means), np.concatenate(deviations)

    def joint(self, places: Places) -> tuple[FloatArray, FloatArray]:
        """Return mean (k,) and covariance (k, k) of candidates [log10(S/cm)], without noise."""
        chosen = np.asarray(places, dtype=np.intp)
        across = self._across(chosen, self.measured)
        explained = across @ self.inverse_factor.T
        mean = self.forecast.mean[chosen] + self.shift + self.forecast.unit * (across @ self.weights)
        return mean, self.forecast.unit**2 * (self._across(chosen, chosen) - explained @ explained.T)

    def _across(self, one: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> FloatArray:
        """Return the covariance of candidates before any is measured, in units of `unit` squared."""
        alike = kernel(self.space.terms, self.hyperparameters, self.space.at(one), self.space.at(other))
        return alike * _shared(self.forecast.deviation[one], self.forecast.deviation[other], self.forecast.unit)


def _shared(one: FloatArray, other: FloatArray, unit: float) -> FloatArray:
    """Return the variance that errors of these deviations may share, in units of `unit` squared."""
    return np.square(np.minimum.outer(one, other) / unit)
