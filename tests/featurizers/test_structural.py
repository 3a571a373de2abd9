"""Structural descriptors: textbook crystals by hand, independent oracles, and what must not matter."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer
from scipy.spatial import cKDTree

from superion.errors import InvalidValue, MissingDependency
from superion.featurizers import STRUCTURAL_LABELS, Crystal, find_symmetry, structural_descriptors
from superion.featurizers.ionic_radii import anions
from superion.featurizers.occupancies import Occupancies
from superion.featurizers.percolation import percolation_levels
from superion.featurizers.voids import framework_spheres

from ._crystals import LI3N, LICOO2, LIFEPO4, from_asymmetric_unit, rotated

A_OXIDE, A_FLUORIDE = 4.619, 4.028
LI2O = from_asymmetric_unit(225, (A_OXIDE,) * 3 + (90,) * 3, [("Li", (0.25, 0.25, 0.25)), ("O", (0, 0, 0))])
LIF = from_asymmetric_unit(225, (A_FLUORIDE,) * 3 + (90,) * 3, [("Li", (0, 0, 0)), ("F", (0.5, 0.5, 0.5))])
ARGYRODITE = Crystal.from_file(Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif")
MEASURED_ON_A_GRID = 0.08
"""How far radii [angstrom] and shares of volume may differ between descriptions of one crystal."""


def described(crystal: Crystal, ion: str = "Li") -> dict[str, float]:
    return dict(zip(STRUCTURAL_LABELS, structural_descriptors(crystal, ion).tolist(), strict=True))


def assert_same(one: Crystal, other: Crystal) -> None:
    """Compare all descriptors; those of the voids are measured on a grid."""
    second = described(other)
    for label, value in described(one).items():
        tolerance = MEASURED_ON_A_GRID * (10.0 if label.endswith("per_ion") else 1.0) if "voids" in label else 1e-6
        assert second[label] == pytest.approx(value, abs=tolerance, rel=1e-6, nan_ok=True), label


def with_lithium(crystal: Crystal, occupancy: float) -> Crystal:
    species = tuple((("Li", occupancy),) if site[0][0] == "Li" else site for site in crystal.species)
    return Crystal(crystal.lattice, crystal.fractional_coordinates, species)


def test_labels_name_the_entries():
    values = structural_descriptors(LIF)
    assert values.shape == (len(STRUCTURAL_LABELS),) and values.dtype == np.float64
    assert len(set(STRUCTURAL_LABELS)) == len(STRUCTURAL_LABELS)


def test_antifluorite_by_hand():
    found = described(LI2O)
    assert found["sublattice.ion_density"] == pytest.approx(8 / A_OXIDE**3)
    assert found["sublattice.vacancy_fraction"] == 0.0
    assert found["sublattice.jump_distance"] == pytest.approx(A_OXIDE / 2)
    assert found["sublattice.ion_distance"] == pytest.approx(A_OXIDE / 2)
    assert found["environment.bond_mean"] == pytest.approx(A_OXIDE * math.sqrt(3) / 4)
    assert found["environment.coordination"] == pytest.approx(4.0, abs=0.05)
    assert found["framework.anion_volume"] == pytest.approx(A_OXIDE**3 / 4)
    assert found["symmetry.space_group"] == 225 and found["symmetry.cubic"] == 1.0
    assert found["symmetry.point_operations"] == 48 and found["symmetry.centrosymmetric"] == 1.0
    assert found["symmetry.ion_sets"] == 1.0 and found["symmetry.ion_site_symmetry"] == 24.0
    # The widest place is the centre of the octahedron of oxygen, with Shannon's 1.40 angstrom.
    assert found["voids.cavity_radius"] == pytest.approx(A_OXIDE / 2 - 1.40, abs=0.01)


def test_rocksalt_by_hand():
    found = described(LIF)
    assert found["environment.coordination"] == pytest.approx(6.0, abs=0.05)
    assert found["environment.bond_shortest"] == pytest.approx(A_FLUORIDE / 2)
    assert found["sublattice.ion_distance"] == pytest.approx(A_FLUORIDE / math.sqrt(2))
    assert found["symmetry.ion_site_symmetry"] == 48.0


@pytest.mark.parametrize("occupancy", [0.9, 0.5, 0.1])
def test_vacancies_are_counted_and_ions_move_apart(occupancy):
    full, part = described(LI2O), described(with_lithium(LI2O, occupancy))
    assert part["sublattice.vacancy_fraction"] == pytest.approx(1.0 - occupancy)
    assert part["sublattice.ion_density"] == pytest.approx(occupancy * full["sublattice.ion_density"])
    assert part["sublattice.position_density"] == pytest.approx(full["sublattice.position_density"])
    assert part["sublattice.jump_distance"] == pytest.approx(full["sublattice.jump_distance"])
    assert part["sublattice.ion_distance"] > full["sublattice.ion_distance"]
    # The entropy of one position that is filled or not.
    entropy = -occupancy * math.log(occupancy) - (1 - occupancy) * math.log(1 - occupancy)
    assert part["sublattice.entropy"] == pytest.approx(entropy)


def test_parts_of_a_split_site_are_one_position():
    """Each lithium of rocksalt in two halves 0.6 angstrom apart: full, though every site is half empty."""
    coordinates, species = [], []
    for place, site in zip(LIF.fractional_coordinates, LIF.species, strict=True):
        shifts = (-0.3, 0.3) if site[0][0] == "Li" else (0.0,)
        for shift in shifts:
            coordinates.append(place + np.array([0, 0, shift / A_FLUORIDE]))
            species.append(((site[0][0], site[0][1] / len(shifts)),))
    found = described(Crystal(LIF.lattice, coordinates, tuple(species)))
    assert found["sublattice.vacancy_fraction"] == pytest.approx(0.0, abs=1e-9)
    assert found["sublattice.site_vacancy_fraction"] == pytest.approx(0.5)
    assert found["sublattice.position_density"] == pytest.approx(4 / A_FLUORIDE**3)
    assert found["sublattice.shortest_distance"] > 2.0


def test_argyrodite_is_as_published():
    """Half of the places of the cages are filled (48h), and the cages mix sulfur and chlorine."""
    found = described(ARGYRODITE)
    assert found["symmetry.space_group"] == 216
    assert found["sublattice.site_vacancy_fraction"] == pytest.approx(0.5)
    assert found["environment.anion_disorder"] > 0.1
    assert 0.2 < found["voids.bottleneck_3d"] <= found["voids.bottleneck_1d"] < 1.0


@pytest.mark.parametrize("crystal", [LI3N, LICOO2, LIFEPO4, ARGYRODITE], ids=["Li3N", "LiCoO2", "LiFePO4", "Li6PS5Cl"])
def test_description_does_not_matter(crystal):
    turn, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    assert_same(crystal, rotated(crystal, turn))
    assert_same(crystal, rotated(crystal, -turn))
    order = np.random.default_rng(6).permutation(crystal.n_sites)
    moved = crystal.fractional_coordinates[order] + np.array([0.13, -0.4, 2.7])
    assert_same(crystal, Crystal(crystal.lattice, moved, tuple(crystal.species[n] for n in order)))
    skew = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]])
    skewed = Crystal(skew @ crystal.lattice, crystal.fractional_coordinates @ np.linalg.inv(skew), crystal.species)
    assert_same(crystal, skewed)


@pytest.mark.parametrize("crystal", [LI3N, LICOO2], ids=["Li3N", "LiCoO2"])
def test_supercell_is_the_same_crystal(crystal):
    assert_same(crystal, crystal.supercell((1, 2, 1)))


def test_species_in_parts_are_the_same_crystal():
    species = tuple(tuple((s, o / 2) for s, o in site) * 2 for site in LICOO2.species)
    assert_same(LICOO2, Crystal(LICOO2.lattice, LICOO2.fractional_coordinates, species))


@pytest.mark.parametrize("crystal", [LI3N, LICOO2, LIFEPO4, LIF], ids=["Li3N", "LiCoO2", "LiFePO4", "LiF"])
def test_symmetry_is_what_pymatgen_finds(crystal):
    found = find_symmetry(crystal)
    oracle = SpacegroupAnalyzer(crystal.to_pymatgen(), symprec=0.08)
    assert found.number == oracle.get_space_group_number()
    assert found.crystal_system == oracle.get_crystal_system()
    equivalent = oracle.get_symmetrized_structure().equivalent_indices
    assert len(set(found.orbits.tolist())) == len(equivalent)
    assert found.agrees


@pytest.mark.parametrize("crystal", [LI3N, LICOO2, LIFEPO4, LI2O], ids=["Li3N", "LiCoO2", "LiFePO4", "Li2O"])
def test_voids_are_those_of_a_plain_grid(crystal):
    """Distances to the nearest sphere of a repeated cell, by a tree, on a grid of 0.12 angstrom."""
    contents = Occupancies.of(crystal)
    centres, radii = framework_spheres(contents, anions(contents), "Li")
    counts = np.ceil(np.linalg.norm(crystal.lattice, axis=1) / 0.12).astype(int)
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    clearance = np.full(len(points), np.inf)
    images = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    for radius in np.unique(radii):
        repeated = (np.mod(centres[radii == radius], 1.0)[:, None, :] + images).reshape(-1, 3) @ crystal.lattice
        clearance = np.minimum(clearance, cKDTree(repeated).query(points @ crystal.lattice)[0] - radius)
    found = described(crystal)
    # The points of a grid miss the widest ones by half a diagonal at most.
    assert clearance.max() - 0.01 <= found["voids.cavity_radius"] <= clearance.max() + 0.11
    assert found["voids.free_fraction"] == pytest.approx((clearance > 0).mean(), abs=0.02)
    levels = percolation_levels(-clearance.reshape(counts))
    for dimensions, level in enumerate(levels, start=1):
        assert -level - 0.03 <= found[f"voids.bottleneck_{dimensions}d"] <= -level + 0.11


def test_crystal_without_the_ion_has_no_sublattice():
    found = described(LIF, "Na")
    assert found["sublattice.ion_density"] == 0.0 and found["symmetry.ion_sets"] == 0.0
    for label in ("sublattice.vacancy_fraction", "environment.bond_mean", "voids.free_volume_per_ion"):
        assert math.isnan(found[label]), label
    assert found["voids.free_fraction"] > 0.0


def test_anions_can_be_the_mobile_ion():
    found = described(LIF, "F")
    assert found["sublattice.ion_distance"] == pytest.approx(A_FLUORIDE / math.sqrt(2))


def test_bad_input_is_named(monkeypatch):
    with pytest.raises(InvalidValue) as caught:
        structural_descriptors(LIF, "Xx")
    assert caught.value.field == "ion"
    for tolerance in (0.0, -1.0, float("nan"), 2.0):
        with pytest.raises(InvalidValue, match="tolerance"):
            find_symmetry(LIF, tolerance)
    monkeypatch.setitem(__import__("sys").modules, "spglib", None)
    with pytest.raises(MissingDependency, match="spglib"):
        structural_descriptors(LIF)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_any_crystal_has_descriptors_in_their_ranges(seed):
    random = np.random.default_rng(seed)
    n_sites = int(random.integers(1, 9))
    lattice = (np.eye(3) + random.uniform(-0.4, 0.4, (3, 3))) * random.uniform(4.0, 9.0)
    elements = random.choice(["Li", "O", "S", "Cl", "P", "La"], size=n_sites)
    species = tuple(((str(symbol), float(random.uniform(0.05, 0.45))),) for symbol in elements)
    found = described(Crystal(lattice, random.uniform(size=(n_sites, 3)), species))
    for label in ("sublattice.vacancy_fraction", "voids.free_fraction", "voids.accessible_fraction"):
        assert math.isnan(found[label]) or 0.0 <= found[label] <= 1.0
    one, two, three = (found[f"voids.bottleneck_{n}d"] for n in (1, 2, 3))
    assert math.isnan(one) or three <= two <= one <= found["voids.cavity_radius"] + 1e-9
    assert not any(math.isinf(value) for value in found.values())


def test_measured_crystals(data_mirror):
    with zipfile.ZipFile(data_mirror("obelix") / "train_cifs.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".cif")]
        crystals = [Crystal.from_cif(archive.read(name)) for name in names]
    values = np.array([structural_descriptors(crystal) for crystal in crystals])
    with_lithium_in = np.array(["Li" in crystal.formula.symbols for crystal in crystals])
    assert np.isfinite(values[with_lithium_in]).all()
    assert not np.isinf(values).any()
    declared = np.array([crystal.space_group_number for crystal in crystals])
    found = values[:, STRUCTURAL_LABELS.index("symmetry.space_group")]
    assert (found == declared).sum() >= 250
