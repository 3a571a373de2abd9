"""Clearances against a tree of spheres, and bottlenecks of frameworks whose windows can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from superion.errors import InvalidCrystal, InvalidValue
from superion.featurizers._clearance import clearance_grid, plan_grid
from superion.featurizers.crystal import Crystal
from superion.featurizers.voids import free_volume

OXIDE, FLUORIDE = 1.40, 1.33
"""Shannon's radii of six-coordinate O2- and F- [angstrom]."""
HALF = np.array([0.5, 0.5, 0.5])
FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def crystal(lattice, *sites) -> Crystal:
    """Return the crystal of `(coordinates, species)` pairs; a symbol stands for a full site."""
    species = tuple(((held, 1.0),) if isinstance(held, str) else held for _, held in sites)
    return Crystal(np.array(lattice, dtype=float), [place for place, _ in sites], species)


def assert_radius(found: float, exact: float) -> None:
    """Compare a bottleneck with the exact one.

    A window is found too narrow when it lies between two points 0.13 angstrom apart along both directions, and too wide
    when two voxels touch across it.
    """
    assert exact - 0.09 < found < exact + 0.05


def spheres(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a random cell of either handedness with spheres of two radii in it and outside it."""
    random = np.random.default_rng(seed)
    lattice = np.diag(random.uniform(3, 8, 3)) + random.uniform(-1.5, 1.5, (3, 3))
    if seed % 2:
        lattice = lattice[[1, 0, 2]]
    n_spheres = int(random.integers(1, 8))
    return lattice, random.uniform(-2, 3, (n_spheres, 3)), random.choice([0.6, 1.4], n_spheres)


def by_tree(lattice: np.ndarray, centres: np.ndarray, radii: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Return the clearance on a grid from the distances to the nearest image of each radius."""
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij"), axis=-1)
    images = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    values = np.full(tuple(shape), np.inf)
    for radius in np.unique(radii):
        repeated = (np.mod(centres[radii == radius], 1.0)[:, None, :] + images).reshape(-1, 3) @ lattice
        values = np.minimum(values, cKDTree(repeated).query(points @ lattice)[0] - radius)
    return values


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_clearance_and_peaks(seed):
    lattice, centres, radii = spheres(seed)
    cell, shape = plan_grid(lattice, 0.7)
    assert abs(np.linalg.det(cell)) == pytest.approx(abs(np.linalg.det(lattice)))
    assert (np.linalg.norm(cell, axis=1) / shape <= 0.7 + 1e-9).all()
    change = cell @ np.linalg.inv(lattice)
    np.testing.assert_allclose(change, np.round(change), atol=1e-9)
    placed = np.ascontiguousarray(centres @ lattice @ np.linalg.inv(cell))
    clearance, peaks = clearance_grid(cell, placed, radii, shape, 30.0, -np.inf, True)
    np.testing.assert_allclose(clearance, by_tree(cell, placed, radii, shape), rtol=0, atol=1e-9)
    fine = by_tree(cell, placed, radii, 3 * shape)
    np.testing.assert_allclose(peaks, maximum_filter(fine, 3, mode="wrap")[::3, ::3, ::3], rtol=0, atol=1e-9)


@pytest.mark.parametrize("skew", [1, 7, 60])
def test_any_description_of_the_lattice_gives_the_same_values(skew):
    lattice, centres, radii = spheres(4)
    change = np.array([[1, 0, 0], [skew, 1, 0], [-skew, skew + 1, 1]])
    back = np.rint(np.linalg.inv(change))
    shape = np.array([4, 4, 4], dtype=np.int32)
    skewed, _ = clearance_grid(change @ lattice, centres @ back, radii, shape, 30.0, 0.0, False)
    plain, _ = clearance_grid(lattice, centres, radii, shape, 30.0, 0.0, False)
    # Point k of the skewed grid is point k @ change, with the grid's period, of the plain one.
    index = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1) @ change % 4
    np.testing.assert_allclose(skewed, plain[tuple(np.moveaxis(index, -1, 0))], rtol=0, atol=1e-9 * skew**2)


def test_empty_space_is_measured_up_to_the_ceiling():
    shape = np.array([2, 2, 2], dtype=np.int32)
    one = np.zeros((1, 3))
    clearance, _ = clearance_grid(np.eye(3) * 40.0, one, np.array([1.0]), shape, 10.0, 0.0, False)
    assert clearance[0, 0, 0] == -1.0 and clearance[1, 1, 1] == 10.0
    clearance, _ = clearance_grid(np.eye(3) * 40.0, one, np.array([1.0]), shape, 99.0, 0.0, False)
    assert clearance[1, 1, 1] == pytest.approx(20.0 * math.sqrt(3) - 1.0)


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"lattice": np.zeros((3, 3))}, InvalidCrystal, "lattice"),
        ({"lattice": np.eye(2)}, InvalidCrystal, "lattice"),
        ({"fractional": np.full((1, 3), np.nan)}, InvalidCrystal, "fractional_coordinates"),
        ({"radii": np.array([-1.0])}, InvalidValue, "radii"),
        ({"radii": np.array([np.nan])}, InvalidValue, "radii"),
        ({"ceiling": 0.0}, InvalidValue, "grid"),
    ],
)
def test_refuses(changes, error, field):
    arguments = {
        "lattice": np.eye(3) * 4.0,
        "fractional": np.zeros((1, 3)),
        "radii": np.array([1.0]),
        "shape": np.array([2, 2, 2], dtype=np.int32),
        "ceiling": 10.0,
        "floor": 0.0,
        "with_peaks": True,
    }
    with pytest.raises(error) as caught:
        clearance_grid(**(arguments | changes))
    assert caught.value.field == field


