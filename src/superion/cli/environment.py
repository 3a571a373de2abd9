"""`superion environment`: what an electrolyte turns into in water, carbon dioxide and moist air."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from superion.cli.output import NO_REACTION, PIPE_WIDTH, amount_of, say_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from superion.models.stability.environment import Environment, Outcome


def environment(
    formula: Annotated[str, typer.Argument(help="A formula, such as Li6PS5Cl.")],
    table: Annotated[
        str, typer.Option(help="Formation energies: default, end-members, matbench or a CSV file.", metavar="TABLE")
    ] = "default",
    vapour: Annotated[
        bool, typer.Option("--vapour", help="Take water as a gas of its own enthalpy, not as a liquid.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the JSON that POST /environment answers with.")
    ] = False,
) -> None:
    """Print what an electrolyte can turn into in water, carbon dioxide and both, by thermodynamics."""
    from superion.models.stability.contact_documents import environment_document
    from superion.models.stability.environment import expose
    from superion.models.stability.tables import table_named

    found = expose(table_named(table), formula, "gas" if vapour else "liquid")
    if as_json:
        say_json(environment_document(found))
    else:
        _print(found)


def _print(found: Environment) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    water = "water vapour" if found.water == "gas" else "liquid water"
    title = Text(f"{found.electrolyte.formula} in water and air, thermodynamically, with {water}")
    table = Table(title=title, title_justify="left")
    columns = ("in", "amount", "reaction [eV/atom]", "[eV/molecule]", "takes up", "products", "H2S [cm3/g]")
    for column in columns:
        table.add_column(Text(column), no_wrap=column != "products")
    for each in found.exposures:
        outcomes = [("worst ratio", each.worst)]
        if each.in_excess != each.worst:
            outcomes.append(("in excess", each.in_excess))
        for name, outcome in outcomes:
            table.add_row(each.atmosphere, name, *_cells(outcome))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    console.print(table)
    for line in (_above(found), *(f"note: {note}" for note in found.notes)):
        console.print(Text(line))


def _cells(outcome: Outcome) -> tuple[RenderableType, ...]:
    from rich.text import Text

    energy = outcome.reaction_energy_eV_per_atom
    if energy > -NO_REACTION:
        return ("0.000", "", "", Text("no reaction"), "")
    molecule = outcome.energy_per_molecule_eV
    taken = " + ".join(f"{n:.3g} {name}" for name, n in outcome.taken_up.items() if n > 0.0)
    products = " + ".join(
        amount_of(product) + {"gas": " (g)", "liquid": " (l)"}.get(state, "")
        for product, state in zip(outcome.products, outcome.states, strict=True)
    )
    return (
        f"{energy:.3f}",
        "" if molecule is None else f"{molecule:.2f}",
        Text(taken or "nothing"),
        Text(products),
        f"{outcome.hydrogen_sulfide_cm3_per_g:.0f}" if outcome.hydrogen_sulfide > 0.0 else "",
    )


def _above(found: Environment) -> str:
    above = found.electrolyte.above_hull
    if above is None:
        return f"energy above the hull: not known, the table {found.table} has no energy of {found.electrolyte.formula}"
    return f"energy above the hull: {above:.3f} eV/atom, by the table {found.table}"
