"""Do the peers' jobs, asked for as JSON lines on standard input; the answers leave as JSON lines on standard output.

Runs in the environment of the peers and imports nothing of superion. Times [s] are taken around the peer's call alone.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any

JOBS: dict[str, Callable[..., Any]] = {}

KEPT: dict[str, dict[str, list[Any]]] = {}
"""Crystals under the name they were sent by, in the form that each neighbour list takes."""


def job(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function be asked for by its name."""
    JOBS[function.__name__] = function
    return function


def timed(call: Callable[[], Any], repeats: int = 1) -> tuple[float, Any]:
    """Return the median time [s] of a call, and what it last returned."""
    times = []
    for _ in range(repeats):
        result = None  # freed before the clock starts again
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


@job
def versions(packages: list[str]) -> dict[str, str]:
    """Return the installed versions."""
    return {name: importlib.metadata.version(name) for name in packages}


@cache
def magpie_preset() -> Any:
    """Return matminer's featuriser."""
    from matminer.featurizers.composition import ElementProperty

    return ElementProperty.from_preset("magpie")


@job
def magpie_values(texts: list[str]) -> list[list[float]]:
    """Return matminer's Magpie features."""
    from pymatgen.core import Composition

    return [[float(value) for value in magpie_preset().featurize(Composition(text))] for text in texts]


@job
def magpie(texts: list[str], parsed: bool) -> list[float]:
    """Return the mean time of a composition, from a `Composition` at hand or from its string."""
    from pymatgen.core import Composition

    featurize = magpie_preset().featurize
    if parsed:
        compositions = [Composition(text) for text in texts]
        seconds, _ = timed(lambda: [featurize(composition) for composition in compositions])
    else:
        seconds, _ = timed(lambda: [featurize(Composition(text)) for text in texts])
    return [seconds / len(texts)]


@job
def keep(name: str, crystals: list[dict[str, Any]]) -> None:
    """Make every form of the crystals, so that no contender's clock runs while it is made."""
    import ase
    import numpy as np
    from pymatgen.core import Lattice, Structure

    arrays = []
    for crystal in crystals:
        box = np.array(crystal["lattice"])
        arrays.append((np.ascontiguousarray(np.array(crystal["fractional"]) @ box), box))
    KEPT[name] = {
        "arrays": arrays,
        "ase": [ase.Atoms(positions=points, cell=box, numbers=[1] * len(points), pbc=True) for points, box in arrays],
        "pymatgen": [
            Structure(Lattice(box), ["H"] * len(points), points, coords_are_cartesian=True) for points, box in arrays
        ],
    }


@cache
def neighbor_search(peer: str, cutoff: float) -> tuple[str, Callable[[Any], Any]]:
    """Return the form of a crystal that a peer takes, and its search for i, j, shift and distance."""
    if peer.startswith("vesin"):
        import vesin

        search = vesin.NeighborList(cutoff=cutoff, full_list=True, sorted=peer == "vesin, sorted", n_threads=1)
        return "arrays", lambda box: search.compute(*box, True, "ijSd", False)
    if peer == "pymatgen":
        return "pymatgen", lambda structure: structure.get_neighbor_list(cutoff)
    if peer == "matscipy":
        from matscipy.neighbours import neighbour_list

        return "ase", lambda atoms: neighbour_list("ijSd", atoms, cutoff)
    if peer == "ASE":
        from ase.neighborlist import neighbor_list

        return "ase", lambda atoms: neighbor_list("ijSd", atoms, cutoff)
    raise ValueError(f"no neighbour list of {peer!r} is known here")


@job
def neighbors(peer: str, name: str, inputs: list[int], cutoff: float, repeats: int = 1) -> list[float]:
    """Return the time for each of the kept crystals."""
    form, search = neighbor_search(peer, cutoff)
    return [timed(partial(search, KEPT[name][form][n]), repeats)[0] for n in inputs]


@job
def neighbor_counts(peer: str, name: str, inputs: list[int], cutoff: float) -> list[int]:
    """Return the number of pairs in each of the kept crystals."""
    form, search = neighbor_search(peer, cutoff)
    return [len(search(KEPT[name][form][n])[0]) for n in inputs]


@cache
def graph_converter() -> Any:
    """Return CHGNet's converter with its own cutoffs."""
    from chgnet.graph import CrystalGraphConverter

    converter = CrystalGraphConverter(algorithm="fast")
    if converter.algorithm != "fast":
        raise RuntimeError("CHGNet was built without its compiled converter")
    return converter


@job
def graph(cif: str) -> dict[str, float]:
    """Return the time from CIF text to a graph, and the graph's sizes."""
    from pymatgen.core import Structure

    converter = graph_converter()
    seconds, graph = timed(lambda: converter(Structure.from_str(cif, fmt="cif")))
    return {"seconds": seconds, "sites": len(graph.atomic_number), "edges": len(graph.atom_graph)}


@job
def graphs(cifs: list[str]) -> list[float]:
    """Return the time from CIF text to a graph, for each."""
    return [graph(cif)["seconds"] for cif in cifs]


@job
def landscape(cif: str, resolution: float, cutoff: float, barriers: bool = True) -> dict[str, Any]:
    """Return the time from a `Structure` to barriers [eV], charges included, the barriers and the shape of the grid."""
    from bvlain import Lain
    from pymatgen.core import Structure

    structure = Structure.from_str(cif, fmt="cif")

    def work() -> tuple[Any, dict[str, float]]:
        lain = Lain(verbose=False)
        lain.read_structure(structure)
        energies = lain.bvse_distribution(mobile_ion="Li1+", r_cut=cutoff, resolution=resolution, k=100)
        return energies, lain.percolation_barriers(encut=5.0) if barriers else {}

    seconds, (energies, found) = timed(work)
    # JSON has no infinity: no path below the cut-off is None.
    values = {name[2]: float(value) if value < float("inf") else None for name, value in found.items()}
    return {"seconds": seconds, "barriers": values, "grid": list(energies.shape), "sites": len(structure)}


def main() -> None:
    """Answer until standard input ends."""
    warnings.simplefilter("ignore")  # remarks of the peers on their own deprecations are not what is measured
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # The peers print; what they print must not come between the answers.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": JOBS[request["job"]](**request["arguments"])}
        except Exception as error:
            # A peer may raise anything on an input that it does not take: that is an answer too.
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
