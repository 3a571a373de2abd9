"""What the report of a campaign says, section by section; the page and the terminal show the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from superion.discovery.advice.units_text import conductivity_range, conductivity_text
from superion.discovery.campaigns.state import Suggestion
from superion.discovery.report.element_effects import LEAST_ON_A_SIDE
from superion.discovery.report.facts import HIT_LOG10, Facts
from superion.discovery.report.goal import goal_text
from superion.discovery.report.history import event_text
from superion.discovery.report.measured import SAME_TEMPERATURE, Measured

__all__ = ["Column", "Section", "Table", "sections_of"]

Figure = Literal["progress", "parity", "families", "outlook"]
Kind = Literal["text", "number", "formula", "prose"]

FEW = 5
"""Measurements below which nothing is said about how well predictions hold."""


@dataclass(frozen=True)
class Column:
    """Hold the head of a column."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """Hold a table of texts."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """Hold one section of the report."""

    title: str
    paragraphs: tuple[str, ...] = ()
    figure: Figure | None = None
    """Drawn by the page only, where there is something to draw; the paragraphs say what it shows."""
    table: Table | None = None


def sections_of(facts: Facts, *, outlook: bool = False) -> tuple[Section, ...]:
    """Return what the report says; `outlook` tells whether there is a belief about what is left to be drawn."""
    return tuple(_sections(facts, outlook))


def _sections(facts: Facts, outlook: bool) -> Iterator[Section]:
    state = facts.state
    yield Section("Goal", (goal_text(state.goal),))
    yield Section("Where we stand", tuple(_standing(facts)), "progress")
    if facts.n_measured:
        yield Section("Predictions and measurements", tuple(_foresight(facts)), "parity")
    if facts.families:
        yield Section("Families", (_families_text(facts),), "families", _families_table(facts))
    if facts.n_measured:
        yield Section("What was learnt", tuple(_learnt(facts)), None, _surprises(facts))
    if state.pending:
        yield Section("The next experiments", (_next_text(facts),), None, _next_table(facts))
    else:
        yield Section("The next experiments", (_nothing_pending(facts),))
    if outlook and state.left:
        text = "What is believed of the candidates that nobody has made, the most promising first."
        yield Section("What is left", (text,), "outlook")
    if any(one.failed for one in facts.measured):
        yield Section("Failed syntheses", (), None, _failed_table(facts))
    if facts.events:
        yield Section("History", (), None, _history_table(facts))


def _standing(facts: Facts) -> Iterator[str]:
    state = facts.state
    counts = [f"{facts.n_measured} measured"]
    if facts.n_failed:
        counts.append(f"{facts.n_failed} that could not be made")
    counts += [f"{len(state.pending)} under way", f"{len(state.left)} left"]
    yield f"{_number(len(state.candidates), 'candidate')}: {', '.join(counts)}."
    best = facts.best
    if best is None:
        if not facts.measured:
            yield "Nothing has been measured yet."
        elif not facts.n_measured:
            yield "No synthesis has worked yet, so that nothing could be measured."
        else:
            yield f"No conductivity at {state.goal.temperature_C:g} °C is known yet."
    elif best.log10_conductivity is not None:
        value = conductivity_text(best.log10_conductivity)
        yield f"The best so far is {_named(best)} with {value} at {state.goal.temperature_C:g} °C ({best.family})."
    if facts.elsewhere:
        yield (
            f"{_number(facts.elsewhere, 'measurement')} at other temperatures (more than {SAME_TEMPERATURE:g} degrees "
            "away) came without an activation energy and cannot be compared."
        )


def _foresight(facts: Facts) -> Iterator[str]:
    found = facts.foresight
    if found is None:
        yield "No measurement had a prediction made before it."
        return
    yield (
        f"Of {_number(found.n, 'measurement')} that {_was(found.n)} predicted beforehand, {found.covered} "
        f"{_was(found.covered)} within the interval, which is to hold {100.0 * found.confidence:.3g} % of them."
    )
    if found.mean_absolute_error is not None and found.bias is not None:
        factor = 10.0**found.mean_absolute_error
        text = f"Predictions were off by {found.mean_absolute_error:.2f} decades on average, a factor of {factor:.2g}"
        if found.n_exact >= FEW and abs(found.bias) >= 0.5 * found.mean_absolute_error:
            text += ", mostly too low" if found.bias > 0 else ", mostly too high"
        yield f"{text}."
    if found.n < FEW:
        yield "These are too few to judge the predictions by."


def _families_text(facts: Facts) -> str:
    tried = sum(1 for family in facts.families if family.measured or family.failed)
    return (
        f"{tried} of {_number(len(facts.families), 'family', 'families')} tried. A hit is a conductivity of "
        f"{conductivity_text(HIT_LOG10)} or more."
    )


def _families_table(facts: Facts) -> Table:
    numbers = ("Measured", "Hits", "Not made", "Under way", "Left")
    columns = (
        Column("Family"),
        *(Column(name, "number") for name in numbers),
        Column("Best", "number"),
        Column("Median", "number"),
    )
    rows = tuple(
        (
            family.name,
            *map(str, (family.measured, family.hits, family.failed, family.pending, family.left)),
            _value(family.best),
            _value(family.median),
        )
        for family in facts.families
    )
    return Table(columns, rows)


def _learnt(facts: Facts) -> Iterator[str]:
    if facts.foresight is None:
        yield "Nothing was predicted beforehand, so nothing can have surprised."
    elif facts.surprises:
        yield "The measurements furthest outside what was predicted are below."
    else:
        yield "No measurement lay outside what was predicted."
    for effect in facts.elements:
        names = " and ".join(effect.symbols)
        higher = "more" if effect.median_with > effect.median_without else "less"
        yield (
            f"Candidates with {names} conduct {higher}: {conductivity_text(effect.median_with)} in the median of "
            f"{effect.n_with}, against {conductivity_text(effect.median_without)} in that of the {effect.n_without} "
            "without. They differ in other ways too, and were chosen: take it as a hint."
        )
    if not facts.elements:
        yield (
            "No element goes along with a higher or lower conductivity beyond chance (each is tested once "
            f"{LEAST_ON_A_SIDE} candidates with and {LEAST_ON_A_SIDE} without it are measured)."
        )


def _surprises(facts: Facts) -> Table | None:
    if not facts.surprises:
        return None
    columns = (
        Column("Candidate"),
        Column("Formula", "formula"),
        Column("Family"),
        Column("Predicted", "number"),
        Column("Measured", "number"),
        Column("Outside by", "number"),
    )
    rows = tuple(
        (
            one.candidate,
            one.formula,
            one.family,
            conductivity_range(one.predicted.lower, one.predicted.upper),
            ("below " if one.censored else "") + _value(one.log10_conductivity),
            f"{one.outside:.1f} decades",
        )
        for one in facts.surprises
        if one.predicted is not None and one.outside is not None
    )
    return Table(columns, rows)


def _next_text(facts: Facts) -> str:
    return f"{_number(len(facts.state.pending), 'experiment')} suggested and not yet measured."


def _nothing_pending(facts: Facts) -> str:
    if facts.state.left:
        return f"Nothing is under way; {_number(len(facts.state.left), 'candidate')} left to choose from."
    return "Every candidate was tried." if facts.state.candidates else "There are no candidates."


def _next_table(facts: Facts) -> Table:
    columns = (
        Column("No.", "number"),
        Column("Candidate"),
        Column("Formula", "formula"),
        Column("Predicted", "number"),
        Column("Why", "prose"),
        Column("Asked by"),
    )
    return Table(columns, tuple(_next_row(facts, suggestion) for suggestion in facts.state.pending))


def _next_row(facts: Facts, suggestion: Suggestion) -> tuple[str, ...]:
    place = facts.state.place.get(suggestion.candidate)
    formula = "" if place is None else facts.state.candidates[place].material.formula.text
    told = suggestion.reasons.get("predicted")
    predicted = conductivity_text(float(told["log10_S_per_cm"])) if isinstance(told, Mapping) else ""
    asked = " ".join(filter(None, (suggestion.by, _day(suggestion.at))))
    why = str(suggestion.reasons.get("text", ""))
    return str(suggestion.number), suggestion.candidate, formula, predicted, why, asked


def _failed_table(facts: Facts) -> Table:
    columns = (Column("Candidate"), Column("Formula", "formula"), Column("Note", "prose"), Column("By"), Column("When"))
    rows = tuple(
        (one.candidate, one.formula, one.note or "", one.by, _day(one.at)) for one in facts.measured if one.failed
    )
    return Table(columns, rows)


def _history_table(facts: Facts) -> Table:
    columns = (Column("Step", "number"), Column("When [UTC]"), Column("By"), Column("What", "prose"))
    rows = tuple(
        (str(event.number), _minute(event.at), event.by, event_text(event)) for event in reversed(facts.events)
    )
    return Table(columns, rows)


def _named(one: Measured) -> str:
    return one.formula if one.candidate == one.formula else f"{one.formula} ({one.candidate})"


def _value(log10: float | None) -> str:
    return "" if log10 is None else conductivity_text(log10)


def _number(n: int, one: str, many: str | None = None) -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def _was(n: int) -> str:
    return "was" if n == 1 else "were"


def _day(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d}"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
