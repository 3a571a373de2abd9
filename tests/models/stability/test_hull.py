"""Hulls and staircases of made-up tables: what must hold whatever the energies are."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superion.errors import InvalidFormula, InvalidValue, NoEquilibrium
from superion.featurizers._hull import follow_hull, follow_hull_beside, has_column_near
from superion.featurizers.formula import Formula
from superion.models.stability import Phase, PhaseTable, analyse, energy_above_hull, hull_energy

ELEMENTS = ("Li", "P", "S", "O")
BASE = [("Li2S", -1.0), ("Li3P", -0.6), ("P2S5", -0.4), ("Li2O", -2.0), ("P2O5", -2.2)]

compositions = st.lists(st.integers(0, 8), min_size=4, max_size=4).filter(lambda n: sum(x > 0 for x in n) > 1)
energies = st.integers(-300, 100).map(lambda n: n / 100)
phases = st.lists(st.tuples(compositions, energies), max_size=12)
several = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def formula(amounts) -> Formula:
    return Formula.from_amounts({s: float(a) for s, a in zip(ELEMENTS, amounts, strict=True) if a})


def table(rows) -> PhaseTable:
    base = [Phase(Formula.parse(text), energy) for text, energy in BASE]
    return PhaseTable.from_phases("made up", [*base, *(Phase(formula(amounts), energy) for amounts, energy in rows)])


def hull(rows, amounts) -> float:
    return hull_energy(table(rows).system(ELEMENTS), formula(amounts)).energy


@several
@given(phases, compositions)
def test_the_hull_is_a_mixture_that_no_phase_undercuts(rows, amounts):
    system = table(rows).system(ELEMENTS)
    point = hull_energy(system, formula(amounts))
    potentials = np.array([point.chemical_potentials[symbol] for symbol in system.symbols])
    assert (system.energies - system.fractions @ potentials).min() >= -1e-9
    composition = system.composition(formula(amounts))
    assert composition @ potentials == pytest.approx(point.energy, abs=1e-9)
    mixed = sum(share * system.composition(Formula.parse(name)) for name, share in point.phases)
    np.testing.assert_allclose(mixed, composition, atol=1e-9)
    own = {system.table.formula(int(row)).text: n for n, row in enumerate(system.rows)}
    energy = sum(share * system.energies[own[name]] for name, share in point.phases)
    assert energy == pytest.approx(point.energy, abs=1e-9)


@several
@given(phases, compositions, compositions)
def test_the_hull_is_convex(rows, one, other):
    system = table(rows).system(ELEMENTS)
    energy = [hull_energy(system, formula(each)).energy * sum(each) for each in (one, other)]
    both = [a + b for a, b in zip(one, other, strict=True)]
    assert hull_energy(system, formula(both)).energy * sum(both) <= sum(energy) + 1e-9


@several
@given(phases, compositions, st.tuples(compositions, energies))
def test_a_phase_more_never_raises_the_hull(rows, amounts, added):
    assert hull([*rows, added], amounts) <= hull(rows, amounts) + 1e-9


@several
@given(phases, compositions, st.integers(2, 9), st.randoms(use_true_random=False))
def test_neither_scale_nor_order_matter(rows, amounts, factor, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = table(rows), table(shuffled)
    assert one.digest == other.digest
    found = analyse(one, formula(amounts))
    scaled = analyse(other, formula([factor * a for a in amounts]))
    for name in ("hull_energy_eV_per_atom", "reaction_energy_eV_per_atom", "reduction_limit_V", "oxidation_limit_V"):
        expected = getattr(found, name)
        assert getattr(scaled, name) == (None if expected is None else pytest.approx(expected, abs=1e-9))
    assert len(found.staircase) == len(scaled.staircase)
    for step, longer in zip(found.staircase, scaled.staircase, strict=True):
        assert longer.lithium_uptake == pytest.approx(factor * step.lithium_uptake, abs=1e-8)
        assert longer.interphase == step.interphase


@several
@given(phases, compositions, st.none() | energies)
def test_staircase(rows, amounts, energy):
    asked = formula(amounts)
    found = analyse(table(rows), asked, energy)
    steps = found.staircase
    assert steps[0].lower_V == 0.0 and steps[-1].upper_V is None
    assert found.reaction_energy_eV_per_atom <= max(-(found.energy_above_hull_eV_per_atom or 0.0), 0.0) + 1e-9
    for lower, upper in itertools.pairwise(steps):
        assert lower.upper_V == upper.lower_V > lower.lower_V
        assert upper.lithium_uptake < lower.lithium_uptake
        assert upper.reaction_energy_lower_eV_per_atom == pytest.approx(
            lower.reaction_energy_upper_eV_per_atom, abs=1e-9
        )
    for step in steps:
        made = dict.fromkeys(ELEMENTS, 0.0)
        for product in step.products:
            part = Formula.parse(product.formula)
            for symbol in part.symbols:
                made[symbol] += product.amount * part.amount(symbol)
        made["Li"] -= step.lithium_uptake
        assert made == pytest.approx({symbol: asked.amount(symbol) for symbol in ELEMENTS}, abs=1e-4)
    if found.oxidation_limit_V is not None:
        assert found.reduction_limit_V <= found.oxidation_limit_V


def test_above_and_below_the_hull():
    made = table([((3, 1, 4, 0), -1.0)])
    point = hull_energy(made.system(ELEMENTS), Formula.parse("Li3PS4"))
    assert point.phases == (("Li3PS4", pytest.approx(1.0)),)
    assert energy_above_hull(made.system(ELEMENTS), Formula.parse("Li3PS4"), -0.9) == pytest.approx(0.1)
    above = analyse(made, "Li3PS4", -0.9)
    assert above.energy_source == "given" and above.energy_above_hull_eV_per_atom == pytest.approx(0.1)
    below = analyse(made, "Li3PS4", -1.2)
    assert below.energy_above_hull_eV_per_atom == pytest.approx(-0.2)
    assert below.oxidation_limit_V > above.oxidation_limit_V
    assert below.reduction_limit_V < above.reduction_limit_V
    assert "below the hull" in below.notes[0]
    assert analyse(made, "Li3PS4").energy_source == "table"
    assert analyse(made, "Li5PS5").energy_source == "hull"
    assert analyse(made, "Li5PS5").energy_above_hull_eV_per_atom is None


def test_without_lithium_and_lithium_alone():
    made = table([])
    empty = analyse(made, "P2S5")
    assert empty.oxidation_limit_V is None and empty.reduction_limit_V > 0.0
    assert "no lithium to extract" in empty.notes[-1]
    metal = analyse(made, "Li2")
    assert (metal.reduction_limit_V, metal.oxidation_limit_V, metal.reaction_energy_eV_per_atom) == (0.0, 0.0, 0.0)
    assert metal.interphase == "stable" and [product.formula for product in metal.products] == ["Li"]
    rich = analyse(made, "Li9S")
    assert (rich.reduction_limit_V, rich.oxidation_limit_V) == (0.0, 0.0)
    assert rich.interphase == "stable" and "lithium metal" in rich.notes[0]


@pytest.mark.parametrize("energy", [math.nan, math.inf, 7.0, -25.0])
def test_impossible_energies_are_refused(energy):
    with pytest.raises(InvalidValue, match="formation energy"):
        analyse(table([]), "Li3PS4", energy)


def test_unknown_elements_are_named():
    with pytest.raises(InvalidFormula, match="knows no compound of Xe"):
        analyse(table([]), "Li3XeS4")
    with pytest.raises(InvalidFormula, match="not in the system"):
        hull_energy(table([]).system(["Li", "S"]), Formula.parse("Li3PS4"))


def test_programmes_without_an_end_are_refused():
    columns = np.array([[1.0], [-1.0]])
    arguments = (columns, np.array([0.0, -1.0]), np.zeros(2), np.ones(1), np.zeros(1, dtype=np.int64))
    with pytest.raises(NoEquilibrium, match="a fault of superion and of no input: the costs have no minimum") as caught:
        follow_hull(*arguments, 0.0, 0.0)
    assert caught.value.as_dict().keys() == {"code", "message"}
    with pytest.raises(ValueError, match="unit column"):
        follow_hull(*arguments[:4], np.ones(1, dtype=np.int64), 0.0, 0.0)
    with pytest.raises(ValueError, match="one right side"):
        follow_hull(*arguments[:3], np.ones(2), arguments[4], 0.0, 0.0)
    with pytest.raises(ValueError, match="one cost"):
        follow_hull(columns, np.zeros(3), *arguments[2:], 0.0, 0.0)
    with pytest.raises(ValueError, match="a row and a column"):
        follow_hull(np.empty((0, 0)), np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=np.int64), 0.0, 0.0)


def test_programmes_beside_the_right_side_are_refused_for_the_same_faults():
    columns = np.array([[1.0], [-1.0]])
    costs, slopes, side, units = np.array([0.0, -1.0]), np.zeros(2), np.ones(1), np.zeros(1, dtype=np.int64)
    own = (0.0, 0.0, 0.0, 0.0, math.inf, 1)
    with pytest.raises(NoEquilibrium, match="the costs have no minimum"):
        follow_hull_beside(columns, costs, slopes, side, units, *own)
    with pytest.raises(ValueError, match="unit column"):
        follow_hull_beside(columns, costs, slopes, side, np.ones(1, dtype=np.int64), *own)
    with pytest.raises(ValueError, match="one right side"):
        follow_hull_beside(columns, costs, slopes, np.ones(2), units, *own)
    with pytest.raises(ValueError, match="one cost"):
        follow_hull_beside(columns, np.zeros(3), slopes, side, units, *own)
    with pytest.raises(ValueError, match="a row and a column"):
        follow_hull_beside(np.empty((0, 0)), np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=np.int64), *own)


def test_mixtures_are_listed_of_as_many_pieces_as_are_asked_for():
    # Per phosphorus Li3P is worth -2.8 eV and LiP -1.6 eV: they meet at -0.6 eV, LiP and phosphorus at -1.6 eV.
    phases = [Phase(Formula.parse("Li3P"), -0.7), Phase(Formula.parse("LiP"), -0.8)]
    system = PhaseTable.from_phases("Li-P", phases).system(["Li", "P"]).opened("Li")
    programme = (system.fractions, system.energies, system.slopes, np.ones(1), system.units, 0.0, 0.0, 0.0, -math.inf)
    intervals, mixtures = follow_hull_beside(*programme, math.inf, 99)
    assert [interval[1] for interval in intervals] == pytest.approx([-0.6, -1.6, -math.inf])
    assert [amount for ((_, amount),) in mixtures] == pytest.approx([4.0, 2.0, 1.0])
    for count in range(4):
        assert follow_hull_beside(*programme, math.inf, count) == (intervals, mixtures[:count])
    # Three, one and no lithium per phosphorus: the piece that passes the limit is whole, one more may be there.
    for slope_end, passed in ((-4.0, 1), (-3.0, 2), (-1.5, 2), (-1.0, 3), (0.0, 3)):
        found, _ = follow_hull_beside(*programme, slope_end, 99)
        assert len(found) == min(passed + 1, 3) and found[:passed] == intervals[:passed]


def test_columns_near_the_right_side():
    columns, side = np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0.251, 0.749])
    assert has_column_near(columns, side, 0.0011) and not has_column_near(columns, side, 0.0009)
    assert not has_column_near(columns[:1], side, 0.1)
    with pytest.raises(ValueError, match="one right side"):
        has_column_near(columns, np.ones(3), 1.0)


@pytest.mark.parametrize(
    ("text", "amount"), [("Li2S", 1.0), ("Li4S2", 2.0), ("LiS0.5", 0.5), ("Li0.6667S0.3333", 1 / 3)]
)
def test_the_composition_itself_is_counted_in_formula_units_of_the_table(text, amount):
    found = analyse(table([]), text)
    (itself,) = next(step for step in found.staircase if step.interphase == "stable").products
    assert itself.formula == "Li2S"
    assert itself.amount == pytest.approx(amount, rel=1e-3)
