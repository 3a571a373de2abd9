"""A campaign as it begins: its name, its candidates, and what was measured of them before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from superion.discovery.campaigns import schema as tables
from superion.discovery.campaigns.measured_rows import Known
from superion.discovery.campaigns.rows import (
    add_event,
    as_json,
    find_campaign,
    plain_text,
    write_candidates,
    write_observations,
)
from superion.discovery.campaigns.state import CampaignState, Observation
from superion.discovery.candidates import Candidate, CandidateList
from superion.discovery.goal import Goal
from superion.errors import InvalidValue
from superion.training.row_materials import RowNote
from superion.training.table import MeasurementTable

KEPT_NOTES = 100
"""Notes on rows that the audit keeps; whoever makes a campaign is told all of them."""
LONGEST_ID = 500
"""Longest id of a candidate [characters]."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_RESERVED = ("simulate",)
"""What stands in the place of a campaign's name in paths of the service."""


@dataclass(frozen=True)
class NewCampaign(CampaignState):
    """Hold a campaign as it was made."""

    notes: tuple[RowNote, ...] = ()
    """What became of the rows of the table of measurements."""


Observed = Sequence[tuple[int, Observation]]
"""Observations, each with the place of its candidate."""


def new_campaign(
    name: str, goal: Goal, candidates: CandidateList, measured: MeasurementTable | None, by: str, at: datetime
) -> tuple[NewCampaign, Observed, dict[str, Any]]:
    """Return a campaign that is about to be made, its observations, and what the audit says of it.

    Raises InvalidValue for a name or candidates that cannot be.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidValue(
            f"a campaign's name has 1 to 64 letters, digits, '.', '_' and '-' and begins with no '.' or '-': not "
            f"{name!r}",
            field="name",
            value=name,
        )
    if name in _RESERVED:
        raise InvalidValue(f"{name!r} is no name of a campaign: it has a meaning of its own", field="name", value=name)
    known = Known(list(candidates.candidates))
    if measured is not None:
        known.add(measured.rows, by, at)
    _check_candidates(known.candidates)
    detail: dict[str, Any] = {
        "goal": goal.as_dict(),
        "n_candidates": len(known.candidates),
        "n_observed": len(known.observed),
        "source": candidates.name,
        "digest": candidates.digest,
        "notes": [str(note) for note in known.notes[:KEPT_NOTES]],
        "n_notes": len(known.notes),
    }
    if measured is not None:
        detail |= {"measured": measured.name, "measured_digest": measured.digest}
    observations = tuple(observation for _, observation in known.observed)
    made = NewCampaign(name, goal, 1, tuple(known.candidates), observations, (), by, at, tuple(known.notes))
    return made, known.observed, detail


def write_campaign(connection: Connection, made: NewCampaign, observed: Observed, detail: Mapping[str, Any]) -> None:
    """Write a new campaign; raises InvalidValue where its name is taken."""
    assert made.created_at is not None
    row = {
        "name": made.name,
        "goal": as_json(made.goal.as_dict(), "goal"),
        "created_by": made.created_by,
        "created_at": made.created_at.isoformat(),
    }
    try:
        connection.execute(insert(tables.campaigns).values(**row, revision=0))
    except IntegrityError as error:
        raise InvalidValue(f"there is a campaign {made.name!r} already", field="name", value=made.name) from error
    campaign = find_campaign(connection, made.name)
    write_candidates(connection, campaign.id, made.candidates)
    write_observations(connection, campaign.id, observed)
    add_event(connection, campaign, "new", made.created_by, made.created_at, detail)


def _check_candidates(candidates: Sequence[Candidate]) -> None:
    if not candidates:
        raise InvalidValue("a campaign needs a candidate", field="candidates")
    seen = set()
    for candidate in candidates:
        plain_text("candidate", candidate.id, LONGEST_ID)
        plain_text("family", candidate.family, LONGEST_ID, empty=True)
        if candidate.id in seen:
            raise InvalidValue(
                f"two candidates have the id {candidate.id!r}; ids must be unique",
                field="candidates",
                value=candidate.id,
            )
        seen.add(candidate.id)
