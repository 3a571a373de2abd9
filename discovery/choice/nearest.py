"""The known materials that are nearest to a candidate: those the model was trained on, and the campaign's own."""

from __future__ import annotations

import numpy as np

from superion.discovery.advice.reasons import NearestMaterial
from superion.discovery.campaigns.state import CampaignState
from superion.featurizers.formula import Formula
from superion.models.domain import N_NEAREST, Domain, fraction_vectors


class Nearest:
    """Find known materials near to formulas."""

    def __init__(self, domain: Domain, state: CampaignState, readable: frozenset[str] | None) -> None:
        """Prepare the measured candidates of a campaign; `readable` as in `Domain.nearest`."""
        self._domain = domain
        self._readable = readable
        self._own = [
            (state.candidates[state.place[one.candidate]], one)
            for one in state.observations
            if one.log10_conductivity is not None and not one.censored
        ]
        self._fractions = fraction_vectors([candidate.material.formula for candidate, _ in self._own])

    def of(self, formula: Formula) -> tuple[NearestMaterial, ...]:
        """Return the nearest materials to a formula, nearest first."""
        found = [
            NearestMaterial(near.known.formula, near.distance, near.known.measured, near.known.source)
            for near in self._domain.nearest(formula, self._readable)
        ]
        apart = 0.5 * np.abs(self._fractions - fraction_vectors([formula])[0]).sum(axis=1)
        for index in np.argsort(apart, kind="stable")[:N_NEAREST]:
            candidate, observation = self._own[index]
            assert observation.log10_conductivity is not None
            found.append(
                NearestMaterial(
                    str(candidate.material.formula),
                    float(apart[index]),
                    10.0**observation.log10_conductivity,
                    f"this campaign, {candidate.id} at {observation.temperature_c:g} °C",
                )
            )
        return tuple(sorted(found, key=lambda near: near.distance)[:N_NEAREST])
