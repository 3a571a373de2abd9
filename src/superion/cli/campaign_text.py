"""What the commands of a campaign have in common, and what they print."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from superion.cli.output import PIPE_WIDTH, tell
from superion.errors import InvalidValue

if TYPE_CHECKING:
    from superion.discovery.campaigns.state import CampaignState, Event, Observation, Suggestion
    from superion.discovery.campaigns.store import CampaignStore
    from superion.discovery.report.facts import Facts

Name = Annotated[str, typer.Argument(help="The campaign.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Database = Annotated[
    str | None,
    typer.Option(
        help="SQLAlchemy URL of the campaigns.  [default: SUPERION_CAMPAIGNS, else campaigns.db under SUPERION_HOME]"
    ),
]
AcquisitionName = Annotated[
    str | None, typer.Option("--acquisition", help="ucb (unless given), log_ei, noisy_ei, thompson or variance.")
]
Kappa = Annotated[float | None, typer.Option(help="Standard deviations that ucb adds to the mean; 0.3.")]
Stability = Annotated[
    str | None, typer.Option(help="Stability against lithium metal: ignore, constraint or objective.")
]
Avoid = Annotated[list[str] | None, typer.Option(help="Element that no suggestion may hold; may be given again.")]
By = Annotated[str | None, typer.Option(help="Who does it.  [default: the login name]")]


@contextmanager
def opened(database: str | None) -> Iterator[CampaignStore]:
    """Open the campaigns; raises MissingDependency where a package is missing, Unavailable for the database."""
    from superion.loading import missing

    try:
        from superion.discovery.campaigns.store import CampaignStore
    except ModuleNotFoundError as error:
        raise missing(error, "discover") from error
    with CampaignStore.open(database) as store:
        yield store


def who(by: str | None) -> str:
    """Return the name that somebody gave, else that of the login; raises InvalidValue where there is none."""
    if by is not None:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise InvalidValue("there is no login name; say who you are with --by", field="by") from error


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        # As text: brackets in a formula or a note are no markup.
        table.add_row(*map(Text, row))
    # A file or a pipe has no width of its own; 80 columns would cut the names.
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False).print(table)


def print_suggestions(suggestions: Sequence[Suggestion], state: CampaignState) -> None:
    """Print each suggested experiment with its number, what is predicted of it, and why it was chosen."""
    for one in suggestions:
        formula = state.candidates[state.place[one.candidate]].material.formula.text
        named = one.candidate if one.candidate == formula else f"{one.candidate}, {formula}"
        typer.echo(f"{one.number}. {named}: {predicted(one)}")
        if one.reasons.get("text"):
            typer.echo(f"   {one.reasons['text']}")


def predicted(suggestion: Suggestion) -> str:
    """Return the conductivity that was predicted, with its interval."""
    from superion.discovery.advice.units_text import conductivity_range, conductivity_text

    told = suggestion.reasons.get("predicted")
    if not isinstance(told, dict):
        return "no prediction"
    confidence = "" if told.get("confidence") is None else f"{told['confidence']:.0%}: "
    mean, ends = conductivity_text(told["log10_S_per_cm"]), conductivity_range(told["lower"], told["upper"])
    return f"{mean} ({confidence}{ends})"


def observation_text(observation: Observation) -> str:
    """Return an observation in a line."""
    from superion.discovery.campaigns.observing import shown

    return f"observation {observation.number}: {observation.candidate}, {shown(observation)}"


def event_row(event: Event) -> tuple[str, ...]:
    """Return a step of the audit as the cells of a table."""
    from superion.discovery.report.history import event_text

    return str(event.number), f"{event.at:%Y-%m-%d %H:%M}", event.by, event.action, event_text(event)


EVENT_COLUMNS = ("event", "when (UTC)", "who", "step", "what")


def print_status(facts: Facts) -> None:
    """Print where a campaign stands."""
    from superion.discovery.advice.units_text import conductivity_text
    from superion.discovery.report.goal import goal_text
    from superion.discovery.report.retraining import retraining
    from superion.discovery.report.status import LAST_EVENTS

    state, best, held = facts.state, facts.best, facts.foresight
    typer.echo(f"{state.name}, revision {state.revision}, by {state.created_by}")
    typer.echo(goal_text(state.goal))
    typer.echo(
        f"{len(state.candidates)} candidates: {facts.n_measured} measured, {facts.n_failed} failed, "
        f"{len(state.pending)} pending, {len(state.left)} left"
    )
    if best is not None and best.log10_conductivity is not None:
        value = conductivity_text(best.log10_conductivity)
        typer.echo(f"best so far: {best.candidate}, {value} at {state.goal.temperature_C:g} °C")
    if facts.elsewhere:
        tell(f"{facts.elsewhere} measurements at other temperatures, without an activation energy, are not compared")
    if held is not None:
        error = "" if held.mean_absolute_error is None else f"mean error {held.mean_absolute_error:.2f} decades, "
        typer.echo(
            f"predicted before they were measured: {held.n}; {error}{held.covered} within the interval "
            f"({held.covered / held.n:.0%}, {held.confidence:.0%} was said)"
        )
    advice = retraining(facts)
    if advice.bias is not None:
        typer.echo(f"{'a retraining pays' if advice.pays else 'no need to retrain'}: {advice.why}")
    if state.pending:
        rows = [
            (str(one.number), one.candidate, predicted(one), one.by, "" if one.at is None else f"{one.at:%Y-%m-%d}")
            for one in state.pending
        ]
        print_table(("pending", "candidate", "predicted", "who", "since"), rows)
    print_table(EVENT_COLUMNS, map(event_row, facts.events[-LAST_EVENTS:]))
