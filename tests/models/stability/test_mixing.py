"""Mixtures of compositions on made-up hulls: what must hold whatever the energies are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superion.featurizers.formula import Formula
from superion.models.stability import hull_energy
from superion.models.stability.mixing import corners, worst_mixture

from ._made_up import ELEMENTS, amounts, formula, phases, table

several = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def system(rows):
    """Return the system of a made-up table."""
    return table(rows).system(ELEMENTS)


def at(found, share):
    """Return the energy at a share, between two corners on the line through them."""
    return np.interp(share, [corner.share for corner in found], [corner.energy for corner in found])


@several
@given(phases, amounts, amounts, st.integers(0, 100).map(lambda n: n / 100))
def test_corners_are_the_hull_along_the_line(rows, one, other, share):
    cut = system(rows)
    a, b = cut.composition(formula(one)), cut.composition(formula(other))
    found = corners(cut.fractions, cut.energies, cut.units, a, b)
    assert found[0].share == 0.0 and found[-1].share == 1.0
    mixed = Formula.from_amounts({s: x for s, x in zip(cut.symbols, share * a + (1 - share) * b, strict=True) if x > 0})
    assert at(found, share) == pytest.approx(hull_energy(cut, mixed).energy, abs=1e-9)
    for corner in found:
        made = sum((x * cut.fractions[j] for j, x in corner.phases), np.zeros(4))
        np.testing.assert_allclose(made, corner.share * a + (1 - corner.share) * b, atol=1e-9)
        assert sum(x * cut.energies[j] for j, x in corner.phases) == pytest.approx(corner.energy, abs=1e-9)
    slopes = [(q.energy - p.energy) / (q.share - p.share) for p, q in itertools.pairwise(found)]
    assert all(p < q + 1e-6 for p, q in itertools.pairwise(slopes))


@several
@given(phases, amounts, amounts)
def test_exchanged_sides_are_the_same_line_backwards(rows, one, other):
    cut = system(rows)
    a, b = cut.composition(formula(one)), cut.composition(formula(other))
    found = corners(cut.fractions, cut.energies, cut.units, a, b)
    back = corners(cut.fractions, cut.energies, cut.units, b, a)
    np.testing.assert_allclose([1 - c.share for c in back[::-1]], [c.share for c in found], atol=1e-9)
    np.testing.assert_allclose([c.energy for c in back[::-1]], [c.energy for c in found], atol=1e-9)


@several
@given(phases, amounts, amounts)
def test_the_worst_of_two_is_a_corner(rows, one, other):
    cut = system(rows)
    sides = np.array([cut.composition(formula(each)) for each in (one, other)])
    found = corners(cut.fractions, cut.energies, cut.units, *sides)
    own = [found[-1].energy, found[0].energy]
    worst = worst_mixture(cut.fractions, cut.energies, cut.units, sides, own)
    lowest = min(c.energy - c.share * own[0] - (1 - c.share) * own[1] for c in found)
    assert worst.energy == pytest.approx(lowest, abs=1e-9)
    if lowest < -1e-6:
        assert at(found, worst.shares[0]) - np.dot(worst.shares, own) == pytest.approx(lowest, abs=1e-9)
        assert sum(worst.shares) == pytest.approx(1.0, abs=1e-9)


@several
@given(phases, st.lists(amounts, min_size=3, max_size=3), st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_no_mixture_of_three_is_lower_than_the_worst(rows, compositions, weights):
    cut = system(rows)
    sides = np.array([cut.composition(formula(each)) for each in compositions])
    own = [hull_energy(cut, formula(each)).energy for each in compositions]
    worst = worst_mixture(cut.fractions, cut.energies, cut.units, sides, own)
    shares = np.array(weights) / sum(weights)
    mixed = shares @ sides
    there = Formula.from_amounts({s: x for s, x in zip(cut.symbols, mixed, strict=True) if x > 0})
    assert worst.energy <= hull_energy(cut, there).energy - np.dot(shares, own) + 1e-9
    made = sum((x * cut.fractions[j] for j, x in worst.phases), np.zeros(4))
    np.testing.assert_allclose(made, np.dot(worst.shares, sides), atol=1e-9)
    energy = sum(x * cut.energies[j] for j, x in worst.phases) - np.dot(worst.shares, own)
    assert energy == pytest.approx(worst.energy, abs=1e-9)
