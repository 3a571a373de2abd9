"""The networks and processes of a run, in units of work fitted side by side and kept as they are finished.

A unit is a network of the ensemble in one fold, or in the final ensemble, which sees all rows; or it is all Gaussian
processes of that fold. It is written to the folder of the run as soon as it is fitted, so that a run that was stopped
goes on where it was.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors import numpy as numpy_tensors
from safetensors.torch import load_file
from torch import Tensor

from superion.models.distribution import FloatArray
from superion.models.ensemble import Ensemble
from superion.models.material import Material
from superion.models.network import NetworkConfig, SuperionNetwork
from superion.models.process_ensemble import ProcessEnsemble
from superion.training.corrections import fit_corrections
from superion.training.dask_tasks import Tasks
from superion.training.fit import fit_network
from superion.training.one_thread import one_thread
from superion.training.processes import fit_meyer_neldel, fit_processes
from superion.training.settings import TrainingSettings
from superion.training.table import Measurement
from superion.training.trees import grow_trees

if TYPE_CHECKING:
    from distributed import Client, Future

Array = npt.NDArray[Any]

FINAL = -1
"""Fold number of what sees all rows."""

CURVE = "training_curve"
"""Name of the losses of a network's passes, shape (n_epochs,), beside its weights in the file of its unit."""


@dataclass(frozen=True)
class Unit:
    """Name one network of a run, or the processes of one fold."""

    fold: int
    member: int = 0
    kind: Literal["network", "processes"] = "network"

    @property
    def file(self) -> str:
        """Name of the file that keeps it."""
        fold = "final" if self.fold == FINAL else f"fold-{self.fold}"
        part = "processes" if self.kind == "processes" else f"member-{self.member}"
        return f"{fold}-{part}.safetensors"

    def seed(self, base: int) -> int:
        """Return a seed of its own; folds and members of runs with neighbouring seeds do not share one."""
        return base * 10_000 + (self.fold + 1) * 100 + self.member


@dataclass(frozen=True)
class Work:
    """Hold what every unit of a run needs."""

    rows: Sequence[Measurement]
    train: dict[int, Sequence[int]]
    """Row numbers to fit to, by fold."""
    settings: TrainingSettings
    folder: Path
    start: Sequence[dict[str, Tensor]] | None = None
    """Weights to fine-tune from, one set a member."""
    parent: Ensemble | None = None
    """What to fine-tune from: its forests and processes are kept and corrected."""
    device: str = "cpu"
    unlabelled: Sequence[Material] = ()
    """Compounds of no measured row, for the networks; workers build the graphs of those they draw."""


def units_of(work: Work) -> list[Unit]:
    """Return the units that the ensembles of a run need."""
    units = [Unit(fold, member) for fold in work.train for member in range(work.settings.n_members)]
    return units + [Unit(fold, kind="processes") for fold in work.train]


def fit_units(
    work: Work,
    units: Sequence[Unit],
    *,
    workers: int | None = None,
    client: Client | None = None,
    done: Callable[[Unit], None] = lambda unit: None,
) -> None:
    """Fit every unit whose file is not there yet, in `workers` processes (as many as cores unless given).

    A client of Dask has them fitted on its workers instead; a unit is the same wherever it was fitted. `done` is called
    for each unit as it is finished, at once for those that were. Raises Unavailable for a scheduler that is gone.
    """
    work.folder.mkdir(parents=True, exist_ok=True)
    waiting = []
    for unit in units:
        if _readable(work.folder / unit.file):
            done(unit)
        else:
            waiting.append(unit)
    _build_graphs(work)
    if client is not None:
        _fit_elsewhere(work, waiting, client, done)
        return
    n_workers = 1 if work.device != "cpu" else workers or _available_cores()
    if n_workers == 1 or len(waiting) <= 1:
        for unit in waiting:
            _fit(work, unit)
            done(unit)
        return
    # Spawned, not forked: a process that has run torch's threads and forks may hang in the child.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_workers, mp_context=context, initializer=_start_worker, initargs=(work,)) as pool:
        pending = {pool.submit(_fit_in_worker, unit): unit for unit in waiting}
        for future in as_completed(pending):
            future.result()
            done(pending[future])


def load_ensemble(work: Work, fold: int) -> Ensemble:
    """Put the finished networks and processes of a fold together with the forests of its rows.

    Forests take a second and are grown anew; a fine-tuned ensemble keeps those of its parent, and its own processes
    correct them. Raises InvalidArtefact for processes that are damaged.
    """
    networks = [
        numpy_tensors.load_file(work.folder / Unit(fold, member).file) for member in range(work.settings.n_members)
    ]
    return put_together(work, fold, networks, numpy_tensors.load_file(work.folder / Unit(fold, kind="processes").file))


