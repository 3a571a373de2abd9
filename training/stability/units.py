"""The networks of a cross-validation and the final ones, fitted side by side and kept as they finish."""

from __future__ import annotations

import json
import multiprocessing
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from superion.models.stability.network import StabilityNetwork
from superion.training.stability.fit import StabilitySettings, TrainingSet, fit_stability_network
from superion.training.stability.labels import StabilityLabels

FINAL = -1
"""Fold number of what sees all rows."""
FORMAT = 1
"""Raise when networks are fitted otherwise, so that kept ones are not taken for new ones."""


def folds_of(systems: Sequence[str], n_folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each chemical system, shape (n,), by a hash of its name: the same whatever else there is."""
    number = {system: zlib.crc32(f"{seed}:{system}".encode()) % n_folds for system in set(systems)}
    return np.array([number[system] for system in systems])


def fit_units(
    labels: StabilityLabels,
    settings: StabilitySettings,
    folder: Path,
    workers: int,
    done: Callable[[int, int], None] = lambda fold, member: None,
) -> None:
    """Fit the networks of every fold and the final ones into `folder`; those that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    folds = folds_of(labels.systems, settings.n_folds, settings.seed)
    wanted = [(fold, member) for fold in (*range(settings.n_folds), FINAL) for member in range(settings.n_networks)]
    waiting = [unit for unit in wanted if not file_of(folder, *unit).is_file()]
    data = TrainingSet.of(labels)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start, initargs=(data, folds, settings, folder)
    ) as pool:
        pending = {pool.submit(_fit, *unit): unit for unit in waiting}
        for future in as_completed(pending):
            future.result()
            done(*pending[future])


def load_networks(settings: StabilitySettings, folder: Path, fold: int) -> tuple[StabilityNetwork, ...]:
    """Return the finished networks of a fold."""
    networks = []
    for member in range(settings.n_networks):
        network = StabilityNetwork(settings.network)
        network.load_state_dict(load_file(file_of(folder, fold, member)))
        networks.append(network.eval())
    return tuple(networks)


def file_of(folder: Path, fold: int, member: int) -> Path:
    """Return where a network is kept."""
    name = "final" if fold == FINAL else f"fold-{fold}"
    return folder / f"{name}-member-{member}.safetensors"


def claim(folder: Path, settings: StabilitySettings, labels: str) -> None:
    """Write down what the folder is of; raises ValueError for one of other settings or labels (given by a digest)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "settings.json"
    # How many networks there are does not change any of them.
    wanted = {key: value for key, value in settings.as_dict().items() if key != "n_networks"}
    wanted |= {"labels": labels, "format": FORMAT}
    text = json.dumps(wanted, indent=1, sort_keys=True)
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise ValueError(f"{folder.name} holds networks of other settings or labels; remove it, or take another folder")
    path.write_text(text, encoding="utf-8")


_work: tuple[TrainingSet, npt.NDArray[np.int64], StabilitySettings, Path] | None = None


def _start(data: TrainingSet, folds: npt.NDArray[np.int64], settings: StabilitySettings, folder: Path) -> None:
    global _work  # what a worker of the pool works on
    _work = data, folds, settings, folder
    torch.set_num_threads(1)


def _fit(fold: int, member: int) -> None:
    assert _work is not None
    data, folds, settings, folder = _work
    rows = np.flatnonzero(folds != fold)
    seed = 1000 * (settings.seed + 1) + 100 * (fold + 1) + member
    network = fit_stability_network(data, rows, settings, seed)
    path = file_of(folder, fold, member)
    draft = path.with_suffix(".part")
    save_file(network.state_dict(), draft)
    draft.replace(path)
