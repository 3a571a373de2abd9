"""The steps of a campaign that write: each checks and writes within a block that others of the campaign wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from superion.discovery.campaigns import schema as tables
from superion.discovery.campaigns.observing import Report, contradiction
from superion.discovery.campaigns.rows import (
    add_event,
    kept_form,
    next_number,
    now,
    offered,
    read_observations,
    read_suggestions,
    write_observations,
    write_suggestions,
)
from superion.discovery.campaigns.state import CampaignState, Choice, Event, NothingLeft, Observation, Suggestion
from superion.discovery.campaigns.undoing import follow_observations, set_status
from superion.errors import InvalidFormula, InvalidValue, NotFound, SuperionError
from superion.featurizers.formula import Formula


class FaultyReports(InvalidValue):
    """Report that of several reports some cannot be recorded, so that none is."""

    def __init__(self, faults: Sequence[tuple[int, SuperionError]], n: int) -> None:
        self.faults = tuple(faults)
        """Place of each, from 0, and what is wrong with it."""
        place, first = self.faults[0]
        message = f"{len(faults)} of {n} reports cannot be recorded, so that none is; the first, {place + 1}: {first}"
        super().__init__(message, field="observations", value=place)


@dataclass(frozen=True)
class Place:
    """Name a candidate in the database."""

    place: int
    id: str


def check_choices(state: CampaignState, choices: Sequence[Choice]) -> None:
    """Raise InvalidValue for choices that cannot be suggested: unknown, named twice, pending or observed.

    Raises NothingLeft where there is none.
    """
    if not choices:
        raise NothingLeft(
            f"none of the {len(state.left)} candidates that are left meets the conditions of the goal", field="name"
        )
    left, seen = set(state.left), set()
    for choice in choices:
        place = state.place.get(choice.candidate)
        if place is None or place not in left or place in seen:
            raise InvalidValue(
                f"the choice {choice.candidate!r} is no candidate that is left, or was chosen twice",
                field="candidate",
                value=choice.candidate,
            )
        seen.add(place)


def record_choices(
    connection: Connection,
    campaign: Row[Any],
    state: CampaignState,
    choices: Sequence[Choice],
    by: str,
    request: Mapping[str, Any],
) -> tuple[Suggestion, ...]:
    """Write a batch of suggestions that were chosen on this very state."""
    at = now()
    number = next_number(connection, tables.suggestions, campaign.id)
    batch = next_number(connection, tables.suggestions, campaign.id, "batch")
    made = tuple(
        Suggestion(number + index, batch, one.candidate, "pending", one.model_version, one.reasons, by, at)
        for index, one in enumerate(choices)
    )
    write_suggestions(connection, campaign.id, [(state.place[one.candidate], one) for one in made])
    detail = {
        "batch": batch,
        "suggestions": [one.number for one in made],
        "candidates": [one.candidate for one in made],
        "models": sorted({one.model_version for one in made}),
        "request": dict(request),
    }
    add_event(connection, campaign, "suggest", by, at, detail)
    return made


def record_reports(
    connection: Connection, campaign: Row[Any], reports: Sequence[Report], by: str
) -> tuple[Observation, ...]:
    """Write observations, all or none; raises FaultyReports."""
    at = now()
    number = next_number(connection, tables.observations, campaign.id)
    recorded: list[Observation] = []
    places: list[int] = []
    faults: list[tuple[int, SuperionError]] = []
    for index, report in enumerate(reports):
        try:
            found = find_candidate(connection, campaign, report.candidate)
            made = replace(report.checked(), candidate=found.id, by=by, at=at, number=number + len(recorded))
            _check_asked(connection, campaign, found, report)
            standing = () if report.repeat else read_observations(connection, campaign.id, place=found.place)
            why = contradiction(made, standing)
            if why is not None:
                raise InvalidValue(
                    f"{why}; or record it beside the other as a repeat", field="value", value=report.value
                )
        except SuperionError as error:
            faults.append((index, error))
            continue
        write_observations(connection, campaign.id, [(found.place, made)])
        recorded.append(made)
        places.append(found.place)
    if faults:
        raise FaultyReports(faults, len(reports))
    closed = follow_observations(connection, campaign.id, places)
    detail = {
        "observations": [one.number for one in recorded],
        "candidates": sorted({one.candidate for one in recorded}),
        "values": ["failed" if one.failed else one.given for one in recorded],
        "closed": list(closed),
        "unasked": any(report.unasked for report in reports),
        "repeat": any(report.repeat for report in reports),
    }
    add_event(connection, campaign, "observe", by, at, detail)
    return tuple(recorded)


def find_candidate(connection: Connection, campaign: Row[Any], named: str) -> Place:
    """Return the candidate that an id names, else the only one of that composition.

    Raises NotFound, with ids that are near, for what names none, InvalidValue for a formula of several.
    """
    columns = tables.candidates.c
    mine = select(columns.place, columns.id).where(columns.campaign == campaign.id)
    found = connection.execute(mine.where(columns.id == kept_form(named))).first()
    if found is not None:
        return Place(found.place, found.id)
    try:
        composition = Formula.parse(kept_form(named)).canonical
    except InvalidFormula:
        composition = ""
    same = connection.execute(mine.where(columns.composition == composition).order_by(columns.place)).all()
    if len(same) == 1:
        return Place(same[0].place, same[0].id)
    if same:
        names = ", ".join(repr(row.id) for row in same[:5])
        raise InvalidValue(
            f"{len(same)} candidates of {campaign.name} are {named}: name one by its id, such as {names}",
            field="candidate",
            value=named,
        )
    ids = connection.execute(select(columns.id).where(columns.campaign == campaign.id)).scalars().all()
    raise NotFound(
        f"{named!r} is no candidate of {campaign.name}{offered(kept_form(named), ids)}", field="candidate", value=named
    )


def withdraw_suggestions(
    connection: Connection, campaign: Row[Any], numbers: Sequence[int], by: str, reason: str
) -> Event:
    """Take suggestions back that are pending; raises NotFound and InvalidValue."""
    known = {one.number: one for one in read_suggestions(connection, campaign.id)}
    for number in numbers:
        if number not in known:
            raise NotFound(f"{campaign.name} has no suggestion {number}", field="suggestion", value=number)
        if known[number].status != "pending":
            raise InvalidValue(
                f"suggestion {number} ({known[number].candidate}) is not pending but {known[number].status}",
                field="suggestion",
                value=number,
            )
    set_status(connection, campaign.id, numbers, "withdrawn")
    detail = {
        "suggestions": list(numbers),
        "candidates": [known[number].candidate for number in numbers],
        "reason": reason,
    }
    return add_event(connection, campaign, "withdraw", by, now(), detail)


def _check_asked(connection: Connection, campaign: Row[Any], found: Place, report: Report) -> None:
    if report.unasked:
        return
    columns = tables.suggestions.c
    asked = exists().where(
        columns.campaign == campaign.id, columns.candidate == found.place, columns.status != "undone"
    )
    if not connection.execute(select(asked)).scalar():
        raise InvalidValue(
            f"{found.id!r} was never suggested; to record it all the same, say that it was unasked "
            "(unasked=True, on the command line --unasked)",
            field="unasked",
            value=found.id,
        )
