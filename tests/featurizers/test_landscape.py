"""The bond-valence landscape: what must not matter, disorder, the pathway, cube files and bad input."""

from __future__ import annotations

import io
import threading

import ase.io.cube
import numpy as np
import pytest

from superion.errors import InvalidValue, SuperionError
from superion.featurizers import Crystal, bond_valence_landscape

from ._crystals import LI3N, LICOO2, LIFEPO4, rotated


@pytest.fixture(scope="module")
def olivine():
    return bond_valence_landscape(LIFEPO4, resolution=0.25)


def test_lithium_sits_low_and_the_framework_is_high(olivine):
    shape = np.array(olivine.energies.shape)
    relative = olivine.energies - olivine.minimum
    for site, coordinates in zip(LIFEPO4.species, LIFEPO4.fractional_coordinates, strict=True):
        u, v, w = np.rint(coordinates * shape).astype(int) % shape
        assert (relative[u, v, w] < 0.6) == (site[0][0] == "Li")
    assert not olivine.energies.flags.writeable
    assert olivine.charge == 1


def test_olivine_conducts_along_its_short_axis(olivine):
    barriers = olivine.barriers
    assert list(barriers) == [1, 2, 3]
    assert barriers[1] < 1.0 < barriers[2] <= barriers[3]
    assert olivine.pathway.lattice_vector in ((0, 1, 0), (0, -1, 0))


def test_pathway_is_a_way_over_the_barrier(olivine):
    way = olivine.pathway
    assert way.barrier == pytest.approx(olivine.barriers[1], abs=1e-12)
    assert way.energies[0] == way.energies[-1] == way.energies.min()
    move = way.fractional_coordinates[-1] - way.fractional_coordinates[0]
    assert move == pytest.approx(way.lattice_vector, abs=1e-12)
    steps = np.diff(way.fractional_coordinates, axis=0)
    assert np.abs(steps * olivine.energies.shape).max() < 1 + 1e-9
    assert way.distances[-1] == pytest.approx(np.linalg.norm(steps @ LIFEPO4.lattice, axis=1).sum())
    assert way.distances[-1] >= np.linalg.norm(move @ LIFEPO4.lattice) - 1e-9


def test_network_marks_the_channels(olivine):
    for dimensions in (1, 2, 3):
        mask = olivine.network(dimensions)
        assert 0 < mask.sum() < mask.size
        assert (olivine.energies[mask] - olivine.minimum).max() == pytest.approx(olivine.barriers[dimensions])
    with pytest.raises(InvalidValue, match="dimensions"):
        olivine.network(0)


def test_rotation_and_reflection_do_not_matter():
    reference = bond_valence_landscape(LI3N)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    for matrix in (turn, -turn):
        turned = bond_valence_landscape(rotated(LI3N, matrix))
        np.testing.assert_allclose(turned.energies, reference.energies, atol=1e-7, rtol=1e-9)


def test_translation_by_grid_points_rolls_the_grid():
    reference = bond_valence_landscape(LICOO2)
    steps = (3, -5, 7)
    moved = Crystal(
        LICOO2.lattice,
        LICOO2.fractional_coordinates + np.array(steps) / reference.energies.shape,
        LICOO2.species,
    )
    rolled = np.roll(reference.energies, steps, axis=(0, 1, 2))
    np.testing.assert_allclose(
        bond_valence_landscape(moved).energies, rolled, atol=1e-4, rtol=1e-5
    )  # the coarse grid lies anew


def test_order_of_sites_and_cell_of_each_do_not_matter():
    reference = bond_valence_landscape(LICOO2)
    order = np.random.default_rng(2).permutation(LICOO2.n_sites)
    shuffled = Crystal(
        LICOO2.lattice,
        LICOO2.fractional_coordinates[order] + np.random.default_rng(3).integers(-2, 3, size=(LICOO2.n_sites, 3)),
        tuple(LICOO2.species[n] for n in order),
    )
    np.testing.assert_allclose(bond_valence_landscape(shuffled).energies, reference.energies, atol=1e-8, rtol=1e-9)


def test_supercell_has_the_same_barriers():
    single, double = (
        bond_valence_landscape(LI3N, resolution=0.1),
        bond_valence_landscape(LI3N.supercell((1, 2, 1)), resolution=0.1),
    )
    for dimensions in (1, 2, 3):
        assert double.barriers[dimensions] == pytest.approx(single.barriers[dimensions], abs=0.03)


def test_half_and_half_is_the_mean_of_the_pure_crystals():
    def with_metal(*species):
        return Crystal(
            LICOO2.lattice,
            LICOO2.fractional_coordinates,
            tuple(species if site[0][0] == "Co" else site for site in LICOO2.species),
        )

    cobalt, aluminium = (bond_valence_landscape(with_metal((symbol, 1.0))).energies for symbol in ("Co", "Al"))
    mixed = bond_valence_landscape(with_metal(("Co", 0.25), ("Al", 0.75))).energies
    np.testing.assert_allclose(mixed, 0.25 * cobalt + 0.75 * aluminium, atol=1e-6, rtol=1e-8)


