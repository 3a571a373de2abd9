"""Tables of phases: what is read, what is kept, what is refused and how it is said."""

from __future__ import annotations

import pickle

import pytest

from superion.errors import InvalidFormula, InvalidTable, InvalidValue, NotFound
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.formula import Formula
from superion.models.stability import Phase, PhaseTable, analyse, read_phase_table
from superion.models.stability.interphase import electronic_nature, interphase_class
from superion.models.stability.phases import MAX_SYSTEM

HEADER = "formula,formation_energy_eV_per_atom"


def write(folder, text, name="table.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def fault(folder, text):
    with pytest.raises(InvalidTable) as caught:
        read_phase_table(write(folder, text))
    return caught.value.message


def test_the_lowest_polymorph_is_the_phase(tmp_path):
    text = f"{HEADER},band_gap_eV,source\nLi2S,-1.2,3.4,a\nS2Li4,-1.4,3.1,b\nLi,0.02,,\n\nS,0,1.5,\nNaN,0.3,,\n"
    table = read_phase_table(write(tmp_path, text))
    assert table.name == "table"
    phase = table.phase(table.row(Formula.parse("Li4S2")))
    assert (phase.formula.text, phase.energy, phase.band_gap, phase.source) == ("Li2S", -1.4, 3.1, "b")
    polymorphs = {table.formula(n).text: int(table.polymorphs[n]) for n in range(len(table))}
    # The formula NaN is of sodium and nitrogen; what no row gives is an element.
    assert polymorphs == {"Li2S": 2, "Li": 1, "S": 1, "NaN": 1, "Na": 0, "N": 0}
    assert table.phase(table.row(Formula.parse("Li"))).energy == 0.0
    assert table.row(Formula.parse("Li3S")) is None
    system = table.system(["S", "Li"])
    assert system.symbols == ("Li", "S") and system is table.system(["Li", "S", "S"])
    assert sorted(table.formula(int(row)).text for row in system.rows) == ["Li", "Li2S", "S"]


def test_a_table_of_phases_is_that_of_its_file(tmp_path):
    table = read_phase_table(write(tmp_path, f"{HEADER},band_gap_eV\nLi2S,-1.4,3.1\nLi3P,-0.7,\n"))
    phases = [Phase(Formula.parse("PLi3"), -0.7), Phase(Formula.parse("Li2S"), -1.4, 3.1)]
    made = PhaseTable.from_phases("made", phases)
    assert made.digest == table.digest
    assert made.digest != PhaseTable.from_phases("made", phases[:1]).digest


def test_all_faults_are_listed(tmp_path):
    rows = ["Li2S,-1.4", "Lx2S,-1", "Li3P,nan", "Li3P,-12", "Li,-0.5", "Li2O", HEADER, "Li2O,much", "Li2S,-1.3"]
    message = fault(tmp_path, "\n".join([HEADER, *rows]))
    for line in range(3, 10):
        assert f"line {line}: " in message
    assert "line 2:" not in message and "line 10:" not in message
    assert "the header again" in message and "not finite" in message and "below 0" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        (HEADER, "has no rows"),
        ("formula,energy\nLi2S,-1\n", "has the header"),
        (f"{HEADER},{HEADER.split(',')[1]}\nLi2S,-1,-1\n", "has the header"),
        (f"{HEADER},band_gap_eV\nLi2S,-1,-3\n", "no band gap"),
        ("\n".join([HEADER, *["Q,1"] * 20]), "and 12 more"),
    ],
)
def test_faults_of_files(tmp_path, text, expected):
    assert expected in fault(tmp_path, text)


def test_files_that_are_none(tmp_path):
    with pytest.raises(NotFound):
        read_phase_table(tmp_path / "nothing.csv")
    path = tmp_path / "bytes.csv"
    path.write_bytes(b"formula,target\nLi\xff,1\n")
    with pytest.raises(InvalidTable, match="UTF-8"):
        read_phase_table(path)


