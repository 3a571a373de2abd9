"""`superion key`: the API keys of the service."""

from __future__ import annotations

from typing import Annotated

import typer

from superion.cli.output import say_json, tell
from superion.serving import keys

app = typer.Typer(
    help="Make, list and revoke the API keys of the service under SUPERION_HOME, running or not.",
    no_args_is_help=True,
)

_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Whose key it is: a person or a program.")],
    role: Annotated[
        str,
        typer.Option(
            help="read: predictions, models and what others share. write: also to bring data, train and compare. "
            "admin: also to change which model answers, and to see everyone's data."
        ),
    ],
    rate: Annotated[
        float | None, typer.Option(help="Requests that it may make in a minute; the service's own bound unless given.")
    ] = None,
    as_json: _AsJson = False,
) -> None:
    """Make a key and print it, once; with the first one the service answers nobody without a key."""
    first = not keys.list_keys()
    key, token = keys.new_key(name, role, rate)
    if as_json:
        say_json({**key.as_dict(), "token": token})
    else:
        typer.echo(token)
    tell(f"the key of {key.name}, role {key.role}; it is kept nowhere and is not shown again")
    if first:
        tell("this is the first key: from now on the service answers nobody without one, on this machine neither")


@app.command("list")
def list_(as_json: _AsJson = False) -> None:
    """List all keys, the revoked ones too; none of them can be shown again."""
    found = [key.as_dict() for key in keys.list_keys()]
    if as_json:
        say_json({"keys": found})
        return
    if not found:
        tell("there are no keys; `superion key new NAME --role ROLE` makes one")
        return
    rows = [("name", "role", "rate per minute", "created", "revoked")]
    for key in found:
        rate = "default" if key["rate_per_minute"] is None else f"{key['rate_per_minute']:g}"
        rows.append((key["name"], key["role"], rate, key["created"], key["revoked"] or "-"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Name of the key, as `superion key list` prints it.")]) -> None:
    """Make a key useless, for good; a running service refuses it within two seconds."""
    key = keys.revoke(name)
    typer.echo(f"the key of {key.name} is revoked")
