"""Where a campaign stands, as one document: for the command line, and over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from superion.discovery.campaigns.state import CampaignState, Event
from superion.discovery.report.facts import facts_of
from superion.discovery.report.retraining import retraining

LAST_EVENTS = 5
"""Steps that it shows."""


def status_of(state: CampaignState, events: Sequence[Event]) -> dict[str, Any]:
    """Return goal, counts, the best, how the predictions held, what is pending, and whether a retraining pays."""
    found = facts_of(state, events)
    facts = found.as_dict()
    names = ("name", "revision", "goal", "candidates", "measured", "failed", "pending", "left", "best")
    held = facts["foresight"]
    return {
        **{name: facts[name] for name in names},
        "predictions": None if held is None else {**held, "coverage": held["covered"] / held["n"]},
        "retraining": retraining(found).as_dict(),
        "pending_suggestions": facts["next"],
        "last_events": facts["history"][-LAST_EVENTS:],
    }