def test_gaps_of_a_second_file(tmp_path):
    path = write(tmp_path, f"{HEADER},band_gap_eV\nLi2S,-1.4,\nLi3P,-0.7,0.5\nLi2O,-2,\n")
    gaps = write(tmp_path, "formula,target\nLi4S2,3.0\nLi2S,0.0\nLi3P,2\nKCl,5\n", "gaps.csv")
    table = read_phase_table(path, "both", gaps)
    found = {name: table.phase(table.row(Formula.parse(name))).band_gap for name in ("Li2S", "Li3P", "Li2O")}
    assert found == {"Li2S": 3.0, "Li3P": 0.5, "Li2O": None}
    with pytest.raises(InvalidTable, match="line 2: nan is no band gap; line 3: "):
        read_phase_table(path, "both", write(tmp_path, "formula,target\nLi2S,nan\nLi2Q,1\n", "bad.csv"))


def test_phases_are_checked():
    for values in ({"energy": 9.0}, {"energy": -1.0, "band_gap": -1.0}, {"energy": -1.0, "kind": "glass"}):
        with pytest.raises(InvalidValue):
            Phase(Formula.parse("Li2S"), **values)
    with pytest.raises(InvalidTable, match="no rows"):
        PhaseTable.from_phases("empty", [])
    table = PhaseTable.from_phases("one", [Phase(Formula.parse("Li2S"), -1.0)])
    with pytest.raises(InvalidFormula):
        table.system([])
    with pytest.raises(InvalidFormula, match="'Xx'"):
        table.system(["Xx"])


def test_a_system_has_no_more_elements_than_a_hull_is_computed_of():
    metals = [symbol for symbol in SYMBOLS if symbol not in ("F", "Li")][: MAX_SYSTEM - 1]
    table = PhaseTable.from_phases(
        "fluorides", [Phase(Formula.parse(f"{symbol}F"), -1.0) for symbol in [*metals, "Li"]]
    )
    assert len(table.system([*metals, "F"]).symbols) == MAX_SYSTEM
    for ask in (lambda: table.system([*metals, "F", "Li"]), lambda: analyse(table, "".join(metals) + "F")):
        with pytest.raises(
            InvalidFormula, match=f"system of {MAX_SYSTEM + 1} elements.* at most {MAX_SYSTEM}$"
        ) as caught:
            ask()
        assert (caught.value.field, caught.value.value) == ("formula", str(MAX_SYSTEM + 1))
    # The count is said before an element that is not known, of which there may be as many.
    with pytest.raises(InvalidFormula, match=f"system of {len(SYMBOLS)} elements"):
        table.system(SYMBOLS)


@pytest.mark.parametrize(
    ("formula", "gap", "kind", "expected"),
    [
        ("Li", None, None, "metal"),
        ("C", 4.5, None, "metal"),
        ("S", 0.0, None, "insulator"),
        ("Si", 0.6, None, "insulator"),
        ("Ge", 0.0, None, "metal"),
        ("Li15Ge4", None, None, "metal"),
        ("Li3Sb", 0.7, None, "insulator"),
        ("Li3P", None, None, "insulator"),
        ("Li2O", None, None, "insulator"),
        ("La2O3", None, None, "insulator"),
        ("Li3PS4", None, None, "insulator"),
        ("Ti3P", None, None, "metal"),
        ("Zr4O", None, None, "metal"),
        ("TiN", 0.0, None, "metal"),
        ("NiO", 0.0, "insulator", "insulator"),
    ],
)
def test_electronic_nature(formula, gap, kind, expected):
    nature = electronic_nature(Phase(Formula.parse(formula), 0.0, gap, kind))
    assert nature.kind == expected
    assert nature.assumed == (gap is None and kind is None and len(Formula.parse(formula).symbols) > 1)


def test_class_needs_energy_and_a_conductor():
    insulator, metal = (electronic_nature(Phase(Formula.parse(text), 0.0)) for text in ("Li2O", "Zr"))
    assert interphase_class(-0.02, [metal]) == "stable"
    assert interphase_class(-0.5, [insulator]) == "passivating"
    assert interphase_class(-0.5, [insulator, metal]) == "mixed-conducting"


def test_a_table_in_use_goes_to_another_process():
    table = PhaseTable.from_phases("made", [Phase(Formula.parse("LiCl"), -2.0)])
    before = analyse(table, "LiCl")
    again = pickle.loads(pickle.dumps(table))
    assert analyse(again, "LiCl") == before
    assert again.digest == table.digest
