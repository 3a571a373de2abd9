"""Small crystals, ordered and not, and a POSCAR of one, for the tests of conversion."""

from __future__ import annotations

import numpy as np
import pytest

from superion.featurizers.crystal import Crystal

LATTICE = np.array([[5.0, 0, 0], [0.7, 6.0, 0], [-0.4, 0.9, 7.0]])
DISORDERED = Crystal(
    LATTICE,
    [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.1, 0.9]],
    ((("Li", 0.4),), (("S", 0.6), ("Cl", 0.4)), (("P", 1.0),)),
    labels=("Li1", "X1", "P1"),
)
ORDERED = Crystal(
    LATTICE, [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.1, 0.9]], ((("Li", 1.0),), (("S", 1.0),), (("P", 1.0),))
)


def assert_close(one: Crystal, other: Crystal, same_orientation: bool = True) -> None:
    if same_orientation:
        assert one.lattice == pytest.approx(other.lattice, abs=1e-9)
    assert one.lattice @ one.lattice.T == pytest.approx(other.lattice @ other.lattice.T, abs=1e-6)
    difference = one.fractional_coordinates - other.fractional_coordinates
    assert np.abs(difference - np.round(difference)).max() < 1e-9
    for site, match in zip(one.species, other.species, strict=True):
        assert dict(site) == pytest.approx(dict(match), abs=1e-9)


POSCAR = """Li P S
1.0
5.0 0.0 0.0
0.7 6.0 0.0
-0.4 0.9 7.0
Li S P
1 1 1
Direct
0.00 0.00 0.00
0.50 0.50 0.50
0.25 0.10 0.90 P
"""