def put_together(work: Work, fold: int, networks: Sequence[dict[str, Array]], processes: dict[str, Array]) -> Ensemble:
    """Return the ensemble of a fold from the arrays of its networks and of its processes, as `fitted` returns them."""
    settings, parent = work.settings, work.parent
    members = tuple(_network(settings.network, arrays) for arrays in networks)
    found = ProcessEnsemble.from_tensors(processes)
    if parent is not None:
        return replace(parent, config=settings.network, networks=members, corrections=(*parent.corrections, found))
    rows = [work.rows[index] for index in work.train[fold]]
    trees = grow_trees(rows, settings.trees, settings.fit.censored_at, Unit(fold, 0).seed(settings.seed))
    line = fit_meyer_neldel(rows, settings.fit.censored_at)
    return Ensemble(settings.network, members, trees, found, meyer_neldel=line)


def training_curves(work: Work) -> dict[str, FloatArray]:
    """Return the loss of every pass over the rows, shape (n_epochs,), mean over the networks of a fold, by its name.

    Of passes that only some networks made, the others having stopped, it is the mean over these.
    """
    curves = {}
    for fold in work.train:
        files = [work.folder / Unit(fold, member).file for member in range(work.settings.n_members)]
        kept = [load_file(file)[CURVE].double().numpy() for file in files]
        padded = np.full((len(kept), max(map(len, kept))), np.nan)
        for row, curve in zip(padded, kept, strict=True):
            row[: len(curve)] = curve
        curves["all rows" if fold == FINAL else f"without fold {fold + 1}"] = np.nanmean(padded, axis=0)
    return curves


def _network(config: NetworkConfig, arrays: dict[str, Array]) -> SuperionNetwork:
    network = SuperionNetwork(config)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items() if name != CURVE})
    return network.eval().requires_grad_(False)


_work: Work | None = None
"""What this worker process was started with."""


def _start_worker(work: Work) -> None:
    global _work
    _work = work


def _fit_in_worker(unit: Unit) -> None:
    assert _work is not None
    _fit(_work, unit)


def _fit(work: Work, unit: Unit) -> None:
    _keep(work, unit, fitted(work, unit))


def _fit_elsewhere(work: Work, waiting: Sequence[Unit], client: Client, done: Callable[[Unit], None]) -> None:
    """Fit units on the workers of Dask; they are sent what they need, and send back what is kept here."""
    tasks = Tasks(client, "--resume with the number of the run goes on with what is not done")
    shared = tasks.spread(work)

    def send(unit: Unit) -> Future:
        nonlocal shared
        if shared.status != "finished":
            # The last worker that held it is gone.
            shared = tasks.spread(work)
        return tasks.submit(fitted, shared, unit, priority=-waiting.index(unit))

    for unit, arrays in tasks.results(waiting, send):
        _keep(work, unit, arrays)
        done(unit)


def _keep(work: Work, unit: Unit, arrays: dict[str, Array]) -> None:
    draft = work.folder / f"{unit.file}.{os.getpid()}.tmp"
    numpy_tensors.save_file(arrays, draft)
    draft.replace(work.folder / unit.file)


@one_thread()
def fitted(work: Work, unit: Unit) -> dict[str, Array]:
    """Fit a unit and return its arrays as its file holds them.

    They depend on `work` alone: on no other unit, and not on the process that fits it.
    """
    rows = [work.rows[index] for index in work.train[unit.fold]]
    if unit.kind == "processes":
        found = (
            fit_processes(rows, work.settings.fit.censored_at)
            if work.parent is None
            else fit_corrections(rows, work.parent)
        )
        return {name: np.ascontiguousarray(array) for name, array in found.tensors().items()}
    curve: list[float] = []
    network = fit_network(
        rows,
        work.settings.network,
        work.settings.fit,
        unit.seed(work.settings.seed),
        unlabelled=work.unlabelled,
        start=None if work.start is None else work.start[unit.member % len(work.start)],
        device=work.device,
        curve=curve,
    )
    weights = {key: np.ascontiguousarray(tensor.numpy()) for key, tensor in network.state_dict().items()}
    return {**weights, CURVE: np.array(curve, dtype=np.float32)}


def _readable(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        load_file(path)
    except (SafetensorError, OSError):
        # A file cut off by a full disk is fitted again.
        return False
    return True


def _build_graphs(work: Work) -> None:
    """Build every graph once, here, so that the workers are handed them with the rows."""
    network = work.settings.network
    for row in work.rows:
        _ = row.material.composition_graph
        row.material.crystal_graph(network.cutoff, network.neighbors)


def _available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
