"""A Gaussian process over chemically meaningful distances, once it is fitted: numpy alone answers.

Source: C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press (2006), algorithm 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidArtefact
from superion.models.described import Described
from superion.models.distribution import N_DRAWS, Belief, FloatArray, even_quantiles, thinned
from superion.models.kernels import (
    KERNELS,
    TERMS,
    Terms,
    blocks_of,
    kernel,
    n_hyperparameters,
    prior_variance,
)
from superion.models.material import Material
from superion.models.process_features import WIDTHS, Block, MagpieScale, Rows, feature_blocks, magpie_features
from superion.models.tree_ensemble import Kind

JITTERS = (1e-5, 1e-4, 1e-3, 1e-2)
"""Added to the variance of the noise, in units of the target's scale; the first with which the covariance of the
training rows can be factored is taken, and counts as noise from then on."""

BEND = 0.3
"""How much of a distance below its knee a process learns: an insulator is below 1e-9 S/cm, and how far below is chance
and the limit of an instrument, which must not set the noise of all rows."""

MAX_ROWS_AT_ONCE = 512
"""Materials answered together: bounds the memory."""

_MAGPIE = ("magpie_mean", "magpie_factor")
_FIELD = "weights.safetensors"


@dataclass(frozen=True)
class ProcessOutput:
    """Hold what a process says of n materials, each array of shape (n,), in the unit of the target as it is bent."""

    middle: FloatArray
    """Posterior mean of the function."""
    epistemic: FloatArray
    """Posterior standard deviation of the function itself."""
    noise: FloatArray
    """Standard deviation of a measurement about the function."""
    novelty: FloatArray
    """What of the function's prior variance the training rows leave unexplained: 0 where all is known, 1 where nothing
    is."""
    measured: FloatArray
    """Shape (n_draws, n): the values of the training rows, evenly from the smallest to the largest, not bent."""
    knee: FloatArray
    """Below which the target is bent, see `bent`."""

    @property
    def mean(self) -> FloatArray:
        """What is answered, in the unit of the target."""
        return straightened(self.middle, self.knee)

    def at(self, quantiles: FloatArray, deviation: FloatArray) -> FloatArray:
        """Return what lies at standard normal quantiles (k,) of a deviation (n,), shape (k, n), not bent."""
        return straightened(self.middle + quantiles[:, None] * deviation, self.knee)

    def belief(self, n_members: int) -> Belief:
        """Return what the process believes, not bent.

        It has no members, but it knows how far another of its kind might lie.
        """
        wide = np.hypot(self.epistemic, self.noise)
        return Belief(self.at(even_quantiles(n_members), self.epistemic), self.at(even_quantiles(N_DRAWS), wide))


def bent(values: FloatArray, knee: FloatArray | float) -> FloatArray:
    """Return values of a target with the distances below a knee made `BEND` times as long."""
    return np.maximum(values, knee) + BEND * np.minimum(values - knee, 0.0)


def straightened(values: FloatArray, knee: FloatArray | float) -> FloatArray:
    """Return what `bent` made the values of."""
    return np.maximum(values, knee) + np.minimum(values - knee, 0.0) / BEND


@dataclass(frozen=True)
class GaussianProcess:
    """Hold a process for one target and one kind of input, conditioned on n training rows."""

    kind: Kind
    terms: Terms
    """Of the kernel, one of `KERNELS`."""
    features: Mapping[str, Block]
    """By block, each of shape (n, columns): the training rows."""
    magpie_scale: MagpieScale | None
    """Of the block `magpie`, None where the kernel has none."""
    hyperparameters: FloatArray
    """For each term, in order, the logarithm of its weight, then the logarithms of its blocks' lengths; last
    the logarithm of the standard deviation of the noise. Weights and noise are in units of `scale`."""
    weights: FloatArray
    """Shape (n,): of the training rows in the mean."""
    inverse_cholesky: npt.NDArray[np.float32]
    """Shape (n, n): inverse of the lower Cholesky factor of the training rows' covariance, noise included."""
    centre: float
    """Mean far from every training row, in the unit of the target, bent where there is a knee; so are `scale` and
    `noise`."""
    scale: float
    """Unit of the function, in the unit of the target."""
    measured: FloatArray
    """Shape (n_draws,): the values of the training rows, evenly from the smallest to the largest, in the unit of the
    target: what is known of a material that is like none of them."""
    reach: float = math.inf
    """Hellinger distance between compositions over which rows cease to speak for one another, beside what the kernel
    says; infinite for a process that is to speak of everything."""
    knee: float = -math.inf
    """Below which the process learns bent values, in the unit of the target; minus infinity for none."""

    def __post_init__(self) -> None:
        tensors = self.tensors()
        n = self.weights.size
        shapes: dict[str, tuple[int, ...]] = {
            **{f"features.{name}": (n, WIDTHS[name]) for name in self.blocks},
            **({} if self.magpie_scale is None else dict.fromkeys(_MAGPIE, (WIDTHS["magpie"],))),
            "kernel": (1,),
            "hyperparameters": (n_hyperparameters(self.terms),),
            "weights": (n,),
            "inverse_cholesky": (n, n),
            "centre_and_scale": (2,),
            "measured": (N_DRAWS,),
            "reach": (1,),
            "knee": (1,),
        }
        fitting = n > 0 and {name: array.shape for name, array in tensors.items()} == shapes
        scaled = (self.magpie_scale is not None) == ("magpie" in self.blocks)
        finite = all(np.isfinite(array).all() for name, array in tensors.items() if name not in ("reach", "knee"))
        if not (fitting and scaled and finite and self.scale > 0.0 and self.reach > 0.0 and self.knee < math.inf):
            raise InvalidArtefact("the arrays of a Gaussian process do not fit together", field=_FIELD)

    @property
    def n_rows(self) -> int:
        """How many training rows are used."""
        return len(self.weights)

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the blocks that are compared."""
        return blocks_of(self.terms, self.reach)

    @property
    def noise(self) -> float:
        """Standard deviation of a measurement about the function, in the unit of the target."""
        return self.scale * math.exp(self.hyperparameters[-1])

    @classmethod
    def conditioned(
        cls,
        kind: Kind,
        materials: Sequence[Material],
        measured: FloatArray,
        hyperparameters: FloatArray,
        centre: float,
        scale: float,
        reach: float = math.inf,
        *,
        terms: Terms | None = None,
        knee: float = -math.inf,
    ) -> GaussianProcess:
        """Condition the process of these hyper-parameters on materials and their measured values, shape (n,).

        The kernel is that of `TERMS` unless other terms are given; below the knee, values are `bent`. The noise is
        raised by the first of `JITTERS` that allows the covariance to be factored. Raises numpy.linalg.LinAlgError when
        none does.
        """
        terms = TERMS[kind] if terms is None else terms
        blocks = blocks_of(terms, reach)
        magpie_scale = MagpieScale.of(magpie_features(materials)) if "magpie" in blocks else None
        features = feature_blocks(blocks, materials, magpie_scale)
        covariance = kernel(terms, hyperparameters, features, features, reach)
        factor, variance = _factored(covariance, math.exp(2.0 * hyperparameters[-1]))
        inverse = np.linalg.solve(factor, np.eye(len(factor)))
        return cls(
            kind=kind,
            terms=terms,
            features=features,
            magpie_scale=magpie_scale,
            hyperparameters=np.append(hyperparameters[:-1], 0.5 * math.log(variance)),
            weights=inverse.T @ (inverse @ ((bent(np.asarray(measured, dtype=np.float64), knee) - centre) / scale)),
            inverse_cholesky=inverse.astype(np.float32),
            centre=float(centre),
            scale=float(scale),
            measured=thinned(np.asarray(measured, dtype=np.float64)[:, None])[:, 0],
            reach=reach,
            knee=knee,
        )

    def predict(self, materials: Sequence[Material]) -> ProcessOutput:
        """Predict materials; kind "cell" needs `has_full_cell` of each."""
        described = Described.of(materials)
        parts = [
            self._predict(described[first : first + MAX_ROWS_AT_ONCE])
            for first in range(0, len(materials), MAX_ROWS_AT_ONCE)
        ]
        mean = np.concatenate([np.empty(0), *(mean for mean, _ in parts)])
        unknown = np.concatenate([np.empty(0), *(unknown for _, unknown in parts)])
        return ProcessOutput(
            middle=mean,
            epistemic=self.scale * np.sqrt(self._prior * unknown),
            noise=np.full(len(mean), self.noise),
            novelty=unknown,
            measured=np.repeat(self.measured[:, None], len(mean), axis=1),
            knee=np.full(len(mean), self.knee),
        )

    @cached_property
    def _rows(self) -> dict[str, Rows]:
        """The training rows, ready to be compared with."""
        return {name: Rows.of(self.features[name]) for name in self.blocks}

    @cached_property
    def _prior(self) -> float:
        """Variance of the function before any row is seen, in units of the scale squared."""
        return prior_variance(self.terms, self.hyperparameters)

    def _predict(self, materials: Sequence[Material]) -> tuple[FloatArray, FloatArray]:
        features = feature_blocks(self.blocks, materials, self.magpie_scale)
        covariance = kernel(self.terms, self.hyperparameters, features, self._rows, self.reach)
        # Single precision: the posterior variance is needed to a few parts in a thousand, and it is most of the time.
        explained = np.square(covariance.astype(np.float32) @ self.inverse_cholesky.T).sum(axis=1, dtype=np.float64)
        return self.centre + self.scale * (covariance @ self.weights), np.clip(1.0 - explained / self._prior, 0.0, 1.0)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays to keep, by name."""
        return {
            **{f"features.{name}": block for name, block in self.features.items()},
            **self._magpie_tensors(),
            "kernel": np.array([number for number, known in KERNELS.items() if known[self.kind] == self.terms]),
            "hyperparameters": self.hyperparameters,
            "weights": self.weights,
            "inverse_cholesky": self.inverse_cholesky,
            "centre_and_scale": np.array([self.centre, self.scale]),
            "measured": self.measured,
            "reach": np.array([self.reach]),
            "knee": np.array([self.knee]),
        }

    def _magpie_tensors(self) -> dict[str, FloatArray]:
        scale = self.magpie_scale
        return {} if scale is None else dict(zip(_MAGPIE, (scale.mean, scale.factor), strict=True))

    @classmethod
    def from_tensors(cls, kind: Kind, tensors: Mapping[str, npt.NDArray[Any]]) -> GaussianProcess:
        """Put a process together from its arrays; raises InvalidArtefact when they are not those of one."""
        try:
            centre, scale = tensors["centre_and_scale"].tolist()
            # Those of artefact format 2 do not say which kernel they have.
            terms = KERNELS[int(tensors["kernel"].item()) if "kernel" in tensors else 1][kind]
            reach = float(tensors["reach"].item())
            blocks = blocks_of(terms, reach)
            magpie = [tensors[name].astype(np.float64) for name in _MAGPIE] if "magpie" in blocks else None
            return cls(
                kind=kind,
                terms=terms,
                features={name: tensors[f"features.{name}"].astype(np.float32) for name in blocks},
                magpie_scale=None if magpie is None else MagpieScale(*magpie),
                hyperparameters=tensors["hyperparameters"].astype(np.float64),
                weights=tensors["weights"].astype(np.float64),
                inverse_cholesky=tensors["inverse_cholesky"].astype(np.float32),
                centre=float(centre),
                scale=float(scale),
                measured=tensors["measured"].astype(np.float64),
                reach=reach,
                knee=float(tensors["knee"].item()) if "knee" in tensors else -math.inf,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidArtefact(f"a Gaussian process cannot be read: {error!r}", field=_FIELD) from error


def _factored(covariance: FloatArray, noise_variance: float) -> tuple[FloatArray, float]:
    """Return the lower Cholesky factor of the covariance with noise, and the variance of that noise."""
    for jitter in JITTERS[:-1]:
        try:
            return _cholesky(covariance, noise_variance + jitter), noise_variance + jitter
        except np.linalg.LinAlgError:
            continue
    return _cholesky(covariance, noise_variance + JITTERS[-1]), noise_variance + JITTERS[-1]


def _cholesky(covariance: FloatArray, variance: float) -> FloatArray:
    return np.asarray(np.linalg.cholesky(covariance + variance * np.eye(len(covariance))), dtype=np.float64)
