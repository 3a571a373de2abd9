"""Bond-valence landscapes with their barriers, beside BVlain, at the same resolution and cutoff.

The span is from a crystal in memory (`Crystal`, `Structure`) to the barriers, the charges included on both sides.
BVlain is asked for lithium with the 100 neighbours of a point that it takes by default, so it sums over fewer ions than
lie within the cutoff; its search for neighbours uses every core, as it comes; and its bisection ends at 5 eV. One call
takes it 0.1 to 40 s, so the comparison is on a sample: the crystals that both take, ordered by volume, and of these
every so many, the smallest and the largest included.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from featurisation import made_up
from featurisation.clock import Contender, in_turn, timed
from featurisation.peers import PeerError, Worker
from featurisation.refusals import by_kind, refusal
from featurisation.report import Comparison, Figure, Scaling, Times
from featurisation.setting import NEEDS_CIFS, Setting
from superion.errors import SuperionError
from superion.featurizers import Crystal, bond_valence_landscape

TARGET = 100.0
PEER = "BVlain"
RESOLUTION, CUTOFF = 0.2, 10.0
"""[angstrom], both"""
COARSE = 1.0
"""Resolution at which BVlain shows fast whether it takes a crystal [angstrom]."""
SAMPLE = 12
REPEATS_OF_CELL = (1, 2, 3, 5)
LARGEST_OF_PEER = 8
"""Beyond it BVlain takes more than 20 s a call, as such a crystal has many barriers that are equal [sites]."""


def measure(setting: Setting) -> Figure:
    """Count what each can do, compare on a sample of what both can do, and scale with atoms."""
    if setting.cifs is None:
        return Figure("landscape", scalings=[scaling(setting)], not_measured=NEEDS_CIFS)
    crystals, refused, seconds = _finished(setting.cifs)
    slowest = max(seconds, key=lambda name: seconds[name], default=None)
    details: dict[str, Any] = {
        "CIFs": len(setting.cifs),
        "finished by superion": len(seconds),
        "refused by superion, by kind": by_kind(refused),
        "refused by superion": refused,
        "median of superion [s]": float(np.median(list(seconds.values()))) if seconds else None,
        "slowest of superion": slowest and f"{slowest}: {seconds[slowest]:.3g} s, {crystals[slowest].n_sites} sites",
    }
    both = list(seconds)
    if setting.apart is not None:
        theirs = _refused_by_peer(setting.cifs, setting.apart)
        details["taken by BVlain"] = len(setting.cifs) - len(theirs)
        details["refused by BVlain, by kind"] = by_kind(theirs)
        details["refused by BVlain"] = theirs
        details["taken by BVlain alone"] = sorted(set(setting.cifs) - set(theirs) - set(seconds))
        both = [name for name in both if name not in theirs]
    sample = _quantiles(sorted(both, key=lambda name: _volume(crystals[name])), 3 if setting.quick else SAMPLE)
    if not sample:
        return Figure("landscape", scalings=[scaling(setting)], details=details, not_measured="no CIF that both take")
    times, details["sample"] = _compare(setting, {name: crystals[name] for name in sample})
    job = f"landscape and barriers, {len(sample)} crystals"
    comparison = Comparison(job, PEER, len(sample), times["ours"], times.get(PEER), TARGET)
    return Figure("landscape", [comparison], [scaling(setting)], details=details)


def scaling(setting: Setting) -> Scaling:
    """Time cubes of lithium chloride of growing size; grid points and atoms grow together."""
    repeats = REPEATS_OF_CELL[:2] if setting.quick else REPEATS_OF_CELL
    seconds: dict[str, list[float]] = {}
    for n in repeats:
        text = made_up.rock_salt(n)
        contenders: dict[str, Contender] = {"ours": _ours(Crystal.from_cif(text))}
        if setting.apart is not None and 8 * n**3 <= LARGEST_OF_PEER:
            contenders[PEER] = _theirs(setting.apart, text, [])
        for name, times in in_turn(contenders, setting.rounds(3)).items():
            seconds.setdefault(name, []).append(float(np.median(times.totals)))
    return Scaling("landscape and barriers of lithium chloride", "atoms", [8 * n**3 for n in repeats], seconds)


def barriers(crystal: Crystal) -> Mapping[int, float]:
    """Return the barriers of lithium [eV] for paths in 1, 2 and 3 dimensions."""
    return bond_valence_landscape(crystal, ion="Li", resolution=RESOLUTION, cutoff=CUTOFF).barriers


def _ours(crystal: Crystal) -> Contender:
    return lambda: timed(barriers, [crystal])


def _theirs(worker: Worker, cif: str, answers: list[dict[str, Any]]) -> Contender:
    """Return a contender that appends the whole answer to `answers`."""

    def contender() -> Sequence[float]:
        answers.append(worker.ask("landscape", cif=cif, resolution=RESOLUTION, cutoff=CUTOFF))
        return [float(answers[-1]["seconds"])]

    return contender


def _compare(setting: Setting, sample: Mapping[str, Crystal]) -> tuple[dict[str, Times], list[dict[str, Any]]]:
    """Return the times of each contender on the sample, and what both found for each crystal."""
    columns: list[dict[str, Times]] = []
    rows = []
    assert setting.cifs is not None
    for name, crystal in sample.items():
        answers: list[dict[str, Any]] = []
        contenders: dict[str, Contender] = {"ours": _ours(crystal)}
        if setting.apart is not None:
            contenders[PEER] = _theirs(setting.apart, setting.cifs[name], answers)
        # In turn crystal by crystal: a round over all of them is too long for the machine to stay the same.
        found = in_turn(contenders, setting.rounds(3))
        columns.append(found)
        row: dict[str, Any] = {"cif": name, "sites": crystal.n_sites, "volume_A3": _volume(crystal)}
        row["barriers_eV"] = {dimension: _finite(value) for dimension, value in barriers(crystal).items()}
        row["seconds"] = {contender: float(np.median(times.totals)) for contender, times in found.items()}
        if answers:
            row["barriers_of_BVlain_eV"] = answers[-1]["barriers"]
        rows.append(row)
    times = {name: Times(np.hstack([column[name].seconds for column in columns])) for name in columns[0]}
    return times, rows


def _finished(cifs: Mapping[str, str]) -> tuple[dict[str, Crystal], dict[str, str], dict[str, float]]:
    """Return the crystals that can be read, the reasons of those without a landscape, and the times of the others."""
    crystals, refused, seconds = {}, {}, {}
    for name, text in cifs.items():
        try:
            crystals[name] = Crystal.from_cif(text)
            start = time.perf_counter()
            barriers(crystals[name])
            seconds[name] = time.perf_counter() - start
        except SuperionError as error:
            refused[name] = refusal(error)
    return crystals, refused, seconds


def _refused_by_peer(cifs: Mapping[str, str], worker: Worker) -> dict[str, str]:
    found = {}
    for name, text in cifs.items():
        try:
            worker.ask("landscape", cif=text, resolution=COARSE, cutoff=CUTOFF, barriers=False)
        except PeerError as error:
            found[name] = str(error)
    return found


def _quantiles(names: Sequence[str], count: int) -> list[str]:
    """Return at most `count` of the names, evenly spaced, the first and the last among them."""
    wanted = np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int)
    return [names[n] for n in wanted]


def _volume(crystal: Crystal) -> float:
    return float(abs(np.linalg.det(crystal.lattice)))


def _finite(value: float) -> float | None:
    """Return None for infinity, which JSON has no word for."""
    return float(value) if np.isfinite(value) else None
