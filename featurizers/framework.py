"""The framework around the mobile ion: how much room each anion takes and how disordered anions and cations are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superion.featurizers.crystal import Crystal
from superion.featurizers.ionic_radii import anions
from superion.featurizers.occupancies import Occupancies, check_ion, count_positions

__all__ = ["Framework", "describe_framework", "framework"]


@dataclass(frozen=True)
class Framework:
    """Hold the descriptors of the positions without the mobile ion, each counted to anions or cations by what it has
    more of.

    The entropies are the means over the positions, parts of a split one together, of -sum(x log x) over what is found
    at a position, vacancies included; 0 in an ordered framework, and where it has no such positions.
    """

    anion_volume: float
    """Cell volume per anion [angstrom^3]; NaN without anions."""
    anion_entropy: float
    """Entropy of the anion positions [Boltzmann constant]."""
    cation_entropy: float
    """Entropy of the positions of other cations [Boltzmann constant]."""


def framework(crystal: Crystal, ion: str = "Li") -> Framework:
    """Describe the framework around `ion`. Raises InvalidValue for an ion that is no element."""
    contents = Occupancies.of(crystal)
    return describe_framework(contents, anions(contents), check_ion(ion))


def describe_framework(contents: Occupancies, is_anion: npt.NDArray[np.bool_], ion: str) -> Framework:
    """Do what `framework` does for contents that are at hand, with their anions marked as `anions` does."""
    n_anions = float((contents.amounts * is_anion).sum())
    without_ions = contents.of_element(ion) == 0.0
    of_anions = (contents.amounts * is_anion).sum(axis=1) > 0.5 * contents.totals
    return Framework(
        contents.volume / n_anions if n_anions > 0.0 else math.nan,
        _mean_entropy(contents, without_ions & of_anions),
        _mean_entropy(contents, without_ions & ~of_anions),
    )


def _mean_entropy(contents: Occupancies, chosen: npt.NDArray[np.bool_]) -> float:
    positions, _, entropy = count_positions(contents, chosen)
    return float((positions * entropy).sum() / max(float(positions.sum()), 1e-300))
