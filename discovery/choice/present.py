"""What is known and believed of a campaign's candidates at present: the model's forecast, and the measurements."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superion.discovery.campaigns.state import CampaignState
from superion.discovery.choice.belief import SMALLEST_NOISE, Belief, Places, Space
from superion.discovery.choice.forecasts import Forecasts, Kept, Progress, forecasts, space_of
from superion.discovery.choice.proposal import Known, believe
from superion.models.distribution import FloatArray
from superion.models.predictor import Predictor


@dataclass(frozen=True)
class Believed:
    """Hold what is believed of k candidates, each of shape (k,) [log10(S/cm)]."""

    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    deviation: FloatArray
    """Of a measurement."""


@dataclass(frozen=True)
class Present:
    """Hold what a model says of the candidates of a campaign, and what the campaign makes of it."""

    said: Forecasts
    space: Space
    start: FloatArray
    """Hyper-parameters before anything is measured."""
    known: Known
    belief: Belief

    @classmethod
    def of(cls, state: CampaignState, predictor: Predictor, kept: Kept, progress: Progress) -> Present:
        """Ask a model for its forecasts, or take those that are kept, and condition them on what was measured."""
        materials = [candidate.material for candidate in state.candidates]
        said = forecasts(predictor, materials, state.goal, kept, progress)
        space, start = space_of(predictor, materials, said.error)
        known = known_of(state, said)
        return cls(said, space, start, known, believe(space, said.forecast, known, start))

    def believed(self, places: Places) -> Believed:
        """Return what is believed of candidates.

        The interval is that of the model, moved with the mean and as much narrower or wider as the deviation of a
        measurement is than at the start.
        """
        chosen: npt.NDArray[np.intp] = np.asarray(places, dtype=np.intp)
        mean, spread = self.belief.marginals(chosen)
        deviation = np.hypot(spread, self.belief.noise)
        noise_at_start = self.said.forecast.unit * math.sqrt(math.exp(2.0 * self.start[-1]) + SMALLEST_NOISE)
        factor = deviation / np.hypot(self.said.error[chosen], noise_at_start)
        lower = mean - (self.said.mean[chosen] - self.said.lower[chosen]) * factor
        return Believed(mean, lower, mean + (self.said.upper[chosen] - self.said.mean[chosen]) * factor, deviation)


def known_of(state: CampaignState, said: Forecasts) -> Known:
    """Return what was measured, at the temperature of the goal: with the activation energy that was measured with it,
    else the one that is predicted."""
    measured = [one for one in state.observations if not one.failed]
    places = np.array([state.place[one.candidate] for one in measured], dtype=np.intp)
    energies = said.activation_energy[places]
    values = [
        one.at_temperature(
            state.goal.temperature_C, float(energy) if one.activation_energy is None else one.activation_energy
        )
        for one, energy in zip(measured, energies, strict=True)
    ]
    censored = np.array([one.censored for one in measured], dtype=bool)
    return Known(places, np.array(values, dtype=np.float64), censored)
