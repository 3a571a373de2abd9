"""Why each candidate of a batch was chosen, in numbers."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from superion.discovery.advice.flags import flags_of
from superion.discovery.advice.reasons import (
    AcquisitionValue,
    BestSoFar,
    ModelBelief,
    Predicted,
    ReactionEnergy,
    Reasons,
)
from superion.discovery.campaigns.state import CampaignState
from superion.discovery.choice.asked import Asked
from superion.discovery.choice.belief import Places
from superion.discovery.choice.conditions import AgainstLithium, prices
from superion.discovery.choice.nearest import Nearest
from superion.discovery.choice.present import Present
from superion.discovery.choice.proposal import Known, Proposal
from superion.discovery.choice.stabilities import Stabilities
from superion.errors import Unavailable
from superion.models.distribution import FloatArray
from superion.models.predictor import Predictor


def reasons_of(
    state: CampaignState,
    present: Present,
    asked: Asked,
    proposal: Proposal,
    stabilities: Stabilities,
    predictor: Predictor,
    readable: frozenset[str] | None,
) -> list[Reasons]:
    """Return why each candidate of a proposal was chosen, in its order; `readable` as in `Domain.nearest`.

    The predictor is asked where they lie against what it was trained on.
    """
    goal, places = state.goal, np.array(proposal.places, dtype=np.intp)
    chosen = [state.candidates[place] for place in proposal.places]
    believed, said = present.believed(places), present.said
    best = _best_so_far(state, present.known)
    chance = None if best is None else ndtr((believed.mean - best.log10_S_per_cm) / believed.deviation)
    energies = _energies(state, stabilities, places)
    stable = None if energies is None else energies.chance_above(goal.reaction_energy_above)
    price = prices([candidate.material.formula for candidate in chosen])
    inside = predictor.inside([candidate.material for candidate in chosen])
    nearest = Nearest(predictor.artefact.domain, state, readable)
    found = []
    for i, (place, candidate) in enumerate(zip(proposal.places, chosen, strict=True)):
        formula = candidate.material.formula
        found.append(
            Reasons(
                predicted=Predicted(
                    *_interval(believed.mean, believed.lower, believed.upper, at=i),
                    goal.confidence,
                    goal.temperature_C,
                ),
                model=ModelBelief(*_interval(said.mean, said.lower, said.upper, at=place)),
                chance_best=None if chance is None else float(chance[i]),
                best_so_far=best,
                chance_stable=None if stable is None else float(stable[i]),
                reaction_energy_eV_per_atom=None
                if energies is None
                else ReactionEnergy(*_interval(energies.mean, energies.lower, energies.upper, at=i)),
                chance_synthesis=float(asked.synthesis[place]),
                chance_feasible=float(asked.met[place] * asked.synthesis[place]),
                teaches=float(np.clip(proposal.teaches[i], 0.0, 1.0)),
                price_USD_per_kg=float(price[i]) if np.isfinite(price[i]) else None,
                nearest=nearest.of(formula),
                family=candidate.family,
                in_domain=inside[i],
                flags=flags_of(formula),
                acquisition=AcquisitionValue(proposal.acquisition, float(proposal.values[i])),
            )
        )
    return found


def _interval(mean: FloatArray, lower: FloatArray, upper: FloatArray, *, at: int) -> tuple[float, float, float]:
    return float(mean[at]), float(lower[at]), float(upper[at])


def _energies(state: CampaignState, stabilities: Stabilities, places: Places) -> AgainstLithium | None:
    try:
        return stabilities.of(places)
    except Unavailable:
        # Where the goal does not ask for it, its networks need not be there.
        if state.goal.stability != "ignore":
            raise
        return None


def _best_so_far(state: CampaignState, known: Known) -> BestSoFar | None:
    value = known.best
    if value is None:
        return None
    at = int(np.flatnonzero(~known.censored & (known.values == value))[0])
    best = state.candidates[known.places[at]]
    return BestSoFar(best.id, str(best.material.formula), value)
