"""The bond-valence landscape against BVlain, on ordered crystals, and over all the real ones.

BVlain sums over the nearest `k` ions of a supercell; with `k` large enough it is the plain sum. It finds percolation by
bisection to 0.01 eV from above, in a doubled cell, so a barrier of ours lies up to 0.01 eV below its.
"""

from __future__ import annotations

import warnings
import zipfile

import numpy as np
import pytest

from superion.errors import SuperionError
from superion.featurizers import Crystal, bond_valence_landscape

from ._crystals import LI3N, LICOO2, LIFEPO4

BISECTION = 0.01
"""Where BVlain stops looking [eV]."""
HIGHEST = 10.0
"""Above the minimum; BVlain calls a barrier beyond it infinite [eV]."""


def bvlain(crystal: Crystal, k: int) -> tuple[np.ndarray, list[float]]:
    """Return BVlain's energies without the points that it keeps twice, and its barriers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations, at import and at work
        from bvlain import Lain

        job = Lain(verbose=False)
        job.read_structure(crystal.to_pymatgen())
        energies = job.bvse_distribution(mobile_ion="Li1+", r_cut=10.0, resolution=0.2, k=k)
        barriers = job.percolation_barriers(encut=HIGHEST)
    return energies[:-1, :-1, :-1], [barriers[f"E_{n}D"] for n in (1, 2, 3)]


def compare(crystal: Crystal, k: int, tolerance: float) -> None:
    """Compare energies below `HIGHEST` and the barriers; `tolerance` is for the energies [eV]."""
    energies, barriers = bvlain(crystal, k)
    landscape = bond_valence_landscape(crystal, resolution=0.2, cutoff=10.0)
    assert landscape.energies.shape == energies.shape
    low = energies < energies.min() + HIGHEST
    assert np.abs(landscape.energies - energies)[low].max() < tolerance
    for dimensions, barrier in enumerate(barriers, start=1):
        if np.isfinite(barrier):
            assert barrier - BISECTION - tolerance < landscape.barriers[dimensions] < barrier + tolerance
        else:
            assert landscape.barriers[dimensions] > HIGHEST - BISECTION


@pytest.mark.parametrize("crystal", [LI3N, LICOO2, LIFEPO4], ids=["Li3N", "LiCoO2", "LiFePO4"])
def test_equals_bvlain(crystal):
    compare(crystal, k=600, tolerance=5e-4)


def read_all(data_mirror) -> dict[str, Crystal]:
    with zipfile.ZipFile(data_mirror("obelix") / "train_cifs.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".cif"))
        return {name: Crystal.from_cif(archive.read(name)) for name in names}


@pytest.mark.check
@pytest.mark.timeout(1200)
def test_equals_bvlain_on_measured_crystals(data_mirror):
    """Every ordered crystal of up to 320 cubic angstrom to which pymatgen's analyser gives the same charges."""
    compared = 0
    for name, crystal in read_all(data_mirror).items():
        if not crystal.is_ordered or crystal.volume > 320.0 or "Li" not in crystal.formula.symbols:
            continue
        try:
            bvlain(crystal, k=2)
        except (ValueError, KeyError):
            continue  # it assigns no charges, or has no parameters for hydrides and phosphides
        compare(crystal, k=400, tolerance=2e-3)
        compared += 1
        print(name)
    assert compared >= 15


def test_nearly_all_measured_crystals_have_a_landscape(data_mirror):
    refused = {}
    crystals = read_all(data_mirror)
    for name, crystal in crystals.items():
        try:
            landscape = bond_valence_landscape(crystal, resolution=0.4)
        except SuperionError as error:
            refused[name] = error.message
            continue
        barriers = list(landscape.barriers.values())
        assert np.isfinite(landscape.energies).all() and np.isfinite(barriers).all()
        assert 0.0 <= barriers[0] <= barriers[1] <= barriers[2]
    assert len(refused) <= 0.05 * len(crystals), refused
    assert all(refused.values())
