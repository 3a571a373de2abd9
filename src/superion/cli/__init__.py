"""The command line: `superion predict | window | interface | environment | train | evaluate | ...`.

With `--json` a command prints one JSON document on standard output and nothing else there; progress and diagnostics go
to standard error. Exit status: 0, 1 when some inputs failed, 2 for usage and for faults that left nothing to answer.
"""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from superion import __version__
from superion.cli import (
    backup,
    campaign,
    data,
    enumeration,
    environment,
    evaluate,
    interface,
    key,
    models,
    predict,
    rank,
    screen,
    serve,
    train,
    tune,
    window,
)
from superion.cli.output import complain
from superion.errors import SuperionError

app = typer.Typer(
    name="superion",
    help="Predict how well solids conduct lithium ions, with an honest error bar.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"superion {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Predict how well solids conduct lithium ions, with an honest error bar."""


app.command()(predict.predict)
app.command()(window.window)
app.command()(interface.interface)
app.command()(environment.environment)
app.command("enumerate")(enumeration.enumerate_)
app.command()(screen.screen)
app.command()(rank.rank)
app.command()(tune.tune)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(models.promote)
app.command()(models.rollback)
app.command()(serve.serve)
app.command()(backup.backup)
app.add_typer(campaign.app, name="campaign")
app.add_typer(data.app, name="data")
app.add_typer(key.app, name="key")


def main() -> None:
    """Run the command line; a fault in what was given is one line on standard error and exit status 2."""
    try:
        app()
    except SuperionError as error:
        complain(error.message)
        sys.exit(2)
    except Exception:
        # Python's own status for it is 1, which says here that some inputs failed and the others were answered.
        traceback.print_exc()
        complain("this is a fault of superion, not of what it was given; please report it")
        sys.exit(2)
