"""Atom types in CIFs: elements, vacancies, isotopes, labels without types."""

from __future__ import annotations

import pytest

from superion.errors import InvalidCif
from superion.featurizers.crystal import Crystal

from ._cifs import GOOD, LI_CL, amounts, cif, listed


@pytest.mark.parametrize(
    ("symbol", "element"),
    [
        ("Li1+", "Li"),
        ("Li+", "Li"),
        ("LI", "Li"),
        ("Li0+", "Li"),
        ("O2-", "O"),
        ("Ti4+", "Ti"),
        ("li", "Li"),
        ("Xe", "Xe"),
        ("V", "V"),
    ],
)
def test_type_symbols(symbol: str, element: str) -> None:
    assert list(amounts(Crystal.from_cif(cif("3 3 3 90 90 90", "P 1", [(symbol, 0, 0, 0, 1)])))) == [element]


@pytest.mark.parametrize(
    ("label", "element"),
    [("Li1", "Li"), ("O1A", "O"), ("LiA", "Li"), ("S", "S"), ("CL1", None), ("Wat", None), ("OH1", None), ("1", None)],
)
def test_labels_without_types(label: str, element: str | None) -> None:
    text = cif("3 3 3 90 90 90", "P 1", [("Q", 0, 0, 0, 1)]).replace("_atom_site_type_symbol", "_atom_site_other")
    text = text.replace("Q0 Q", f"{label} Q")
    if element is None:
        with pytest.raises(InvalidCif, match=label):
            Crystal.from_cif(text)
    else:
        assert list(amounts(Crystal.from_cif(text))) == [element]


VACANCY = ["Va", "Vac", "VAC", "vacancy", "X", "Xvac", "X0+", "Va0", "'□'", "□"]


@pytest.mark.parametrize("name", VACANCY)
def test_vacancies_are_left_out(name: str) -> None:
    for occupancy in ("0.5", "1", "?", "1.4", "-"):  # whatever is said of it, the site is empty
        text = GOOD.replace("Li0 Li 0 0 0 1", f"Li0 Li 0 0 0 0.5\nVa1 {name} 0 0 0 {occupancy}\nVa2 {name} .1 .2 .3 1")
        crystal = Crystal.from_cif(text)
        assert amounts(crystal) == {"Li": 2, "Cl": 4}
        said = [note for note in crystal.notes if "stands for a vacancy; left out: Va1, Va2" in note]
        assert len(said) == 1


def test_vacancies_by_label_and_nothing_else() -> None:
    untyped = GOOD.replace("_atom_site_type_symbol", "_atom_site_other")
    crystal = Crystal.from_cif(untyped.replace("Li0 Li 0 0 0 1", "Li0 a 0 0 0 1\nVa1 a .1 .2 .3 1\nX2 a .2 .2 .3 1"))
    assert amounts(crystal) == {"Li": 4, "Cl": 4}
    assert [note.partition(" ")[0] for note in crystal.notes] == ["'Va1'", "'X2'"]
    empty = GOOD.replace("Li0 Li 0", "Va0 Va 0").replace("Cl1 Cl", "Va1 Va")
    with pytest.raises(InvalidCif, match="a dummy, a vacancy or has occupancy 0"):
        Crystal.from_cif(empty)
    many = "\n".join(f"Va{k} Va {k / 50} .2 .3 1" for k in range(9))
    assert "Va3, Va4 and 4 more" in Crystal.from_cif(f"{GOOD}{many}\n").notes[0]


@pytest.mark.parametrize(
    ("name", "element"),
    [("D", "H"), ("T", "H"), ("D1+", "H"), ("2H", "H"), ("6Li", "Li"), ("7Li1+", "Li"), ("11B", "B")],
)
def test_isotopes_are_read_as_their_elements(name: str, element: str) -> None:
    crystal = Crystal.from_cif(GOOD.replace("Li0 Li 0", f"{name}0 {name} 0"))
    assert amounts(crystal) == {element: 4, "Cl": 4}
    assert len(crystal.notes) == 1
    assert f"'{name}' is an isotope and was read as {element}" in crystal.notes[0]


def test_deuterium_in_the_formula_is_hydrogen_and_in_labels_nothing() -> None:
    text = cif(LI_CL[0], listed("F m -3 m"), LI_CL[2], "_chemical_formula_sum 'D4 Cl4'")
    crystal = Crystal.from_cif(text.replace("Li0 Li 0", "D0 D 0"))
    assert not any("_chemical_formula_sum" in note for note in crystal.notes)
    for label in ("D0", "T0"):  # T1 is a tetrahedral site in many files
        with pytest.raises(InvalidCif, match=f"'{label}' has no _atom_site_type_symbol"):
            Crystal.from_cif(
                GOOD.replace("_atom_site_type_symbol", "_atom_site_x").replace("Li0 Li 0", f"{label} Li 0")
            )


@pytest.mark.parametrize(
    ("occupancy", "read"), [("1.0001", 1.0), ("1.04(3)", 1.0), ("1.0000", 1.0), ("0.9999", 0.9999)]
)
def test_occupancies_a_little_above_one_are_one(occupancy: str, read: float) -> None:
    crystal = Crystal.from_cif(GOOD.replace("Li0 Li 0 0 0 1", f"Li0 Li 0 0 0 {occupancy}"))
    assert crystal.species[0] == (("Li", read),)
    above = float(occupancy.partition("(")[0]) > 1
    assert crystal.notes == ((f"the occupancy {occupancy} of Li0 was read as 1",) if above else ())
    assert crystal.is_ordered == (read == 1.0)


def test_sums_a_little_above_one_are_kept_and_noted() -> None:
    for second, noted in (("0.5001", False), ("0.53", True)):
        crystal = Crystal.from_cif(GOOD.replace("Li0 Li 0 0 0 1", f"Li0 Li 0 0 0 0.5\nNa1 Na 0 0 0 {second}"))
        assert crystal.formula.amount("Na") == pytest.approx(4 * float(second))
        assert crystal.notes == (
            ("the occupancies of Li0/Na1 sum to 1.03 on one position; they were kept",) if noted else ()
        )
