"""Crystals of textbooks and the oxidation states that textbooks give them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from pymatgen.core import Lattice, Structure

from superion.featurizers.crystal import Crystal


class Textbook(NamedTuple):
    """One crystal with its states, or with the means of those that no whole number describes."""

    crystal: Crystal
    states: dict[str, tuple[float, ...]]


def spaced(group: str, lattice: Lattice, species: list[Any], positions: list[Any]) -> Crystal:
    """Return the crystal of a space group."""
    return Crystal.from_pymatgen(Structure.from_spacegroup(group, lattice, species, positions))


def boxed(edge: float, cations: list[str], ion: list[str], positions: Any) -> Crystal:
    """Return a molecular ion in the middle of a cubic cell, with cations on corner, edges."""
    corners = [[0, 0, 0], [edge / 2, 0, 0], [0, edge / 2, 0]][: len(cations)]
    middle = np.asarray(positions, dtype=float) - np.mean(positions, axis=0) + edge / 2
    species = cations + ion
    return Crystal.from_pymatgen(
        Structure(Lattice.cubic(edge), species, [*corners, *middle.tolist()], coords_are_cartesian=True)
    )


def rock_salt(a: float, cations: Any, anions: Any) -> Crystal:
    return spaced("Fm-3m", Lattice.cubic(a), [cations, anions], [[0, 0, 0], [0.5, 0.5, 0.5]])


def fluorite(a: float, cations: Any, anions: Any) -> Crystal:
    return spaced("Fm-3m", Lattice.cubic(a), [cations, anions], [[0, 0, 0], [0.25, 0.25, 0.25]])


def rutile(a: float, c: float, cation: Any, u: float) -> Crystal:
    return spaced("P4_2/mnm", Lattice.tetragonal(a, c), [cation, "O"], [[0, 0, 0], [u, u, 0]])


def perovskite(a: float, large: Any, small: Any, anion: Any = "O") -> Crystal:
    return spaced("Pm-3m", Lattice.cubic(a), [large, small, anion], [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0]])


def spinel(a: float, tetrahedral: Any, octahedral: Any, u: float) -> Crystal:
    """Return a spinel; `u` is the oxygen coordinate with the origin at the inversion centre."""
    return spaced("Fd-3m", Lattice.cubic(a), [tetrahedral, octahedral, "O"], [[0, 0, 0], [0.625] * 3, [u + 0.125] * 3])


def layered(a: float, c: float, lithium: float, metals: Any) -> Crystal:
    return spaced(
        "R-3m", Lattice.hexagonal(a, c), [{"Li": lithium}, metals, "O"], [[0, 0, 0.5], [0, 0, 0], [0, 0, 0.2605]]
    )


def around(n: int, distance: float) -> list[list[float]]:
    """Return the corners of a triangle (3) or a tetrahedron (4) about the origin."""
    if n == 3:
        return [[distance * math.cos(t), distance * math.sin(t), 0.0] for t in np.arange(3) * 2 * math.pi / 3]
    signs = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
    return [[distance / math.sqrt(3) * s for s in corner] for corner in signs]


def icosahedron(radius: float) -> np.ndarray:
    golden = (1 + math.sqrt(5)) / 2
    base = np.array([[0, s, t * golden] for s in (1, -1) for t in (1, -1)])
    return np.vstack([np.roll(base, k, axis=1) for k in range(3)]) * radius / math.hypot(1, golden)


_HEXAGONAL = Lattice.hexagonal

TEXTBOOKS: dict[str, Textbook] = {
    "LiF": Textbook(rock_salt(4.027, "Li", "F"), {"Li": (1,), "F": (-1,)}),
    "LiH": Textbook(rock_salt(4.083, "Li", "H"), {"Li": (1,), "H": (-1,)}),
    "NiO": Textbook(rock_salt(4.177, "Ni", "O"), {"Ni": (2,), "O": (-2,)}),
    "EuO": Textbook(rock_salt(5.144, "Eu", "O"), {"Eu": (2,), "O": (-2,)}),
    "CeO2": Textbook(fluorite(5.411, "Ce", "O"), {"Ce": (4,), "O": (-2,)}),
    "UO2": Textbook(fluorite(5.47, "U", "O"), {"U": (4,), "O": (-2,)}),
    "Li2Te": Textbook(fluorite(6.517, "Te", "Li"), {"Li": (1,), "Te": (-2,)}),
    "TiO2": Textbook(rutile(4.594, 2.959, "Ti", 0.305), {"Ti": (4,), "O": (-2,)}),
    "VO2": Textbook(rutile(4.55, 2.85, "V", 0.3), {"V": (4,), "O": (-2,)}),
    "PbO2": Textbook(rutile(4.95, 3.38, "Pb", 0.307), {"Pb": (4,), "O": (-2,)}),
    "SrTiO3": Textbook(perovskite(3.905, "Sr", "Ti"), {"Sr": (2,), "Ti": (4,), "O": (-2,)}),
    "CsPbI3": Textbook(perovskite(6.29, "Cs", "Pb", "I"), {"Cs": (1,), "Pb": (2,), "I": (-1,)}),
    "MgAl2O4": Textbook(spinel(8.08, "Mg", "Al", 0.2624), {"Mg": (2,), "Al": (3,), "O": (-2,)}),
    "FeCr2O4": Textbook(spinel(8.38, "Fe", "Cr", 0.262), {"Fe": (2,), "Cr": (3,), "O": (-2,)}),
    "LiCoO2": Textbook(layered(2.8166, 14.052, 1.0, "Co"), {"Li": (1,), "Co": (3,), "O": (-2,)}),
    "SnO": Textbook(
        spaced("P4/nmm", Lattice.tetragonal(3.803, 4.838), ["Sn", "O"], [[0, 0.5, 0.2369], [0, 0, 0]]),
        {"Sn": (2,), "O": (-2,)},
    ),
    "Cu2O": Textbook(
        spaced("Pn-3m", Lattice.cubic(4.27), ["Cu", "O"], [[0.25] * 3, [0, 0, 0]]), {"Cu": (1,), "O": (-2,)}
    ),
    "CaCO3": Textbook(
        spaced("R-3c", _HEXAGONAL(4.99, 17.06), ["Ca", "C", "O"], [[0, 0, 0], [0, 0, 0.25], [0.2568, 0, 0.25]]),
        {"Ca": (2,), "C": (4,), "O": (-2,)},
    ),
    "LiNbO3": Textbook(
        spaced(
            "R3c", _HEXAGONAL(5.148, 13.863), ["Li", "Nb", "O"], [[0, 0, 0.2787], [0, 0, 0], [0.0492, 0.3446, 0.0647]]
        ),
        {"Li": (1,), "Nb": (5,), "O": (-2,)},
    ),
    # Fe2+ Ti4+ and Fe3+ Ti3+ are both neutral.
    "FeTiO3": Textbook(
        spaced(
            "R-3",
            _HEXAGONAL(5.088, 14.08),
            ["Fe", "Ti", "O"],
            [[0, 0, 0.3553], [0, 0, 0.1464], [0.3172, 0.0233, 0.245]],
        ),
        {"Fe": (2,), "Ti": (4,), "O": (-2,)},
    ),
    # The bond-valence sums overrule what is common, Sb3+ V5+.
    "SbVO4": Textbook(rutile(4.6, 3.07, {"Sb": 0.5, "V": 0.5}, 0.305), {"Sb": (5,), "V": (3,), "O": (-2,)}),
    "K2PtCl6": Textbook(
        spaced("Fm-3m", Lattice.cubic(9.75), ["K", "Pt", "Cl"], [[0.25] * 3, [0, 0, 0], [0.24, 0, 0]]),
        {"K": (1,), "Pt": (4,), "Cl": (-1,)},
    ),
    "Cs2AgBiBr6": Textbook(
        spaced(
            "Fm-3m", Lattice.cubic(11.25), ["Cs", "Ag", "Bi", "Br"], [[0.25] * 3, [0, 0, 0], [0.5] * 3, [0.251, 0, 0]]
        ),
        {"Cs": (1,), "Ag": (1,), "Bi": (3,), "Br": (-1,)},
    ),
    "Li3Sb": Textbook(
        spaced("Fm-3m", Lattice.cubic(6.572), ["Sb", "Li", "Li"], [[0, 0, 0], [0.25] * 3, [0.5] * 3]),
        {"Li": (1,), "Sb": (-3,)},
    ),
    "NH4Cl": Textbook(
        spaced("P-43m", Lattice.cubic(3.868), ["N", "H", "Cl"], [[0, 0, 0], [0.153] * 3, [0.5] * 3]),
        {"N": (-3,), "H": (1,), "Cl": (-1,)},
    ),
    "LiOH": Textbook(
        spaced(
            "P4/nmm", Lattice.tetragonal(3.549, 4.334), ["Li", "O", "H"], [[0] * 3, [0, 0.5, 0.1937], [0, 0.5, 0.407]]
        ),
        {"Li": (1,), "O": (-2,), "H": (1,)},
    ),
    # Bonds between like atoms.
    "FeS2": Textbook(
        spaced("Pa-3", Lattice.cubic(5.416), ["Fe", "S"], [[0, 0, 0], [0.385] * 3]), {"Fe": (2,), "S": (-1,)}
    ),
    "Li2O2": Textbook(
        spaced(
            "P6_3/mmc",
            _HEXAGONAL(3.142, 7.65),
            ["Li", "Li", "O"],
            [[0, 0, 0], [1 / 3, 2 / 3, 0.75], [1 / 3, 2 / 3, 0.1495]],
        ),
        {"Li": (1,), "O": (-1,)},
    ),
    "Na2S2O3": Textbook(
        boxed(
            5.5,
            ["Na", "Na"],
            ["S", "S", "O", "O", "O"],
            [[0, 0, 0], [0, 0, 2.0], *(np.array(around(3, 1.4)) - [0, 0, 0.5])],
        ),
        {"Na": (1,), "S": (-1, 5), "O": (-2,)},
    ),
    # One element with both signs.
    "LiBH4": Textbook(
        boxed(5.5, ["Li"], ["B", "H", "H", "H", "H"], [[0, 0, 0], *around(4, 1.22)]),
        {"Li": (1,), "B": (3,), "H": (-1,)},
    ),
    "LiNO3": Textbook(
        boxed(4.5, ["Li"], ["N", "O", "O", "O"], [[0, 0, 0], *around(3, 1.24)]), {"Li": (1,), "N": (5,), "O": (-2,)}
    ),
    "Li2SO4": Textbook(
        boxed(5.0, ["Li", "Li"], ["S", "O", "O", "O", "O"], [[0, 0, 0], *around(4, 1.48)]),
        {"Li": (1,), "S": (6,), "O": (-2,)},
    ),
    "LiClO4": Textbook(
        boxed(5.0, ["Li"], ["Cl", "O", "O", "O", "O"], [[0, 0, 0], *around(4, 1.43)]),
        {"Li": (1,), "Cl": (7,), "O": (-2,)},
    ),
    "LiIO3": Textbook(
        boxed(4.8, ["Li"], ["I", "O", "O", "O"], [[0, 0, 0], *around(3, 1.81)]), {"Li": (1,), "I": (5,), "O": (-2,)}
    ),
    # Two states of one element on different sites: octahedra of 2.27 and 2.08 angstrom.
    "BaBiO3": Textbook(
        spaced("Fm-3m", Lattice.cubic(8.7), ["Ba", "Bi", "Bi", "O"], [[0.25] * 3, [0, 0, 0], [0.5] * 3, [0.261, 0, 0]]),
        {"Ba": (2,), "Bi": (3, 5), "O": (-2,)},
    ),
    "Co3O4": Textbook(spinel(8.084, "Co", "Co", 0.2631), {"Co": (2, 3), "O": (-2,)}),
    # Disordered sites.
    "LiNi1/3Mn1/3Co1/3O2": Textbook(
        layered(2.86, 14.23, 1.0, {"Ni": 1 / 3, "Mn": 1 / 3, "Co": 1 / 3}),
        {"Li": (1,), "Ni": (2,), "Mn": (4,), "Co": (3,), "O": (-2,)},
    ),
    "LiNi0.5Mn1.5O4": Textbook(
        spinel(8.17, "Li", {"Ni": 0.25, "Mn": 0.75}, 0.2632), {"Li": (1,), "Ni": (2,), "Mn": (4,), "O": (-2,)}
    ),
    "Li4Ti5O12": Textbook(spinel(8.36, "Li", {"Li": 1 / 6, "Ti": 5 / 6}, 0.2625), {"Li": (1,), "Ti": (4,), "O": (-2,)}),
    "Zr0.85Y0.15O1.925": Textbook(
        fluorite(5.14, {"Zr": 0.85, "Y": 0.15}, {"O": 0.9625}), {"Zr": (4,), "Y": (3,), "O": (-2,)}
    ),
    "BaTaO2N": Textbook(
        perovskite(4.11, "Ba", "Ta", {"O": 2 / 3, "N": 1 / 3}), {"Ba": (2,), "Ta": (5,), "O": (-2,), "N": (-3,)}
    ),
    # Mean charges.
    "LiMn2O4": Textbook(spinel(8.247, "Li", "Mn", 0.2632), {"Li": (1,), "Mn": (3.5,), "O": (-2,)}),
    "CeO1.9": Textbook(fluorite(5.43, "Ce", {"O": 0.95}), {"Ce": (3.8,), "O": (-2,)}),
    "Li0.5CoO2": Textbook(layered(2.81, 14.4, 0.5, "Co"), {"Li": (1,), "Co": (3.5,), "O": (-2,)}),
    "CaC2": Textbook(
        spaced("I4/mmm", Lattice.tetragonal(3.87, 6.37), ["Ca", "C"], [[0, 0, 0], [0, 0, 0.406]]),
        {"Ca": (2,), "C": (-1,)},
    ),
    "NaN3": Textbook(
        spaced("R-3m", _HEXAGONAL(3.65, 15.2), ["Na", "N", "N"], [[0, 0, 0], [0, 0, 0.5], [0, 0, 0.422]]),
        {"Na": (1,), "N": (-1 / 3,)},
    ),
    "Li2B12H12": Textbook(
        boxed(9.5, ["Li", "Li"], ["B"] * 12 + ["H"] * 12, np.vstack([icosahedron(1.7), icosahedron(2.89)])),
        {"Li": (1,), "B": (10 / 12,), "H": (-1,)},
    ),
    "LiCB11H12": Textbook(
        boxed(9.5, ["Li"], ["C"] + ["B"] * 11 + ["H"] * 12, np.vstack([icosahedron(1.68), icosahedron(2.85)])),
        {"Li": (1,), "C": (-4,), "B": (13 / 11,), "H": (-1, 1)},
    ),
}
