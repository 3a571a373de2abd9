"""Where a screening runs: on the cores of this machine, on a scheduler that is there, or in the queue of SLURM."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superion.errors import InvalidValue, Unavailable

if TYPE_CHECKING:
    from distributed import Client

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Environment of a worker, which has a core to itself: threads of its own would take those of others."""
CONNECT_SECONDS = 20
ATTEMPTS = 1
"""Workers that a part may take with it before it is looked at material by material."""


@contextmanager
def local(workers: int | None = None) -> Iterator[Client]:
    """Yield a client of a cluster on this machine: as many processes as cores unless told, of one thread each.

    Raises InvalidValue for fewer workers than one.
    """
    if workers is not None and workers < 1:
        raise InvalidValue(f"workers is 1 or more, not {workers}", field="workers", value=workers)
    import dask
    from dask.system import CPU_COUNT  # within the bounds of a container
    from distributed import Client, LocalCluster

    settings = {
        "distributed.nanny.pre-spawn-environ": ONE_THREAD,
        "distributed.scheduler.allowed-failures": ATTEMPTS,
    }
    with dask.config.set(settings):
        cluster = LocalCluster(
            n_workers=workers or CPU_COUNT,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        )
        with cluster, Client(cluster) as client:
            yield client


@contextmanager
def at(address: str) -> Iterator[Client]:
    """Yield a client of the scheduler at an address such as tcp://host:8786; raises Unavailable where none answers."""
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise Unavailable(f"no scheduler answers at {address}: {error}", field="scheduler", value=address) from error
    with client:
        yield client


@contextmanager
def slurm(config: Path) -> Iterator[Client]:
    """Yield a client of workers that SLURM starts as a file in YAML says.

    `jobs` is how many are queued, all else is what `dask_jobqueue.SLURMCluster` takes: queue, account, cores,
    processes, memory, walltime. Raises InvalidValue for a file that does not say it.
    """
    from distributed import Client

    cluster, jobs = slurm_cluster(config)
    with cluster, Client(cluster) as client:
        cluster.scale(jobs=jobs)
        yield client


def slurm_cluster(config: Path) -> tuple[Any, int]:
    """Return the cluster that a file describes, without any job yet, and how many jobs it asks for."""
    before = signal.getsignal(signal.SIGINT)
    from dask_jobqueue import SLURMCluster

    # The import makes Ctrl-C end the process, whatever it did before.
    signal.signal(signal.SIGINT, before)
    settings = dict(_yaml(config))
    jobs = settings.pop("jobs", 1)
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1:
        raise InvalidValue(f"{config.name}: jobs is a number of 1 or more, not {jobs!r}", field="slurm", value=jobs)
    prologue = [f"export {name}={value}" for name, value in ONE_THREAD.items()]
    settings["job_script_prologue"] = [*prologue, *settings.get("job_script_prologue", ())]
    try:
        return SLURMCluster(**settings), jobs
    except (TypeError, ValueError) as error:
        raise InvalidValue(
            f"{config.name} is not what dask_jobqueue.SLURMCluster takes: {error}", field="slurm", value=str(config)
        ) from error


def _yaml(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidValue(f"{path} cannot be read: {error}", field="slurm", value=str(path)) from error
    if not isinstance(found, Mapping):
        raise InvalidValue(f"{path.name} has no keys such as queue, cores and memory", field="slurm", value=str(path))
    return found
