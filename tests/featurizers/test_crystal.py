"""Crystals: what construction refuses, derived quantities, immutability, supercells."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.errors import InvalidCrystal, InvalidValue
from superion.featurizers.crystal import MAX_SITES, Crystal

CUBE = np.eye(3) * 5.13
LI_CL = ((("Li", 1.0),), (("Cl", 1.0),))
CORNERS = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])


def crystal(**changes: Any) -> Crystal:
    fields: dict[str, Any] = {"lattice": CUBE, "fractional_coordinates": CORNERS, "species": LI_CL}
    return Crystal(**(fields | changes))


def with_row(row: list[float]) -> list[list[float]]:
    return [[0, 0, 0], row]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"lattice": np.eye(2)}, "lattice", r"\(3, 3\) is right"),
        ({"lattice": "cubic"}, "lattice", "numbers"),
        ({"lattice": CUBE * np.nan}, "lattice", "NaN"),
        ({"lattice": np.full((3, 3), np.inf)}, "lattice", "NaN or infinity"),
        ({"lattice": CUBE * 0}, "lattice", "volume is 0 "),
        ({"lattice": [[1, 0, 0], [1, 0, 0], [0, 0, 1]]}, "lattice", "volume"),
        ({"lattice": CUBE * 1e-2}, "lattice", "volume"),
        ({"lattice": CUBE * 1e4}, "lattice", "long"),
        ({"fractional_coordinates": [[0, 0]]}, "coordinates", r"\(n_sites, 3\)"),
        ({"fractional_coordinates": [[0, 0], [0]]}, "coordinates", "numbers"),
        ({"fractional_coordinates": with_row([0, np.nan, 0])}, "coordinates", "NaN"),
        ({"fractional_coordinates": with_row([0, 1e9, 0])}, "coordinates", "1e6"),
        ({"fractional_coordinates": np.zeros((0, 3)), "species": ()}, "coordinates", "0 sites"),
        ({"fractional_coordinates": np.zeros((MAX_SITES + 1, 3)), "species": LI_CL[:1]}, "coordinates", "10001 sites"),
        ({"species": LI_CL[:1]}, "species", "1 species for 2 sites"),
        ({"species": (LI_CL[0], ())}, "species", "no element"),
        ({"species": (LI_CL[0], (("Xx", 1.0),))}, "species", "'Xx'"),
        ({"species": (LI_CL[0], (("D", 1.0),))}, "species", "'D'"),
        ({"species": (LI_CL[0], (("Cl", 0.0),))}, "species", "occupancy of Cl is 0;"),
        ({"species": (LI_CL[0], (("Cl", -0.1),))}, "species", "occupancy of Cl is -0.1"),
        ({"species": (LI_CL[0], (("Cl", 1.2),))}, "species", "1.2"),
        ({"species": (LI_CL[0], (("Cl", float("nan")),))}, "species", "nan"),
        ({"species": (LI_CL[0], (("Cl", "much"),))}, "species", "pairs"),
        ({"species": (LI_CL[0], (("Cl", 0.6), ("Br", 0.6)))}, "species", "sum to 1.2"),
        ({"species": "LiCl"}, "species", "pairs"),
        ({"species": 7}, "species", "pairs"),
        ({"labels": ("Li1",)}, "labels", "1 labels"),
        ({"space_group_number": 231}, "space_group_number", "230"),
        ({"space_group_number": "225"}, "space_group_number", "230"),
        ({"fractional_coordinates": with_row([0.01, 0, 0])}, "species", "sum to 2 on one position"),
        ({"fractional_coordinates": with_row([0, 0, 0.995])}, "species", "sum to 2 on one position"),
        ({"fractional_coordinates": with_row([3, -2, 7.001])}, "species", "sum to 2 on one position"),
    ],
)
def test_refuses(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidCrystal, match=says) as caught:
        crystal(**changes)
    assert caught.value.field == field
    assert caught.value.code == "invalid_structure"


def test_over_occupied_position_names_the_labels() -> None:
    with pytest.raises(InvalidCrystal, match=r"Li1: 0.8 Li, Na2: 0.4 Na"):
        crystal(
            fractional_coordinates=with_row([0, 0, 1]),
            species=((("Li", 0.8),), (("Na", 0.4),)),
            labels=("Li1", "Na2"),
        )


def test_takes_what_is_physical() -> None:
    close = crystal(fractional_coordinates=with_row([0.005, 0, 0]), species=((("Li", 0.5),), (("Li", 0.5),)))
    assert close.n_sites == 2  # split sites that sum to 1
    assert crystal(species=(LI_CL[0], (("Cl", 1.04),))).n_sites == 2  # refined occupancies round up
    assert crystal(lattice=CUBE[[1, 0, 2]]).volume == pytest.approx(5.13**3)  # left-handed
    assert crystal(species=(LI_CL[0], (("Cl", 0.4), ("Cl", 0.2)))).species[1] == (("Cl", pytest.approx(0.6)),)


def test_derived_quantities() -> None:
    positions = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    salt = Crystal(
        CUBE,
        np.array(positions + [[x + 0.5, y, z] for x, y, z in positions]),
        LI_CL[:1] * 4 + ((("Cl", 0.75), ("Br", 0.2)),) * 4,
    )
    assert salt.n_sites == 8
    assert salt.volume == pytest.approx(5.13**3)
    assert salt.formula.text == "Li4Cl3Br0.8"
    assert salt.density == pytest.approx(salt.formula.weight / 6.02214076e23 / (5.13e-8) ** 3)
    assert not salt.is_ordered and crystal().is_ordered
    assert salt.cell_parameters == pytest.approx((5.13, 5.13, 5.13, 90, 90, 90))
    assert salt.cartesian_coordinates[1] == pytest.approx([0, 2.565, 2.565])
    assert salt.species_offsets.tolist() == [0, 1, 2, 3, 4, 6, 8, 10, 12]
    assert salt.species_atomic_numbers.tolist() == [3] * 4 + [17, 35] * 4
    assert salt.species_occupancies.tolist() == [1.0] * 4 + [0.75, 0.2] * 4
    assert repr(salt) == "Crystal(Li4Cl3Br0.8, 8 sites, 135.0 angstrom^3)"


def test_is_immutable() -> None:
    lattice = CUBE.copy()
    made = crystal(lattice=lattice)
    lattice[:] = 0  # the caller's array is not shared
    assert made.volume == pytest.approx(5.13**3)
    again = pickle.loads(pickle.dumps(made))
    for one in (made, again):
        names = ("lattice", "fractional_coordinates", "cartesian_coordinates", "species_offsets")
        for name in (*names, "species_atomic_numbers", "species_occupancies"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(one, name)[0] = 0
    with pytest.raises(AttributeError):
        made.species = ()  # type: ignore[misc]
    assert again == made and hash(again) == hash(made)
    assert made != crystal(lattice=CUBE * 1.1) and made != "LiCl"


@given(st.tuples(*[st.integers(1, 3)] * 3))
def test_supercell_keeps_density_and_composition(repeats: tuple[int, int, int]) -> None:
    cell = crystal(lattice=[[4, 0, 0], [1, 5, 0], [0.5, 1, 6]], labels=("Li1", "Cl1"), space_group_number=221)
    larger = cell.supercell(repeats)
    copies = int(np.prod(repeats))
    assert larger.n_sites == 2 * copies and larger.labels == ("Li1", "Cl1") * copies
    assert larger.volume == pytest.approx(cell.volume * copies)
    assert larger.density == pytest.approx(cell.density)
    assert larger.formula.canonical == cell.formula.canonical
    assert larger.space_group_number is None
    # Every site of the supercell is a lattice translation away from the site that it copies.
    moved = larger.cartesian_coordinates - np.tile(cell.cartesian_coordinates, (copies, 1))
    shifts = moved @ np.linalg.inv(cell.lattice)
    assert np.allclose(shifts, np.round(shifts), atol=1e-9)


def test_supercell_refuses() -> None:
    for repeats in ((0, 1, 1), (1, 1), (1.5, 1, 1), (-1, 1, 1)):
        with pytest.raises(InvalidValue):
            crystal().supercell(repeats)  # type: ignore[arg-type]
    with pytest.raises(InvalidCrystal, match="10000"):
        crystal().supercell((100, 100, 100))


def test_perturb_is_reproducible_and_small() -> None:
    made = crystal()
    moved = made.perturb(0.05, seed=3)
    assert moved == made.perturb(0.05, seed=3)
    assert moved != made.perturb(0.05, seed=4)
    assert made.perturb(0.0, seed=3) == made
    steps = np.linalg.norm(moved.cartesian_coordinates - made.cartesian_coordinates, axis=1)
    assert 0 < steps.max() < 0.4
    for sigma in (-0.1, 2, float("nan")):
        with pytest.raises(InvalidValue):
            made.perturb(sigma, seed=0)


def test_largest_crystal_is_checked_in_linear_memory() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(20)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) / 20
    made = Crystal(np.eye(3) * 60, grid, LI_CL[:1] * len(grid))
    assert made.n_sites == 8000
    with pytest.raises(InvalidCrystal):
        Crystal(np.eye(3) * 60, np.zeros((10_000, 3)), ((("Li", 1e-5),),) * 10_000)


@pytest.mark.parametrize("length", [1e-5, 0.005, 0.05, 0.4])
def test_a_lattice_that_repeats_within_an_atom_is_refused(length: float) -> None:
    with pytest.raises(InvalidCrystal) as caught:
        Crystal(np.diag([length, 30.0, 30.0]), np.zeros((1, 3)), ((("Li", 1.0),),))
    assert caught.value.field == "lattice"
