"""How alike materials are to a Gaussian process: sums of products over chemically meaningful distances."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from superion.models.distribution import FloatArray
from superion.models.process_features import WIDTHS, Block, Rows, distances
from superion.models.tree_ensemble import Kind

Terms = tuple[tuple[str, ...], ...]
"""The kernel is a sum of terms, each a product over its blocks: alike in one term is alike, in it all must agree.

A term is exp(log weight) times exp(-distance / length) for each of its blocks.
"""

TERMS: Mapping[Kind, Terms] = {
    "formula": (("substituted", "formula_size"), ("substituted_host", "lithium")),
    "cell": (("substituted",), ("substituted_host", "lattice", "lithium")),
}
"""What a process compares materials by. How it was found: docs/ablation.md."""

PLAIN_TERMS: Mapping[Kind, Terms] = {
    "formula": (
        ("composition",),
        ("magpie", "formula_size"),
        ("host", "lithium", "formula_size"),
    ),
    "cell": (
        ("composition",),
        ("magpie", "formula_size"),
        ("host", "amounts", "lattice", "crystal_system"),
        ("composition", "lithium", "formula_size", "crystal_system"),
    ),
}
"""Every element for itself: what processes of artefact format 2 compare materials by, and what campaigns do, which
begin with a few measurements and need to tell all candidates apart."""

KERNELS: Mapping[int, Mapping[Kind, Terms]] = {1: PLAIN_TERMS, 2: TERMS}
"""By the number that a process is kept with. Terms have a new one when the meaning of a block of theirs changes, which
that of `substituted` does with the table of replacements."""


def blocks_of(terms: Terms, reach: float = math.inf) -> tuple[str, ...]:
    """Return the names of the blocks that materials are compared by, each once; a reach is one between compositions."""
    wanted = {name for term in terms for name in term} | (set() if math.isinf(reach) else {"composition"})
    return tuple(name for name in WIDTHS if name in wanted)


def n_hyperparameters(terms: Terms) -> int:
    """Return how many numbers describe kernel and noise."""
    return sum(1 + len(term) for term in terms) + 1


def term_places(terms: Terms) -> list[tuple[int, tuple[str, ...]]]:
    """Return where each term begins in the hyper-parameters, and its blocks."""
    first, places = 0, []
    for term in terms:
        places.append((first, term))
        first += 1 + len(term)
    return places


def prior_variance(terms: Terms, hyperparameters: FloatArray) -> float:
    """Return the variance of the function before any row is seen, in units of the scale squared."""
    return sum(math.exp(hyperparameters[first]) for first, _ in term_places(terms))


def kernel(
    terms: Terms,
    hyperparameters: FloatArray,
    one: Mapping[str, Block],
    other: Mapping[str, Block] | Mapping[str, Rows],
    reach: float = math.inf,
) -> FloatArray:
    """Return the covariance of the function between rows, shape (n_one, n_other), in units of the scale squared."""
    apart = {name: distances(one[name], other[name]) for name in blocks_of(terms, reach)}
    total = np.zeros_like(next(iter(apart.values())))
    for first, term in term_places(terms):
        exponent = np.full_like(total, hyperparameters[first])
        for place, name in enumerate(term, first + 1):
            exponent -= apart[name] * math.exp(-hyperparameters[place])
        total += np.exp(exponent, out=exponent)
    return total if math.isinf(reach) else total * within(apart["composition"], reach)


def within(distance: FloatArray, reach: float) -> FloatArray:
    """Return how far rows at a Hellinger distance speak for one another, 1 at 0: a normal curve as wide as `reach`."""
    return np.exp(-0.5 * np.square(distance / reach))
