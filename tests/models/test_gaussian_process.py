"""Gaussian processes: against a solve written out by hand, and in their limits."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from superion.featurizers.context import smallest_formula_atoms
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.formula import Formula
from superion.featurizers.magpie_statistics import magpie
from superion.featurizers.schema import LAST_GROUP
from superion.featurizers.substitution import replacements
from superion.models.gaussian_process import JITTERS, GaussianProcess, bent, straightened
from superion.models.kernels import KERNELS, PLAIN_TERMS, TERMS, Terms, term_places
from superion.models.material import Material
from superion.models.process_features import MagpieScale
from superion.models.tree_ensemble import KINDS, Kind

from ._processes import (
    ASKED,
    FAR,
    MATERIALS,
    MEASURED,
    hyperparameters,
    process,
)


def by_hand(terms: str, one: Material, other: Material) -> float:
    """Return the covariance of two materials, from the definition of the kernel alone."""
    rows = magpie([known.formula for known in MATERIALS])
    varies = rows.std(axis=0) > 1e-9
    assert varies.sum() == 100, "of 132, the others are the same in every row"

    def far(name: str) -> float:
        left, right = (dict(zip(m.formula.symbols, m.formula.fractions, strict=True)) for m in (one, other))
        symbols = set(left) | set(right)
        if name.endswith("host"):
            left, right = ({s: f / (1.0 - m.get("Li", 0.0)) for s, f in m.items() if s != "Li"} for m in (left, right))
        if name.startswith("substituted"):
            left, right = lent(left), lent(right)
            symbols = set(left) | set(right)
        if name in ("composition", "host", "substituted", "substituted_host"):
            return sum((math.sqrt(left.get(s, 0.0)) - math.sqrt(right.get(s, 0.0))) ** 2 for s in symbols)
        if name == "lithium":
            return 4.0 * (left.get("Li", 0.0) - right.get("Li", 0.0)) ** 2
        if name == "magpie":
            a, b = magpie([one.formula, other.formula])
            return float((((a - b)[varies] / rows.std(axis=0)[varies]) ** 2).sum()) / 132.0
        if name == "formula_size":
            a, b = (math.log(smallest_formula_atoms(m.formula.fractions)) for m in (one, other))
            return (a - b) ** 2 / 4.0
        n, k = one.cell.atoms_per_cell, other.cell.atoms_per_cell
        p, q = one.cell.cell_parameters, other.cell.cell_parameters
        assert n and k and p and q and one.cell.space_group_number and other.cell.space_group_number
        if name == "amounts":
            return (
                sum((math.log1p(n * left.get(s, 0.0)) - math.log1p(k * right.get(s, 0.0))) ** 2 for s in symbols) / 10
            )
        if name == "lattice":
            lengths = sum(math.log(x / y) ** 2 for x, y in zip(p[:3], q[:3], strict=True))
            return lengths + sum(((x - y) / 30.0) ** 2 for x, y in zip(p[3:], q[3:], strict=True))
        assert name == "crystal_system"
        system = [sum(m.cell.space_group_number > last for last in LAST_GROUP) for m in (one, other)]  # type: ignore[operator]
        return float(system[0] != system[1])

    split = [term.split() for term in terms.split(", ")]
    values = iter(hyperparameters(tuple(map(tuple, split))))
    total = 0.0
    for term in split:
        part = math.exp(next(values))
        for name in term:
            part *= math.exp(-math.sqrt(far(name) + 1e-10) / math.exp(next(values)))
        total += part
    return total


def lent(shares: dict[str, float]) -> dict[str, float]:
    """Return shares of elements after each has lent 0.7 of its own to those that replace it."""
    found = {symbol: 0.3 * share for symbol, share in shares.items()}
    for symbol, share in shares.items():
        for other, part in zip(SYMBOLS, replacements()[ATOMIC_NUMBER[symbol] - 1], strict=True):
            if part:
                found[other] = found.get(other, 0.0) + 0.7 * share * float(part)
    return found


@pytest.mark.parametrize(
    ("known", "kind", "terms", "firsts"),
    [
        (TERMS, "formula", "substituted formula_size, substituted_host lithium", [0, 3]),
        (TERMS, "cell", "substituted, substituted_host lattice lithium", [0, 2]),
        (PLAIN_TERMS, "formula", "composition, magpie formula_size, host lithium formula_size", [0, 2, 5]),
        (
            PLAIN_TERMS,
            "cell",
            "composition, magpie formula_size, host amounts lattice crystal_system, "
            "composition lithium formula_size crystal_system",
            [0, 2, 5, 10],
        ),
    ],
)
def test_mean_and_deviation_are_those_of_a_solve_by_hand(
    known: Mapping[Kind, Terms], kind: Kind, terms: str, firsts: list[int]
) -> None:
    covariance = np.array([[by_hand(terms, a, b) for b in MATERIALS] for a in MATERIALS])
    covariance += (0.3**2 + JITTERS[0]) * np.eye(len(MATERIALS))
    cross = np.array([[by_hand(terms, a, b) for b in MATERIALS] for a in ASKED])
    prior = np.exp(hyperparameters(known[kind]))
    assert [first for first, _ in term_places(known[kind])] == firsts
    found = process(kind, terms=known[kind]).predict(ASKED)
    assert found.mean == pytest.approx(-6.0 + cross @ np.linalg.solve(covariance, MEASURED + 6.0), abs=1e-4)
    variance = prior[firsts].sum() - (cross * np.linalg.solve(covariance, cross.T).T).sum(axis=1)
    assert found.epistemic == pytest.approx(3.0 * np.sqrt(variance), abs=1e-3)
    assert found.noise == pytest.approx(np.full(3, 0.9), rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_without_noise_the_training_values_come_back(kind: Kind) -> None:
    exact = process(kind, noise=1e-9)
    found = exact.predict(MATERIALS)
    assert found.mean == pytest.approx(MEASURED, abs=1e-2)
    assert found.epistemic.max() < 0.05
    assert exact.noise == pytest.approx(3.0 * math.sqrt(JITTERS[0]))


def test_far_from_all_rows_nothing_is_known_but_the_centre() -> None:
    short = hyperparameters(TERMS["cell"])
    short[:-1] = -3.0
    rows = GaussianProcess.conditioned("cell", MATERIALS, MEASURED, short, -6.0, 3.0)
    found = rows.predict([FAR])
    assert found.mean == pytest.approx([-6.0], abs=1e-3)
    assert found.epistemic == pytest.approx([3.0 * math.sqrt(2 * math.exp(-3.0))], rel=1e-3)


def test_a_far_composition_is_less_certain_than_a_near_one() -> None:
    found = process("formula").predict([Material(Formula.parse("Li5.9PS4.9Cl1.1")), Material(Formula.parse("CsAu"))])
    assert found.epistemic[0] < found.epistemic[1]


def test_magpie_features_are_scaled_over_the_rows_that_have_them() -> None:
    rows = np.tile(np.array([[1.0], [3.0], [np.nan]]), 132)
    rows[:, 1], rows[:, 2] = 7.0, np.nan
    scale = MagpieScale.of(rows)
    scaled = scale.scaled(rows)
    assert scaled[:, 0] * math.sqrt(132.0) == pytest.approx([-1.0, 1.0, 0.0])
    assert (scaled[:, 1:3] == 0.0).all(), "what never varies or is never known tells nothing apart"
    assert (scale.scaled(rows + 1.0)[:, 1] == 0.0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_rows_does_not_matter(kind: Kind) -> None:
    one, other = process(kind).predict(ASKED), process(kind, slice(None, None, -1)).predict(ASKED)
    assert other.mean == pytest.approx(one.mean, abs=1e-6)
    assert other.epistemic == pytest.approx(one.epistemic, abs=1e-3)


def test_answers_depend_neither_on_company_nor_on_the_scale_of_the_formula() -> None:
    one = process("formula")
    many = [Material(Formula.parse(f"Li{n}PS5Cl")) for n in range(1, 600)]
    together = one.predict([*many, Material(Formula.parse("Li12P2S10Cl2"))])
    assert one.predict([many[5]]).mean == pytest.approx(together.mean[[5]], abs=1e-9)
    assert together.mean[-1] == pytest.approx(together.mean[5], abs=1e-9)
    assert one.predict([many[598]]).epistemic == pytest.approx(together.epistemic[[598]], abs=1e-4)
    assert len(one.predict([]).mean) == 0


@pytest.mark.parametrize("known", KERNELS.values())
def test_elements_of_which_nothing_is_known_are_answered(known: Mapping[Kind, Terms]) -> None:
    rare = [Material(Formula.parse(formula)) for formula in ("LiOg", "LiHe", "Nh")]
    assert np.isfinite(process("formula", terms=known["formula"]).predict(rare).mean).all()


def test_an_element_that_replaces_another_is_nearer_than_one_that_does_not() -> None:
    found = process("formula").predict([Material(Formula.parse(f"Li7La3{x}2O12")) for x in ("Zr", "Hf", "P")])
    assert found.epistemic[0] < found.epistemic[1] < found.epistemic[2]


def test_below_the_knee_values_are_bent_and_come_back() -> None:
    values = np.array([-15.0, -9.0, -8.0, -7.99, 2.0])
    assert bent(values, -8.0) == pytest.approx([-10.1, -8.3, -8.0, -7.99, 2.0])
    assert straightened(bent(values, -8.0), -8.0) == pytest.approx(values)
    assert np.array_equal(bent(values, -math.inf), values) and np.array_equal(straightened(values, -math.inf), values)


def test_a_process_with_a_knee_answers_what_it_learned_and_leans_to_the_insulators() -> None:
    exact = process(noise=1e-9, knee=-8.0).predict(MATERIALS)
    assert exact.mean == pytest.approx(MEASURED, abs=0.05)
    found = process(knee=-8.0).predict([MATERIALS[3], MATERIALS[0]])
    low, middle, high = found.at(np.array([-2.0, 0.0, 2.0]), found.noise)
    assert np.array_equal(middle, found.mean)
    assert middle[0] - low[0] > 1.5 * (high[0] - middle[0])
    assert middle[1] - low[1] == pytest.approx(high[1] - middle[1])


def test_rows_that_are_all_alike_are_factored_all_the_same() -> None:
    hyper = hyperparameters(TERMS["formula"], noise=1e-12)
    hyper[:-1] = 27.0
    same = [Material(Formula.parse("LiCl"))] * 40
    found = GaussianProcess.conditioned("formula", same, np.full(40, -9.0), hyper, -6.0, 3.0)
    assert found.noise > 3.0 * math.sqrt(JITTERS[0])
    assert found.predict(same[:1]).mean == pytest.approx([-9.0], abs=0.1)
