"""Symmetry: all space groups made from gemmi's operations, mixed sites against pymatgen, handedness, supercells."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from superion.errors import InvalidCrystal
from superion.featurizers.crystal import Crystal
from superion.featurizers.occupancies import Occupancies
from superion.featurizers.spacegroup import find_symmetry, symmetry_of

POLAR = {"1", "2", "m", "mm2", "4", "4mm", "3", "3m", "6", "6mm"}
"""The ten polar classes (International Tables for Crystallography A, 2016, section 3.2.2)."""
SHAPES = {
    "triclinic": (7.1, 8.3, 9.7, 81, 97, 103),
    "monoclinic": (7.1, 8.3, 9.7, 90, 103, 90),
    "orthorhombic": (7.1, 8.3, 9.7, 90, 90, 90),
    "tetragonal": (8.3, 8.3, 9.7, 90, 90, 90),
    "trigonal": (8.3, 8.3, 9.7, 90, 90, 120),
    "hexagonal": (8.3, 8.3, 9.7, 90, 90, 120),
    "cubic": (12.3, 12.3, 12.3, 90, 90, 90),
}


def in_group(number: int) -> Crystal:
    """Return a crystal of a space group in its reference setting: two atoms in general positions, one half vacant."""
    group = gemmi.find_spacegroup_by_number(number)
    shape = SHAPES[group.crystal_system_str()]
    cell = np.array(gemmi.UnitCell(*shape).orth.mat.tolist()).T
    places, species = [], []
    for start, held in (([0.137, 0.093, 0.289], ("Li", 0.5)), ([0.293, 0.331, 0.053], ("O", 1.0))):
        for operation in group.operations():
            places.append(operation.apply_to_xyz(start))
            species.append((held,))
    return Crystal(cell, np.array(places) % 1.0, tuple(species))


@pytest.mark.parametrize("number", range(1, 231))
def test_every_space_group(number):
    crystal, group = in_group(number), gemmi.find_spacegroup_by_number(number)
    found = find_symmetry(crystal, 1e-3)
    assert found.number == number
    assert found.crystal_system == group.crystal_system_str()
    operations = group.operations()
    assert found.point_operations == len(operations.sym_ops)
    assert found.cells == len(operations.cen_ops)
    assert found.is_centrosymmetric == group.is_centrosymmetric()
    assert found.is_polar == (group.point_group_hm() in POLAR)
    assert found.orbits.max() == 1 and (found.site_symmetry == 1).all()
    swapped = Crystal(crystal.lattice[[1, 0, 2]], crystal.fractional_coordinates[:, [1, 0, 2]], crystal.species)
    assert find_symmetry(swapped, 1e-3).number == number


CUBE = np.eye(3) * 3.6
CSCL = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.mark.parametrize(
    ("corner", "centre", "number"),
    [
        ((("Li", 0.5), ("Na", 0.5)), (("Na", 0.5), ("Li", 0.5)), 229),
        ((("Li", 0.5), ("Na", 0.5)), (("Na", 0.5004), ("Li", 0.4996)), 229),
        ((("Li", 0.5), ("Na", 0.5)), (("Na", 0.6), ("Li", 0.4)), 221),
        ((("Li", 0.5),), (("Li", 1.0),), 221),
        ((("Li", 0.5),), (("Li", 0.5),), 229),
    ],
)
def test_contents_make_the_kind_of_a_site(corner, centre, number):
    crystal = Crystal(CUBE, CSCL, (corner, centre))
    found = find_symmetry(crystal)
    assert found.number == number
    assert (found.site_symmetry == 48).all()
    if abs(centre[0][1] - 0.5004) > 1e-9:  # pymatgen tells any two occupancies apart
        assert SpacegroupAnalyzer(crystal.to_pymatgen()).get_space_group_number() == number


def test_handedness_of_the_cell_is_not_that_of_the_crystal():
    crystal = in_group(152)
    swapped = Crystal(crystal.lattice[[1, 0, 2]], crystal.fractional_coordinates[:, [1, 0, 2]], crystal.species)
    assert find_symmetry(swapped, 1e-3).number == 152
    mirrored = Crystal(crystal.lattice * [1, 1, -1], crystal.fractional_coordinates, crystal.species)
    assert find_symmetry(mirrored, 1e-3).number == 154


@pytest.mark.parametrize("repeats", [(1, 1, 2), (1, 3, 1), (2, 2, 2)])
def test_supercells_have_the_symmetry_of_the_crystal(repeats):
    """A supercell along one vector lacks some of the operations as a cell, but not as a crystal."""
    crystal = Crystal(CUBE, CSCL, ((("Li", 0.7),), (("Cl", 1.0),)))
    one, many = find_symmetry(crystal), find_symmetry(crystal.supercell(repeats))
    assert (one.number, one.point_operations, one.cells) == (221, 48, 1)
    assert (many.number, many.point_operations, many.cells) == (221, 48, int(np.prod(repeats)))
    assert many.orbits.max() == 1 and set(many.site_symmetry.tolist()) == {48}


def test_tolerance_and_what_was_declared():
    displaced = Crystal(CUBE, CSCL + np.array([[0, 0, 0], [0, 0, 0.02 / 3.6]]), ((("Li", 1.0),), (("Cl", 1.0),)), 221)
    loose, strict = find_symmetry(displaced), find_symmetry(displaced, 1e-3)
    assert (loose.number, loose.agrees) == (221, True)
    assert (strict.number, strict.agrees, strict.is_polar) == (99, False, True)
    assert find_symmetry(Crystal(CUBE, CSCL, displaced.species)).agrees is None


def test_no_consistent_symmetry_is_refused():
    """Atoms closer than the tolerance leave spglib without an answer."""
    contents = Occupancies.of(Crystal(CUBE, CSCL, ((("Li", 1.0),), (("Li", 1.0),))))
    crowded = Occupancies(contents.lattice, np.array([[0, 0, 0], [0, 0, 0.01]]), contents.symbols, contents.amounts)
    with pytest.raises(InvalidCrystal, match="tolerance") as caught:
        symmetry_of(crowded, None, 0.3)
    assert caught.value.field == "tolerance"
