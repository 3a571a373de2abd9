"""`superion predict`: conductivity and activation energy for formulas and structure files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superion.cli.output import PIPE_WIDTH, complain, say_json, tell, volts

if TYPE_CHECKING:
    from rich.console import Console

    from superion.models.records import Estimate, Prediction, Report


def predict(
    formulas: Annotated[
        list[str] | None, typer.Argument(help="Formulas, such as Li6PS5Cl or 'Li1.3Al0.3Ti1.7(PO4)3'.")
    ] = None,
    cif: Annotated[
        list[Path] | None, typer.Option("--cif", help="A CIF or POSCAR file; may be given many times.")
    ] = None,
    temperature: Annotated[
        list[float] | None,
        typer.Option("--temperature", help="Degrees Celsius; may be given many times.  [default: 25]"),
    ] = None,
    confidence: Annotated[float, typer.Option(help="Share of materials that the interval is to cover.")] = 0.9,
    model: Annotated[str, typer.Option(help="champion, release, a version, a models:/ URI or a folder.")] = "champion",
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON that POST /predict answers with.")] = False,
) -> None:
    """Predict the conductivity of formulas and crystal structures, with an interval."""
    if not formulas and not cif:
        raise typer.BadParameter("give at least one formula or one --cif file")
    from superion.loading import load_predictor, missing

    try:
        from superion.models.inputs import Named
        from superion.models.records import Failure
    except ModuleNotFoundError as error:
        raise missing(error, "predict") from error
    items = [Named(formula, formula) for formula in formulas or ()] + [Named(str(path), path) for path in cif or ()]
    temperatures = temperature or [25.0]
    report = load_predictor(model).predict(
        items, temperature_C=temperatures if len(temperatures) > 1 else temperatures[0], confidence=confidence
    )
    for answer in report.predictions:
        if isinstance(answer, Failure):
            complain(f"{answer.id}: {answer.message}")
    if as_json:
        say_json(report.as_dict())
    else:
        _print_table(report)
    raise typer.Exit(1 if report.n_failed else 0)


def _print_table(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from superion.models.records import Failure

    table = Table(title=f"{report.model.name} version {report.model.version}", title_justify="left")
    for column in (
        "material",
        "T [°C]",
        "log10 σ [S/cm]",
        f"{report.confidence:.0%} interval",
        "σ [mS/cm]",
        "Ea [eV]",
        "in domain",
    ):
        table.add_column(Text(column), no_wrap=True)
    for answer in report.predictions:
        if isinstance(answer, Failure):
            continue
        energy = "-" if answer.activation_energy is None else f"{answer.activation_energy.mean:.2f}"
        for conductivity in answer.conductivity:
            log10 = conductivity.log10
            table.add_row(
                # As text: the brackets of a formula are no markup.
                Text(answer.id or answer.formula),
                f"{conductivity.temperature_c:g}",
                f"{log10.mean:.2f}",
                f"{log10.lower:.2f} to {log10.upper:.2f}",
                f"{1e3 * 10.0**log10.mean:.2g}",
                energy,
                "yes" if answer.domain.in_domain else "no",
            )
    answers = [answer for answer in report.predictions if not isinstance(answer, Failure)]
    if answers:
        # A file or a pipe has no width of its own; 80 columns would cut the names.
        console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
        console.print(table)
        _print_learned(console, answers)
        _print_hull(console, answers)
    # What is said of all is said once.
    shared = [text for text in answers[0].warnings if all(text in a.warnings for a in answers)] if answers[1:] else []
    for text in shared:
        tell(text)
    for answer in answers:
        for warning in answer.warnings:
            if warning not in shared:
                tell(f"{answer.id or answer.formula}: {warning}")


def _print_learned(console: Console, answers: Sequence[Prediction]) -> None:
    """Print what the networks of stability say of each material, with intervals."""
    from rich.table import Table
    from rich.text import Text

    from superion.models.records import DENDRITE_THRESHOLD_GPA

    contact = Table(title=Text("against lithium metal, as learned from computed phases"), title_justify="left")
    for column in ("material", "reduction [V]", "oxidation [V]", "reaction [eV/atom]", "interphase"):
        contact.add_column(Text(column), no_wrap=True)
    body = Table(title=Text("learned from computed crystals"), title_justify="left")
    for column in (
        "material",
        "shear modulus [GPa]",
        f"above {DENDRITE_THRESHOLD_GPA} GPa",
        "PBE band gap [eV]",
        "formation [eV/atom]",
    ):
        body.add_column(Text(column), no_wrap=True)
    for answer in answers:
        metal, name = answer.lithium_metal, Text(answer.id or answer.formula)
        if metal.interphase is None or metal.dendrites is None:
            continue
        contact.add_row(
            name,
            _with_ends(metal.reduction_limit, 2),
            _with_ends(metal.oxidation_limit, 2),
            # The limit of what counts as stable is -0.03.
            _with_ends(metal.reaction_energy, 3),
            f"{metal.interphase.name} ({metal.interphase.probabilities[metal.interphase.name]:.0%})",
        )
        body.add_row(
            name,
            _with_ends(answer.shear_modulus, 0),
            metal.dendrites.met,
            _with_ends(answer.band_gap, 1),
            _with_ends(answer.formation_energy, 2),
        )
    if contact.row_count:
        console.print(contact)
        console.print(body)


def _with_ends(estimate: Estimate | None, decimals: int) -> str:
    if estimate is None:
        return "-"
    mean, lower, upper = (f"{value:.{decimals}f}" for value in (estimate.mean, estimate.lower, estimate.upper))
    return f"{mean} ({lower} to {upper})"


def _print_hull(console: Console, answers: Sequence[Prediction]) -> None:
    """Print what the hull says of each material, where it says something."""
    from rich.table import Table
    from rich.text import Text

    names = sorted({answer.lithium_metal.hull.table for answer in answers if answer.lithium_metal.hull is not None})
    if not names:
        return
    title = Text(f"against lithium metal, by the hull of the table {' and '.join(names)}")
    table = Table(title=title, title_justify="left")
    for column in ("material", "window [V]", "reaction [eV/atom]", "products at 0 V", "interphase"):
        table.add_column(Text(column), no_wrap=column != "products at 0 V")
    for answer in answers:
        hull = answer.lithium_metal.hull
        if hull is None:
            continue
        table.add_row(
            Text(answer.id or answer.formula),
            volts(hull.reduction_limit_V, hull.oxidation_limit_V),
            f"{hull.reaction_energy_eV_per_atom:.2f}",
            Text(", ".join(product.formula for product in hull.products)),
            hull.interphase,
        )
    console.print(table)
