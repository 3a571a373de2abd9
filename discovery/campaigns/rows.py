"""Rows of the tables of campaigns as the objects that they stand for, and back."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from superion.discovery.campaigns import schema as tables
from superion.discovery.campaigns.state import Event, Observation, Suggestion, SuggestionStatus
from superion.discovery.campaigns.stored_materials import material_text, read_material
from superion.discovery.candidates import Candidate
from superion.errors import InvalidValue, NotFound, SuperionError, Unavailable

NEAR = 5
"""Most names that a message offers in place of one that is not known."""


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def find_campaign(connection: Connection, name: str, *, lock: bool = False) -> Row[Any]:
    """Return the row of a campaign, held against others until the block ends where `lock`; raises NotFound."""
    statement: Select[Any] = select(tables.campaigns).where(tables.campaigns.c.name == kept_form(name))
    found = connection.execute(statement.with_for_update() if lock else statement).first()
    if found is None:
        names = connection.execute(select(tables.campaigns.c.name).order_by(tables.campaigns.c.name)).scalars().all()
        raise NotFound(f"there is no campaign {name!r}{offered(kept_form(name), names)}", field="name", value=name)
    return found


def offered(name: str, names: Sequence[str]) -> str:
    """Return what a message says of those among `names` that are near one that is not known."""
    near = difflib.get_close_matches(name, names, NEAR, 0.5)
    if near:
        return f"; near it: {', '.join(map(repr, near))}"
    return f"; there are {', '.join(map(repr, names))}" if 0 < len(names) <= NEAR else ""


def write_candidates(connection: Connection, campaign: int, candidates: Sequence[Candidate]) -> None:
    """Write the candidates of a new campaign."""
    rows = [
        {
            "campaign": campaign,
            "place": place,
            "id": candidate.id,
            "family": candidate.family,
            "composition": candidate.material.formula.canonical,
            "material": material_text(candidate.material),
        }
        for place, candidate in enumerate(candidates)
    ]
    if rows:
        connection.execute(insert(tables.candidates), rows)


def read_candidates(connection: Connection, campaign: int) -> tuple[Candidate, ...]:
    """Return all candidates of a campaign; raises Unavailable for one that is damaged."""
    columns = tables.candidates.c
    statement = select(columns.id, columns.material, columns.family).where(columns.campaign == campaign)
    return tuple(
        Candidate(name, _material(name, text), family)
        for name, text, family in connection.execute(statement.order_by(columns.place))
    )


def _material(name: str, text: str) -> Any:
    try:
        return read_material(text)
    except (ValueError, TypeError, KeyError, SuperionError) as error:
        raise Unavailable(
            f"the candidate {name!r} is damaged in the database: {error}", field="candidate", value=name
        ) from error


def read_observations(connection: Connection, campaign: int, *, place: int | None = None) -> tuple[Observation, ...]:
    """Return the observations that stand, of all candidates or of one."""
    columns, names = tables.observations.c, tables.candidates.c
    statement = (
        select(tables.observations, names.id.label("name"))
        .join(tables.candidates, (names.campaign == columns.campaign) & (names.place == columns.candidate))
        .where(columns.campaign == campaign, columns.retracted.is_(False))
        .order_by(columns.number)
    )
    if place is not None:
        statement = statement.where(columns.candidate == place)
    return tuple(observation_of(row, row.name) for row in connection.execute(statement))


def observation_of(row: Row[Any], name: str) -> Observation:
    """Return an observation of the candidate `name` from its row."""
    return Observation(
        number=row.number,
        candidate=name,
        log10_conductivity=row.log10_conductivity,
        censored=row.censored,
        temperature_c=row.temperature_c,
        activation_energy=row.activation_energy,
        kind=row.kind,
        source=row.source,
        given=row.given,
        note=row.note,
        by=row.by,
        at=datetime.fromisoformat(row.at),
    )


def write_observations(connection: Connection, campaign: int, observed: Sequence[tuple[int, Observation]]) -> None:
    """Write observations, each with the place of its candidate."""
    rows = [
        {
            "campaign": campaign,
            "number": one.number,
            "candidate": place,
            "log10_conductivity": one.log10_conductivity,
            "censored": one.censored,
            "temperature_c": one.temperature_c,
            "activation_energy": one.activation_energy,
            "kind": one.kind,
            "source": one.source,
            "given": one.given,
            "note": one.note,
            "by": one.by,
            "at": (one.at or now()).isoformat(),
            "retracted": False,
        }
        for place, one in observed
    ]
    if rows:
        connection.execute(insert(tables.observations), rows)


def read_suggestions(connection: Connection, campaign: int) -> tuple[Suggestion, ...]:
    """Return all suggestions that were not undone."""
    columns, names = tables.suggestions.c, tables.candidates.c
    statement = (
        select(tables.suggestions, names.id.label("name"))
        .join(tables.candidates, (names.campaign == columns.campaign) & (names.place == columns.candidate))
        .where(columns.campaign == campaign, columns.status != "undone")
        .order_by(columns.number)
    )
    return tuple(
        Suggestion(
            number=row.number,
            batch=row.batch,
            candidate=row.name,
            status=cast(SuggestionStatus, row.status),
            model_version=row.model_version,
            reasons=json.loads(row.reasons),
            by=row.by,
            at=datetime.fromisoformat(row.at),
        )
        for row in connection.execute(statement)
    )


def write_suggestions(connection: Connection, campaign: int, made: Sequence[tuple[int, Suggestion]]) -> None:
    """Write new suggestions, each with the place of its candidate."""
    rows = [
        {
            "campaign": campaign,
            "number": one.number,
            "batch": one.batch,
            "candidate": place,
            "status": one.status,
            "model_version": one.model_version,
            "reasons": as_json(one.reasons, "reasons"),
            "by": one.by,
            "at": (one.at or now()).isoformat(),
        }
        for place, one in made
    ]
    connection.execute(insert(tables.suggestions), rows)


def read_events(connection: Connection, campaign: int) -> tuple[Event, ...]:
    """Return the audit of a campaign, oldest first."""
    columns = tables.events.c
    statement = select(tables.events).where(columns.campaign == campaign).order_by(columns.number)
    return tuple(
        Event(row.number, row.action, row.by, datetime.fromisoformat(row.at), json.loads(row.detail), row.undone_by)
        for row in connection.execute(statement)
    )


def add_event(
    connection: Connection, campaign: Row[Any], action: str, by: str, at: datetime, detail: Mapping[str, Any]
) -> Event:
    """Write the next step of the audit of a campaign that is held; its number is the campaign's new revision."""
    made = Event(campaign.revision + 1, action, by, at, detail)
    text = as_json(detail, "detail")
    row = {"number": made.number, "action": action, "by": by, "at": at.isoformat(), "detail": text}
    connection.execute(insert(tables.events).values(campaign=campaign.id, **row))
    connection.execute(
        update(tables.campaigns).where(tables.campaigns.c.id == campaign.id).values(revision=made.number)
    )
    return made


