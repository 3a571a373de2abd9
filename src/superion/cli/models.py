"""`superion promote` and `superion rollback`: which registered model answers."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated

import typer


def promote(
    version: Annotated[str, typer.Argument(help="Version to make the champion, or the alias challenger.")],
) -> None:
    """Make a version the champion; the one before is kept for rollback."""
    registry = _registry()
    typer.echo(f"version {registry.promote(version).version} is the champion")


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
