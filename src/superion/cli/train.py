"""`superion train`: fit an ensemble to a table, track it and register it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from superion.cli.output import progress_bar, say_json, tell
from superion.cli.places import Scheduler, Slurm, check_one_place, place

Data = Annotated[
    list[Path], typer.Option("--data", help="Table of measurements (CSV or xlsx); may be given many times.")
]
Cifs = Annotated[Path | None, typer.Option(help="Folder of structures named by the column cif, or <id>.cif.")]
Start = Annotated[str, typer.Option("--from", help="scratch, or champion or the number of a version to fine-tune.")]
Seed = Annotated[int, typer.Option(min=0)]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Members = Annotated[int, typer.Option(help="Networks in the ensemble.")]
Folds = Annotated[int, typer.Option(help="Folds of the cross-validation.")]
Epochs = Annotated[int | None, typer.Option(help="Passes over the rows.  [default: as the release model]")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes to fit in.  [default: one a core]")]


def train(
    data: Data,
    cifs: Cifs = None,
    name: Annotated[str, typer.Option(help="Name of the run.")] = "superion",
    start: Start = "scratch",
    resume: Annotated[str | None, typer.Option(help="Id of a stopped run to go on with.")] = None,
    seed: Seed = 0,
    device: Device = "cpu",
    members: Members = 4,
    folds: Folds = 5,
    epochs: Epochs = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop a network once so many passes make it no better on papers that it does not learn from.  "
            "[default: it makes all passes, on all papers]"
        ),
    ] = None,
    workers: Workers = None,
    unlabelled: Annotated[
        bool,
        typer.Option(
            help="Show lithium compounds without a label, where mp-formation-energies is on this machine; not in "
            "fine-tuning."
        ),
    ] = True,
    settings: Annotated[Path | None, typer.Option(help="File of settings, as `superion tune --out` writes it.")] = None,
    scheduler: Scheduler = None,
    slurm: Slurm = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train on a table; the model is registered as challenger, or as champion where there is none."""
    from superion.loading import missing

    check_one_place(workers, scheduler, slurm)
    try:
        from superion.training.runs import Request, run
    except ModuleNotFoundError as error:
        raise missing(error, "train") from error
    asked = Request(
        data,
        cifs,
        name,
        start,
        resume,
        seed,
        device,
        members,
        folds,
        epochs,
        workers,
        unlabelled,
        settings=settings,
        patience=patience,
    )
    elsewhere = scheduler is not None or slurm is not None
    with place(None, scheduler, slurm) if elsewhere else nullcontext() as client, progress_bar("fits") as progress:
        finished = run(
            asked,
            progress=progress,
            tell=tell,
            started=lambda run_id: tell(f"run {run_id}; to go on after a stop: --resume {run_id}"),
            client=client,
        )
    if as_json:
        say_json(finished)
    else:
        _print(finished)
    raise typer.Exit(1 if finished["failed"] else 0)


def _print(finished: dict[str, Any]) -> None:
    cross_validation = finished["cross_validation"]
    kind = "grouped cross-validation"
    if finished["folds_by"] == "composition":
        kind = "cross-validation by composition, which says nothing of new papers:"
    typer.echo(
        f"run {finished['run_id']}: registered as version {finished['version']} ({finished['alias']}); "
        f"{kind} MAE {cross_validation['censored_at_-15']['mae']:.2f} "
        f"± {cross_validation['mae_spread']:.2f} (censored at -15), "
        f"coverage {cross_validation['interval']['coverage']:.2f} at 0.9"
    )
