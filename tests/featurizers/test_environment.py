"""Bonds, coordination and occupancy statistics against plain loops over pymatgen's neighbours and over all fillings."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.featurizers.crystal import Crystal
from superion.featurizers.environment import ion_environment
from superion.featurizers.ionic_radii import anions, ionic_radii
from superion.featurizers.occupancies import Occupancies, expected_nearest, split_share
from superion.featurizers.sublattice import mobile_sublattice


def molecule(*atoms: tuple[str, tuple[float, float, float]], box: float = 12.0) -> Crystal:
    """Return atoms at positions [angstrom] in a box of their own."""
    places = np.array([place for _, place in atoms]) / box
    return Crystal(np.eye(3) * box, places, tuple(((symbol, 1.0),) for symbol, _ in atoms))


def tetrahedron(centre: str, corner: str, length: float) -> Crystal:
    """Return a centre with four corners, and a lithium at a corner's far side."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / math.sqrt(3)
    return molecule(
        (centre, (0, 0, 0)), *((corner, tuple(length * place)) for place in corners), ("Li", tuple(corners[0] * 4.2))
    )


@pytest.mark.parametrize(
    ("crystal", "expected"),
    [
        (tetrahedron("P", "S", 2.05), {"S"}),
        (tetrahedron("S", "O", 1.48), {"O"}),
        (tetrahedron("Cl", "O", 1.45), {"O"}),
        (tetrahedron("B", "H", 1.21), {"H"}),
        (molecule(("O", (0, 0, 0)), ("H", (0.96, 0, 0)), ("Li", (-1.95, 0, 0))), {"O"}),
        (molecule(("N", (0, 0, 0)), ("O", (1.25, 0, 0)), ("Li", (-1.9, 0, 0))), {"O"}),
        (molecule(("N", (0, 0, 0)), ("Li", (1.95, 0, 0))), {"N"}),
        # Parts of a split anion are too close to be bonded, so the fluorine does not make a cation of the oxygen.
        (molecule(("O", (0, 0, 0)), ("F", (0, 0.5, 0)), ("Li", (1.95, 0, 0))), {"O", "F"}),
        (molecule(("Li", (0, 0, 0))), set()),
    ],
)
def test_anions_by_their_neighbours(crystal, expected):
    contents = Occupancies.of(crystal)
    marked = anions(contents).any(axis=0)
    assert {symbol for symbol, is_anion in zip(contents.symbols, marked, strict=True) if is_anion} == expected


def test_radii_are_shannons():
    cations, negative = ionic_radii(("Li", "O", "S", "La", "Zr", "F", "Og"))
    np.testing.assert_array_equal(cations[[0, 3, 4]], [0.76, 1.032, 0.72])
    np.testing.assert_array_equal(negative[[1, 2, 5]], [1.40, 1.84, 1.33])
    assert np.isnan([cations[1], negative[0], cations[6], negative[6]]).all()


def fill(seed: int) -> Crystal:
    """Return a random crystal of partly filled lithium and oxide positions, none closer than 1.5 angstrom."""
    random = np.random.default_rng(seed)
    lattice = np.diag(random.uniform(5, 7, 3)) + random.uniform(-0.8, 0.8, (3, 3))
    images = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    places: list[np.ndarray] = [random.uniform(size=3)]
    while len(places) < 8:
        trial = random.uniform(size=3)
        gaps = np.linalg.norm((np.array(places)[:, None] - trial + images) @ lattice, axis=-1)
        if gaps.min() > 1.5:
            places.append(trial)
    held = [(("Li", float(random.uniform(0.2, 1.0))),) for _ in range(3)]
    held += [(("O", float(random.uniform(0.3, 1.0))),) for _ in range(5)]
    return Crystal(lattice, np.array(places), tuple(held))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_effective_coordination(seed):
    """The definition, one ion at a time, over the neighbours that pymatgen finds."""
    crystal = fill(seed)
    structure = crystal.to_pymatgen()
    contents = Occupancies.of(crystal)
    is_anion = anions(contents).any(axis=1)
    numbers, lengths, spreads, weights = [], [], [], []
    for site in (s for s in structure if "Li" in s.species.as_dict()):
        near = [n for n in structure.get_neighbors(site, 5.0) if is_anion[n.index]]
        if not near:
            continue
        d = np.array([n.nn_distance for n in near])
        occupancy = np.array([n.species.num_atoms for n in near])
        order = np.argsort(d)
        none_before = np.cumprod(np.append(1.0, 1.0 - occupancy[order]))
        mean = float(d[order] @ (occupancy[order] * none_before[:-1]) + none_before[-1] * d.max())
        for _ in range(300):
            w = occupancy * np.exp(1 - (d / mean) ** 6)
            mean = float(w @ d / w.sum())
        numbers.append(w.sum())
        lengths.append(mean)
        spreads.append(math.sqrt(w @ (d - mean) ** 2 / w.sum()) / mean)
        weights.append(site.species.num_atoms)
    found = ion_environment(crystal)
    if not numbers:
        assert math.isnan(found.coordination)
        return
    assert found.coordination == pytest.approx(np.average(numbers, weights=weights), abs=1e-4)
    assert found.bond_mean == pytest.approx(np.average(lengths, weights=weights), abs=1e-4)
    assert found.bond_spread == pytest.approx(np.average(spreads, weights=weights), abs=1e-4)


