"""The networks of a run, one unit of work each, fitted side by side and kept as they are finished.

A unit is a member of the ensemble in one fold, or in the final ensemble, which sees all rows. Its weights are written
to the folder of the run as soon as it is fitted, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from superion.models.ensemble import Ensemble
from superion.models.material import Material
from superion.models.network import SuperionNetwork
from superion.models.tree_ensemble import TreeEnsemble
from superion.training.fit import fit_network
from superion.training.settings import TrainingSettings
from superion.training.table import Measurement
from superion.training.trees import grow_trees

FINAL = -1
"""Fold number of the networks that see all rows."""


@dataclass(frozen=True)
class Unit:
    """Name one network of a run."""

    fold: int
    member: int

    @property
    def file(self) -> str:
        """Name of its weights."""
        fold = "final" if self.fold == FINAL else f"fold-{self.fold}"
        return f"{fold}-member-{self.member}.safetensors"

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
    parent_trees: TreeEnsemble | None = None
    """Forests of the model to fine-tune from."""
    device: str = "cpu"
    unlabelled: Sequence[Material] = ()
    """Compounds of no measured row, for the networks; workers build the graphs of those they draw."""


def fit_units(
    work: Work, units: Sequence[Unit], *, workers: int | None = None, done: Callable[[Unit], None] = lambda unit: None
) -> None:
    """Fit every unit whose weights are not there yet, in `workers` processes (as many as cores unless given).

    `done` is called for each unit as it is finished, at once for those that were.
    """
    work.folder.mkdir(parents=True, exist_ok=True)
    waiting = []
    for unit in units:
        if _readable(work.folder / unit.file):
            done(unit)
        else:
            waiting.append(unit)
    _build_graphs(work)
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
    """Put the finished networks of a fold together with the forests of its rows.

    Forests take a second and are grown anew; a fine-tuned ensemble keeps those of its parent.
    """
    settings = work.settings
    trees = work.parent_trees
    if trees is None:
        rows = [work.rows[index] for index in work.train[fold]]
        trees = grow_trees(rows, settings.trees, settings.fit.censored_at, Unit(fold, 0).seed(settings.seed))
    return Ensemble(settings.network, _load_networks(work, fold), trees)


def _load_networks(work: Work, fold: int) -> tuple[SuperionNetwork, ...]:
    networks = []
    for member in range(work.settings.n_members):
        network = SuperionNetwork(work.settings.network)
        network.load_state_dict(load_file(work.folder / Unit(fold, member).file))
        networks.append(network.eval().requires_grad_(False))
    return tuple(networks)


_work: Work | None = None
"""What this worker process was started with."""


def _start_worker(work: Work) -> None:
    global _work
    torch.set_num_threads(1)
    _work = work


def _fit_in_worker(unit: Unit) -> None:
    assert _work is not None
    _fit(_work, unit)


def _fit(work: Work, unit: Unit) -> None:
    network = fit_network(
        [work.rows[index] for index in work.train[unit.fold]],
        work.settings.network,
        work.settings.fit,
        unit.seed(work.settings.seed),
        unlabelled=work.unlabelled,
        start=None if work.start is None else work.start[unit.member % len(work.start)],
        device=work.device,
    )
    draft = work.folder / f"{unit.file}.{os.getpid()}.tmp"
    save_file({key: tensor.contiguous() for key, tensor in network.state_dict().items()}, draft)
    draft.replace(work.folder / unit.file)


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
