"""Ways to write the same CIF: encodings, DDLm tags, CIF 2.0, magnetic symmetry; and cells that belie their symmetry."""

from __future__ import annotations

import re

import pytest

from superion.errors import InvalidCif
from superion.featurizers.cif2 import as_cif1
from superion.featurizers.crystal import Crystal

from ._cifs import ARGYRODITE, GOOD, LI_CL, Atom, assert_same_sites, cif, listed

PLAIN = Crystal.from_cif(GOOD)
AUTHOR = f"{GOOD}_publ_author_name 'Müller, Jürgen €'\n"


def test_names_outside_utf_8_are_read_with_a_note() -> None:
    assert Crystal.from_cif(AUTHOR) == PLAIN and Crystal.from_cif(AUTHOR).notes == ()
    assert Crystal.from_cif(AUTHOR.encode("utf-8")).notes == ()
    for encoding in ("latin-1", "cp1252"):
        content = (AUTHOR if encoding == "cp1252" else AUTHOR.replace("€", "")).encode(encoding)
        crystal = Crystal.from_cif(content)
        assert crystal == PLAIN
        assert len(crystal.notes) == 1 and "read as Windows-1252" in crystal.notes[0]
    undefined = AUTHOR.encode("cp1252").replace(b"\x80", b"\x81\x9d")  # no characters of Windows-1252
    assert Crystal.from_cif(undefined) == PLAIN


@pytest.mark.parametrize("old", ["data_test", "_cell_length_a 5.13\n"])
def test_characters_that_cif_does_not_have(old: str) -> None:
    new = "data_Zürich" if old == "data_test" else f"{old}_unquoted Müller\n"
    for content in (GOOD.replace(old, new), GOOD.replace(old, new).encode("latin-1")):
        crystal = Crystal.from_cif(content)
        assert crystal == PLAIN
        assert "characters that CIF does not have" in crystal.notes[-1]


def dotted(text: str) -> str:
    """Write the tags as DDLm and mmCIF do, with a dot after the category."""
    for category in ("_atom_site", "_cell", "_symmetry_equiv", "_symmetry", "_space_group_symop", "_space_group"):
        text = re.sub(rf"(?m)^{category}_(?!equiv|symop)", f"{category}.", text)
    return text.replace("_chemical_formula_", "_chemical_formula.")


@pytest.mark.parametrize("symmetry", ["F -4 3 m", "operations", "_symmetry_Int_Tables_number 216"])
def test_tags_with_dots(symmetry: str) -> None:
    symmetry = listed("F -4 3 m") if symmetry == "operations" else symmetry
    text = cif(ARGYRODITE[0], symmetry, ARGYRODITE[2], "_chemical_formula_sum 'Li7 P S5 Cl'")
    crystal, other = Crystal.from_cif(dotted(text)), Crystal.from_cif(text)
    assert "_atom_site.fract_x" in dotted(text) and "_cell.length_a" in dotted(text)
    assert crystal == other and crystal.labels == other.labels
    assert crystal.notes == other.notes and any("differ in Li" in note for note in crystal.notes)
    assert Crystal.from_cif(text.replace("_atom_site_fract", "_Atom_Site.FRACT")) == other


def test_cif_2() -> None:
    extra = """_list [1 2 [3 'a b']]
_table {'a':1 "b":[1 2]}
_triple '''it's; of
; two lines'''
_text
;a field with [ and { and '''
;
_quoted "a [b"  # a comment with [
"""
    text = "#\\#CIF_2.0\n" + cif(LI_CL[0], listed("F m -3 m"), LI_CL[2], extra)
    crystal = Crystal.from_cif(text)
    assert crystal == PLAIN and crystal.notes == ("2 lists and tables of CIF 2.0 were left out of account",)
    in_loop = text.replace("_atom_site_occupancy", "_atom_site_occupancy\n_atom_site_shape").replace(
        " 1\n", " 1 [1 2 3]\n"
    )
    assert Crystal.from_cif(in_loop) == PLAIN
    assert Crystal.from_cif(in_loop.replace("[1 2 3]", "[O C1'#1]")) == PLAIN
    for fault in ("[1 2", "[1 2}", "1]", "{'a':[1}"):
        with pytest.raises(InvalidCif, match=r"not CIF 2\.0"):
            Crystal.from_cif(text.replace("[1 2 [3 'a b']]", fault))


def test_cif_2_keeps_what_cif_1_1_has() -> None:
    assert as_cif1(GOOD) == (GOOD, 0)


def test_magnetic_operations() -> None:
    group = listed("F m -3 m").partition("loop_")[2]
    operations = [line.strip("'") for line in group.splitlines() if line.startswith("'")]
    n_centering = 4
    primitive = operations[: len(operations) // n_centering]
    shifts = ["x,y,z,+1", "x,y+1/2,z+1/2,-1", "x+1/2,y,z+1/2,+1", "x+1/2,y+1/2,z,-1"]
    loops = ["loop_", "_space_group_symop_magn_operation.xyz", *(f"'{op},+1'" for op in primitive)]
    loops += ["loop_", "_space_group_symop_magn_centering.xyz", *(f"'{shift}'" for shift in shifts)]
    crystal = Crystal.from_cif(cif(LI_CL[0], "\n".join(loops), LI_CL[2]))
    assert_same_sites(crystal, PLAIN)
    assert crystal.space_group_number == 225
    assert crystal.notes == ("the symmetry operations are magnetic; time reversal, which moves no atom, was left out",)


@pytest.mark.parametrize(
    ("cell", "group", "percent"),
    [
        ("5 5 5 90 90 90", "P m -3 m", None),
        ("5 5 5.01 90 90 90", "P m -3 m", None),
        ("5 5 5.05 90 90 90", "P m -3 m", "1 %"),
        ("5 5 5 90 90 91", "P m -3 m", "1.7 %"),
        ("5 5.4 7 90 90 90", "P 4 m m", "8.3 %"),
        ("5 5 7 90 90 119", "P 63/m m c", "1.5 %"),
        ("5 6 7 90 90 92", "P 1 2/m 1", "3.5 %"),
        ("5 6 7 80 100 77", "P -1", None),
        ("5 6 7 90 100 90", "P 1 2/m 1", None),
        ("5 6 5 90 90 90", "P m -3 m", "more"),
        ("5 5 7 90 90 60", "P 63/m m c", "more"),
        ("5 5 7 90 90 90", "P 63/m m c", "more"),
        ("5 6 7 90 90 110", "P 1 2/m 1", "more"),
        ("5 5 14 90 90 120", "R -3 m :R", "more"),
    ],
)
def test_cells_that_belie_their_symmetry(cell: str, group: str, percent: str | None) -> None:
    atoms: list[Atom] = [("Li", 0, 0, 0, 1)]
    text = cif(cell, listed(group), atoms)
    if percent == "more":
        with pytest.raises(InvalidCif, match=r"cannot have space group .*by more than 10 %"):
            Crystal.from_cif(text)
        return
    notes = Crystal.from_cif(text).notes
    assert [f"by {percent}; it was used as it is" in note for note in notes] == ([True] if percent else [])