def test_site_split_in_two_is_the_same_site():
    split = Crystal(
        LICOO2.lattice,
        LICOO2.fractional_coordinates,
        tuple(((site[0][0], 0.5), (site[0][0], 0.5)) for site in LICOO2.species),
    )
    np.testing.assert_allclose(
        bond_valence_landscape(split).energies, bond_valence_landscape(LICOO2).energies, atol=1e-8, rtol=1e-9
    )


def test_lithium_does_not_act_on_itself():
    """Half of the lithium gone, and its charge made up for by the metal, leaves only the metal's change."""
    without = Crystal(
        LICOO2.lattice,
        LICOO2.fractional_coordinates,
        tuple((("Li", 0.25),) if site[0][0] == "Li" else site for site in LICOO2.species),
    )
    landscape = bond_valence_landscape(without)
    cobalt = landscape.oxidation_states.by_element["Co"]
    assert np.mean(cobalt) == pytest.approx(3.75)
    assert landscape.energies.min() > bond_valence_landscape(LICOO2).energies.min()


def test_crystal_without_the_ion_is_probed_and_noted():
    sodium = bond_valence_landscape(LICOO2, ion="Na")
    assert any("holds no Na" in note for note in sodium.notes)
    assert sodium.minimum > bond_valence_landscape(LICOO2).minimum  # the gaps fit lithium


def test_anions_can_be_the_mobile_ion():
    oxide = bond_valence_landscape(LICOO2, ion="O")
    assert oxide.charge == -2
    shape = np.array(oxide.energies.shape)
    place = LICOO2.fractional_coordinates[[site[0][0] == "O" for site in LICOO2.species]][0]
    u, v, w = np.rint(place * shape).astype(int) % shape
    assert oxide.energies[u, v, w] - oxide.minimum < 1.5


def test_energies_change_little_with_a_longer_cutoff():
    short, long = (bond_valence_landscape(LICOO2, cutoff=cutoff) for cutoff in (10.0, 14.0))
    low = short.energies < short.minimum + 5.0
    assert np.abs((short.energies - short.minimum) - (long.energies - long.minimum))[low].max() < 1e-3


def test_softbv_radii_screen_less():
    covalent, softbv = (bond_valence_landscape(LICOO2, radii=radii) for radii in ("covalent", "softbv"))
    assert covalent.energies.shape == softbv.energies.shape
    assert not np.allclose(covalent.barriers[1], softbv.barriers[1])


def test_cube_is_read_back(olivine, tmp_path):
    text = olivine.to_cube(tmp_path / "olivine.cube")
    assert (tmp_path / "olivine.cube").read_text(encoding="utf-8") == text
    read = ase.io.cube.read_cube(io.StringIO(text))
    np.testing.assert_allclose(read["data"], olivine.energies - olivine.minimum, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(read["atoms"].cell, LIFEPO4.lattice, atol=2e-4)
    assert read["atoms"].numbers.tolist() == LIFEPO4.species_atomic_numbers.tolist()
    np.testing.assert_allclose(read["atoms"].positions, LIFEPO4.cartesian_coordinates, atol=1e-5)


def test_threads_get_the_answers_of_one(olivine):
    answers: list = [None] * 4

    def compute(n):
        answers[n] = bond_valence_landscape((LI3N, LICOO2)[n % 2])

    threads = [threading.Thread(target=compute, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, answer in enumerate(answers):
        assert np.array_equal(answer.energies, bond_valence_landscape((LI3N, LICOO2)[n % 2]).energies)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"ion": "Xx"}, "ion"),
        ({"ion": "Li+"}, "ion"),
        ({"ion": "He"}, "ion"),
        ({"resolution": 0.0}, "resolution"),
        ({"resolution": float("nan")}, "resolution"),
        ({"resolution": -0.2}, "resolution"),
        ({"cutoff": 0.5}, "cutoff"),
        ({"cutoff": 100.0}, "cutoff"),
        ({"cutoff": float("inf")}, "cutoff"),
        ({"radii": "ionic"}, "radii"),
    ],
)
def test_bad_arguments_are_refused(arguments, field):
    with pytest.raises(SuperionError) as caught:
        bond_valence_landscape(LI3N, **arguments)
    assert caught.value.field == field


def test_grids_and_work_beyond_the_bounds_are_refused_before_they_begin():
    large = LI3N.supercell((12, 12, 12))
    with pytest.raises(InvalidValue, match="coarser resolution") as caught:
        bond_valence_landscape(large, resolution=0.02)
    assert caught.value.field == "resolution"
    with pytest.raises(InvalidValue, match="coarser resolution"):
        bond_valence_landscape(large, resolution=0.2, cutoff=50.0)
