"""What to make next: candidates, campaigns, and the experiments that are worth most.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from superion.lazy import lazy_names

if TYPE_CHECKING:
    from superion.discovery.campaigns.state import CampaignState
    from superion.discovery.campaigns.store import CampaignStore
    from superion.discovery.candidates import Candidate, CandidateList, read_candidates
    from superion.discovery.choice.suggesting import Chooser
    from superion.discovery.goal import Goal
    from superion.discovery.report.page import html_report
    from superion.discovery.screening.frame import screen
    from superion.discovery.screening.ranking import best, distinct, pareto
    from superion.discovery.series import Doped, Plan, Series, Substitution, doping_series
    from superion.discovery.swaps import Swap

__all__ = [
    "CampaignState",
    "CampaignStore",
    "Candidate",
    "CandidateList",
    "Chooser",
    "Doped",
    "Goal",
    "Plan",
    "Series",
    "Substitution",
    "Swap",
    "best",
    "distinct",
    "doping_series",
    "html_report",
    "pareto",
    "read_candidates",
    "screen",
]

_HOME = {
    "CampaignState": "campaigns.state",
    "CampaignStore": "campaigns.store",
    "Candidate": "candidates",
    "CandidateList": "candidates",
    "Chooser": "choice.suggesting",
    "Doped": "series",
    "Goal": "goal",
    "Plan": "series",
    "Series": "series",
    "Substitution": "series",
    "Swap": "swaps",
    "best": "screening.ranking",
    "distinct": "screening.ranking",
    "doping_series": "series",
    "html_report": "report.page",
    "pareto": "screening.ranking",
    "read_candidates": "candidates",
    "screen": "screening.frame",
}

__getattr__ = lazy_names(__name__, _HOME)
