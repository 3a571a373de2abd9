"""The neighbour list against ASE, under the symmetries it must respect, and with input that it must refuse."""

from __future__ import annotations

import multiprocessing
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import ase
import ase.neighborlist
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.errors import InvalidCrystal, InvalidValue
from superion.featurizers.neighbors import nearest_neighbors, neighbor_list


@dataclass(frozen=True)
class Sites:
    """The least that the neighbour list asks of a crystal."""

    lattice: np.ndarray
    fractional_coordinates: np.ndarray


def random_sites(seed: int, n_sites: int, stretch=(1.0, 1.0, 1.0), volume_per_site: float = 12.0) -> Sites:
    """Return a triclinic crystal with sites in and outside the cell; `stretch` is the shape of the cell."""
    random = np.random.default_rng(seed)
    lattice = np.diag(stretch) @ (np.eye(3) + random.uniform(-0.35, 0.35, size=(3, 3)))
    lattice *= (n_sites * volume_per_site / abs(np.linalg.det(lattice))) ** (1 / 3)
    return Sites(lattice, random.uniform(-2, 3, size=(n_sites, 3)))


CASES = {
    "triclinic": (random_sites(0, 20), 5.0),
    "outside the cell by far": (
        Sites(random_sites(1, 6).lattice, random_sites(1, 6).fractional_coordinates * 300),
        4.0,
    ),
    "thin": (random_sites(2, 8, (8, 8, 0.3)), 5.0),
    "needle": (random_sites(3, 8, (0.4, 0.4, 9)), 5.0),
    "tiny cell": (random_sites(4, 1, volume_per_site=4.0), 9.0),
    "two sites, long cutoff": (random_sites(5, 2), 11.0),
    "large cell": (random_sites(6, 400), 4.5),
    "sparse": (random_sites(7, 5, volume_per_site=20_000.0), 30.0),
    "left-handed": (Sites(random_sites(8, 10).lattice[[1, 0, 2]], random_sites(8, 10).fractional_coordinates), 5.0),
    "no pair": (random_sites(9, 1, volume_per_site=1000.0), 2.0),
    "skewed": (
        Sites(np.array([[4.0, 0, 0], [11, 5, 0], [-9, 13, 6]]), random_sites(10, 5).fractional_coordinates),
        4.3,
    ),
}


def ordered(i, j, shift, distance):
    """Sort pairs by i, j and shift."""
    order = np.lexsort((shift[:, 2], shift[:, 1], shift[:, 0], j, i))
    return i[order], j[order], shift[order], distance[order]


