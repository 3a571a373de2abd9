"""The most memory that a neighbour list holds while it is made, over the memory of the list itself.

Resident memory is too coarse for small crystals and blind to what is reserved and not touched, and Python's tracer does
not see the C core: so malloc itself is counted, by a small library that is compiled here and put before the C library's
(glibc only). A realloc that moves a block may hold both copies for a moment inside of the C library, which is not seen;
glibc grows large blocks by remapping their pages, without a copy.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from featurisation import made_up
from superion.featurizers import neighbor_list

SOURCE = Path(__file__).with_name("allocations.c")


def peak_over_output(sizes: Sequence[int], cutoff: float) -> dict[int, float]:
    """Return the factor for made-up crystals of several sizes, measured in one fresh process.

    Raises CalledProcessError where there is no C compiler, and where the library cannot be put before the C library's.
    """
    printed = run_counted(["-m", "featurisation.memory", str(cutoff), *map(str, sizes)])
    return {int(size): factor for size, factor in json.loads(printed).items()}


def run_counted(arguments: Sequence[str]) -> str:
    """Return what Python prints, run with the counting library in place.

    Raises CalledProcessError as above.
    """
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "allocations.so"
        command = [os.environ.get("CC", "gcc"), "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
        subprocess.run(command, check=True)
        surroundings = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(SOURCE.parent.parent)}
        asked = [sys.executable, *arguments]
        return subprocess.run(asked, check=True, env=surroundings, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Print the factors as JSON; to be run with the counting library in place."""
    counter = ctypes.CDLL(None)  # has the symbols of what was preloaded
    counter.allocations_peak.restype = ctypes.c_ssize_t
    cutoff = float(sys.argv[1])
    factors = {}
    for size in map(int, sys.argv[2:]):
        crystal = made_up.crystal(size)
        neighbor_list(made_up.crystal(2), cutoff)  # whatever is made once is made by now
        counter.allocations_reset()
        pairs = neighbor_list(crystal, cutoff)
        peak = counter.allocations_peak()
        factors[size] = peak / sum(array.nbytes for array in pairs)
    print(json.dumps(factors))


if __name__ == "__main__":
    main()
