"""`superion tune`: search for the settings that a table is best learned with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from superion.cli.output import progress_bar, say_json, tell
from superion.cli.places import LocalWorkers, Scheduler, Slurm, check_one_place, place
from superion.cli.train import Cifs, Data, Device, Folds, Seed, Start


def tune(
    data: Data,
    cifs: Cifs = None,
    study: Annotated[str, typer.Option(help="Name of the search; one that is there is gone on with.")] = "superion",
    start: Start = "scratch",
    trials: Annotated[int, typer.Option(help="Trials that the search is to have in all.")] = 20,
    minutes: Annotated[float | None, typer.Option(help="After which no trial is begun.")] = None,
    search: Annotated[
        str | None, typer.Option(help="Settings to search, with commas between.  [default: all that matter]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the best settings, for `superion train --settings`.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="File of settings to begin with.")] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            help="URL of the database of trials.  [default: SUPERION_TUNING, else beside MLflow's PostgreSQL, else "
            "optuna.db under SUPERION_HOME]"
        ),
    ] = None,
    confirm: Annotated[
        bool, typer.Option(help="Compare the best with the first on other folds; as long as two trials.")
    ] = True,
    seed: Seed = 0,
    device: Device = "cpu",
    members: Annotated[int, typer.Option(help="Networks in the ensemble of a trial.")] = 2,
    folds: Folds = 5,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the rows in every trial, which are not searched then.")
    ] = None,
    unlabelled: Annotated[
        bool, typer.Option(help="Show lithium compounds without a label, as `superion train` does.")
    ] = True,
    workers: LocalWorkers = None,
    scheduler: Scheduler = None,
    slurm: Slurm = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON.")] = False,
) -> None:
    """Search for the settings that a table is best learned with, fold by fold on Dask, each trial tracked in MLflow.

    What has ended stays ended: the same command goes on where it was stopped.
    """
    from superion.loading import missing

    check_one_place(workers, scheduler, slurm)
    try:
        import optuna  # noqa: F401 # so that what lacks it says so before a cluster is started

        from superion.training.runs import Request, job_of, table_of
        from superion.training.tuning.study import Search
        from superion.training.tuning.study import search as run
    except ModuleNotFoundError as error:
        raise missing(error, "screen") from error
    request = Request(
        data, cifs, study, start, None, seed, device, members, folds, epochs, None, unlabelled, settings=settings
    )
    table = table_of(request)
    for note in (*table.failed, *table.notes):
        tell(f"{table.name}, {note}")
    names = [name.strip() for name in search.split(",")] if search else []
    asked = Search(
        job_of(request, table, tell), study, trials, minutes, names, epochs is not None, storage, confirm, out
    )
    asked.check()
    with place(workers, scheduler, slurm) as client, progress_bar("trials") as progress:
        found = run(asked, client, progress, tell)
    if as_json:
        say_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    from superion.training.gate import BETTER

    best, first, counts = found["best"], found["first"], found["trials"]
    typer.echo(
        f"study {found['study']}, run {found['run_id']}: {counts['finished']} trials finished, {counts['given_up']} "
        f"given up, {counts['failed']} failed"
    )
    for name, one in (("first", first), ("best", best)):
        figures = one["figures"]
        typer.echo(
            f"{name}, trial {one['number']}: MAE {figures['mae.censored_at_-15']:.3f} (censored at -15), "
            f"{figures['mae.censored_at_-10']:.3f} (at -10)"
        )
    if best["number"] == first["number"]:
        typer.echo("nothing was better than what the search began with")
    for name, value in best["values"].items():
        typer.echo(f"  {name:28} {first['values'][name]:<12.4g} -> {value:.4g}")
    confirmation = found["confirmation"]
    if confirmation is not None:
        one = confirmation["censored_at_-15"]
        interval = one["paired_difference"]
        verdict = confirmation["verdict"]
        advice = "" if verdict == BETTER else "; there is no reason to leave what the search began with"
        typer.echo(
            f"on other folds the best is {verdict}{advice}: {one['best']:.3f} against {one['first']:.3f}, difference "
            f"{interval['mean']:+.3f} [{interval['lower']:+.3f}, {interval['upper']:+.3f}]"
        )
    if found["out"]:
        typer.echo(f"superion train --settings {found['out']} trains with the best of the search")
