"""Turn a folder of CIF files into the arrays of their graphs, one .npz file for each, on all cores.

python examples/featurise_folder.py FOLDER OUTPUT [WORKERS]

A file that cannot be read is reported and left out. The arrays are those of `superion.featurizers.schema`; with torch,
`Featuriser.graphs` gives them as PyG graphs.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np

from superion.errors import SuperionError
from superion.featurizers import Featuriser, crystal_arrays


def main(folder: str, output: str, workers: str | None = None) -> None:
    """Write the arrays, and print a line for each file that failed and one in the end."""
    files = sorted(Path(folder).glob("*.cif"))
    Path(output).mkdir(parents=True, exist_ok=True)
    n_written = n_edges = 0
    with Featuriser(int(workers) if workers else None) as featuriser:
        graphs = featuriser.map(partial(crystal_arrays, cutoff=6.0, neighbors=12), files)
        for file, arrays in zip(files, graphs, strict=True):
            if isinstance(arrays, SuperionError):
                print(arrays, file=sys.stderr)
                continue
            np.savez(Path(output) / file.with_suffix(".npz").name, **arrays)
            n_written += 1
            n_edges += arrays["edge_index"].shape[1]
    print(f"{n_written} of {len(files)} files written, {n_edges} edges, {featuriser.workers} workers")


if __name__ == "__main__":
    main(*sys.argv[1:])
