"""Functions for worker processes, which find them as the module `_worker_tasks` on the path."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from superion.errors import InvalidCrystal
from superion.featurizers import Crystal, Featuriser


def process_id(_: Crystal) -> int:
    """Tell which process works."""
    return os.getpid()


def heavy_modules(_: Crystal) -> list[str]:
    """Tell which of the heavy packages this process has imported."""
    return sorted({"torch", "torch_geometric", "pymatgen", "scipy", "mlflow", "ase"} & sys.modules.keys())


def thread_limits(_: Crystal) -> tuple[int, list[str | None]]:
    """Tell how many threads this process has, and what it was told of them."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return len(list(Path("/proc/self/task").iterdir())), [os.environ.get(name) for name in names]


def fail_on_chlorine(crystal: Crystal) -> float:
    """Fail as a caller's function may: with an error of superion on bromine, and with another on chlorine."""
    symbols = {symbol for site in crystal.species for symbol, _ in site}
    if "Cl" in symbols:
        raise ZeroDivisionError("no chlorine, please")
    if "Br" in symbols:
        raise InvalidCrystal("no bromine, please", field="species", value="Br")
    return crystal.volume


def die_of_chlorine(crystal: Crystal) -> float:
    """Kill this process where the crystal holds chlorine."""
    if any(symbol == "Cl" for site in crystal.species for symbol, _ in site):
        os.kill(os.getpid(), signal.SIGKILL)
    return crystal.volume


def die_once(crystal: Crystal, marker: Path) -> float:
    """Kill the process that comes here first."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return crystal.volume
    os._exit(3)


def leave(_: Crystal) -> None:
    """End this process in an orderly way."""
    sys.exit(0)


def slow(crystal: Crystal, seconds: float) -> float:
    """Take a while."""
    time.sleep(seconds)
    return crystal.volume


def large(crystal: Crystal, megabytes: int) -> np.ndarray[Any, Any]:
    """Return far more than a socket holds."""
    return np.full(megabytes * 131_072, crystal.volume)


def unpicklable(crystal: Crystal) -> Any:
    """Return what cannot be sent for an ordered crystal, and a number for a disordered one."""
    return threading.Lock() if crystal.is_ordered else crystal.volume


def nested(crystal: Crystal, workers: int | None) -> tuple[int, list[Any]]:
    """Featurise within a worker."""
    with Featuriser(workers) as featuriser:
        return featuriser.workers, list(featuriser.map(process_id, [crystal] * 3))


def parallel_sum(_: Crystal) -> float:
    """Run an OpenMP region of torch."""
    import torch

    torch.set_num_threads(2)
    return float(torch.ones(4_000_000).sum())
