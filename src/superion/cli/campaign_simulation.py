"""`superion campaign simulate`: a campaign replayed on measured data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from superion.cli.campaign_text import print_table
from superion.cli.output import complain, progress_bar, say_json, tell


def simulate(
    data: Annotated[Path, typer.Option("--data", help="Table of measurements (CSV or xlsx): the pool.")],
    cifs: Annotated[
        Path | None, typer.Option(help="Folder of structures named by the column cif, or <id>.cif.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Experiments a round.")] = 5,
    rounds: Annotated[int, typer.Option(help="Rounds after the start.")] = 18,
    start: Annotated[int, typer.Option(help="Experiments at random before the first round.")] = 10,
    seeds: Annotated[int, typer.Option(help="Repetitions, each with a start of its own.")] = 20,
    top: Annotated[float, typer.Option(help="Share of the pool that counts as hits.")] = 0.05,
    hold_out: Annotated[str | None, typer.Option(help="Family of which the start holds none.")] = None,
    strategy: Annotated[
        list[str] | None, typer.Option(help="One of superion, random, greedy, nearest_neighbour, magpie_forest.")
    ] = None,
    acquisition: Annotated[str, typer.Option(help="ucb, log_ei, noisy_ei, thompson or variance.")] = "ucb",
    kappa: Annotated[float | None, typer.Option(help="Standard deviations that ucb adds to the mean.")] = None,
    most_of_a_family: Annotated[int | None, typer.Option(help="Most of a batch from one family.")] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
    plot: Annotated[Path | None, typer.Option(help="Draw the hits found into a png, svg or pdf file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Tell how soon each strategy would have found the best conductors of a table.

    The models know what was measured by then and nothing else: no weights of a release are used.
    """
    from superion.loading import missing

    try:
        from superion.discovery.goal import Goal
        from superion.discovery.retrospective.plan import Plan
        from superion.discovery.retrospective.simulation import simulate as replayed
        from superion.discovery.retrospective.summary import figure, summary
        from superion.training import drawing
        from superion.training.table import read_table
    except ModuleNotFoundError as error:
        raise missing(error, "discover") from error
    if plot is not None:
        drawing.check_file(plot)
    options: dict[str, Any] = {"acquisition": acquisition, "most_of_a_family": most_of_a_family}
    if kappa is not None:
        options["kappa"] = kappa
    named = {} if strategy is None else {"names": tuple(dict.fromkeys(strategy))}
    plan = Plan(
        batch=batch,
        rounds=rounds,
        start=start,
        seeds=seeds,
        top=top,
        hold_out=hold_out,
        goal=Goal.from_dict(options),
        workers=workers,
        **named,
    )
    table = read_table(data, cifs)
    for note in table.notes:
        tell(f"{data.name}, {note}")
    for fault in table.failed:
        complain(f"{data.name}, {fault}")
    without = sum(row.log10_conductivity is None for row in table.rows)
    if without:
        tell(f"{data.name}: {without} rows have no conductivity and are no part of the pool")
    with progress_bar("campaigns") as progress:
        found = replayed(table.rows, plan, progress)
    if plot is not None:
        drawing.save(figure(found), plot)
    document = {**summary(found), "failed": [{"id": fault.id, "reason": fault.reason} for fault in table.failed]}
    if as_json:
        say_json(document)
    else:
        _print(document)
    raise typer.Exit(1 if table.failed else 0)


def _print(document: dict[str, Any]) -> None:
    last = document["experiments"][-1]
    families = ", ".join(f"{count} {name}" for name, count in document["hits_by_family"].items())
    typer.echo(
        f"{document['n']} materials, {document['n_hits']} hits ({families}); {document['seeds']} campaigns of "
        f"{last} experiments"
    )
    columns = ("strategy", "hits", "10 to 90 %", "families", "to half", "acceleration", "enhancement", "s a round")
    print_table(columns, [_row(name, found) for name, found in document["strategies"].items()])


def _row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    half, factor = found["experiments_to_half"]["median"], found["acceleration"]["median"]
    return (
        name,
        f"{found['hits'][-1]:.1f}",
        f"{found['hits_lower'][-1]:.0f} to {found['hits_upper'][-1]:.0f}",
        f"{found['families'][-1]:.1f}",
        "-" if half is None else f"{half:.0f}",
        "-" if factor is None else f"{factor:.1f}",
        f"{found['enhancement'][-1]:.1f}",
        f"{found['seconds_a_round']['mean']:.2f}",
    )


def register(app: typer.Typer) -> None:
    """Add the command to the group `campaign`."""
    app.command("simulate")(simulate)
