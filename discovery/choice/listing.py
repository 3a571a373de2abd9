"""A list of candidates to choose from, and what is believed of all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from superion.models.distribution import FloatArray

JITTER = 1e-6
"""Added to variances, in their units squared, so that the covariance of alike candidates can be factored."""


@dataclass(frozen=True)
class Listing:
    """Hold what is believed of a list of k candidates, those to choose from and those that matter beside them."""

    mean: FloatArray
    """Shape (k,): log10(S/cm)."""
    covariance: FloatArray
    """Shape (k, k), without noise."""
    noise: FloatArray
    """Shape (k,): standard deviation of a measurement."""
    feasible: FloatArray
    """Shape (k,): chance that all conditions are met, 0 to 1."""
    choices: npt.NDArray[np.intp]
    """Numbers of those that may be chosen."""
    families: Sequence[str]
    """Of all k."""
    pending: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """Numbers of those that are in the furnace."""
    measured: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """Numbers of those that were measured, the best of them at least."""
    others: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """Shape (n_others, k): mean of what else is to be high."""
    other_deviations: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """Shape (n_others, k): its standard deviation."""


def conditioned(listing: Listing, taken: Sequence[int]) -> Listing:
    """Return the listing after experiments whose results are as expected."""
    covariance = listing.covariance
    for number in taken:
        column = covariance[:, number]
        left = column[number] + listing.noise[number] ** 2 + JITTER
        covariance = covariance - np.outer(column, column) / left
    return replace(listing, covariance=covariance)


def worth(listing: Listing, kappa: float) -> Listing:
    """Return what candidates are worth in place of their conductivity: what it is above the lowest, times the chance
    that the conditions are met."""
    if (listing.feasible >= 1.0).all():
        return listing
    lowest = (listing.mean - kappa * np.sqrt(np.clip(np.diag(listing.covariance), 0.0, None))).min()
    return replace(
        listing,
        mean=listing.feasible * (listing.mean - lowest),
        covariance=listing.covariance * np.outer(listing.feasible, listing.feasible),
        noise=listing.noise * listing.feasible,
    )


def removed_variance(listing: Listing) -> FloatArray:
    """Return the share of the variance over the choices that measuring each would remove, shape (k,), 0 to 1."""
    own = np.clip(np.diag(listing.covariance), 0.0, None)
    removed = np.square(listing.covariance[listing.choices]).sum(axis=0) / (own + np.square(listing.noise) + JITTER)
    return np.asarray(removed / max(float(own[listing.choices].sum()), JITTER), dtype=np.float64)
