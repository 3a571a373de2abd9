"""What a goal asks of the candidates that are left, worked out no further than a batch needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superion.discovery.campaigns.state import CampaignState, NothingLeft
from superion.discovery.choice.belief import Belief
from superion.discovery.choice.conditions import allowed, chance_of_synthesis, prices
from superion.discovery.choice.forecasts import Progress
from superion.discovery.choice.proposal import LISTED, OPTIMISM, Conditions
from superion.discovery.choice.stabilities import Stabilities
from superion.models.distribution import FloatArray

Places = npt.NDArray[np.intp]

AT_ONCE = 4000
"""Candidates whose stability is asked for together, the most promising first, until enough meet the conditions."""
LEAST_PRICE = 1e-6
"""Below it prices are told apart no more, so that each has a logarithm [US dollars per kg]."""
_ANY_PRICE = np.finfo(np.float64).max
"""What any price is below; without one it is infinite."""


@dataclass(frozen=True)
class Asked:
    """Hold the candidates that may be suggested, and how likely each is to meet the conditions."""

    left: Places
    """Places of those that may be."""
    conditions: Conditions
    """Of all candidates; of those that were not looked at the chance is 0."""
    met: FloatArray
    """Shape (n,): chance that the conditions of the goal are met, if it can be made."""
    synthesis: FloatArray
    """Shape (n,): chance that each can be made."""

    @classmethod
    def of(
        cls, state: CampaignState, belief: Belief, left: Places, stabilities: Stabilities, progress: Progress
    ) -> Asked:
        """Look at candidates, the most promising first; `progress` is told how many stabilities were worked out.

        Raises NothingLeft where none of them is likely enough to meet the conditions.
        """
        goal, n = state.goal, len(state.candidates)
        formulas = [candidate.material.formula for candidate in state.candidates]
        # What is to be improved on was measured or is in the furnace, as far as it meets the conditions.
        beside = np.setdiff1d(np.arange(n), state.left)
        both = np.concatenate([left, beside])
        met = np.zeros(n)
        met[both] = allowed([formulas[place] for place in both], goal)
        synthesis = _synthesis(state, belief)
        price = np.full(n, np.inf)
        if goal.cost != "ignore":
            price[both] = prices([formulas[place] for place in both])
            dearest = goal.cost_below if goal.cost == "constraint" and goal.cost_below is not None else _ANY_PRICE
            met[price > dearest] = 0.0
        sought: list[tuple[FloatArray, FloatArray]] = []
        if goal.stability == "objective":
            # A front needs them all: what conducts badly may be the most stable.
            wanted = both[met[both] > 0.0]
            energies = stabilities.of(wanted)
            sought.append((_spread(n, wanted, energies.mean), _spread(n, wanted, energies.deviation)))
        elif goal.stability == "constraint":
            looked = _looked_at(state, belief, left[met[left] > 0.0], stabilities, progress, every=goal.pareto)
            looked = np.concatenate([looked, beside])
            chance = np.zeros(n)
            chance[looked] = stabilities.of(looked).chance_above(goal.reaction_energy_above)
            met *= chance
        if goal.cost == "objective":
            priced = np.flatnonzero(np.isfinite(price))
            sought.append((_spread(n, priced, -np.log10(np.maximum(price[priced], LEAST_PRICE))), np.zeros(n)))
        # Before any synthesis failed there is nothing to tell candidates apart by.
        feasible = met * synthesis if any(one.failed for one in state.observations) else met
        likely = left[feasible[left] >= max(goal.least_chance, 1e-12)]
        if not len(likely):
            raise NothingLeft(
                f"none of the {len(left)} candidates left meets the conditions with a chance of {goal.least_chance:g} "
                f"or more; the likeliest has {feasible[left].max():.2g}",
                field="least_chance",
                value=goal.least_chance,
            )
        means, deviations = np.array(sought, dtype=np.float64).reshape(-1, 2, n).transpose(1, 0, 2)
        return cls(likely, Conditions(feasible, means, deviations), met, synthesis)


def _spread(n: int, places: Places, values: FloatArray) -> FloatArray:
    """Return values at their places among n, and their lowest elsewhere, where it is not looked."""
    spread = np.full(n, values.min() if len(values) else 0.0)
    spread[places] = values
    return spread


def _synthesis(state: CampaignState, belief: Belief) -> FloatArray:
    """Return the chance that each candidate can be made, shape (n,); what was measured was made."""

    def places(*, failed: bool) -> Places:
        return np.array(
            [state.place[one.candidate] for one in state.observations if one.failed == failed], dtype=np.intp
        )

    chance = chance_of_synthesis(belief.space, places(failed=False), places(failed=True))
    chance[places(failed=False)] = 1.0
    return chance


def _looked_at(
    state: CampaignState,
    belief: Belief,
    left: Places,
    stabilities: Stabilities,
    progress: Progress,
    *,
    every: bool,
) -> Places:
    """Ask for the stability of candidates, the most promising first, until enough are stable; returns which."""
    goal = state.goal
    mean, deviation = belief.marginals(left)
    order = left[np.argsort(-(mean + OPTIMISM * deviation), kind="stable")]
    done = enough = 0
    while done < len(order) and (every or enough < LISTED):
        some = order[done : done + AT_ONCE]
        chance = stabilities.of(some).chance_above(goal.reaction_energy_above)
        enough += int((chance >= goal.least_chance).sum())
        done += len(some)
        progress(done, len(order))
    return order[:done]
