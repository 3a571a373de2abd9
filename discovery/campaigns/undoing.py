"""Steps of a campaign undone: nothing is deleted, and no step is undone that a later one rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, select, update

from superion.discovery.campaigns.rows import read_events
from superion.discovery.campaigns.schema import events as event_table
from superion.discovery.campaigns.schema import observations, suggestions
from superion.discovery.campaigns.state import Event
from superion.errors import InvalidValue, NotFound

REVERSIBLE = ("suggest", "observe", "withdraw")
IRREVERSIBLE = {
    "new": "made the campaign and cannot be undone; make another one",
    "retrain": "trained a model, which is the registry's: `superion rollback` has the one before answer",
}
"""Why other steps are not undone here."""
MOST_NAMED = 5000
"""Most rows that one statement names; databases bound it."""


def undo(connection: Connection, campaign: int, number: int | None, undoing: int) -> Event:
    """Undo a step of a campaign that is held, the latest that stands unless one is named; returns that step.

    `undoing` is the number of the event that does it, which the caller writes. Raises NotFound for a step that there is
    not, InvalidValue for one that cannot be undone, with the step that stands in the way.
    """
    steps = {event.number: event for event in read_events(connection, campaign)}
    step = _step(steps, number)
    if step.undone_by is not None:
        raise InvalidValue(
            f"event {step.number} ({step.action}) is undone already, by event {step.undone_by}",
            field="event",
            value=step.number,
        )
    if step.action == "undo":
        _redo(connection, campaign, step, steps)
    elif step.action in REVERSIBLE:
        _reverse(connection, campaign, step, steps)
    else:
        raise InvalidValue(f"event {step.number} {IRREVERSIBLE[step.action]}", field="event", value=number)
    _mark(connection, campaign, step.number, undoing)
    return step


def follow_observations(connection: Connection, campaign: int, places: Iterable[int]) -> tuple[int, ...]:
    """Make the suggestions of candidates, those that were not withdrawn, observed or pending, as observations stand.

    Returns the numbers of those that were pending and are observed.
    """
    closed: list[int] = []
    for part in parts(sorted(set(places))):
        columns = observations.c
        standing = select(columns.candidate).where(
            columns.campaign == campaign, columns.candidate.in_(part), columns.retracted.is_(False)
        )
        observed = set(connection.execute(standing).scalars())
        made = suggestions.c
        of_candidates = select(made.number, made.candidate, made.status).where(
            made.campaign == campaign, made.candidate.in_(part), made.status.in_(("pending", "observed"))
        )
        found = connection.execute(of_candidates).all()
        closed += [row.number for row in found if row.status == "pending" and row.candidate in observed]
        opened = [row.number for row in found if row.status == "observed" and row.candidate not in observed]
        set_status(connection, campaign, opened, "pending")
    set_status(connection, campaign, closed, "observed")
    return tuple(closed)


def parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield numbers in parts that one statement can name."""
    for start in range(0, len(numbers), MOST_NAMED):
        yield numbers[start : start + MOST_NAMED]


def set_status(connection: Connection, campaign: int, numbers: Sequence[int], status: str) -> None:
    """Set the status of suggestions."""
    columns = suggestions.c
    for part in parts(numbers):
        chosen = (columns.campaign == campaign) & columns.number.in_(part)
        connection.execute(update(suggestions).where(chosen).values(status=status))


def _step(steps: dict[int, Event], number: int | None) -> Event:
    if number is None:
        standing = [step for step in steps.values() if step.action in REVERSIBLE and step.undone_by is None]
        if not standing:
            raise InvalidValue("there is no step left to undo", field="event")
        return standing[-1]
    if isinstance(number, bool) or not isinstance(number, int):
        raise InvalidValue(f"an event is named by its number, not by {number!r}", field="event", value=number)
    if number not in steps:
        raise NotFound(f"there is no event {number}; there are 1 to {max(steps)}", field="event", value=number)
    return steps[number]


