"""`superion campaign report`: what a campaign has come to, as a page for a group meeting or on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superion.cli.campaign_text import AsJson, Database, Name, opened
from superion.cli.output import PIPE_WIDTH, progress_bar, say_json, tell
from superion.errors import InvalidValue

if TYPE_CHECKING:
    from rich.console import Console

    from superion.discovery.report.text import Section, Table


def register(app: typer.Typer) -> None:
    """Add the command to those of a campaign."""
    app.command("report")(report)


def report(
    name: Name,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page to this file; it needs nothing beside it.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Whose belief about what is left is drawn; as `superion campaign suggest` takes it.")
    ] = "champion",
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Report on a campaign: where it stands, how the predictions held, what was learnt and what comes next."""
    with opened(database) as store:
        from superion.discovery.report.facts import facts_of
        from superion.discovery.report.text import sections_of

        state, events = store.state(name), store.events(name)
        if html is not None:
            from superion.discovery.report.belief import outlook_of
            from superion.discovery.report.page import html_report
            from superion.loading import load_predictor

            with progress_bar("candidates") as progress:
                outlook = outlook_of(state, load_predictor(model), store.kept(name), progress)
            _write(html, html_report(state, events, outlook=outlook))
            tell(f"written to {html}")
    facts = facts_of(state, events)
    if as_json:
        say_json(facts.as_dict())
    elif html is None:
        _print(name, sections_of(facts))


def _write(path: Path, text: str) -> None:
    # Whole or not at all: a page that was cut off would look like a report.
    half = path.with_name(f".{path.name}.part")
    try:
        # A browser holds the scripts against hashes of them, which other line ends would not have.
        half.write_text(text, encoding="utf-8", newline="\n")
        half.replace(path)
    except OSError as error:
        raise InvalidValue(
            f"{path} cannot be written ({error.strerror or error}): name a file in a folder that is there and yours",
            field="html",
            value=str(path),
        ) from error
    finally:
        if half.is_file():
            half.unlink()


def _print(name: str, sections: tuple[Section, ...]) -> None:
    from rich.console import Console
    from rich.text import Text

    # A file or a pipe has no width of its own; 80 columns would cut the tables.
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
    console.print(Text(name, style="bold"))
    for section in sections:
        console.print()
        console.print(Text(section.title, style="bold"))
        for text in section.paragraphs:
            console.print(Text(text))
        if section.table is not None:
            _print_table(console, section.table)


def _print_table(console: Console, table: Table) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid()
    for column in table.columns:
        is_number = column.kind == "number"
        grid.add_column(Text(column.name), justify="right" if is_number else "left", overflow="fold")
    for row in table.rows:
        # As text: brackets in a formula or a note are no markup.
        grid.add_row(*map(Text, row))
    console.print(grid)
