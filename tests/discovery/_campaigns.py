"""Campaigns that the tests make."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from superion.discovery.campaigns.state import CampaignState, Choice
from superion.discovery.candidates import Candidate, CandidateList
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training.families import anion_family

FORMULAS = ("Li6PS5Cl", "Li6PS5Br", "Li6PS5I", "Li7La3Zr2O12", "Li3YCl6", "Li3InCl6", "Li10GeP2S12", "LiI")


def candidate(formula: str, name: str | None = None) -> Candidate:
    """Return a candidate of a formula, named by it unless told otherwise."""
    read = Formula.parse(formula)
    return Candidate(formula if name is None else name, Material(read), anion_family(read))


def candidates(*formulas: str) -> CandidateList:
    """Return candidates of formulas."""
    return CandidateList("test", tuple(map(candidate, formulas or FORMULAS)), digest="0" * 64)


def first(n: int) -> Callable[[CampaignState], Sequence[Choice]]:
    """Return a chooser of the first candidates that are left."""

    def choose(state: CampaignState) -> Sequence[Choice]:
        return [Choice(state.candidates[place].id, {"text": "it stands first"}, "1") for place in state.left[:n]]

    return choose


def these(*names: str) -> Callable[[CampaignState], Sequence[Choice]]:
    """Return a chooser of candidates by their ids."""
    return lambda state: [Choice(name, {"text": "it was asked for"}, "1") for name in names]
