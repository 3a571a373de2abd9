"""`superion window`: what a composition turns into at every potential against lithium metal."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from superion.cli.output import PIPE_WIDTH, mixture, say_json, tell, volts

if TYPE_CHECKING:
    from superion.models.stability import LithiumStability, Step


def window(
    formula: Annotated[str, typer.Argument(help="A formula, such as Li6PS5Cl.")],
    table: Annotated[
        str, typer.Option(help="Formation energies: default, end-members, matbench or a CSV file.", metavar="TABLE")
    ] = "default",
    energy: Annotated[
        float | None, typer.Option(help="Formation energy of the composition in eV/atom, in place of the table's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON that POST /window answers with.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the staircase into a png, svg or pdf file.")] = None,
) -> None:
    """Print what a composition turns into at every potential against lithium metal, and how much energy that frees."""
    from superion.models.stability.documents import window_document
    from superion.models.stability.lithium import analyse
    from superion.models.stability.tables import table_named

    if plot is not None:
        # Before the table is read, which takes a second.
        _drawing().check_file(plot)
    found = analyse(table_named(table), formula, energy)
    document = window_document(found)
    if plot is not None:
        _draw(found, plot)
    for warning in document["warnings"]:
        tell(warning)
    if as_json:
        say_json(document)
    else:
        _print(found)


def _drawing() -> ModuleType:
    from superion.loading import missing

    try:
        from superion.training import drawing
    except ModuleNotFoundError as error:
        raise missing(error, "train") from error
    return drawing


def _draw(found: LithiumStability, path: Path) -> None:
    from superion.loading import missing

    drawing = _drawing()
    try:
        from superion.training.staircase import staircase

        drawing.save(staircase(found), path)
    except ModuleNotFoundError as error:
        raise missing(error, "train") from error


def _print(found: LithiumStability) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{found.formula} against lithium metal, by the hull of the table {found.table}")
    table = Table(title=title, title_justify="left")
    # Of the names that are too long for a terminal the products are broken, and nothing else.
    for column in ("V", "Li per formula", "reaction [eV/atom]", "products", "interphase"):
        table.add_column(Text(column), no_wrap=column != "products")
    for step in found.staircase:
        table.add_row(
            volts(step.lower_V, step.upper_V),
            f"{step.lithium_uptake:+z.2f}",
            _energies(step),
            Text(mixture(step.products)),
            step.interphase,
        )
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    console.print(table)
    lower, upper = found.reduction_limit_V, found.oxidation_limit_V
    lines = [
        f"window: none, both limits are {lower:.2f} V" if lower == upper else f"window: {volts(lower, upper)} V",
        f"reaction with lithium metal: {found.reaction_energy_eV_per_atom:z.3f} eV/atom, to {mixture(found.products)}: "
        f"{found.interphase}",
        _above(found),
    ]
    for line in (*lines, *(f"note: {note}" for note in found.notes)):
        console.print(Text(line))


def _energies(step: Step) -> str:
    lower, upper = step.reaction_energy_lower_eV_per_atom, step.reaction_energy_upper_eV_per_atom
    ends = [f"{end:z.2f}" for end in (lower, upper) if end is not None]
    return " to ".join(dict.fromkeys(ends))


def _above(found: LithiumStability) -> str:
    parts = mixture(found.decomposition)
    if found.energy_above_hull_eV_per_atom is None:
        return f"energy above the hull: not known, the composition is taken to lie on it ({parts})"
    source = "as given" if found.energy_source == "given" else "of the table"
    return (
        f"energy above the hull: {found.energy_above_hull_eV_per_atom:.3f} eV/atom "
        f"({found.energy_eV_per_atom:.3f} {source}; hull: {parts})"
    )
