"""CIF reading against pymatgen and ASE: symmetry, origins, special positions, mixed sites, notes."""

from __future__ import annotations

import numpy as np
import pytest

from superion.featurizers.crystal import Crystal

from ._cifs import (
    ARGYRODITE,
    CONTENTS,
    GARNET,
    LGPS,
    LI_CL,
    PYMATGEN_WARNING,
    SPINEL,
    SPINEL_ORIGIN_1,
    SPINEL_ORIGIN_2,
    Atom,
    amounts,
    assert_same_sites,
    by_ase,
    by_pymatgen,
    cif,
    listed,
    stated,
)

pytestmark = pytest.mark.filterwarnings(PYMATGEN_WARNING)


@pytest.mark.parametrize(("parts", "contents", "number"), CONTENTS, ids=[c for _, c, _ in CONTENTS])
def test_known_structures(parts: tuple[str, str, list[Atom]], contents: str, number: int) -> None:
    cell, name, atoms = parts
    named, with_operations = Crystal.from_cif(cif(cell, name, atoms)), Crystal.from_cif(cif(cell, listed(name), atoms))
    assert amounts(with_operations) == pytest.approx(stated(contents), abs=1e-6)
    assert_same_sites(named, with_operations, 1e-9)
    assert named.space_group_number == with_operations.space_group_number == number
    assert with_operations.notes == ()
    assert len(named.notes) == 1 and "no symmetry operations are listed" in named.notes[0]
    assert_same_sites(with_operations, by_pymatgen(cif(cell, listed(name), atoms)))
    assert_same_sites(with_operations, by_ase(cif(cell, listed(name), atoms)))


def test_mixed_sites_become_one_site() -> None:
    crystal = Crystal.from_cif(cif(*ARGYRODITE))
    mixed = [dict(site) for site in crystal.species if len(site) > 1]
    assert len(mixed) == 8 and crystal.n_sites == 48 + 4 + 16 + 8
    assert {"S": 0.385, "Cl": 0.615} in mixed and {"S": 0.615, "Cl": 0.385} in mixed
    assert {label for label in crystal.labels or () if "/" in label} == {"S3/Cl4", "S5/Cl6"}


@pytest.mark.parametrize(
    ("atoms", "name", "choice"),
    [
        (SPINEL_ORIGIN_1, "F d -3 m :1", None),
        (SPINEL_ORIGIN_2, "F d -3 m :2", None),
        (SPINEL_ORIGIN_1, "F d -3 m S", None),
        (SPINEL_ORIGIN_2, "Fd-3mZ", None),
        (SPINEL_ORIGIN_1, "F d -3 m", 1),
        (SPINEL_ORIGIN_2, "Fd-3m", 2),
        (SPINEL_ORIGIN_1, "_space_group_IT_number 227", 1),
        (SPINEL_ORIGIN_2, "_space_group_IT_number 227", 2),
        (SPINEL_ORIGIN_1, "_space_group_name_Hall 'F 4d 2 3 -1d'", None),
        (SPINEL_ORIGIN_2, "_symmetry_space_group_name_Hall '-F 4vw 2vw 3'", None),
    ],
)
def test_origin_choices(atoms: list[Atom], name: str, choice: int | None) -> None:
    crystal = Crystal.from_cif(cif(SPINEL, name, atoms))
    assert amounts(crystal) == pytest.approx({"Li": 8, "Ti": 16, "O": 32})
    assert crystal.space_group_number == 227
    assert any(f"choice {choice} was taken" in note for note in crystal.notes) == (choice is not None)


@pytest.mark.parametrize("name", ["R -3 m", "R -3 m :H", "R -3 m :R", "R-3m"])
def test_rhombohedral_axes(name: str) -> None:
    atoms: list[Atom] = [("Li", 0, 0, 0.5, 1), ("Co", 0, 0, 0, 1), ("O", 0, 0, 0.2395, 1)]
    hexagonal = Crystal.from_cif(cif("2.816 2.816 14.05 90 90 120", listed("R -3 m :H"), atoms))
    assert amounts(hexagonal) == {"Li": 3, "Co": 3, "O": 6}
    if name != "R -3 m :R":
        by_name = Crystal.from_cif(cif("2.816 2.816 14.05 90 90 120", name, atoms))
        assert_same_sites(by_name, hexagonal, 1e-9)
    if name != "R -3 m :H":
        a, c = 2.816, 14.05
        edge = (a * a / 3 + c * c / 9) ** 0.5
        angle = np.degrees(2 * np.arcsin(a / 2 / edge))
        along = [(s, z, z, z, o) for s, _, _, z, o in atoms]
        primitive = Crystal.from_cif(cif(f"{edge} {edge} {edge} {angle} {angle} {angle}", name, along))
        assert amounts(primitive) == {"Li": 1, "Co": 1, "O": 2}
        assert primitive.density == pytest.approx(hexagonal.density)


def test_symmetry_sources_and_their_disagreements() -> None:
    atoms = LI_CL[2]
    none = Crystal.from_cif(cif(LI_CL[0], "", atoms))
    assert none.n_sites == 2 and none.space_group_number is None
    assert "no symmetry is given" in none.notes[0]
    clash = Crystal.from_cif(cif(LI_CL[0], listed("P m -3 m").replace("number 221", "number 225"), atoms))
    assert clash.n_sites == 2 and clash.space_group_number == 225
    assert "are those of space group 221" in clash.notes[0]
    unknown = Crystal.from_cif(cif(LI_CL[0], "Q 7 x", atoms))
    assert unknown.n_sites == 2 and "'Q 7 x' is unknown" in unknown.notes[0]
    two = Crystal.from_cif(
        cif(LI_CL[0], "_symmetry_Int_Tables_number 225", atoms, "_space_group_name_H-M_alt 'P m -3 m'")
    )
    assert two.n_sites == 2 and "the name was used" in two.notes[0]
    hall = Crystal.from_cif(cif(LI_CL[0], "_space_group_name_Hall 'nonsense'", atoms, "_space_group_IT_number 225"))
    assert hall.n_sites == 8 and "Hall symbol" in hall.notes[0]


