"""`superion data`: public data sets."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="List and fetch the public data sets that the release model was trained on.", no_args_is_help=True
)


@app.command("list")
def list_() -> None:
    """List the data sets, and which of them are on this machine."""
    from superion.training.datasets import DATA_SETS, locate

    for known in DATA_SETS:
        here = "here" if locate(known.name) else "not here"
        typer.echo(f"{known.name} ({here}): {known.about} [{known.licence}]")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of the data set, as `superion data list` prints it.")],
) -> None:
    """Bring a data set under SUPERION_HOME, from SUPERION_DATA_MIRROR or from its public home."""
    from superion.training.datasets import fetch as bring

    for path in bring(name):
        typer.echo(str(path))