def assert_same(pairs, others) -> None:
    """Compare two lists of pairs, both in order."""
    for ours, theirs in zip(pairs[:3], others[:3], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(pairs[3], others[3], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_ase(name):
    sites, cutoff = CASES[name]
    pairs = neighbor_list(sites, cutoff)
    atoms = ase.Atoms(
        numbers=[1] * len(sites.fractional_coordinates),
        cell=sites.lattice,
        positions=sites.fractional_coordinates @ sites.lattice,  # positions as given, not wrapped
        pbc=True,
    )
    theirs = ordered(*ase.neighborlist.neighbor_list("ijSd", atoms, cutoff))
    assert_same(pairs, theirs)
    assert [array.dtype for array in pairs] == [np.int64, np.int64, np.int32, np.float64]


@pytest.mark.parametrize("name", CASES)
def test_keeps_its_promises(name):
    sites, cutoff = CASES[name]
    i, j, shift, distance = pairs = neighbor_list(sites, cutoff)
    assert_same(pairs, ordered(*pairs))
    assert_same(pairs, ordered(j, i, -shift, distance))
    vector = (sites.fractional_coordinates[j] - sites.fractional_coordinates[i] + shift) @ sites.lattice
    np.testing.assert_allclose(np.linalg.norm(vector, axis=1), distance, rtol=0, atol=1e-9)
    assert np.all(distance <= cutoff)
    assert not np.any((i == j) & ~shift.any(axis=1))


@pytest.mark.parametrize("skew", [3, 40, 1000])
def test_skewed_description_of_the_same_crystal(skew):
    sites, cutoff = CASES["triclinic"]
    change = np.array([[1, 0, 0], [skew, 1, 0], [-skew, skew + 1, 1]])
    back = np.rint(np.linalg.inv(change)).astype(int)
    skewed = Sites(change @ sites.lattice, sites.fractional_coordinates @ back)
    i, j, shift, distance = neighbor_list(skewed, cutoff)
    unskewed = ordered(i, j, shift @ change, distance)
    expected = neighbor_list(sites, cutoff)
    for ours, theirs in zip(unskewed[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # Coordinates and lattice are each `skew` times longer and lose as many digits.
    np.testing.assert_allclose(unskewed[3], expected[3], rtol=0, atol=1e-14 * skew**2 + 1e-9)


def test_sites_on_one_position_are_neighbours():
    sites = Sites(np.eye(3) * 4.0, np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [1.1, 0.2, 0.3]]))
    i, j, shift, distance = neighbor_list(sites, 1.0)
    assert list(zip(i, j, strict=True)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert shift.tolist() == [[0, 0, 0], [-1, 0, 0], [0, 0, 0], [-1, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert np.all(distance < 1e-12)


@pytest.mark.parametrize("turn", range(5))
def test_shell_on_the_cutoff_is_whole(turn):
    rotation = np.linalg.qr(np.random.default_rng(turn).normal(size=(3, 3)))[0]
    sites = Sites(3.0 * np.eye(3) @ rotation, np.full((1, 3), 0.37))
    assert len(neighbor_list(sites, 3.0)[0]) == 6
    assert len(neighbor_list(sites, 6.0)[0]) == 32


def test_no_sites():
    pairs = neighbor_list(Sites(np.eye(3), np.empty((0, 3))), 3.0)
    assert [array.shape for array in pairs] == [(0,), (0,), (0, 3), (0,)]


rotations = st.integers(0, 2**32 - 1).map(lambda seed: np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0])
crystals = st.builds(random_sites, st.integers(0, 2**32 - 1), st.integers(1, 12))


def shells(sites: Sites, cutoff: float, find=neighbor_list) -> list[np.ndarray]:
    """Return the sorted distances around each site."""
    i, _, _, distance = find(sites, cutoff)
    return [np.sort(distance[i == site]) for site in range(len(sites.fractional_coordinates))]


def nearest_six(sites: Sites, cutoff: float):
    return nearest_neighbors(sites, cutoff, 6)


@pytest.mark.parametrize("find", [neighbor_list, nearest_six])
@settings(max_examples=100, deadline=None)
@given(sites=crystals, rotation=rotations, seed=st.integers(0, 1000))
def test_invariance(find, sites, rotation, seed):
    random = np.random.default_rng(seed)
    cutoff = 4.0
    expected = shells(sites, cutoff, find)
    n_sites = len(expected)

    moved = Sites(sites.lattice @ rotation, sites.fractional_coordinates + random.uniform(-5, 5, size=3))
    for ours, theirs in zip(shells(moved, cutoff, find), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)

    order = random.permutation(n_sites)
    permuted = Sites(sites.lattice, sites.fractional_coordinates[order])
    for ours, site in zip(shells(permuted, cutoff, find), order, strict=True):
        np.testing.assert_allclose(ours, expected[site], rtol=0, atol=1e-9)

    repeats = random.integers(1, 4, size=3)
    cells = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), axis=-1).reshape(-1, 1, 3)
    fractional = ((sites.fractional_coordinates[None] + cells) / repeats).reshape(-1, 3)
    supercell = Sites(sites.lattice * repeats[:, None], fractional)
    for number, ours in enumerate(shells(supercell, cutoff, find)):
        np.testing.assert_allclose(ours, expected[number % n_sites], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("count", "kept"), [(1, 6), (6, 6), (7, 18), (18, 18), (19, 26), (500, 92)])
def test_nearest_keeps_ties(count, kept):
    sites = Sites(np.eye(3) * 3.0, np.zeros((1, 3)))
    distance = nearest_neighbors(sites, 8.5, count)[3]
    assert len(distance) == kept


def test_nearest_is_part_of_the_list():
    sites, cutoff = CASES["triclinic"]
    i, _, _, distance = neighbor_list(sites, cutoff)
    nearest = nearest_neighbors(sites, cutoff, 4)
    assert_same(nearest, ordered(*nearest))
    for site in range(20):
        limit = np.sort(distance[i == site])[3] + 1e-3
        expected = distance[(i == site) & (distance <= limit)]
        np.testing.assert_array_equal(nearest[3][nearest[0] == site], expected)


def uneven_sites(seed: int) -> Sites:
    """Return a cluster, a pair and single sites in a cell that is empty elsewhere."""
    random = np.random.default_rng(seed)
    cluster = 0.5 + random.uniform(-0.04, 0.04, size=(20, 3))
    pair = np.array([[0.1, 0.1, 0.1], [0.12, 0.1, 0.1]])
    return Sites(
        random_sites(seed, 1, volume_per_site=30.0**3).lattice, np.vstack([cluster, pair, random.random((4, 3))])
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [1, 5, 12, 40])
def test_nearest_of_uneven_sites(seed, count):
    # The mean density says little of how far the nearest are, so several spheres are needed.
    sites, cutoff = uneven_sites(seed), 20.0
    i, j, shift, distance = neighbor_list(sites, cutoff)
    limit = np.array([np.sort([*distance[i == site], *[np.inf] * count])[count - 1] + 1e-3 for site in range(26)])
    expected = distance <= limit[i]
    for ours, theirs in zip(nearest_neighbors(sites, cutoff, count), (i, j, shift, distance), strict=True):
        np.testing.assert_array_equal(ours, theirs[expected])


def test_ties_across_the_edge_of_a_sphere_are_kept():
    # Two shells that tie, with c such that the sphere looked at first ends between them, wherever it ends.
    for c in np.arange(3.01, 6.3, 0.001):
        sites = Sites(np.diag([3.0, 3.0005, c]), np.zeros((1, 3)))
        assert len(nearest_neighbors(sites, 9.0, 2)[0]) == 4


def test_nearest_are_found_whatever_the_cutoff():
    sites, _ = CASES["triclinic"]
    expected = nearest_neighbors(sites, 8.0, 6)
    for ours, theirs in zip(nearest_neighbors(sites, 1e4, 6), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


CUBE = np.eye(3) * 3.0
SKEWED = np.array([[1.0, 0, 0], [2e6, 1, 0], [0, 0, 1]])
ORIGIN = np.zeros((1, 3))


@pytest.mark.parametrize("cutoff", [0.0, -1.0, np.nan, np.inf, 1e6])
def test_refuses_cutoff(cutoff):
    with pytest.raises(InvalidValue) as caught:
        neighbor_list(Sites(CUBE, ORIGIN), cutoff)
    assert caught.value.field == "cutoff"
    assert caught.value.value == repr(cutoff)


@pytest.mark.parametrize(
    "lattice",
    [
        SKEWED,
        np.zeros((3, 3)),
        [[1, 0, 0], [0, 1, 0], [1, 1, 0]],
        np.diag([1, 1, np.nan]),
        np.diag([1, 1, np.inf]),
        np.eye(2),
    ],
)
def test_refuses_lattice(lattice):
    with pytest.raises(InvalidCrystal) as caught:
        neighbor_list(Sites(np.array(lattice), ORIGIN), 3.0)
    assert caught.value.field == "lattice"


@pytest.mark.parametrize("coordinates", [[[0, 0, 0], [0, np.nan, 0]], [[0, 0, 0], [1e12, 0, 0]], [[0, 0]], [0, 0, 0]])
def test_refuses_coordinates(coordinates):
    with pytest.raises(InvalidCrystal) as caught:
        neighbor_list(Sites(CUBE, np.array(coordinates)), 3.0)
    assert caught.value.field == "fractional_coordinates"
    if len(coordinates) == 2:
        assert "site 1" in caught.value.message


def test_refuses_counts():
    with pytest.raises(InvalidValue, match="limit on pairs"):
        neighbor_list(Sites(CUBE, ORIGIN), 3.0, max_pairs=-1)
    with pytest.raises(InvalidValue, match="nearest"):
        nearest_neighbors(Sites(CUBE, ORIGIN), 3.0, 0)
    with pytest.raises(InvalidValue, match="more neighbour pairs"):
        neighbor_list(Sites(CUBE, ORIGIN), 3.0, max_pairs=5)
    assert len(neighbor_list(Sites(CUBE, ORIGIN), 3.0, max_pairs=6)[0]) == 6


def test_threads_agree():
    sites, cutoff = CASES["large cell"]
    expected = neighbor_list(sites, cutoff)
    with ThreadPoolExecutor(4) as pool:
        for pairs in pool.map(lambda _: neighbor_list(sites, cutoff), range(24)):
            for ours, theirs in zip(pairs, expected, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def count_pairs(queue) -> None:
    """Report the number of pairs of one crystal, from a child process."""
    queue.put(len(neighbor_list(*CASES["triclinic"])[0]))


def test_child_of_a_fork_does_not_hang():
    # A library that starts threads of its own hangs here; the parent has run the code before it forks.
    expected = len(neighbor_list(*CASES["triclinic"])[0])
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=count_pairs, args=(queue,))
    with warnings.catch_warnings():
        # Python 3.12 warns of any fork while threads run, and other tests of this process may have left some.
        warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
        child.start()
    child.join(timeout=60)
    if child.is_alive():
        child.kill()
        pytest.fail("the child hangs")
    assert child.exitcode == 0
    assert queue.get() == expected
