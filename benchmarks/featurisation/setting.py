"""What every figure is given: the crystals, the peers, and how long it may take."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from featurisation.peers import Worker
from superion.training.datasets import locate

NEEDS_CIFS = "needs the data set obelix: `superion data fetch obelix`, or SUPERION_DATA_MIRROR, or --cifs"


@dataclass(frozen=True)
class Setting:
    """Hold what a run was asked for."""

    quick: bool
    """Fewer rounds and smaller sizes: for a look, not for a figure to quote."""
    cifs: Mapping[str, str] | None
    """CIF text by name; None where there are none."""
    locked: Worker | None
    """Peers of `requirements.lock` (matminer); None with `--no-peers`."""
    apart: Worker | None
    """Peers with an environment of their own, from `benchmarks/peers.lock`; None with `--no-peers`."""

    def rounds(self, rounds: int) -> int:
        """Return the number of rounds."""
        return min(rounds, 2) if self.quick else rounds


def read_cifs(path: Path | None) -> dict[str, str] | None:
    """Read the CIFs of a folder or zip, by default those of the data set `obelix`; None when it is not at hand."""
    if path is None:
        found = locate("obelix")
        if found is None:
            return None
        path = next(file for file in found if file.suffix == ".zip")
    if path.is_dir():
        return {file.name: file.read_text(encoding="utf-8") for file in sorted(path.glob("*.cif"))}
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".cif"))
        return {Path(name).name: archive.read(name).decode("utf-8") for name in names}
