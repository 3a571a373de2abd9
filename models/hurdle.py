"""What decides whether a formula conducts at all before it says how well: two Gaussian processes and a level.

Source: J. G. Cragg, Some statistical models for limited dependent variables with application to the demand for durable
goods, Econometrica 39, 829 (1971), doi:10.2307/1909582. Whether a row insulates is regressed, as a least-squares
classifier does (C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press (2006), section
6.5), so that both processes answer in closed form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from superion.errors import InvalidArtefact
from superion.models.described import Described
from superion.models.distribution import N_DRAWS, Belief, FloatArray, even_quantiles
from superion.models.gaussian_process import GaussianProcess
from superion.models.material import Material

INSULATOR_BELOW = -9.0
"""log10(S/cm) below which a material counts as an insulator: it conducts less than an electrolyte can use."""

INSULATES, CONDUCTS, LEVELS = "insulates", "conducts", "levels"
"""What the arrays of its parts are named after."""


@dataclass(frozen=True)
class Hurdle:
    """Hold what was learned of insulators and of conductors apart, from formulas."""

    insulates: GaussianProcess
    """Learned 1 from an insulator and 0 from any other row."""
    conducts: GaussianProcess
    """Learned log10(S/cm) from the rows that are no insulators."""
    levels: FloatArray
    """Shape (n_draws,): log10(S/cm) of the insulators, evenly from the smallest to the largest. How far below the
    hurdle one of them lies is chance and the limit of an instrument, so none is told from another."""

    def __post_init__(self) -> None:
        if self.levels.shape != (N_DRAWS,) or not np.isfinite(self.levels).all():
            raise InvalidArtefact("the levels of a hurdle are not as many finite numbers", field="weights.safetensors")

    def predict(self, materials: Sequence[Material], n_members: int) -> Belief:
        """Return what is believed of log10(S/cm) of n materials by their formulas."""
        materials = Described.of(materials)
        insulates, conducts = self.insulates.predict(materials), self.conducts.predict(materials)
        share = np.clip(insulates.middle, 0.0, 1.0)
        level = self.levels.mean()
        mean = share * level + (1.0 - share) * conducts.middle
        epistemic = np.hypot((1.0 - share) * conducts.epistemic, (level - conducts.middle) * insulates.epistemic)
        return Belief(
            mean + even_quantiles(n_members)[:, None] * epistemic,
            self._draws(share, conducts.middle, np.hypot(conducts.epistemic, conducts.noise)),
        )

    def _draws(self, share: FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """Return draws, shape (n_draws, n), of which a share (n,) are levels and the others those of a conductor."""
        place = np.arange(N_DRAWS)[:, None] + 0.5
        n_levels = np.round(share * N_DRAWS)
        insulates = place < n_levels
        # Both parts are spread evenly over their own draws, so that none is favoured where few are taken.
        of_levels = np.where(insulates, place / np.maximum(n_levels, 1.0) * N_DRAWS, 0.5)
        of_conductors = np.where(insulates, 0.5, (place - n_levels) / np.maximum(N_DRAWS - n_levels, 1.0))
        return np.where(insulates, self.levels[of_levels.astype(np.int64)], mean + ndtri(of_conductors) * deviation)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays to keep, by name."""
        parts = ((INSULATES, self.insulates), (CONDUCTS, self.conducts))
        found = {f"{part}.{name}": array for part, process in parts for name, array in process.tensors().items()}
        return found | {LEVELS: self.levels}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, npt.NDArray[Any]]) -> Hurdle:
        """Put a hurdle together from its arrays; raises InvalidArtefact when they are not those of one."""

        def process(part: str) -> GaussianProcess:
            prefix = f"{part}."
            own = {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
            return GaussianProcess.from_tensors("formula", own)

        if {name.partition(".")[0] for name in tensors} != {INSULATES, CONDUCTS, LEVELS} or LEVELS not in tensors:
            raise InvalidArtefact(
                f"a hurdle has the parts {INSULATES}, {CONDUCTS} and {LEVELS}, not {', '.join(sorted(tensors))}",
                field="weights.safetensors",
            )
        return cls(process(INSULATES), process(CONDUCTS), np.asarray(tensors[LEVELS], dtype=np.float64))