def test_a_large_anion_counts_beside_a_small_one():
    """Octahedron of four nitrides and two bromides that all touch the ion: all six count."""
    touching = {"N": 0.76 + 1.46, "Br": 0.76 + 1.96}
    sites = [("Li", (0.0, 0.0, 0.0))]
    for axis, symbol in enumerate(("N", "N", "Br")):
        for sign in (-1, 1):
            place = [0.0, 0.0, 0.0]
            place[axis] = sign * touching[symbol]
            sites.append((symbol, tuple(place)))
    found = ion_environment(molecule(*sites, box=14.0))
    assert found.coordination == pytest.approx(6.0)
    assert found.bond_spread == pytest.approx(0.0, abs=1e-9)
    assert found.bond_mean == pytest.approx((4 * touching["N"] + 2 * touching["Br"]) / 6)
    assert found.anion_mixing == pytest.approx(1 - (4 / 6) ** 2 - (2 / 6) ** 2)
    assert found.off_centre == pytest.approx(0.0, abs=1e-9)


def test_an_anion_that_is_hardly_there_hides_no_other():
    base = [("Li", (0.0, 0.0, 0.0)), *(("O", tuple(2.1 * row)) for row in np.vstack([np.eye(3), -np.eye(3)]))]
    plain = molecule(*base)
    stray = np.vstack([plain.fractional_coordinates, [[1.25 / 12 / math.sqrt(3)] * 3]])
    found = ion_environment(Crystal(plain.lattice, stray, (*plain.species, (("O", 0.02),))))
    assert found.coordination == pytest.approx(ion_environment(plain).coordination, abs=0.1)


@settings(max_examples=40, deadline=None)
@given(
    chances=st.lists(st.floats(0.0, 1.0), min_size=0, max_size=7),
    seed=st.integers(0, 1000),
)
def test_expected_nearest_over_all_fillings(chances, seed):
    distance = np.random.default_rng(seed).uniform(1.0, 7.9, len(chances))
    expected = 0.0
    for filling in itertools.product((False, True), repeat=len(chances)):
        likely = math.prod(p if there else 1.0 - p for p, there in zip(chances, filling, strict=True))
        expected += likely * min((d for d, there in zip(distance, filling, strict=True) if there), default=8.0)
    # Site 0 has no neighbour, site 1 has them all.
    found = expected_nearest(np.ones(len(chances), dtype=int), distance, np.array(chances), 2, 8.0)
    np.testing.assert_allclose(found, [8.0, expected], rtol=0, atol=1e-9)


@pytest.mark.parametrize("gap", [0.5, 0.99, 1.1, 1.2, 1.3, 1.39, 2.0])
def test_split_positions_are_counted_smoothly(gap):
    """Pairs of sites, 0.4 filled each, from one position to two."""
    pair = [(("Li", 0.4),), (("Li", 0.4),)]
    crystal = Crystal(np.eye(3) * 6.0, [[0, 0, 0], [0, 0, gap / 6.0]], tuple(pair))
    found = mobile_sublattice(crystal)
    share = float(split_share(np.array([gap]))[0])
    assert found.position_density * 216.0 == pytest.approx(2 / (1 + share))
    vacant = 2 / (1 + share) * (1 - 0.4 * (1 + share))
    assert found.vacancy_fraction == pytest.approx(vacant / (vacant + 0.8))
    assert found.site_vacancy_fraction == pytest.approx(0.6)


def test_what_other_elements_take_is_no_vacancy():
    crystal = Crystal(np.eye(3) * 3.87, [[0.5, 0.5, 0.5]], ((("La", 0.55), ("Li", 0.33)),))
    found = mobile_sublattice(crystal)
    assert found.vacancy_fraction == pytest.approx(0.12 / 0.45)
    assert found.foreign_fraction == pytest.approx(0.55 / 0.88)
    entropy = -sum(x * math.log(x) for x in (0.55, 0.33, 0.12))
    assert found.entropy == pytest.approx(entropy)
