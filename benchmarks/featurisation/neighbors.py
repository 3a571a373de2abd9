"""Neighbour lists at 6 angstrom, one thread, beside vesin, pymatgen, matscipy and ASE.

Every contender starts from the form of the crystal that it takes itself, made before the clock starts, and returns
i, j, shift and distance of the full list. vesin is taken as it comes and sorted by i, j and shift, which is the order
that ours has. The least that any of them can do is to write the answer to memory: arrays of the same sizes are filled
in the same run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from featurisation import made_up, memory
from featurisation.clock import Contender, in_turn, timed
from featurisation.report import Bound, Comparison, Figure, Scaling
from featurisation.setting import NEEDS_CIFS, Setting
from superion.errors import SuperionError
from superion.featurizers import Crystal, neighbor_list
from superion.featurizers.neighbors import HasSites

CUTOFF = 6.0
"""[angstrom]"""
TARGETS = {"vesin": 4.0, "vesin, sorted": 4.0, "pymatgen": 4.0, "matscipy": None}
SLOW = "ASE"
"""Slow enough to be timed on every tenth crystal."""
SIZES = (10, 30, 100, 300, 1000, 3000, 10_000)
IN_SCALING = ("vesin", "pymatgen")
MEMORY_FACTOR = 1.5


def measure(setting: Setting) -> Figure:
    """Compare over the data set, scale with atoms, and count memory and time against the size of the answer."""
    crystals: list[HasSites]
    if setting.cifs is None:
        crystals, source = list(made_up.crystals_like_cells(20 if setting.quick else 120)), f"made up; {NEEDS_CIFS}"
    else:
        crystals, source = _read(setting.cifs), "CIFs"
    pairs = [len(neighbor_list(crystal, CUTOFF)[0]) for crystal in crystals]
    every, tenth = list(range(len(crystals))), list(range(0, len(crystals), 10))
    contenders: dict[str, Contender] = {
        "ours": lambda: timed(lambda crystal: neighbor_list(crystal, CUTOFF), crystals),
        "writing": lambda: timed(_write, pairs),
    }
    details: dict[str, Any] = {
        "crystals": f"{len(crystals)} ({source})",
        "sites": sum(len(crystal.fractional_coordinates) for crystal in crystals),
        "pairs": sum(pairs),
    }
    if setting.apart is not None:
        setting.apart.ask("keep", name="set", crystals=[_sent(crystal) for crystal in crystals])
        for peer in [*TARGETS, SLOW]:
            inputs = tenth if peer == SLOW else every
            which: dict[str, Any] = {"peer": peer, "name": "set", "inputs": inputs, "cutoff": CUTOFF}
            found = sum(setting.apart.ask("neighbor_counts", **which))
            details[f"pairs more than {peer}"] = sum(pairs[n] for n in inputs) - found
            contenders[peer] = setting.apart.contender("neighbors", **which)
    times = in_turn(contenders, setting.rounds(7))
    job = f"neighbour lists of {len(crystals)} crystals"
    comparisons = [
        Comparison(job, peer, len(crystals), times["ours"], times.get(peer), target) for peer, target in TARGETS.items()
    ]
    some = times["ours"].some(tenth)
    comparisons.append(Comparison(f"{job}, every tenth", SLOW, len(tenth), some, times.get(SLOW), None))
    writing = float(np.median(times["ours"].totals) / np.median(times["writing"].totals))
    bounds = [Bound("neighbour lists: time over that of writing the pairs", writing, None), *_memory(setting)]
    return Figure("neighbors", comparisons, [scaling(setting)], bounds, details)


def scaling(setting: Setting) -> Scaling:
    """Time crystals of growing size at the same density."""
    sizes = SIZES[:5] if setting.quick else SIZES
    crystals = [made_up.crystal(size) for size in sizes]
    if setting.apart is not None:
        setting.apart.ask("keep", name="sizes", crystals=[_sent(crystal) for crystal in crystals])
    seconds: dict[str, list[float]] = {}
    for n, crystal in enumerate(crystals):
        repeats = 1 + 3000 // sizes[n]
        contenders: dict[str, Contender] = {"ours": _one(crystal, repeats)}
        if setting.apart is not None:
            for peer in IN_SCALING:
                which = {"peer": peer, "name": "sizes", "inputs": [n], "cutoff": CUTOFF, "repeats": repeats}
                contenders[peer] = setting.apart.contender("neighbors", **which)
        for name, times in in_turn(contenders, setting.rounds(5)).items():
            seconds.setdefault(name, []).append(float(np.median(times.totals)))
    return Scaling("neighbour list of one crystal", "atoms", sizes, seconds)


def _read(cifs: Mapping[str, str]) -> list[HasSites]:
    found: list[HasSites] = []
    for text in cifs.values():
        try:
            found.append(Crystal.from_cif(text))
        except SuperionError:
            continue  # the figure of the graphs counts these and gives the reasons
    return found


def _memory(setting: Setting) -> Sequence[Bound]:
    sizes = SIZES[:5:2] if setting.quick else SIZES
    return [
        Bound(f"neighbour list of {size:,} atoms: peak of memory over the output", factor, MEMORY_FACTOR)
        for size, factor in memory.peak_over_output(sizes, CUTOFF).items()
    ]


def _write(n_pairs: int) -> object:
    """Fill new arrays of the types and shapes of an answer."""
    return (
        np.full(n_pairs, 1, dtype=np.int64),
        np.full(n_pairs, 1, dtype=np.int64),
        np.full((n_pairs, 3), 1, dtype=np.int32),
        np.full(n_pairs, 1.0, dtype=np.float64),
    )


def _one(crystal: HasSites, repeats: int) -> Contender:
    return lambda: timed(lambda each: neighbor_list(each, CUTOFF), [crystal], repeats)


def _sent(crystal: HasSites) -> dict[str, Any]:
    return {"lattice": crystal.lattice.tolist(), "fractional": crystal.fractional_coordinates.tolist()}
