"""Time neighbour lists against vesin, ASE and pymatgen, on the same crystals in one run.

`python benchmarks/neighbors.py [folder or zip of CIFs] [--cutoff 6]`. Without CIFs it takes made-up crystals of the
same sizes. The fastest of several runs over all crystals counts; every contender starts from the form of the crystal
that it takes itself, made before the clock starts, and returns i, j, shift and distance.
"""

from __future__ import annotations

import argparse
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import ase
import ase.neighborlist
import numpy as np
import vesin
from pymatgen.core import Lattice, Structure

from superion.errors import SuperionError
from superion.featurizers.neighbors import neighbor_list


def made_up(count: int = 120) -> list[SimpleNamespace]:
    """Return random triclinic crystals of 10 to 300 sites at 0.09 sites per cubic angstrom."""
    random = np.random.default_rng(0)
    crystals = []
    for n_sites in random.integers(10, 300, size=count):
        lattice = np.eye(3) + random.uniform(-0.3, 0.3, size=(3, 3))
        lattice *= (n_sites / 0.09 / abs(np.linalg.det(lattice))) ** (1 / 3)
        crystals.append(SimpleNamespace(lattice=lattice, fractional_coordinates=random.uniform(size=(n_sites, 3))))
    return crystals


def read(path: Path) -> list:
    """Read every CIF of a folder or zip that can be read."""
    from superion.featurizers.crystal import Crystal

    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            texts = [archive.read(name).decode() for name in sorted(archive.namelist()) if name.endswith(".cif")]
    else:
        texts = [file.read_text() for file in sorted(path.glob("*.cif"))]
    crystals = []
    for text in texts:
        try:
            crystals.append(Crystal.from_cif(text))
        except SuperionError as error:
            print(f"left out: {error}")
    return crystals


def fastest(job: Callable, inputs: list, repeats: int) -> float:
    """Return the shortest time [s] that `job` took over all inputs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for each in inputs:
            job(each)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cifs", nargs="?", type=Path)
    parser.add_argument("--cutoff", type=float, default=6.0, help="[angstrom]")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # pymatgen's remarks on its own deprecations are not what is measured
    crystals = read(arguments.cifs) if arguments.cifs else made_up()
    cutoff = arguments.cutoff
    boxes = [(np.ascontiguousarray(c.fractional_coordinates @ c.lattice), np.array(c.lattice)) for c in crystals]
    atoms = [ase.Atoms(positions=points, cell=box, numbers=[1] * len(points), pbc=True) for points, box in boxes]
    structures = [
        Structure(Lattice(box), ["H"] * len(points), points, coords_are_cartesian=True) for points, box in boxes
    ]
    plain, ordered = (
        vesin.NeighborList(cutoff=cutoff, full_list=True, sorted=order, n_threads=1) for order in (False, True)
    )
    jobs = {
        "superion": (neighbor_list_job(cutoff), crystals, 7),
        "vesin, unsorted": (lambda b: plain.compute(*b, True, "ijSd", False), boxes, 3),
        "vesin, sorted": (lambda b: ordered.compute(*b, True, "ijSd", False), boxes, 3),
        "pymatgen": (lambda s: s.get_neighbor_list(cutoff), structures, 3),
        # A tenth of the crystals is enough for a contender this slow.
        "ase": (lambda a: ase.neighborlist.neighbor_list("ijSd", a, cutoff), atoms[::10], 1),
    }
    counts = [len(neighbor_list(crystal, cutoff)[0]) for crystal in crystals]
    pairs, pairs_of_ase = sum(counts), sum(counts[::10])
    sites = sum(len(points) for points, _ in boxes)
    print(f"{len(crystals)} crystals, {sites} sites, {pairs} pairs within {cutoff} angstrom, one thread each")
    times = {name: fastest(*job) * 1e9 / (pairs_of_ase if name == "ase" else pairs) for name, job in jobs.items()}
    print(f"{'job':18}{'ns per pair':>12}{'times superion':>16}")
    for name, nanoseconds in times.items():
        print(f"{name:18}{nanoseconds:12.1f}{nanoseconds / times['superion']:16.1f}")


def neighbor_list_job(cutoff: float) -> Callable:
    """Return the job of superion at a cutoff [angstrom]."""
    return lambda crystal: neighbor_list(crystal, cutoff)


if __name__ == "__main__":
    main()
