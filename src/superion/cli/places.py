"""Where Dask runs what a command hands to it: this machine, a scheduler that is there, or the queue of SLURM."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from distributed import Client

LocalWorkers = Annotated[int | None, typer.Option(help="Processes on this machine.  [default: one for each core]")]
Scheduler = Annotated[str | None, typer.Option(help="Address of a Dask scheduler, such as tcp://host:8786.")]
Slurm = Annotated[Path | None, typer.Option(help="YAML that says which jobs SLURM is to queue.")]


def check_one_place(workers: int | None, scheduler: str | None, slurm: Path | None) -> None:
    """Raise BadParameter for more than one place to run."""
    if sum(option is not None for option in (workers, scheduler, slurm)) > 1:
        raise typer.BadParameter("--workers, --scheduler and --slurm are three places to run; give one")


def place(workers: int | None, scheduler: str | None, slurm: Path | None) -> AbstractContextManager[Client]:
    """Return what yields a client of Dask; raises MissingDependency without Dask."""
    from superion.loading import missing

    try:
        import distributed  # noqa: F401 # which sets the levels of its logs when it is first imported

        from superion.training import clusters
    except ModuleNotFoundError as error:
        raise missing(error, "screen") from error
    # What goes wrong with the scheduler is said in one line; Dask writes tracebacks of it.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    if scheduler is not None:
        return clusters.at(scheduler)
    if slurm is not None:
        return clusters.slurm(slurm)
    return clusters.local(workers)