def _reverse(connection: Connection, campaign: int, step: Event, steps: dict[int, Event]) -> None:
    later = [other for other in steps.values() if other.number > step.number and other.undone_by is None]
    match step.action:
        case "suggest":
            _refuse(step, [other for other in later if other.action in REVERSIBLE])
            set_status(connection, campaign, step.detail["suggestions"], "undone")
        case "withdraw":
            _refuse(step, [other for other in later if other.action == "suggest"])
            set_status(connection, campaign, step.detail["suggestions"], "pending")
            follow_observations(connection, campaign, _places(connection, campaign, step))
        case _:
            _retract(connection, campaign, step, True)
            follow_observations(connection, campaign, _places(connection, campaign, step))


def _redo(connection: Connection, campaign: int, undone: Event, steps: dict[int, Event]) -> None:
    """Make the step stand again that `undone` undid, where nothing since has to do with the same candidates."""
    step = steps[undone.detail["event"]]
    if step.action == "undo":
        raise InvalidValue(
            f"event {undone.number} brought event {step.detail['event']} back; undo that one",
            field="event",
            value=undone.number,
        )
    # Steps that came since and are undone, or were undone since and are back, changed nothing.
    changed = _standing(steps, undone.number) ^ _standing(steps, max(steps))
    _refuse(undone, [_latest(steps, number) for number in sorted(changed)], step)
    match step.action:
        case "suggest":
            set_status(connection, campaign, step.detail["suggestions"], "pending")
            follow_observations(connection, campaign, _places(connection, campaign, step))
        case "withdraw":
            set_status(connection, campaign, step.detail["suggestions"], "withdrawn")
        case _:
            _retract(connection, campaign, step, False)
            follow_observations(connection, campaign, _places(connection, campaign, step))
    _mark(connection, campaign, step.number, None)


def _standing(steps: dict[int, Event], until: int) -> set[int]:
    """Return the numbers of the steps that stood after the event `until`."""
    standing: set[int] = set()
    for number in range(1, until + 1):
        step = steps[number]
        if step.action != "undo":
            standing.add(number)
            continue
        undone = steps[step.detail["event"]]
        if undone.action == "undo":
            standing.add(undone.detail["event"])
        else:
            standing.discard(undone.number)
    return standing


def _latest(steps: dict[int, Event], number: int) -> Event:
    """Return a step, or the event that undid it."""
    undone_by = steps[number].undone_by
    return steps[number] if undone_by is None else steps[undone_by]


def _refuse(step: Event, others: Iterable[Event], about: Event | None = None) -> None:
    """Raise InvalidValue where one of the other steps has to do with a candidate of this one."""
    mine = set((about or step).detail["candidates"])
    for other in others:
        both = mine & set(other.detail.get("candidates", ()))
        if both:
            raise InvalidValue(
                f"event {step.number} ({step.action}) cannot be undone while event {other.number} ({other.action}, by "
                f"{other.by}) stands, which is about {', '.join(map(repr, sorted(both)[:3]))} too",
                field="event",
                value=step.number,
            )


def _retract(connection: Connection, campaign: int, step: Event, retracted: bool) -> None:
    columns = observations.c
    for part in parts(step.detail["observations"]):
        chosen = (columns.campaign == campaign) & columns.number.in_(part)
        connection.execute(update(observations).where(chosen).values(retracted=retracted))


def _places(connection: Connection, campaign: int, step: Event) -> list[int]:
    table, key = (observations, "observations") if step.action == "observe" else (suggestions, "suggestions")
    places: list[int] = []
    for part in parts(step.detail[key]):
        chosen = (table.c.campaign == campaign) & table.c.number.in_(part)
        places += connection.execute(select(table.c.candidate).where(chosen)).scalars()
    return places


def _mark(connection: Connection, campaign: int, number: int, undone_by: int | None) -> None:
    chosen = (event_table.c.campaign == campaign) & (event_table.c.number == number)
    connection.execute(update(event_table).where(chosen).values(undone_by=undone_by))