def test_rocksalt():
    """Ions go from octahedron to tetrahedron through triangles of fluoride, in all dimensions."""
    a = 4.028
    sites = [(place, "F") for place in FCC] + [(place + HALF, "Li") for place in FCC]
    found = free_volume(crystal(np.eye(3) * a, *sites))
    for radius in (found.bottleneck_1d, found.bottleneck_2d, found.bottleneck_3d):
        assert_radius(radius, a / math.sqrt(6) - FLUORIDE)
    # Points 0.13 angstrom apart miss the middle of a cavity and never make it wider.
    assert a / 2 - FLUORIDE - 0.07 < found.cavity_radius <= a / 2 - FLUORIDE
    packed = 4 * 4 / 3 * math.pi * FLUORIDE**3 / a**3
    assert found.free_fraction == pytest.approx(1 - packed, abs=0.01)
    assert found.free_volume_per_ion == pytest.approx((1 - packed) * a**3 / 4, abs=0.2)


def test_dimensions_differ():
    """Rods of oxide: wide channels along them, and the windows between two rods across."""
    a, c = 4.0, 2.6
    rods = free_volume(crystal(np.diag([a, a, c]), ([0, 0, 0], "O"), ([0.5, 0, 0.5], "Li")))
    assert_radius(rods.bottleneck_1d, a / math.sqrt(2) - OXIDE)
    assert_radius(rods.bottleneck_2d, math.hypot(a, c) / 2 - OXIDE)
    assert_radius(rods.bottleneck_3d, math.hypot(a, c) / 2 - OXIDE)
    # Sheets: wide gaps, where two atoms above and two below limit the way, and the windows in a sheet across.
    a, c = 2.6, 6.0
    sheets = free_volume(crystal(np.diag([a, a, c]), ([0, 0, 0], "O"), ([0.5, 0.5, 0.25], "Li")))
    assert_radius(sheets.bottleneck_2d, math.hypot(a, c) / 2 - OXIDE)
    assert_radius(sheets.bottleneck_3d, a / math.sqrt(2) - OXIDE)


def perovskite(lanthanum: float) -> Crystal:
    """Return LLTO with so much La, and Li on what is left but for a tenth."""
    held = (("La", lanthanum), ("Li", round(0.9 * (1 - lanthanum), 6)))
    oxygens = [(place, "O") for place in ([0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5])]
    return crystal(np.eye(3) * 3.87, ([0, 0, 0], "Ti"), ([0.5, 0.5, 0.5], held), *oxygens)


def test_a_shared_position_lets_ions_pass_until_it_is_nearly_full():
    """In LLTO the window of four oxides between two A positions limits, not the La on some of them."""
    window = 3.87 / 2 - OXIDE
    assert_radius(free_volume(perovskite(0.55)).bottleneck_3d, window)
    assert free_volume(perovskite(0.95)).bottleneck_3d < window - 0.2


def test_rare_atoms_bar_nothing_and_split_ones_do():
    a = 4.028
    lithium = [(place + HALF, "Li") for place in FCC]
    plain = free_volume(crystal(np.eye(3) * a, *[(place, "F") for place in FCC], *lithium))
    rare = [(place + side * HALF / 2, (("Mg", 0.05),)) for place in FCC for side in (-1, 1)]
    doped = free_volume(crystal(np.eye(3) * a, *[(place, "F") for place in FCC], *rare, *lithium))
    assert doped.bottleneck_3d == plain.bottleneck_3d
    halves = [(place + np.array([0, 0, shift / a]), (("F", 0.4),)) for place in FCC for shift in (-0.2, 0.2)]
    split = free_volume(crystal(np.eye(3) * a, *halves, *lithium))
    assert 0.0 < split.free_fraction < plain.free_fraction


def test_a_radius_that_is_not_known_is_not_guessed():
    metal = free_volume(crystal(np.eye(3) * 3.2, ([0, 0, 0], "Li"), ([0.5, 0.5, 0.5], "Al")))
    alone = free_volume(crystal(np.eye(3) * 3.5, ([0, 0, 0], "Li")))
    for found in (metal, alone):
        assert all(math.isnan(value) for value in (found.free_fraction, found.cavity_radius, found.bottleneck_1d))
