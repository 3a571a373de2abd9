"""`superion enumerate`: the doping series of a parent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superion.cli.output import say_json, tell
from superion.errors import InvalidValue

if TYPE_CHECKING:
    from superion.discovery.series import Doped, Series
    from superion.featurizers.crystal import Crystal
    from superion.featurizers.formula import Formula


def enumerate_(
    parent: Annotated[str, typer.Option(help="Formula, or a file with a structure (CIF, POSCAR, JSON).")],
    swap: Annotated[
        list[str], typer.Option(help='What may take the place of what, such as "S>Se,O"; may be given again.')
    ],
    step: Annotated[float, typer.Option(help="Share of an element's atoms that is replaced at a time.")] = 0.1,
    up_to: Annotated[float, typer.Option(help="Largest share of an element's atoms that is replaced.")] = 1.0,
    at_once: Annotated[int, typer.Option(help="Most substituents of one composition.")] = 2,
    vary: Annotated[
        str | None, typer.Option(help="Element whose amount keeps the whole neutral: Li, by more of it or vacancies.")
    ] = None,
    charge: Annotated[
        list[str] | None, typer.Option(help="Oxidation state that is not to be guessed, such as Sb=5.")
    ] = None,
    plausible: Annotated[
        float, typer.Option(help="Leave out what is less plausible, by oxidation states and sizes: 0 to 1.")
    ] = 0.0,
    limit: Annotated[int, typer.Option(help="Most combinations.")] = 100_000,
    out: Annotated[Path | None, typer.Option(help="CSV file to write in place of standard output.")] = None,
    cifs: Annotated[Path | None, typer.Option(help="Folder for the structures, of a parent that has one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the series as JSON.")] = False,
) -> None:
    """List charge-balanced compositions between a parent and what its elements may be replaced by.

    The structures are the parent's with the substituents on its sites, disordered.
    """
    from superion.discovery.series import Plan, doping_series, read_charges
    from superion.discovery.series_table import csv_text, document_of, write_structures
    from superion.discovery.swaps import Swap

    if not 0.0 <= plausible <= 1.0:
        raise InvalidValue("the plausibility lies from 0 to 1", field="plausible", value=plausible)
    start = _parent(parent)
    if cifs is not None and _is_formula(start):
        raise InvalidValue(
            f"{parent} is a formula and has no structure to carry over: name a file as --parent, or leave --cifs out",
            field="cifs",
            value=str(cifs),
        )
    swaps = tuple(Swap.parse(text) for text in swap)
    plan = Plan(swaps, step, vary, up_to, at_once, read_charges(charge or []), limit)
    series = doping_series(start, plan)
    kept = [candidate for candidate in series.candidates if candidate.plausibility >= plausible]
    if cifs is not None:
        tell(f"{cifs}: {write_structures(kept, cifs)} structures")
    if as_json:
        say_json(document_of(series, kept))
    text = csv_text(series, kept)
    if out is not None:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InvalidValue(f"{out} cannot be written: {error}", field="out", value=str(out)) from error
    elif not as_json:
        sys.stdout.write(text)
    _tell(series, kept)


def _parent(text: str) -> Formula | Crystal:
    from superion.featurizers.crystal import Crystal
    from superion.featurizers.file_kinds import kind_of_file
    from superion.featurizers.formula import Formula

    path = Path(text)
    return Crystal.from_file(path) if path.is_file() or kind_of_file(path) else Formula.parse(text)


def _is_formula(parent: Formula | Crystal) -> bool:
    from superion.featurizers.formula import Formula

    return isinstance(parent, Formula)


def _tell(series: Series, kept: list[Doped]) -> None:
    """Say on standard error what was assumed and what was left out."""
    ions = ", ".join(f"{symbol} {charge:+g}" for symbol, charge in series.charges.items())
    tell(f"{len(kept)} compositions of {series.parent.text}; oxidation states: {ions}")
    less = len(series.candidates) - len(kept)
    reasons = {**series.refused, **({"less plausible than asked": less} if less else {})}
    for reason, count in reasons.items():
        tell(f"left out, {count}: {reason}")
    notes = sum(candidate.note is not None for candidate in kept)
    if notes:
        tell(f"{notes} have no structure: see the column note")
