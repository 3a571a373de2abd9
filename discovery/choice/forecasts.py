"""What a trained model says of every candidate, before the campaign has measured any, kept for as long as it is asked.

Source of the intervals: the conformal calibration of the model; see `superion.models.calibration`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from superion.discovery.choice.belief import Forecast, Space, kind_of
from superion.discovery.goal import Goal
from superion.models.arrhenius import inverse_temperature_step
from superion.models.artefact import featuriser_fingerprint
from superion.models.distribution import FloatArray
from superion.models.kernels import PLAIN_TERMS, prior_variance, term_places
from superion.models.material import Material
from superion.models.predictor import Predictor, conductivity_at
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.training.processes import first_hyperparameters

Progress = Callable[[int, int], None]

AT_ONCE = 2000
"""Candidates that a model answers for together: bounds the memory, and how often progress is told."""
SCATTER = 0.3
"""Standard deviation of a laboratory's own repeats [decades]; laboratories together scatter by twice as much. What else
a model expects to be off is its error, and alike for alike materials."""
LEAST_DEVIATION = 0.5
"""No model is surer of a material than laboratories are of each other's: repeats scatter by 0.63 decades between them
(root mean square over OBELiX), by `SCATTER` within one."""


class Kept(Protocol):
    """Keep arrays for a campaign by a key."""

    def get(self, key: str) -> Mapping[str, npt.NDArray[Any]] | None:
        """Return the arrays of a key, None where there are none."""

    def put(self, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep arrays under a key."""


class InMemory:
    """Keep arrays for as long as the process lives."""

    def __init__(self) -> None:
        self._arrays: dict[str, Mapping[str, npt.NDArray[Any]]] = {}

    def get(self, key: str) -> Mapping[str, npt.NDArray[Any]] | None:
        """Return the arrays of a key, None where there are none."""
        return self._arrays.get(key)

    def put(self, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep arrays under a key."""
        self._arrays[key] = arrays


@dataclass(frozen=True)
class Forecasts:
    """Hold what a model says of n candidates, each of shape (n,) [log10(S/cm)], at the temperature of a goal."""

    mean: FloatArray
    lower: FloatArray
    """Of the calibrated interval, as `upper`."""
    upper: FloatArray
    deviation: FloatArray
    """Calibrated standard deviation, all parts together."""
    activation_energy: FloatArray
    """[eV]."""

    @cached_property
    def error(self) -> FloatArray:
        """Standard deviation of what the mean is off, without the scatter of a measurement."""
        return np.sqrt(np.maximum(np.square(self.deviation) - SCATTER**2, LEAST_DEVIATION**2))

    @cached_property
    def forecast(self) -> Forecast:
        """What a belief starts from."""
        return Forecast(self.mean, self.error)


def forecasts(
    predictor: Predictor,
    materials: Sequence[Material],
    goal: Goal,
    kept: Kept,
    progress: Progress = lambda done, total: None,
) -> Forecasts:
    """Return what a model says of candidates; asked for again, what was kept."""
    key = _key(predictor, materials, goal)
    found = kept.get(key)
    if found is not None and _whole(found, len(materials)):
        return Forecasts(**{field.name: found[field.name] for field in fields(Forecasts)})
    parts = []
    for first in range(0, len(materials), AT_ONCE):
        parts.append(_said(predictor, materials[first : first + AT_ONCE], goal))
        progress(min(first + AT_ONCE, len(materials)), len(materials))
    joined = Forecasts(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Forecasts)}
    )
    kept.put(key, asdict(joined))
    return joined


def _said(predictor: Predictor, materials: Sequence[Material], goal: Goal) -> Forecasts:
    output = predictor.artefact.ensemble.predict(materials)
    # Those of a campaign live long, and what is said of them is kept.
    for material in materials:
        material.forget_graphs()
    step = np.full(len(materials), inverse_temperature_step(goal.temperature_C))
    mean, spread = conductivity_at(output, step, predictor.artefact.calibrations.get(ACTIVATION_ENERGY))
    calibration = predictor.calibration_of(CONDUCTIVITY, materials)
    assert calibration is not None, "an artefact is only read with this calibration"
    lower, upper = calibration.interval(mean, spread, goal.confidence)
    deviation = spread.total * calibration.std_factor
    return Forecasts(mean, np.minimum(lower, mean), np.maximum(upper, mean), deviation, output[ACTIVATION_ENERGY].mean)


def _key(predictor: Predictor, materials: Sequence[Material], goal: Goal) -> str:
    """Name a forecast by all that it follows from."""
    digest = hashlib.sha256(featuriser_fingerprint().encode())
    digest.update(json.dumps(dict(predictor.artefact.training), sort_keys=True, default=str).encode())
    digest.update(repr((predictor.model.version, goal.temperature_C, goal.confidence)).encode())
    for material in materials:
        digest.update(material.key)
    return f"forecast-{digest.hexdigest()[:32]}"


def _whole(arrays: Mapping[str, npt.NDArray[Any]], n: int) -> bool:
    found = [np.asarray(arrays.get(field.name)) for field in fields(Forecasts)]
    return all(array.dtype == np.float64 and array.shape == (n,) and np.isfinite(array).all() for array in found)


def space_of(predictor: Predictor, materials: Sequence[Material], error: FloatArray) -> tuple[Space, FloatArray]:
    """Return how candidates are compared, and the hyper-parameters before any of them is measured.

    Which materials are alike, the model's own Gaussian process has learned where it compares them as campaigns do: its
    lengths are taken then, and the shares of its terms. The variance is 1, in units of the model's own deviation, and
    the noise a laboratory's scatter.
    """
    kind = kind_of(materials)
    terms = PLAIN_TERMS[kind]
    process = predictor.artefact.ensemble.processes.processes.get((CONDUCTIVITY, kind))
    learned = process if process is not None and process.terms == terms else None
    start = np.array(first_hyperparameters(terms) if learned is None else learned.hyperparameters, dtype=np.float64)
    weights = [first for first, _ in term_places(terms)]
    start[weights] -= math.log(prior_variance(terms, start))
    start[-1] = math.log(SCATTER / float(np.median(error)))
    return Space.of(materials, None if learned is None else learned.magpie_scale), start
