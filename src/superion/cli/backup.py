"""`superion backup`: a copy of the home."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superion.backup import back_up
from superion.cli.output import tell


def backup(to: Annotated[Path, typer.Argument(help="Folder to make; it must not be there yet.")]) -> None:
    """Copy the home to a folder while the service runs; the copy, put in the home's place, restores it."""
    done = back_up(to)
    typer.echo(f"{done.folder}: {', '.join(done.databases) or 'no database'}, {done.n_files} files")
    for place in done.elsewhere:
        tell(f"not in the copy: {place}")
