"""Campaigns in a database: what could be made, what is in the furnace, what was measured, and who did what when.

Every step is in the audit and can be undone; nothing is deleted. Several people, threads and programs may work on one
campaign: what one is suggested, no other is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray
from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from superion.discovery.campaigns.creation import NewCampaign, new_campaign, write_campaign
from superion.discovery.campaigns.database import CampaignDatabase
from superion.discovery.campaigns.export import Exported, exported
from superion.discovery.campaigns.kept_arrays import packed, read_arrays, write_arrays
from superion.discovery.campaigns.observing import Report
from superion.discovery.campaigns.rows import (
    add_event,
    each,
    find_campaign,
    now,
    person,
    plain_text,
    read_candidates,
    read_events,
    read_observations,
    read_suggestions,
)
from superion.discovery.campaigns.state import CampaignState, Choice, Event, NothingLeft, Observation, Suggestion
from superion.discovery.campaigns.steps import (
    FaultyReports,
    check_choices,
    record_choices,
    record_reports,
    withdraw_suggestions,
)
from superion.discovery.campaigns.summaries import CampaignSummary, summaries
from superion.discovery.campaigns.undoing import undo as undo_step
from superion.discovery.candidates import Candidate, CandidateList
from superion.discovery.goal import Goal
from superion.errors import InvalidValue, Unavailable
from superion.training.table import MeasurementTable

__all__ = ["CampaignStore", "CampaignSummary", "FaultyReports", "Kept", "NewCampaign", "NothingLeft", "Report"]

ATTEMPTS = 5
"""How often a batch is chosen anew because the campaign changed meanwhile."""
MOST_CAMPAIGNS_IN_MEMORY = 4
"""Campaigns whose candidates, which never change, are not read again."""


class _Changed(Exception):
    """Report that a campaign is no longer as it was when a batch was chosen."""


class CampaignStore:
    """Keep campaigns in a database; threads may share a store.

    Every method raises Unavailable for a database that does not answer, NotFound for a campaign that there is not, with
    names that are near.
    """

    def __init__(self, database: CampaignDatabase) -> None:
        self._database = database
        self._candidates: dict[tuple[int, str], tuple[Candidate, ...]] = {}
        self._lock = Lock()

    @classmethod
    def open(cls, url: str | None = None) -> Self:
        """Open the database that `url` names, else `SUPERION_CAMPAIGNS`, else `campaigns.db` under `SUPERION_HOME`.

        SQLite and PostgreSQL are understood, as SQLAlchemy writes them. Raises InvalidValue for another URL,
        MissingDependency without the driver, and Unavailable for a database that cannot be opened or is of a newer
        superion.
        """
        return cls(CampaignDatabase.open(url))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def create(
        self,
        name: str,
        goal: Goal,
        candidates: CandidateList,
        *,
        measured: MeasurementTable | None = None,
        by: str,
    ) -> NewCampaign:
        """Make a campaign.

        Rows of `measured` whose material is a candidate become observations: the same composition, and the same
        structure where both have one. Other rows become candidates of their own that are observed, since the model is
        to know of them; the notes of the result tell which. Raises InvalidValue for a name that is taken or not made of
        1 to 64 letters, digits, `.`, `_` and `-`, and for candidates that are none.
        """
        made, observed, detail = new_campaign(name, goal, candidates, measured, person(by), now())
        with self._database.writing() as connection:
            write_campaign(connection, made, observed, detail)
        return made

    def list(self) -> tuple[CampaignSummary, ...]:
        """Return what there is, oldest first."""
        with self._database.reading() as connection:
            return summaries(connection)

    def state(self, name: str) -> CampaignState:
        """Return a campaign as it stands, of one moment."""
        with self._database.reading() as connection:
            row = find_campaign(connection, name)
            return CampaignState(
                name=row.name,
                goal=Goal.from_dict(json.loads(row.goal)),
                revision=row.revision,
                candidates=self._candidates_of(connection, row),
                observations=read_observations(connection, row.id),
                suggestions=read_suggestions(connection, row.id),
                created_by=row.created_by,
                created_at=datetime.fromisoformat(row.created_at),
            )

    def suggest(
        self,
        name: str,
        choose: Callable[[CampaignState], Sequence[Choice]],
        *,
        by: str,
        request: Mapping[str, Any] | None = None,
    ) -> tuple[Suggestion, ...]:
        """Suggest the candidates that `choose` chooses, which are pending from then on.

        `choose` may take its time: nobody waits for it, and it is asked again where the campaign has changed meanwhile,
        so that it knows of what others are making. `request` is kept in the audit. Raises NothingLeft, an InvalidValue,
        where nothing can be suggested; InvalidValue for a choice that cannot be; Unavailable where the campaign changed
        in each of five attempts.
        """
        by = person(by)
        for _ in range(ATTEMPTS):
            state = self.state(name)
            state.check_left()
            choices = tuple(choose(state))
            check_choices(state, choices)
            try:
                with self._database.writing() as connection:
                    campaign = find_campaign(connection, name, lock=True)
                    if campaign.revision != state.revision:
                        raise _Changed
                    try:
                        return record_choices(connection, campaign, state, choices, by, request or {})
                    except IntegrityError as error:
                        raise _Changed from error
            except _Changed:
                continue
        raise Unavailable(
            f"others changed the campaign {name} {ATTEMPTS} times while the next experiments were chosen; try again",
            field="name",
            value=name,
        )

    def observe(
        self,
        name: str,
        *,
        candidate: str,
        value: str | float | None = None,
        unit: str | None = None,
        temperature_C: float = 25.0,  # noqa: N803 - the name that clients write
        activation_energy_eV: float | None = None,  # noqa: N803
        kind: str | None = None,
        source: str | None = None,
        note: str | None = None,
        failed: bool = False,
        by: str,
        unasked: bool = False,
        repeat: bool = False,
    ) -> Observation:
        """Record what became of an experiment, and close its suggestion.

        `value` is a number or text such as `1.2e-3`, `1.2 mS/cm` or `<1e-10`, in `unit`: S/cm, mS/cm and the like, or
        log10(S/cm); a plain number is in S/cm. `failed` says that the synthesis failed. `unasked` allows a candidate
        that was never suggested, `repeat` what contradicts or repeats an observation that stands.

        Raises NotFound for an unknown candidate; InvalidValue for a value that cannot be right, a candidate that was
        never suggested, and an observation that contradicts or repeats another.
        """
        report = Report(
            candidate, value, unit, temperature_C, activation_energy_eV, kind, source, note, failed, unasked, repeat
        )
        try:
            return self.observe_all(name, (report,), by=by)[0]
        except FaultyReports as error:
            raise error.faults[0][1] from None

    def observe_all(self, name: str, reports: Sequence[Report], *, by: str) -> tuple[Observation, ...]:
        """Record what became of several experiments in one step, all or none; raises FaultyReports, an InvalidValue."""
        by = person(by)
        if not reports:
            raise InvalidValue("there is nothing to record", field="observations")
        with self._database.writing() as connection:
            return record_reports(connection, find_campaign(connection, name, lock=True), reports, by)

    def withdraw(self, name: str, suggestions: Sequence[int], *, by: str, reason: str = "") -> Event:
        """Take suggestions back that are pending, so that they can be suggested again.

        Raises NotFound for a number that is not known, InvalidValue for a suggestion that is not pending.
        """
        numbers = tuple(each(suggestions, "suggestion"))
        if not numbers:
            raise InvalidValue("name the suggestions that are withdrawn", field="suggestion")
        by, reason = person(by), plain_text("reason", reason, empty=True)
        with self._database.writing() as connection:
            campaign = find_campaign(connection, name, lock=True)
            return withdraw_suggestions(connection, campaign, numbers, by, reason)

    def record_retraining(self, name: str, detail: Mapping[str, Any], *, by: str) -> Event:
        """Put into the audit that a model was trained on what the campaign measured: its run and version."""
        by = person(by)
        with self._database.writing() as connection:
            campaign = find_campaign(connection, name, lock=True)
            return add_event(connection, campaign, "retrain", by, now(), detail)

    def undo(self, name: str, event: int | None = None, *, by: str, reason: str = "") -> Event:
        """Undo a step, the latest that stands unless one is named; an undo that is named brings the step back.

        Raises NotFound for an event that there is not, InvalidValue for one that cannot be undone, with the event that
        stands in the way.
        """
        by, reason = person(by), plain_text("reason", reason, empty=True)
        with self._database.writing() as connection:
            campaign = find_campaign(connection, name, lock=True)
            step = undo_step(connection, campaign.id, event, campaign.revision + 1)
            detail = {
                "event": step.number,
                "action": step.action,
                "candidates": list(step.detail["candidates"]),
                "reason": reason,
            }
            return add_event(connection, campaign, "undo", by, now(), detail)

    def events(self, name: str) -> tuple[Event, ...]:
        """Return the audit, oldest first."""
        with self._database.reading() as connection:
            return read_events(connection, find_campaign(connection, name).id)

    def export_rows(self, name: str) -> Exported:
        """Return the observations that stand as a table that `superion train --data` learns from."""
        return exported(self.state(name))

    def keep_arrays(self, name: str, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays that are dear to compute; the newest four sets of a campaign are kept.

        It is no step of the campaign: neither audit nor revision change. Very large sets are not kept.
        """
        key, content = plain_text("key", key, 200), packed(arrays)
        if content is not None:
            with self._database.writing() as connection:
                write_arrays(connection, find_campaign(connection, name, lock=True).id, key, content)

    def kept_arrays(self, name: str, key: str) -> dict[str, NDArray[Any]] | None:
        """Return arrays that were kept, None for those that are not there or damaged."""
        key = plain_text("key", key, 200)
        with self._database.reading() as connection:
            return read_arrays(connection, find_campaign(connection, name).id, key)

    def kept(self, name: str) -> Kept:
        """Return the arrays that a campaign keeps."""
        return Kept(self, name)

    def _candidates_of(self, connection: Connection, campaign: Row[Any]) -> tuple[Candidate, ...]:
        key = (campaign.id, campaign.created_at)
        with self._lock:
            found = self._candidates.get(key)
        if found is None:
            found = read_candidates(connection, campaign.id)
            with self._lock:
                while len(self._candidates) >= MOST_CAMPAIGNS_IN_MEMORY:
                    del self._candidates[next(iter(self._candidates))]
                self._candidates[key] = found
        return found


@dataclass(frozen=True)
class Kept:
    """Hold the arrays that a campaign keeps, by their keys."""

    store: CampaignStore
    name: str

    def get(self, key: str) -> dict[str, NDArray[Any]] | None:
        """Return a set of arrays, None where there is none."""
        return self.store.kept_arrays(self.name, key)

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a set of arrays."""
        self.store.keep_arrays(self.name, key, arrays)