def next_number(connection: Connection, table: Any, campaign: int, column: str = "number") -> int:
    """Return the number after the highest of a campaign's rows in a table, those that were undone counted."""
    highest = select(func.max(table.c[column])).where(table.c.campaign == campaign)
    return (connection.execute(highest).scalar() or 0) + 1


def as_json(value: object, field: str) -> str:
    """Return plain values as JSON; raises InvalidValue for what JSON does not have, such as NaN or an array."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, default=_plain)
        text.encode()
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"{field} cannot be kept as JSON: {error}", field=field) from error
    return text


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no plain value")


def plain_text(field: str, value: object, most: int = 2000, *, empty: bool = False) -> str:
    """Check a user's text and return it without space around it.

    Raises InvalidValue for what is no text, empty, longer than `most` characters, or holds what no database keeps.
    """
    if not isinstance(value, str):
        raise InvalidValue(f"{field} is text, not {type(value).__name__}", field=field, value=value)
    value = value.strip()
    if not value and not empty:
        raise InvalidValue(f"{field} is empty", field=field, value=value)
    if len(value) > most:
        raise InvalidValue(f"{field} has {len(value)} characters; at most {most} are kept", field=field, value=value)
    if "\0" in value or (not value.isascii() and not _encodes(value)):
        raise InvalidValue(f"{field} holds characters that cannot be kept", field=field, value=ascii(value))
    return value


def kept_form(name: object) -> str:
    """Return what is asked for by name as text that every database takes; what none keeps then names nothing."""
    return str(name).replace("\0", "\\0").encode(errors="backslashreplace").decode()


def person(by: object) -> str:
    """Check who does something; raises InvalidValue."""
    return plain_text("by", by, 200)


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def each(values: Sequence[int], label: str) -> Iterator[int]:
    """Yield whole numbers, each once; raises InvalidValue for another and for one that is named twice."""
    seen = set()
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidValue(f"{label} is the number of one, not {value!r}", field=label, value=value)
        if value in seen:
            raise InvalidValue(f"{label} {value} is named twice", field=label, value=value)
        seen.add(value)
        yield value
