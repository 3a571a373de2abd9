"""The campaigns of a database in a few numbers each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, func, select

from superion.discovery.campaigns import schema as tables


@dataclass(frozen=True)
class CampaignSummary:
    """Hold what a list of campaigns says of one."""

    name: str
    created_by: str
    created_at: datetime
    n_candidates: int
    n_observed: int
    """Candidates with an observation that stands."""
    n_pending: int
    revision: int


def summaries(connection: Connection) -> tuple[CampaignSummary, ...]:
    """Return what there is, oldest first."""
    candidates, observed, made = tables.candidates.c, tables.observations.c, tables.suggestions.c
    everything = select(candidates.campaign, func.count().label("n")).group_by(candidates.campaign)
    measured = select(observed.campaign, func.count(observed.candidate.distinct()).label("n"))
    measured = measured.where(observed.retracted.is_(False)).group_by(observed.campaign)
    waiting = select(made.campaign, func.count().label("n")).where(made.status == "pending").group_by(made.campaign)
    n_candidates = _counts(connection.execute(everything))
    n_observed = _counts(connection.execute(measured))
    n_pending = _counts(connection.execute(waiting))
    return tuple(
        CampaignSummary(
            name=row.name,
            created_by=row.created_by,
            created_at=datetime.fromisoformat(row.created_at),
            n_candidates=n_candidates.get(row.id, 0),
            n_observed=n_observed.get(row.id, 0),
            n_pending=n_pending.get(row.id, 0),
            revision=row.revision,
        )
        for row in connection.execute(select(tables.campaigns).order_by(tables.campaigns.c.id))
    )


def _counts(rows: CursorResult[Any]) -> dict[int, int]:
    return {row.campaign: row.n for row in rows}
