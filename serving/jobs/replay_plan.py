"""The plan of a simulation as it is asked for over HTTP, read without what the strategies import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from superion.discovery.goal import Goal
from superion.discovery.retrospective.plan import Plan

MOST_PROCESSES = 2
"""That replay side by side; each is at work on one core, and predictions go before them."""


def plan_of(request: Mapping[str, Any]) -> Plan:
    """Return the plan of what was asked for; raises InvalidValue for one that cannot be."""
    goal = {name: request[name] for name in ("acquisition", "kappa", "most_of_a_family") if request[name] is not None}
    return Plan(
        **{name: request[name] for name in ("batch", "rounds", "start", "seeds", "top", "hold_out")},
        goal=Goal.from_dict(goal),
        names=tuple(dict.fromkeys(request["strategies"])),
        workers=min(MOST_PROCESSES, os.cpu_count() or 1),
    )
