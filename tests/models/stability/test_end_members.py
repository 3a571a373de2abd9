"""The table of end members: its form, what it says beside calculated energies, and hulls made of nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from superion.errors import InvalidTable
from superion.featurizers.formula import Formula
from superion.models.stability.end_members import (
    KJ_PER_MOL,
    RED_PHOSPHORUS,
    SOURCES,
    EndMember,
    read_end_members,
)

THRESHOLD = 0.15
"""From which deviation on [eV/atom] a note has to explain it."""
GAP = 0.1
"""From which calculated gap on [eV] a phase is an insulator."""
CALCULATED = {"Li3P", "Li3As", "Li3Bi", "Li15Ge4", "LiIn", "Li13In3"}
DEVIATION = re.compile(r"(?:^|; )DFT ([+-]\d\.\d\d): ([^;]+)")
ABSENT = "not in the DFT table"
EXCEPTION = "electronic: "
DOCS = "docs/end-members.md"


@pytest.fixture(scope="module")
def rows() -> list[EndMember]:
    return read_end_members()


@pytest.fixture(scope="module")
def by_formula(rows: list[EndMember]) -> dict[str, EndMember]:
    return {row.formula.text: row for row in rows}


def extremes(path: Path, better: Callable[[float, float], float]) -> dict[str, float]:
    """Return the smallest or largest value of each composition in a file of formula and target."""
    keys: dict[str, str] = {}
    found: dict[str, float] = {}
    # Not pandas: it would take the formula NaN for a missing value.
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        text, value = line.rsplit(",", 1)
        key = keys.get(text) or keys.setdefault(text, Formula.parse(text).canonical)
        found[key] = better(found.get(key, float(value)), float(value))
    return found


@pytest.fixture(scope="module")
def calculated(data_mirror: Callable[[str], Path]) -> dict[str, float]:
    return extremes(data_mirror("matbench") / "mp_e_form.csv", min)


def reactions(
    rows: Iterable[EndMember], amounts: dict[str, float], open_lithium: bool
) -> tuple[float, dict[str, float]]:
    """Return energy [kJ/mol] and amounts of the phases that a composition ends as, lithium taken or given freely."""
    elements = set(amounts) | {"Li"}
    phases = [row for row in rows if set(row.formula.symbols) <= elements]
    names = [row.formula.text for row in phases] + sorted(elements)
    energies = [row.formation_energy * row.formula.n_atoms * KJ_PER_MOL for row in phases] + [0.0] * len(elements)
    formulas = [row.formula for row in phases] + [Formula.parse(symbol) for symbol in sorted(elements)]
    balanced = sorted(elements - {"Li"} if open_lithium else elements)
    matrix = np.array([[formula.amount(symbol) for formula in formulas] for symbol in balanced])
    found = linprog(energies, A_eq=matrix, b_eq=[amounts.get(symbol, 0.0) for symbol in balanced], method="highs")
    assert found.success
    return float(found.fun), {name: float(x) for name, x in zip(names, found.x, strict=True) if x > 1e-9}


def amounts(text: str) -> dict[str, float]:
    formula = Formula.parse(text)
    return dict(zip(formula.symbols, formula.amounts, strict=True))


def test_each_composition_occurs_once(rows: list[EndMember]) -> None:
    keys = [row.formula.canonical for row in rows]
    assert len(set(keys)) == len(keys) >= 350
    assert all(len(row.formula.symbols) > 1 for row in rows), "the elements are 0 and not listed"


def test_every_source_is_used_and_in_the_docs(rows: list[EndMember], root: Path) -> None:
    assert {row.source for row in rows} == set(SOURCES)
    text = (root / DOCS).read_text(encoding="utf-8")
    assert all(f"- `{key}`: {cited}\n" in text for key, cited in SOURCES.items())


def test_the_enthalpies_have_a_sane_size_and_sign(rows: list[EndMember]) -> None:
    assert all(-4.5 < row.formation_energy < 0.1 for row in rows)
    assert [row.formula.text for row in rows if row.formation_energy >= 0] == ["Fe3C"]
    halides = [row for row in rows if {"F", "Cl"} & set(row.formula.symbols)]
    assert all(row.formation_energy < -0.5 for row in halides)
    oxides = [row for row in rows if row.formula.symbols[-1] == "O" and row.formula.text != "Ag2O"]
    assert len(oxides) > 100 and all(row.formation_energy < -0.5 for row in oxides)


def test_only_what_nobody_has_measured_is_calculated(rows: list[EndMember]) -> None:
    assert {row.formula.text for row in rows if not row.measured} == CALCULATED
    assert {row.formula.text for row in rows if row.source == "mp"} == CALCULATED


def test_phosphorus_is_red_in_energies_and_white_in_enthalpies(by_formula: dict[str, EndMember]) -> None:
    row = by_formula["Li3PO4"]
    assert row.enthalpy == -2095.8
    assert row.formation_energy * 8 * KJ_PER_MOL == pytest.approx(-2095.8 - RED_PHOSPHORUS)
    assert by_formula["LiF"].formation_energy == pytest.approx(-616.9 / 2 / KJ_PER_MOL)


def test_band_gaps_agree_with_the_electronic_nature(rows: list[EndMember]) -> None:
    given = [row for row in rows if row.band_gap is not None]
    assert len(given) > 80
    assert all(row.electronic == "insulator" and 0.1 <= row.band_gap < 15 for row in given if row.band_gap is not None)
    alloys = [row for row in rows if not {"O", "S", "F", "Cl", "Br", "I", "H"} & set(row.formula.symbols)]
    assert sum(row.electronic == "metal" for row in alloys) > 50
    assert all(row.electronic == "insulator" for row in rows if {"F", "Br", "I"} & set(row.formula.symbols))


@pytest.mark.parametrize(
    ("compound", "enthalpy"),
    [
        # Reactions whose enthalpies are known without the table [kJ/mol].
        ({"LiCoO2": 1, "Li2O": -0.5, "CoO": -1}, -142.5),
        ({"LiNiO2": 1, "Li2O": -0.5, "NiO": -1}, -56.2),
        ({"LiFePO4": 1, "FePO4": -1}, -335),  # at 3.45 V against lithium
        ({"LiPF6": 1, "LiF": -1, "PF5": -1}, -84.3),
        ({"CaCO3": 1, "CaO": -1, "CO2": -1}, -178.8),
        ({"ZrSiO4": 1, "ZrO2": -1, "SiO2": -1}, -24.0),
        ({"MgAl2O4": 1, "MgO": -1, "Al2O3": -1}, -22.6),
        ({"LiAlO2": 1, "Li2O": -0.5, "Al2O3": -0.5}, -51.5),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_reactions_between_rows_have_the_enthalpies_that_are_known(
    compound: dict[str, float], enthalpy: float, by_formula: dict[str, EndMember]
) -> None:
    assert sum(n * by_formula[name].enthalpy for name, n in compound.items()) == pytest.approx(enthalpy, abs=6)


def test_at_lithium_an_electrolyte_ends_as_is_known(rows: list[EndMember]) -> None:
    for electrolyte, products in {
        "Li6PS5Cl": {"Li3P", "Li2S", "LiCl"},
        "Li3PS4": {"Li3P", "Li2S"},
        "Li10GeP2S12": {"Li15Ge4", "Li3P", "Li2S"},
        "Li7La3Zr2O12": {"Zr", "La2O3", "Li2O"},
        "Li3PO4": {"Li3P", "Li2O"},
        "Li3YCl6": {"Y", "LiCl"},
        "Li3InCl6": {"Li13In3", "LiCl"},
        "Li2ZrCl6": {"Zr", "LiCl"},
        "Li4SiO4": {"Li22Si5", "Li2O"},
        "LiAlO2": {"Li9Al4", "Li2O"},
        "LiAlCl4": {"Li9Al4", "LiCl"},
        "Li3N": {"Li3N"},
        "LiF": {"LiF"},
    }.items():
        _, found = reactions(rows, amounts(electrolyte), open_lithium=True)
        assert set(found) == products, electrolyte


def test_the_garnet_is_barely_reduced(rows: list[EndMember]) -> None:
    garnet = amounts("Li7La3Zr2O12")
    whole, phases = reactions(rows, garnet, open_lithium=False)
    reduced, _ = reactions(rows, garnet, open_lithium=True)
    assert set(phases) <= {"La2O3", "Li2O", "Li2ZrO3", "La2Zr2O7", "ZrO2"}
    # From the hull, since the garnet itself is no row; calculations with it have -0.02 eV/atom.
    assert -0.05 < (reduced - whole) / 24 / KJ_PER_MOL < -0.005


def test_sulfides_are_reduced_with_much_more_energy_than_oxides(rows: list[EndMember]) -> None:
    sulfide, _ = reactions(rows, amounts("P2S5"), open_lithium=True)
    assert sulfide / 7 / KJ_PER_MOL < -2.5


def test_deviations_from_calculated_energies_are_explained(rows: list[EndMember], calculated: dict[str, float]) -> None:
    wrong = []
    for row in rows:
        energy = calculated.get(row.formula.canonical)
        said, absent = DEVIATION.search(row.note), ABSENT in row.note
        if energy is None:
            fine = absent and said is None
        else:
            deviation = row.formation_energy - energy
            explained = said is not None and said[1] == f"{deviation:+.2f}"
            fine = not absent and (explained if abs(deviation) > THRESHOLD else said is None)
        if not fine:
            wrong.append(f"{row.formula.text}: {row.formation_energy:.3f}, calculated {energy}, note {row.note!r}")
    assert not wrong


def test_the_docs_have_the_statistics(rows: list[EndMember], calculated: dict[str, float], root: Path) -> None:
    text = (root / DOCS).read_text(encoding="utf-8")
    pairs = [
        row.formation_energy - calculated[row.formula.canonical]
        for row in rows
        if row.measured and row.formula.canonical in calculated
    ]
    size = np.abs(pairs)
    for name, value in {
        "Phases": f"{len(rows)}",
        "Measured, and in the DFT table": f"{len(pairs)}",
        "Mean absolute difference": f"{size.mean():.3f} eV/atom",
        "Root mean square": f"{math.sqrt(np.mean(np.square(pairs))):.3f} eV/atom",
        "Median absolute difference": f"{np.median(size):.3f} eV/atom",
        "Mean difference, measured less calculated": f"{np.mean(pairs):+.3f} eV/atom",
        "Beyond 0.15 eV/atom": f"{int((size > THRESHOLD).sum())}",
    }.items():
        assert f"| {name} | {value} |" in text


def test_the_docs_list_every_deviation(rows: list[EndMember], root: Path) -> None:
    listed: dict[str, list[str]] = {}
    for row in rows:
        if said := DEVIATION.search(row.note):
            listed.setdefault(said[2], []).append(f"{row.formula.text} {said[1]}")
    text = (root / DOCS).read_text(encoding="utf-8")
    assert all(f"| {reason} | {', '.join(phases)} |" in text for reason, phases in listed.items())


def test_calculated_rows_are_those_of_the_calculated_table(
    by_formula: dict[str, EndMember], calculated: dict[str, float]
) -> None:
    for name in CALCULATED:
        row = by_formula[name]
        assert row.formation_energy == pytest.approx(calculated[row.formula.canonical], abs=1e-3)


def test_the_electronic_nature_is_that_of_the_calculated_gaps(
    rows: list[EndMember], data_mirror: Callable[[str], Path]
) -> None:
    gaps = extremes(data_mirror("matbench") / "mp_gap.csv", max)
    for row in rows:
        gap = gaps.get(row.formula.canonical)
        agrees = gap is None or (row.electronic == "insulator") == (gap >= GAP)
        assert agrees == (EXCEPTION not in row.note) or gap is None, f"{row.formula.text}: {gap}"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text.replace("LiF,-616.9", "LiF,much"), "could not convert"),
        (lambda text: text.replace("LiF,-616.9", "LiF,nan"), "not finite"),
        (lambda text: text.replace("LiF,-616.9,insulator", "LiF,-616.9,semimetal"), "neither metal nor insulator"),
        (lambda text: text.replace("LiF,", "LiX,"), "not an element"),
        (lambda text: text.replace("janaf", "hearsay"), "unknown source 'hearsay'"),
        (lambda text: text.replace("LiF,", "LiF,0,"), "has 7 cells"),
        (lambda text: text.replace("electronic", "kind", 1), "its header is"),
        (lambda text: "", "not enough values"),
    ],
)
def test_a_damaged_table_is_refused(damage: Callable[[str], str], says: str, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "end_members.csv"
    path.write_text(damage((root / "models/stability/data/end_members.csv").read_text(encoding="utf-8")))
    with pytest.raises(InvalidTable, match=re.escape(says)) as caught:
        read_end_members(path)
    assert caught.value.field == "path"
