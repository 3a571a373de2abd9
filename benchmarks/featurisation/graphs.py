"""From CIF text to a PyG graph, beside pymatgen's reader followed by CHGNet's fast converter.

Ours is `Crystal.from_cif` and `crystal_graph` with the cutoff and the neighbours of the network that is shipped; theirs
is `Structure.from_str` and `CrystalGraphConverter(algorithm="fast")` with its own cutoffs. The graphs are not the same:
CHGNet keeps all neighbours within 6 angstrom and adds a graph of the angles between bonds up to 3 angstrom, ours keeps
the nearest ones, the symmetry-expanded sites and their occupancies. Both are what the library's own network takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from torch_geometric.data import Data

from featurisation import made_up
from featurisation.clock import Contender, in_turn, timed
from featurisation.peers import PeerError, Worker
from featurisation.refusals import refusal
from featurisation.report import Comparison, Figure, Scaling
from featurisation.setting import NEEDS_CIFS, Setting
from superion.errors import SuperionError
from superion.featurizers import Crystal, crystal_graph

TARGET = 40.0
PEER = "pymatgen and CHGNet"
SIZES = (10, 30, 100, 300, 1000, 3000, 10_000)
LARGEST_OF_PEER = 1000
"""Beyond it the peer takes seconds a call [sites]."""


def measure(setting: Setting) -> Figure:
    """Count what each converts, compare on what both convert, and scale with atoms."""
    if setting.cifs is None:
        return Figure("graphs", scalings=[scaling(setting)], not_measured=NEEDS_CIFS)
    refused = _refused(setting.cifs)
    details: dict[str, Any] = {
        "CIFs": len(setting.cifs),
        "converted by superion": len(setting.cifs) - len(refused),
        "refused by superion": refused,
    }
    both = {name: text for name, text in setting.cifs.items() if name not in refused}
    if setting.apart is not None:
        theirs = _refused_by_peer(setting.cifs, setting.apart)
        details["converted by CHGNet"] = len(setting.cifs) - len(theirs)
        details["refused by CHGNet"] = theirs
        both = {name: text for name, text in both.items() if name not in theirs}
    texts = list(both.values())
    contenders: dict[str, Contender] = {"ours": lambda: timed(convert, texts)}
    if setting.apart is not None:
        contenders[PEER] = setting.apart.contender("graphs", cifs=texts)
    times = in_turn(contenders, setting.rounds(7))
    job = f"CIF text to graph, {len(texts)} CIFs"
    comparison = Comparison(job, PEER, len(texts), times["ours"], times.get(PEER), TARGET)
    return Figure("graphs", [comparison], [scaling(setting)], details=details)


def scaling(setting: Setting) -> Scaling:
    """Time crystals without symmetry of growing size at the same density."""
    sizes = SIZES[:4] if setting.quick else SIZES
    seconds: dict[str, list[float]] = {}
    for size in sizes:
        text = made_up.cif(made_up.crystal(size))
        repeats = 1 + 100 // size
        contenders: dict[str, Contender] = {"ours": _one(text, repeats)}
        if setting.apart is not None and size <= LARGEST_OF_PEER:
            contenders["CHGNet"] = setting.apart.contender("graphs", cifs=[text])
        for name, times in in_turn(contenders, setting.rounds(5)).items():
            seconds.setdefault(name, []).append(float(np.median(times.totals)))
    return Scaling("CIF text to graph, one crystal", "atoms", sizes, seconds)


def convert(text: str) -> Data:
    """Turn CIF text into the graph that the shipped network takes."""
    return crystal_graph(Crystal.from_cif(text), CUTOFF, NEIGHBORS)


def _network() -> Mapping[str, Any]:
    config = files("superion.models").joinpath("release/config.json").read_text(encoding="utf-8")
    network: Mapping[str, Any] = json.loads(config)["network"]
    return network


CUTOFF, NEIGHBORS = float(_network()["cutoff"]), int(_network()["neighbors"])
"""Of the network that is shipped: [angstrom], and nearest neighbours of a site."""


def _one(text: str, repeats: int) -> Contender:
    return lambda: timed(convert, [text], repeats)


def _refused(cifs: Mapping[str, str]) -> dict[str, str]:
    """Return why some of the CIFs are refused."""
    found = {}
    for name, text in cifs.items():
        try:
            convert(text)
        except SuperionError as error:
            found[name] = refusal(error)
    return found


def _refused_by_peer(cifs: Mapping[str, str], worker: Worker) -> dict[str, str]:
    found = {}
    for name, text in cifs.items():
        try:
            worker.ask("graphs", cifs=[text])
        except PeerError as error:
            found[name] = str(error)
    return found
