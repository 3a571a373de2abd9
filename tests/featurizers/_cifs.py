"""CIF text for the tests of its reader, and the readers of other libraries to compare with."""

from __future__ import annotations

import io

import gemmi
import numpy as np
import pytest

from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula

PYMATGEN_WARNING = "ignore:Issues encountered while parsing CIF. Skipping relative stoichiometry"
"""pymatgen warns where a CIF states no formula to check the stoichiometry against; most of these state none."""

Atom = tuple[str, float, float, float, float]


def cif(cell: str, symmetry: str, atoms: list[Atom], extra: str = "") -> str:
    """Write a CIF; `symmetry` is a name, or text that begins with an underscore or `loop_` and is taken as it is."""
    tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = ["data_test", *(f"_cell_{tag} {value}" for tag, value in zip(tags, cell.split(), strict=True))]
    lines.append(symmetry if symmetry.startswith(("_", "loop_")) else f"_symmetry_space_group_name_H-M '{symmetry}'")
    lines += [extra, "loop_", "_atom_site_label", "_atom_site_type_symbol"]
    lines += [f"_atom_site_{tag}" for tag in ("fract_x", "fract_y", "fract_z", "occupancy")]
    lines += [f"{s}{k} {s} {x} {y} {z} {o}" for k, (s, x, y, z, o) in enumerate(atoms)]
    return "\n".join(lines) + "\n"


def listed(name: str) -> str:
    """Return the operations of the space group setting `name` as a loop."""
    group = gemmi.find_spacegroup_by_name(name)
    operations = "\n".join(f"'{op.triplet()}'" for op in group.operations())
    return f"_space_group_IT_number {group.number}\nloop_\n_space_group_symop_operation_xyz\n{operations}\n"


LI_CL = ("5.13 5.13 5.13 90 90 90", "F m -3 m", [("Li", 0, 0, 0, 1), ("Cl", 0.5, 0.5, 0.5, 1)])
# Kraft et al. 2017, doi:10.1021/jacs.7b06327: chloride and sulphide mixed on 4a and 4d, lithium on half of 48h.
ARGYRODITE = (
    "9.8598 9.8598 9.8598 90 90 90",
    "F -4 3 m",
    [
        ("Li", 0.1804, 0.1804, 0.0190, 0.5),
        ("P", 0, 0, 0.5, 1),
        ("S", 0.1195, -0.1195, 0.6195, 1),
        ("S", 0.25, 0.25, 0.75, 0.385),
        ("Cl", 0.25, 0.25, 0.75, 0.615),
        ("S", 0, 0, 0, 0.615),
        ("Cl", 0, 0, 0, 0.385),
    ],
)
# Awaka et al. 2011, doi:10.1246/cl.2011.60: lithium on parts of 24d and of the split 96h.
GARNET = (
    "12.9827 12.9827 12.9827 90 90 90",
    "I a -3 d",
    [
        ("La", 0.125, 0, 0.25, 1),
        ("Zr", 0, 0, 0, 1),
        ("O", -0.0318, 0.0546, 0.1501, 1),
        ("Li", 0.375, 0, 0.25, 0.564),
        ("Li", 0.0970, 0.6853, 0.5770, 0.442),
    ],
)
# Kamaya et al. 2011, doi:10.1038/nmat3066: germanium and phosphorus mixed on 4d; the origin is choice 1.
LGPS = (
    "8.71771 8.71771 12.63452 90 90 90",
    "P 42/n m c :1",
    [
        ("Li", 0.257, 0.272, 0.183, 0.691),
        ("Li", 0, 0.5, 0.945, 1),
        ("Li", 0.246, 0.246, 0, 0.643),
        ("Ge", 0, 0.5, 0.691, 0.515),
        ("P", 0, 0.5, 0.691, 0.485),
        ("P", 0, 0, 0.5, 1),
        ("S", 0, 0.184, 0.408, 1),
        ("S", 0, 0.296, 0.096, 1),
        ("S", 0, 0.698, 0.79, 1),
    ],
)
SPINEL = "8.4 8.4 8.4 90 90 90"
SPINEL_ORIGIN_2 = [("Li", 0.125, 0.125, 0.125, 1), ("Ti", 0.5, 0.5, 0.5, 1), ("O", 0.2628, 0.2628, 0.2628, 1)]
SPINEL_ORIGIN_1 = [(s, x + 0.125, y + 0.125, z + 0.125, o) for s, x, y, z, o in SPINEL_ORIGIN_2]
CONTENTS = [
    (LI_CL, "Li4Cl4", 225),
    (ARGYRODITE, "Li24P4S20Cl4", 216),
    (GARNET, "La24Zr16O96Li55.968", 230),
    (LGPS, "Li20.2Ge2.06P3.94S24", 137),
]


def amounts(crystal: Crystal) -> dict[str, float]:
    return dict(zip(crystal.formula.symbols, crystal.formula.amounts, strict=True))


def stated(text: str) -> dict[str, float]:
    formula = Formula.parse(text)
    return dict(zip(formula.symbols, formula.amounts, strict=True))


def assert_same_sites(one: Crystal, other: Crystal, tolerance: float = 2e-3) -> None:
    """Compare positions [angstrom] and occupancies site by site, in any order and any lattice translation."""
    # Libraries orient the same cell differently, so lengths and angles are compared.
    assert one.lattice @ one.lattice.T == pytest.approx(other.lattice @ other.lattice.T, abs=1e-5)
    assert one.n_sites == other.n_sites
    difference = one.fractional_coordinates[:, None] - other.fractional_coordinates[None]
    distance = np.linalg.norm((difference - np.round(difference)) @ one.lattice, axis=-1)
    partner = distance.argmin(axis=1)
    assert sorted(partner) == list(range(one.n_sites))
    assert distance.min(axis=1).max() < tolerance
    for site, match in zip(one.species, partner, strict=True):
        assert dict(site) == pytest.approx(dict(other.species[match]), abs=1e-6)


def by_pymatgen(text: str) -> Crystal:
    from pymatgen.io.cif import CifParser

    parser = CifParser.from_str(text, occupancy_tolerance=1.05, site_tolerance=1e-3)
    return Crystal.from_pymatgen(parser.parse_structures(primitive=False)[0])


def by_ase(text: str) -> Crystal:
    from ase.io import read

    return Crystal.from_ase(read(io.StringIO(text), format="cif"))


GOOD = cif(LI_CL[0], listed("F m -3 m"), LI_CL[2])
