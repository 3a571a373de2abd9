"""From a campaign as it stands to the next batch: the candidates, and why each of them."""

from __future__ import annotations

import numpy as np

from superion.discovery.campaigns.state import CampaignState, Choice, NothingLeft
from superion.discovery.choice.asked import Asked
from superion.discovery.choice.conditions import allowed
from superion.discovery.choice.forecasts import InMemory, Kept, Progress
from superion.discovery.choice.present import Present
from superion.discovery.choice.proposal import propose
from superion.discovery.choice.stabilities import Stabilities
from superion.discovery.choice.telling import reasons_of
from superion.errors import InvalidValue
from superion.models.predictor import Predictor

MOST = 1000
"""Largest batch."""


def _silent(done: int, total: int) -> None:
    """Tell nobody."""


class Chooser:
    """Choose the next batch of a campaign with a trained model; call it with the campaign as it stands."""

    def __init__(
        self,
        predictor: Predictor,
        n: int,
        *,
        seed: int = 0,
        kept: Kept | None = None,
        progress: Progress | None = None,
        readable: frozenset[str] | None = None,
    ) -> None:
        """Keep what a batch is chosen with.

        `kept` keeps what the model says of the candidates from one call to the next, `progress` is told how many of
        them it has answered for; `readable` are the uploaded data sets whose rows may be shown as nearest, None for
        all. Raises InvalidValue for a number of suggestions out of range.
        """
        if not 1 <= n <= MOST:
            raise InvalidValue(f"a batch has 1 to {MOST} suggestions, not {n}", field="number", value=n)
        self._predictor = predictor
        self._n = n
        self._seed = seed
        self._kept: Kept = InMemory() if kept is None else kept
        self._progress = progress or _silent
        self._readable = readable

    def __call__(self, state: CampaignState) -> tuple[Choice, ...]:
        """Return the batch, with fewer than asked for where fewer are left.

        Raises NothingLeft where no candidate is left, or none that may meet the conditions of the goal.
        """
        goal = state.goal
        formulas = [candidate.material.formula for candidate in state.candidates]
        left = np.array(state.left, dtype=np.intp)
        state.check_left()
        left = left[allowed([formulas[place] for place in left], goal)]
        if not len(left):
            raise NothingLeft(
                f"every candidate that is left holds one of {', '.join(goal.avoid)}, which the goal avoids",
                field="avoid",
                value=",".join(goal.avoid),
            )
        present = Present.of(state, self._predictor, self._kept, self._progress)
        stabilities = Stabilities(formulas, goal.confidence, self._kept)
        asked = Asked.of(state, present.belief, left, stabilities, self._progress)
        proposal = propose(
            present.space,
            present.said.forecast,
            present.known,
            asked.left,
            np.array([state.place[one.candidate] for one in state.pending], dtype=np.intp),
            [candidate.family for candidate in state.candidates],
            asked.conditions,
            goal,
            self._n,
            self._seed,
            present.start,
        )
        told = reasons_of(state, present, asked, proposal, stabilities, self._predictor, self._readable)
        stabilities.keep()
        version = self._predictor.model.version
        return tuple(
            Choice(state.candidates[place].id, reasons.as_dict(), version)
            for place, reasons in zip(proposal.places, told, strict=True)
        )
