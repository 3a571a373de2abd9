"""Reactions of an electrolyte with a partner: against pymatgen, on made-up tables, and what the literature says."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superion.errors import InvalidFormula, InvalidValue
from superion.featurizers.formula import Formula
from superion.models.stability import analyse
from superion.models.stability.interface import react

from ._made_up import ELEMENTS, amounts, energies, formula, phases, table
from .test_oracle import OTHERS, entries_of

several = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
potentials = st.none() | st.integers(0, 50).map(lambda n: n / 10)


# Against pymatgen.


def pairs(found, seed, count):
    """Yield pairs of few elements: compounds, a third of them with a made-up composition; and a potential or None."""
    rng = np.random.default_rng(seed)
    while count:
        elements = ["Li", *rng.choice(OTHERS, size=rng.integers(2, 4), replace=False).tolist()]
        one, other = (found.formula(row) for row in rng.choice(found.system(elements).rows, size=2, replace=False))
        if count % 3 == 0:
            one = Formula.from_amounts({symbol: float(rng.integers(1, 9)) for symbol in elements})
        potential = None if count % 2 else float(rng.integers(0, 45)) / 10
        # pymatgen has nothing left of a side that is lithium, where lithium is open.
        if {"Li"} not in (set(one.symbols), set(other.symbols)):
            count -= 1
            yield one, other, potential


def oracle(found, one, other, potential, own):
    """Return ratios and energies per atom of the reactants at pymatgen's kinks, and the products at each."""
    from pymatgen.analysis.interface_reactions import GrandPotentialInterfacialReactivity, InterfacialReactivity
    from pymatgen.analysis.phase_diagram import GrandPotentialPhaseDiagram, PhaseDiagram
    from pymatgen.core import Composition, Element

    lithium = Element("Li")
    elements = {*one.symbols, *other.symbols} | ({"Li"} if potential is not None else set())
    entries = entries_of(found, elements)
    diagram = PhaseDiagram(entries)
    sides = [Composition(each.text) for each in (one, other)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if potential is None:
            made = InterfacialReactivity(*sides, diagram, norm=True, use_hull_energy=not own)
        else:
            grand = GrandPotentialPhaseDiagram(entries, {lithium: -potential})
            made = GrandPotentialInterfacialReactivity(
                *sides, grand, diagram, include_no_mixing_energy=own, norm=True, use_hull_energy=False
            )
        kinks = made.get_kinks()
    rest = [1.0 if potential is None else 1.0 - side.get_atomic_fraction(lithium) for side in sides]
    # With lithium open pymatgen's energies are per atom but lithium.
    return sorted(
        (x, energy * (x * rest[0] + (1 - x) * rest[1]), {p.reduced_formula for p in reaction.products} - {"Li"})
        for _, x, energy, reaction, _ in kinks
    )


def total(found, kink):
    """Return the reaction energy with what the partner sets free alone in open lithium."""
    return kink.reaction_energy_eV_per_atom + (1.0 - kink.ratio) * found.partner_alone_eV_per_atom


def compare(found, one, other, potential):
    """Hold kinks, energies and products at the worst ratio against pymatgen; return whether the products agree."""
    ours = react(found, one, other, potential)
    ratios = [kink.ratio for kink in ours.kinks]
    for own in (True, False):
        energies = [total(ours, kink) if own else kink.mutual_energy_eV_per_atom for kink in ours.kinks]
        if own and max(ours.electrolyte.energy, ours.partner.energy) >= -1e-6:
            continue  # pymatgen starts from the hull where a compound has no negative energy
        expected = oracle(found, one, other, potential, own)
        x, e, _ = (list(each) for each in zip(*expected, strict=True))
        np.testing.assert_allclose(np.interp(x, ratios, energies), e, atol=1e-6)
        np.testing.assert_allclose(np.interp(ratios, x, e), energies, atol=1e-6)
        assert min(energies) == pytest.approx(min(e), abs=1e-6)
        # Kinks that turn by less than can be told are not compared.
        for ratio in ratios:
            assert np.abs(np.array(x) - ratio).min() < 1e-5 or turn(ratios, energies, ratio) < 1e-4
    worst = ours.worst_mutual
    _, _, products = min(expected, key=lambda each: abs(each[0] - worst.ratio))
    from pymatgen.core import Composition

    return products == {Composition(product.formula).reduced_formula for product in worst.products} - {"Li"}


def turn(ratios, energies, ratio):
    """Return by how much the slope changes at a kink."""
    n = ratios.index(ratio)
    if n in (0, len(ratios) - 1):
        return math.inf
    slopes = np.diff(energies) / np.diff(ratios)
    return slopes[n] - slopes[n - 1]


def test_agrees_with_pymatgen(computed):
    agree = [compare(computed, *pair) for pair in pairs(computed, 1, 200)]
    # Where several mixtures have one energy, as at an end that is a mixture itself, either may be listed.
    assert np.mean(agree) > 0.97


@pytest.mark.check
@pytest.mark.timeout(1800)
def test_agrees_with_pymatgen_on_many(computed):
    assert np.mean([compare(computed, *pair) for pair in pairs(computed, 2, 2000)]) > 0.97


# Made-up tables.


def refused(one, other, potential):
    """Tell whether a pair is lithium alone, which no potential can be asked of."""
    return potential is not None and not any(one[1:]) and not any(other[1:])


@several
@given(phases, amounts, amounts, potentials)
def test_what_must_hold(rows, one, other, potential):
    if refused(one, other, potential):
        return
    found = react(table(rows), formula(one), formula(other), potential)
    kinks = found.kinks
    assert (kinks[0].ratio, kinks[-1].ratio) == (0.0, 1.0)
    assert kinks[0].mutual_energy_eV_per_atom == kinks[-1].mutual_energy_eV_per_atom == 0.0
    for kink in kinks:
        assert kink.mutual_energy_eV_per_atom <= 1e-9
        assert kink.reaction_energy_eV_per_atom <= kink.mutual_energy_eV_per_atom + 1e-9
        assert kink.electrolyte_amount + kink.partner_amount == pytest.approx(1.0)
        given_ = {
            s: kink.electrolyte_amount * formula(one).amount(s) + kink.partner_amount * formula(other).amount(s)
            for s in ELEMENTS
        }
        given_["Li"] += kink.lithium_uptake
        made = dict.fromkeys(ELEMENTS, 0.0)
        for product in kink.products:
            part = Formula.parse(product.formula)
            for symbol in part.symbols:
                made[symbol] += product.amount * part.amount(symbol)
        # Phases with less than a millionth of the atoms are not listed.
        assert made == pytest.approx(given_, abs=1e-4)
        if potential is None:
            assert kink.lithium_uptake == 0.0
    for p, q in itertools.pairwise(kinks):
        assert p.ratio < q.ratio
    for name in ("reaction_energy_eV_per_atom", "mutual_energy_eV_per_atom"):
        slopes = [(getattr(q, name) - getattr(p, name)) / (q.ratio - p.ratio) for p, q in itertools.pairwise(kinks)]
        assert all(p <= q + 1e-6 for p, q in itertools.pairwise(slopes))


@several
@given(phases, amounts, amounts, potentials, st.integers(2, 5))
def test_exchange_and_scale(rows, one, other, potential, factor):
    if refused(one, other, potential):
        return
    made = table(rows)
    found = react(made, formula(one), formula(other), potential)
    back = react(made, formula([factor * n for n in other]), formula(one), potential)
    assert len(found.kinks) == len(back.kinks)
    for kink, same in zip(found.kinks, back.kinks[::-1], strict=True):
        assert same.ratio == pytest.approx(1.0 - kink.ratio, abs=1e-9)
        assert total(back, same) == pytest.approx(total(found, kink), abs=1e-8)
        assert same.mutual_energy_eV_per_atom == pytest.approx(kink.mutual_energy_eV_per_atom, abs=1e-8)
        shares = kink.electrolyte_amount, kink.partner_amount
        if min(shares) > 0.0:
            expected = shares[1] / shares[0] / factor
            assert same.electrolyte_amount / same.partner_amount == pytest.approx(expected)


@several
@given(phases, amounts.filter(lambda n: any(n[1:])), potentials, energies)
def test_the_electrolyte_alone_is_a_step_of_its_staircase(rows, one, potential, added):
    made = table([*rows, ((3, 1, 4, 0), added)])
    if potential is None:
        return
    end = react(made, formula(one), "S", potential).electrolyte_alone
    steps = analyse(made, formula(one)).staircase
    step = next(s for s in steps if s.upper_V is None or potential <= s.upper_V)
    top = step.lower_V if step.upper_V is None else step.upper_V
    if step.upper_V is not None:
        expected = np.interp(
            potential,
            [step.lower_V, top],
            [step.reaction_energy_lower_eV_per_atom, step.reaction_energy_upper_eV_per_atom],
        )
        # The staircase joins steps that differ by less than a thousandth of the atoms.
        assert end.reaction_energy_eV_per_atom == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("potential", [None, 0.0, 2.5])
def test_a_composition_twice(potential):
    made = table([])
    found = react(made, "Li3PS4", "Li6P2S8", potential)
    assert [kink.ratio for kink in found.kinks] == [0.0, 1.0]
    assert all(kink.mutual_energy_eV_per_atom == 0.0 for kink in found.kinks)
    assert found.kinks[0].products[0].amount == pytest.approx(2.0 * found.kinks[1].products[0].amount)
    twice = react(made, "Li3PS4", "Li3PS4")
    assert len(twice.notes) == 1


def test_an_element_no_lithium_and_lithium():
    made = table([])
    assert {product.formula for product in react(made, "P2S5", "O").worst.products} == {"P2O5", "S"}
    assert react(made, "P2S5", "P2O5").worst.reaction_energy_eV_per_atom == 0.0
    taken = react(made, "P2S5", "P2O5", 1.0).worst
    assert taken.lithium_uptake > 0.0
    closed = react(made, "P2S5", "Li").worst
    assert {product.formula for product in closed.products} == {"Li2S", "Li3P"}
    # Open at 0 V lithium metal is itself and the electrolyte reacts as `analyse` has it.
    opened = react(made, "P2S5", "Li", 0.0)
    assert opened.worst.ratio == 1.0
    assert opened.worst.reaction_energy_eV_per_atom == pytest.approx(analyse(made, "P2S5").reaction_energy_eV_per_atom)
    assert opened.kinks[0].products == () and opened.kinks[0].reaction_energy_eV_per_atom == 0.0
    assert react(made, "Li", "Li").worst.reaction_energy_eV_per_atom == 0.0


@pytest.mark.parametrize("potential", [-0.1, 10.1, math.nan, math.inf])
def test_potentials_out_of_range(potential):
    with pytest.raises(InvalidValue, match="0 to 10 V") as caught:
        react(table([]), "Li3PS4", "P2O5", potential)
    assert caught.value.field == "potential_V"


def test_the_side_at_fault_is_named():
    made = table([])
    for arguments, field in ((("Li3XeS4", "S"), "electrolyte"), (("Li3PS4", "XeO"), "partner")):
        with pytest.raises(InvalidFormula, match="knows no compound of Xe") as caught:
            react(made, *arguments)
        assert caught.value.field == field
    with pytest.raises(InvalidFormula) as caught:
        react(made, "Li3PS4", "Li3PS4)")
    assert caught.value.field == "partner"
    with pytest.raises(InvalidFormula, match="with itself"):
        react(made, "Li", "Li", 0.0)


def test_a_charged_partner_is_no_reaction():
    """Sulfur in contact with lithium at 1 V is lithium sulfide, which is what the phosphide meets."""
    made = table([])
    found = react(made, "Li3P", "S", 1.0)
    assert found.partner_alone_eV_per_atom == pytest.approx(-1.0)
    assert found.kinks[0].reaction_energy_eV_per_atom == 0.0
    same = react(made, "Li3P", "Li2S", 1.0)
    assert same.partner_alone_eV_per_atom == 0.0
    assert found.electrolyte_alone == same.electrolyte_alone
    assert react(made, "Li3P", "S").partner_alone_eV_per_atom == 0.0


# The literature.


def test_sulfides_react_with_the_layered_oxide(computed):
    """Products as in Zhu, He and Mo (2016): cobalt sulfides, lithium sulfide, sulfate and phosphate."""
    found = react(computed, "Li3PS4", "LiCoO2")
    assert -0.45 < found.worst_mutual.mutual_energy_eV_per_atom < -0.35
    named = {product.formula for kink in found.kinks for product in kink.products}
    assert {"Co9S8", "Li2S", "Li2SO4", "Li3PO4"} <= named
    assert found.worst.interphase == "mixed-conducting"
    for electrolyte in ("Li10GeP2S12", "Li6PS5Cl"):
        assert react(computed, electrolyte, "LiCoO2").worst_mutual.mutual_energy_eV_per_atom < -0.25


def test_oxides_hardly_react_with_the_layered_oxide(computed):
    for electrolyte, lowest in (("Li7La3Zr2O12", -0.01), ("Li3PO4", -0.01), ("Li1.3Al0.3Ti1.7(PO4)3", -0.07)):
        found = react(computed, electrolyte, "LiCoO2")
        assert lowest < found.worst_mutual.mutual_energy_eV_per_atom <= 0.0
    assert react(computed, "Li7La3Zr2O12", "LiCoO2").worst.interphase == "stable"


def test_a_coating_shields_a_sulfide(computed):
    """LiNbO3 and Li3PO4 between Li3PS4 and LiCoO2 react far less with either than the two with each other."""
    bare = react(computed, "Li3PS4", "LiCoO2").worst_mutual.mutual_energy_eV_per_atom
    for coating in ("LiNbO3", "Li3PO4"):
        for side in ("Li3PS4", "LiCoO2"):
            assert react(computed, side, coating).worst_mutual.mutual_energy_eV_per_atom > 0.5 * bare
