"""Crystals and formulas that are made up, for sizes that no data set has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DENSITY = 0.09
"""Sites per cubic angstrom, as in a typical oxide."""

SHEAR = np.array([[1.0, 0.0, 0.0], [0.15, 1.0, 0.0], [-0.1, 0.2, 1.0]])
"""Of volume 1; makes cells triclinic."""

FAMILIES = (
    "Li{0}La3Zr{1}Ta{2}O12",
    "Li{0}PS{1}Cl{2}",
    "Li{0}Ge{1}P{2}S12",
    "Li{0}Al{1}Ti{2}P3O12",
    "Li{0}Y{1}Cl{2}",
)


@dataclass(frozen=True)
class Sites:
    """Hold a lattice (3, 3) [angstrom] and sites (n_sites, 3) in its coordinates."""

    lattice: npt.NDArray[np.float64]
    fractional_coordinates: npt.NDArray[np.float64]


def formulas(count: int) -> list[str]:
    """Return formulas of known families with random amounts."""
    amounts = np.random.default_rng(0).integers(1, 400, size=(count, 3)) / 100
    return [FAMILIES[n % len(FAMILIES)].format(*amounts[n]) for n in range(count)]


def crystal(n_sites: int) -> Sites:
    """Return a triclinic crystal: a grid of sites as cubic as `n_sites` allows, each moved by up to 0.15 angstrom."""
    shape = _shape(n_sites)
    spacing = DENSITY ** (-1 / 3)
    edges = np.array(shape) * spacing
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1).reshape(-1, 3)
    moved = grid * spacing + np.random.default_rng(n_sites).uniform(-0.15, 0.15, size=grid.shape)
    return Sites(np.diag(edges) @ SHEAR, moved / edges)


def crystals_like_cells(count: int = 120) -> list[Sites]:
    """Return random triclinic crystals of 10 to 300 sites, in place of a data set."""
    random = np.random.default_rng(0)
    found = []
    for n_sites in random.integers(10, 300, size=count):
        lattice = np.eye(3) + random.uniform(-0.3, 0.3, size=(3, 3))
        lattice *= (n_sites / DENSITY / abs(np.linalg.det(lattice))) ** (1 / 3)
        found.append(Sites(lattice, random.uniform(size=(n_sites, 3))))
    return found


def cif(sites: Sites) -> str:
    """Return the CIF text of an ordered crystal without symmetry: lithium and chlorine on every other site."""
    lengths = np.linalg.norm(sites.lattice, axis=1)
    a, b, c = sites.lattice / lengths[:, None]
    angles = np.degrees(np.arccos([b @ c, a @ c, a @ b]))
    cell = "".join(f"_cell_length_{name} {value:.9f}\n" for name, value in zip("abc", lengths, strict=True))
    cell += "".join(
        f"_cell_angle_{name} {value:.9f}\n" for name, value in zip(("alpha", "beta", "gamma"), angles, strict=True)
    )
    tags = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
    loop = "loop_\n" + "".join(f"_atom_site_{tag}\n" for tag in tags)
    rows = "".join(
        f"{symbol}{n} {symbol} {x:.9f} {y:.9f} {z:.9f} 1\n"
        for n, (x, y, z) in enumerate(sites.fractional_coordinates)
        for symbol in [("Li", "Cl")[n % 2]]
    )
    return f"data_made_up\n{cell}_symmetry_space_group_name_H-M 'P 1'\n_symmetry_Int_Tables_number 1\n{loop}{rows}"


def rock_salt(repeats: int) -> str:
    """Return the CIF text of lithium chloride, 8 `repeats`**3 sites in a cube of `repeats` cells a side.

    Source of the lattice parameter, 5.13 angstrom: R. W. G. Wyckoff, Crystal Structures, vol. 1 (1963).
    """
    half = np.stack(np.meshgrid(*[np.arange(2 * repeats)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    order = np.argsort(half.sum(axis=1) % 2, kind="stable")
    lithium, chlorine = np.split(half[order], 2)
    # `cif` alternates the two.
    sites = np.stack([lithium, chlorine], axis=1).reshape(-1, 3) / (2 * repeats)
    return cif(Sites(np.eye(3) * 5.13 * repeats, sites))


def _shape(n_sites: int) -> tuple[int, int, int]:
    """Return three factors of `n_sites` that differ as little as possible."""
    found = [
        (first, second, n_sites // first // second)
        for first in range(1, n_sites + 1)
        if n_sites % first == 0
        for second in range(first, n_sites // first + 1)
        if n_sites // first % second == 0 and second <= n_sites // first // second
    ]
    return min(found, key=lambda shape: shape[2] - shape[0])
