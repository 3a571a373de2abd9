"""`superion screen`: predictions for lists that are too long for one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from superion.cli.output import say_json, tell
from superion.cli.places import LocalWorkers, Scheduler, Slurm, check_one_place, place

if TYPE_CHECKING:
    from superion.discovery.screening.running import Progress


def screen(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A CSV, Parquet or JSON-lines file, an OPTIMADE response, a folder, zip or tar of structure files.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of Parquet files; one that is there is gone on with.")],
    where: Annotated[
        str | None,
        typer.Option(help="What is kept, such as 'log10_sigma_lower > -4 and reaction_energy > -0.1'."),
    ] = None,
    temperature: Annotated[float, typer.Option(help="Degrees Celsius.")] = 25.0,
    confidence: Annotated[float, typer.Option(help="Share of materials that an interval is to cover.")] = 0.9,
    model: Annotated[str, typer.Option(help="champion, release, a version, a models:/ URI or a folder.")] = "champion",
    stability: Annotated[
        bool,
        typer.Option(help="Ask about lithium metal, and what is learned with it; half of the time of a formula."),
    ] = True,
    workers: LocalWorkers = None,
    scheduler: Scheduler = None,
    slurm: Slurm = None,
    rows: Annotated[int | None, typer.Option(help="Materials that are predicted and written at a time.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON.")] = False,
) -> None:
    """Predict a long list of materials on all cores, on a Dask scheduler or in the queue of SLURM.

    What is done stays done: the same command goes on where it was stopped. Materials that cannot be predicted are in
    OUT.failures.parquet, each with the reason.
    """
    check_one_place(workers, scheduler, slurm)
    from superion.loading import missing

    try:
        from superion.discovery.screening.judging import Asked
        from superion.discovery.screening.running import Screening, run
        from superion.discovery.screening.sources import Source
    except ModuleNotFoundError as error:
        raise missing(error, "screen") from error
    screening = Screening(Source.of(source), Asked.of(model, temperature, confidence, where, stability), out, rows)
    with place(workers, scheduler, slurm) as client, _progress() as progress:
        found = run(screening, client, progress, tell).as_dict()
    if as_json:
        say_json(found)
    else:
        _tell(found)
    raise typer.Exit(1 if found["failed"] or found["not_done"] else 0)


def _tell(found: dict[str, Any]) -> None:
    typer.echo(f"{found['read']} materials, {found['written']} of them in {found['out']}")
    if found["failed"]:
        typer.echo(f"{found['failed']} could not be predicted; {found['failures']} says why")
    if found["not_done"]:
        typer.echo(f"{len(found['not_done'])} parts could not be done; the same command tries them again")


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """Show a bar on standard error with the rate and the time left; a line for each part where it is no terminal."""
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("materials"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[rate]}"),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with bars.Progress(*columns, console=console) as bar:
        task = bar.add_task("materials", total=None, rate="")

        def progress(found: Progress) -> None:
            rate = f"{found.rate:.0f} a second"
            bar.update(task, completed=found.counts.read, total=found.total, rate=rate)
            if not console.is_terminal:
                of = "" if found.total is None else f" of {found.total}"
                left = "" if found.seconds_left is None else f", about {found.seconds_left:.0f} s left"
                console.print(f"materials: {found.counts.read}{of}, {rate}{left}", highlight=False)

        yield progress
