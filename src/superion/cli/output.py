"""What the commands print, and where."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superion.models.stability import Product
    from superion.training.pipeline import Progress

PIPE_WIDTH = 160
"""Columns of a table that is not printed on a terminal."""
NO_REACTION = 5e-4
"""Energies that are shown as 0.000 are none [eV/atom]."""


def say_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def complain(message: str) -> None:
    """Print a fault on standard error."""
    sys.stderr.write(f"superion: {message}\n")


def tell(message: str) -> None:
    """Print a remark on standard error."""
    sys.stderr.write(f"{message}\n")


def volts(lower: float, upper: float | None) -> str:
    """Return an interval of potentials as text [V]."""
    return f"above {lower:.2f}" if upper is None else f"{lower:.2f} to {upper:.2f}"


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """Show a bar on standard error; yields what to call with the number done and the number in all."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if not console.is_terminal:
                # A log file gets a line for each step in place of a bar that redraws itself.
                console.print(f"{label}: {done} of {total}", highlight=False)

        yield progress


def amount_of(product: Product) -> str:
    """Return a phase with its amount, as a reaction is written."""
    return product.formula if abs(product.amount - 1.0) < 5e-4 else f"{product.amount:.3g} {product.formula}"


def mixture(products: Sequence[Product]) -> str:
    """Return the phases of a mixture with their amounts."""
    return " + ".join(map(amount_of, products)) or "no phase is left"
