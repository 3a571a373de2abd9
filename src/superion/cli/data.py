"""`superion data`: public data sets, and the check of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superion.cli.output import say_json

app = typer.Typer(
    help="Check a table of measurements; list and fetch the public data sets that the release model was trained on.",
    no_args_is_help=True,
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


@app.command()
def phases(
    chemical_system: Annotated[str, typer.Argument(help="Elements, such as Li-P-S.")],
    output: Annotated[Path, typer.Option(help="CSV file to write; `--table` of other commands takes it.")],
) -> None:
    """Write the phases that the Materials Project has of a chemical system, by your own key in MP_API_KEY."""
    from superion.models.stability.materials_project import materials_project_table
    from superion.models.stability.table_files import write_phase_table

    table = materials_project_table(chemical_system)
    write_phase_table(table, output)
    typer.echo(f"{output}: {len(table)} phases")


@app.command()
def check(
    data: Annotated[Path, typer.Option("--data", help="Table of measurements (CSV or xlsx).")],
    cifs: Annotated[
        Path | None, typer.Option(help="Folder of structures named by the column cif, or <id>.cif.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the check as JSON.")] = False,
) -> None:
    """Say what is probably wrong with a table, and what can be learned from it, before anything is trained.

    Exit status 0 for a table that is clean or has notes alone, 1 when rows cannot be used or something is probably
    wrong, 2 when the table cannot be read.
    """
    from superion.loading import missing

    try:
        from superion.training.checks import check_table
        from superion.training.table import read_table
    except ModuleNotFoundError as error:
        raise missing(error, "train") from error
    found = check_table(read_table(data, cifs))
    if as_json:
        say_json(found.as_dict())
    else:
        typer.echo(found.text())
    raise typer.Exit(0 if found.is_clean else 1)