@pytest.mark.parametrize("decimals", [2, 3, 4, 6])
def test_rounded_special_positions_count_once(decimals: int) -> None:
    third = round(1 / 3, decimals), round(2 / 3, decimals)
    text = cif("3 3 5 90 90 120", listed("P 63/m m c"), [("Li", *third, 0.25, 1), ("N", 0, 0, 0, 0.7)])
    crystal = Crystal.from_cif(text)
    assert amounts(crystal) == pytest.approx({"Li": 2, "N": 1.4})
    assert any("moved" in note for note in crystal.notes) == (decimals == 2)
    lithium = crystal.fractional_coordinates[[site[0][0] == "Li" for site in crystal.species]]
    assert np.allclose(lithium * 12, np.round(lithium * 12), atol=1e-9)  # exactly on the special position


@pytest.mark.parametrize(
    ("x", "occupancy", "total", "n_sites", "says"),
    [
        (0.0, 0.5, 0.5, 1, None),
        (0.002, 0.5, 0.5, 1, "moved by 0.020"),
        (0.004, 0.5, 1.0, 1, "lie within 0.080"),  # two half atoms, too close to be two sites
        (0.008, 0.5, 1.0, 2, None),
        (0.008, 1.0, 1.0, 1, "moved by 0.080"),  # two whole atoms cannot be that close
        (0.04, 0.54, 1.08, 2, None),
        (0.02, 0.54, 1.08, 2, "sum to 1.08; they were kept"),
    ],
)
def test_copies_near_a_mirror(x: float, occupancy: float, total: float, n_sites: int, says: str | None) -> None:
    operations = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-x,y,z"
    crystal = Crystal.from_cif(cif("10 10 10 90 90 90", operations, [("Li", x, 0.3, 0.4, occupancy)]))
    assert crystal.formula.amount("Li") == pytest.approx(total)
    assert crystal.n_sites == n_sites
    assert [says in note for note in crystal.notes] == [True] if says else crystal.notes == ()


def test_declared_multiplicity_decides() -> None:
    text = cif(*LGPS[:1], listed("P 42/n m c :1"), [("Li", 0, 0.476, 0.555, 0.54)])
    lines = text.splitlines()
    lines.insert(lines.index("_atom_site_occupancy") + 1, "_atom_site_symmetry_multiplicity")
    for declared, total, says in (
        ("8", 4.32, "split"),
        ("4", 2.16, "moved"),
        ("7", 4.32, "does not fit"),
        ("?", 4.32, "split"),
    ):
        crystal = Crystal.from_cif("\n".join([*lines[:-1], lines[-1] + " " + declared]))
        assert crystal.formula.amount("Li") == pytest.approx(total)
        assert says in crystal.notes[0]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Li0 Li 0 0 0 1", "Li0 Li 0 0 0 ?", "the occupancy of Li0 is not known"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 0 0 1\nLi9 Li .1 .1 .1 0", "Li9 has occupancy 0"),
        ("_cell_angle_beta 90\n", "", "90 degrees was assumed"),
        ("data_test", "data_first\n_cell_length_a 3\ndata_test", "of 2 data blocks only 'test' lists atoms"),
        ("data_test", "_chemical_formula_sum 'Li2 Cl1'", "differ in Li, Cl"),
        ("data_test", "_chemical_formula_sum 'Li-x'", "was not compared"),
    ],
)
def test_changes_are_noted(old: str, new: str, says: str) -> None:
    if new.startswith("_chem"):
        new = f"data_test\n{new}"
    text = cif(LI_CL[0], listed("F m -3 m"), LI_CL[2])
    assert old in text
    crystal = Crystal.from_cif(text.replace(old, new))
    assert amounts(crystal) == {"Li": 4, "Cl": 4}
    assert len(crystal.notes) == 1 and says in crystal.notes[0]


def test_formula_within_tolerance_or_scaled_is_not_noted() -> None:
    for formula in ("Li1 Cl1", "Li4 Cl4.1"):
        text = cif(LI_CL[0], listed("F m -3 m"), LI_CL[2], f"_chemical_formula_sum '{formula}'")
        assert Crystal.from_cif(text).notes == ()


def test_two_blocks_with_atoms() -> None:
    first, second = cif(LI_CL[0], listed("F m -3 m"), LI_CL[2]), cif(*GARNET).replace("data_test", "data_other")
    crystal = Crystal.from_cif(first + second)
    assert amounts(crystal) == {"Li": 4, "Cl": 4}
    assert "2 data blocks list atoms; the first, 'test'" in crystal.notes[0]


def test_dummies_missing_occupancies_and_uncertainties() -> None:
    text = cif(LI_CL[0], listed("F m -3 m"), LI_CL[2])
    text = text.replace("_atom_site_occupancy", "_atom_site_calc_flag").replace("0 0 0 1", "0 0.0000(2) 0 d")
    text = text.replace("0.5 0.5 0.5 1", "0.5 0.5 0.5 .\nX1 X 0.1 0.2 0.3 dum").replace("a 5.13", "a 5.13(1)")
    crystal = Crystal.from_cif(text)
    assert amounts(crystal) == {"Li": 4, "Cl": 4}
    assert crystal.notes == ("X1 is a dummy atom (calc_flag dum) and was left out",)
