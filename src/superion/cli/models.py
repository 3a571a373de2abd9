"""`superion promote` and `superion rollback`: which registered model answers."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated

import typer

from superion.cli.output import tell


def promote(
    version: Annotated[str, typer.Argument(help="Version to make the champion, or the alias challenger.")],
) -> None:
    """Make a version the champion; the one before is kept for rollback."""
    registry = _registry()
    champion = registry.promote(version).version
    typer.echo(f"version {champion} is the champion")
    gate = registry.gate_of(champion)
    if gate is not None:
        # On standard error: standard output says what is, this what was found when the version was trained.
        tell(f"when it was trained, compared with {gate[0]}: {gate[1]}")


def rollback() -> None:
    """Make the champion before this one the champion again."""
    registry = _registry()
    typer.echo(f"version {registry.rollback().version} is the champion")


def _registry() -> ModuleType:
    """Import the registry late: it needs torch."""
    from superion.loading import missing

    try:
        from superion.training import registry
    except ModuleNotFoundError as error:
        raise missing(error, "train") from error
    return registry
