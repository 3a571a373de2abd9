"""`superion interface`: what an electrolyte and a partner react to, at any ratio of the two."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from superion.cli.output import NO_REACTION, PIPE_WIDTH, mixture, say_json, tell
from superion.errors import InvalidFormula

if TYPE_CHECKING:
    from superion.models.stability.interface import Interface, Kink
    from superion.models.stability.partners import Meeting


def interface(
    electrolyte: Annotated[str, typer.Argument(help="A formula, such as Li6PS5Cl.")],
    partner: Annotated[
        str | None, typer.Argument(help="A formula, or a name such as graphite, Li-In or NMC811.", metavar="PARTNER")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Meet all named partners.")] = False,
    potential: Annotated[
        float | None,
        typer.Option(help="Volts against lithium metal at which lithium is open; named anodes have their own."),
    ] = None,
    table: Annotated[
        str, typer.Option(help="Formation energies: default, end-members, matbench or a CSV file.", metavar="TABLE")
    ] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON that POST /interface answers with.")] = False,
) -> None:
    """Print what an electrolyte and a partner react to where they meet, and how much energy that frees."""
    from superion.models.stability.contact_documents import interface_document
    from superion.models.stability.partners import PARTNERS, meet, meet_all
    from superion.models.stability.tables import table_named

    if every == (partner is not None):
        names = ", ".join(each.name for each in PARTNERS)
        raise typer.BadParameter(f"give a partner, or --all to meet {names}")
    phases = table_named(table)
    if partner is None:
        meetings: Sequence[Meeting] = tuple(meet_all(phases, electrolyte, potential))
    else:
        meetings = (meet(phases, electrolyte, partner, potential),)
    document = interface_document(meetings, potential)
    for warning in document["warnings"]:
        tell(warning)
    if as_json:
        say_json(document)
    elif partner is None:
        _print_all(meetings)
    else:
        found = meetings[0].interface
        assert found is not None
        _print_one(meetings[0], found)


def _print_one(meeting: Meeting, found: Interface) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    title = (
        f"{found.electrolyte.formula} and {_named(meeting)}, {_lithium(found)}, by the hull of the table {found.table}"
    )
    table = Table(title=Text(title), title_justify="left")
    opened = found.potential_V is not None
    columns = ["share of atoms", "reaction [eV/atom]", "mutual [eV/atom]", *(["Li taken up"] if opened else [])]
    for column in (*columns, "of", "products", "interphase"):
        table.add_column(Text(column), no_wrap=column not in ("of", "products"))
    for kink in found.kinks:
        table.add_row(
            f"{kink.ratio:.3f}",
            f"{kink.reaction_energy_eV_per_atom:z.3f}",
            f"{kink.mutual_energy_eV_per_atom:z.3f}",
            *([f"{kink.lithium_uptake:+z.2f}"] if opened else []),
            Text(_sides(found, kink)),
            Text(mixture(kink.products)),
            kink.interphase,
        )
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    console.print(table)
    lines = [f"worst: {_said(found, found.worst)}"]
    if found.worst_mutual.ratio != found.worst.ratio and found.worst_mutual.mutual_energy_eV_per_atom < -NO_REACTION:
        mutual = found.worst_mutual
        lines.append(
            f"worst that the contact adds: {mutual.mutual_energy_eV_per_atom:.3f} eV/atom, of {_sides(found, mutual)} "
            f"to {mixture(mutual.products)}"
        )
    if opened:
        alone = found.electrolyte_alone
        lines.append(
            f"{found.electrolyte.formula} alone at {found.potential_V:g} V: {alone.reaction_energy_eV_per_atom:.3f} "
            f"eV/atom, to {mixture(alone.products)}"
        )
    if meeting.partner is not None and meeting.partner.source:
        lines.append(f"{meeting.partner.name}: {meeting.partner.source}")
    for line in (*lines, *(f"note: {note}" for note in found.notes)):
        console.print(Text(line))


def _print_all(meetings: Sequence[Meeting]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    first = meetings[0]
    title = Text(f"{first.electrolyte.formula} and its partners, by the hull of the table {first.table}")
    table = Table(title=title, title_justify="left")
    columns = ("role", "partner", "V", "reaction [eV/atom]", "mutual [eV/atom]", "share", "products", "interphase")
    for column in columns:
        table.add_column(Text(column), no_wrap=column not in ("role", "products"))
    notes: list[str] = []
    for meeting in meetings:
        assert meeting.partner is not None
        name, role = meeting.partner.name, ", ".join(meeting.partner.roles)
        found = meeting.interface
        if found is None:
            known = meeting.code != InvalidFormula.code
            table.add_row(role, Text(name), "", "", "", "", "not found" if known else "not known", "")
            notes.append(f"{name}: {meeting.fault}")
            continue
        worst = found.worst
        reacts = worst.reaction_energy_eV_per_atom < -NO_REACTION
        table.add_row(
            role,
            Text(name),
            "" if found.potential_V is None else f"{found.potential_V:g}",
            f"{worst.reaction_energy_eV_per_atom:z.3f}",
            f"{found.worst_mutual.mutual_energy_eV_per_atom:z.3f}",
            f"{worst.ratio:.2f}" if reacts else "",
            Text(mixture(worst.products) if reacts else "no reaction"),
            worst.interphase,
        )
        notes += [note for note in found.notes if note not in notes]
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    console.print(table)
    for note in notes:
        console.print(Text(f"note: {note}"))


def _named(meeting: Meeting) -> str:
    assert meeting.interface is not None
    formula = meeting.interface.partner.formula.text
    if meeting.partner is None or meeting.partner.name == formula:
        return formula
    return f"{meeting.partner.name} ({formula})"


def _lithium(found: Interface) -> str:
    return "no lithium from outside" if found.potential_V is None else f"lithium open at {found.potential_V:g} V"


def _sides(found: Interface, kink: Kink) -> str:
    """Return the amounts of the two, as the left side of a reaction."""
    pairs = ((kink.electrolyte_amount, found.electrolyte), (kink.partner_amount, found.partner))
    shown = [f"{amount:.3g} {side.formula}" for amount, side in pairs if amount > 1e-6]
    return " + ".join(text.removeprefix("1 ") for text in shown)


def _said(found: Interface, kink: Kink) -> str:
    energy = kink.reaction_energy_eV_per_atom
    if energy > -NO_REACTION:
        return "no reaction"
    return f"{energy:.3f} eV/atom, of {_sides(found, kink)} to {mixture(kink.products)}: {kink.interphase}"
