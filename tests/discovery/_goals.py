"""One goal for each way to choose, and listings that have what a goal needs."""

from __future__ import annotations

from typing import get_args

import numpy as np

from superion.discovery.choice.listing import Listing
from superion.discovery.goal import Acquisition, Goal

from ._beliefs import listing

KINDS = get_args(Acquisition)
PARETO = Goal(cost="objective")
GOALS = [*(Goal(acquisition=kind) for kind in KINDS), PARETO]
NAMES = [*KINDS, "pareto"]


def pair(goal: Goal, k: int = 8, seed: int = 0, **given_fields: object) -> Listing:
    """Return a listing that has what a goal needs: something else to be sought where it is a front."""
    if goal.pareto:
        generator = np.random.default_rng(seed + 100)
        given_fields.setdefault("others", generator.normal(-1.0, 0.5, (1, k)))
        given_fields.setdefault("other_deviations", np.full((1, k), 0.05))
    return listing(k, seed, **given_fields)
