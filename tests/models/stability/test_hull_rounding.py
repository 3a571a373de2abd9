"""Compositions next to phases: rounded amounts, traces, many phases on one plane; each answer with its proof.

The bases of such programmes hold columns that hardly differ. Energies are compared with HiGHS too.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from superion.errors import InvalidFormula
from superion.featurizers.formula import MIN_AMOUNT, Formula
from superion.models.stability import Phase, PhaseTable, analyse, hull, lithium

FOUND = [
    # Each once ended in "the iterations did not come to an end": with these phases, and with all of matbench.
    ("B0.1667Ni0.5833Yb0.2500", "YbB6 -0.462 Yb3Ni7B2 -0.517"),
    ("Cu0.3077P0.6154Si0.0769", "SiCu4P8 -0.13 Li5Cu4P6 -0.45 SiP2 -0.13 Li5SiP3 -0.59"),
    ("Li0.041667Ni0.083333P0.166667H0.125000O0.583333", "PH3O4 -1.95 LiNi2P4H3O14 -2.217"),
]
EXACT = [
    # Amounts were off by up to 2e-7 of the atoms, and energies by up to 8e-8 eV/atom.
    "Sr0.142857143Er0.095238095B0.190476190O0.571428571",
    "K0.214285714Er0.071428571V0.142857143O0.571428571",
    "Sr0.045454545Ni0.136363636P0.181818182O0.636363636",
    "Na0.041666667Nb0.291666667V0.083333333O0.583333333",
    "Gd0.259259259B0.037037037P0.074074074O0.629629630",
    "Li0.148148148Fe0.074074074C0.148148148S0.037037037O0.592592593",
]
DECIMALS = (1, 2, 3, 3, 4, 4, 6)


def prove(programme, path) -> None:
    """Hold that every piece is feasible and, by its dual values, optimal, and that HiGHS finds the energy of one."""
    from scipy.optimize import linprog

    columns, costs, slopes, side, _, t_start, t_end = programme
    intervals, phases, amounts, constants, gradients = path
    assert intervals[0, 0] == t_start and intervals[-1, 1] == t_end
    assert (intervals[1:, 0] == intervals[:-1, 1]).all() and (np.diff(intervals[:, 3]) > -1e-9).all()
    for (upper, lower, cost, slope), rows, held, y0, y1 in zip(
        intervals, phases, amounts, constants, gradients, strict=True
    ):
        present = rows >= 0
        np.testing.assert_allclose(held[present] @ columns[rows[present]], side, atol=1e-10, rtol=0)
        inside = upper - 1.0 if math.isinf(lower) else (upper + lower) / 2.0
        for t in (upper, inside):
            potentials = y0 + t * y1
            assert potentials @ side == pytest.approx(cost + t * slope, abs=1e-8 * (1.0 + abs(t)))
            assert (costs + t * slopes - columns @ potentials).min() > -1e-6 * (1.0 + abs(t))
    upper, lower, cost, slope = intervals[len(intervals) // 2]
    inside = upper - 1.0 if math.isinf(lower) else (upper + lower) / 2.0
    best = linprog(costs + inside * slopes, A_eq=columns.T, b_eq=side, method="highs-ds")
    assert best.status == 0 and cost + inside * slope == pytest.approx(best.fun, abs=1e-6)


def check(table: PhaseTable, asked: Formula, energy: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Analyse a composition and hold what must hold of the answer."""
    follow, beside, calls = hull.follow_hull, lithium.follow_hull_beside, []

    def follow_and_keep(*programme):
        calls.append((programme, follow(*programme)))
        return calls[-1][1]

    def beside_and_keep(columns, costs, slopes, side, units, own_cost, own_slope, *rest):
        found = beside(columns, costs, slopes, side, units, own_cost, own_slope, *rest)
        costs, slopes = np.append(costs, own_cost), np.append(slopes, own_slope)
        intervals, phases, amounts, _, _ = follow_and_keep(
            np.vstack([columns, side]), costs, slopes, side, units, *rest[:2]
        )
        pairs = [list(zip(*each, strict=True)) for each in zip(phases.tolist(), amounts.tolist(), strict=True)]
        assert found == (
            [tuple(interval) for interval in intervals.tolist()],
            [[(phase, amount) for phase, amount in mixture if phase >= 0] for mixture in pairs],
        )
        return found

    with monkeypatch.context() as patch:
        patch.setattr(hull, "follow_hull", follow_and_keep)
        patch.setattr(lithium, "follow_hull_beside", beside_and_keep)
        found = analyse(table, asked, energy)
    assert len(calls) == (1 if asked.symbols == ("Li",) else 2)
    for programme, path in calls:
        prove(programme, path)
    for lower, upper in itertools.pairwise(found.staircase):
        assert lower.upper_V == upper.lower_V > lower.lower_V
        assert upper.lithium_uptake < lower.lithium_uptake
    for step in found.staircase:
        if asked.symbols == ("Li",) or [each.nature.reason for each in step.products] == ["the electrolyte itself"]:
            continue
        made = {**dict.fromkeys(asked.symbols, 0.0), "Li": -step.lithium_uptake}
        for product in step.products:
            part = Formula.parse(product.formula)
            for symbol in part.symbols:
                made[symbol] = made.get(symbol, 0.0) + product.amount * part.amount(symbol)
        right = {symbol: asked.amount(symbol) for symbol in made}
        assert made == pytest.approx(right, abs=1e-5 * asked.n_atoms)


def near(table: PhaseTable, elements: list[str], rng: np.random.Generator) -> Formula:
    """Return a phase, a mixture of two or three, one with traces, or any amounts of 1 to 8 elements; rounded."""
    chosen = rng.choice(elements, size=min(len(elements), rng.integers(1, 9)), replace=False).tolist()
    start = table.formula(int(rng.integers(len(table))))
    system = table.system({*start.symbols, *chosen[: max(0, 8 - len(start.symbols))]})
    amounts: dict[str, float] = {}

    def add(formula: Formula, weight: float) -> None:
        for symbol, amount in zip(formula.symbols, formula.amounts, strict=True):
            amounts[symbol] = amounts.get(symbol, 0.0) + weight * amount

    kind = rng.integers(5)
    if kind < 4:
        add(start, 1.0)
    for row in rng.choice(system.rows, size=kind % 3):
        add(table.formula(int(row)), float(rng.integers(1, 9)) if rng.random() < 0.5 else rng.random())
    if kind >= 3:
        for symbol in system.symbols:
            amounts[symbol] = amounts.get(symbol, 0.0) + 10.0 ** (
                rng.uniform(-9, -1) if kind == 3 else rng.uniform(-2, 2)
            )
    if rng.random() < 0.3:
        amounts.pop("Li", None)
    total = sum(amounts.values()) if rng.random() < 0.7 else 1.0
    decimals = int(rng.choice(DECIMALS))
    rounded = {symbol: round(amount / total, decimals) for symbol, amount in amounts.items()}
    return Formula.from_amounts(
        {symbol: amount for symbol, amount in rounded.items() if amount >= MIN_AMOUNT} or {"Li": 1.0}
    )


def on_planes(rng: np.random.Generator) -> tuple[PhaseTable, list[str]]:
    """Return a table with many phases on one plane or of one energy, some of which hardly differ in composition."""
    elements = [
        "Li",
        *rng.choice(["P", "S", "O", "Cl", "Ti", "Si", "Na"], size=rng.integers(1, 5), replace=False).tolist(),
    ]
    potentials, kind = rng.integers(-3, 1, len(elements)), rng.integers(3)
    rows = [Phase(Formula.from_amounts({element: 1.0, "F": 1.0}), 0.5) for element in elements]
    for amounts in rng.integers(0, 5, (rng.integers(1, 40), len(elements))):
        if (amounts > 0).sum() < 2:
            continue
        total = float(amounts.sum())
        energy = [potentials @ amounts / total, -float(rng.integers(0, 4)), -float(rng.integers(0, 20)) / total][kind]
        exact = dict(zip(elements, amounts.tolist(), strict=True))
        decimals = int(rng.integers(2, 6))
        for held in (exact, {symbol: round(amount / total, decimals) for symbol, amount in exact.items()}):
            if held is exact or rng.random() < 0.3:
                present = {symbol: float(amount) for symbol, amount in held.items() if amount}
                rows.append(Phase(Formula.from_amounts(present), max(-6.0, float(energy))))
    return PhaseTable.from_phases("planes", rows), elements


def energy_near(table: PhaseTable, asked: Formula, rng: np.random.Generator) -> float | None:
    """Return no energy, or one on the hull, next to it or far from it."""
    if rng.random() < 0.6:
        return None
    energy = hull.hull_energy(table.system(asked.symbols), asked).energy
    return float(np.clip(energy + rng.choice([0.0, -1e-9, 1e-9, -1e-3, 1e-3, -0.5, 0.2]), -6.0, 6.0))


@pytest.mark.parametrize(("formula", "phases"), FOUND)
def test_rounded_phases_come_to_an_end(formula, phases, monkeypatch):
    asked, words = Formula.parse(formula), phases.split()
    known = [Phase(Formula.parse(f"{symbol}F"), 1.0) for symbol in sorted({*asked.symbols, "Li"})]
    listed = [Phase(Formula.parse(text), float(energy)) for text, energy in zip(words[::2], words[1::2], strict=True)]
    check(PhaseTable.from_phases("made up", [*known, *listed]), asked, None, monkeypatch)


@pytest.mark.parametrize("formula", [*(formula for formula, _ in FOUND), *EXACT])
def test_rounded_phases_of_matbench(formula, computed, monkeypatch):
    check(computed, Formula.parse(formula), None, monkeypatch)


def test_next_to_the_phases_of_matbench(computed, monkeypatch):
    rng, count = np.random.default_rng(1), 0
    elements = sorted({symbol for row in range(0, len(computed), 97) for symbol in computed.formula(row).symbols})
    for _ in range(300):
        asked = near(computed, elements, rng)
        try:
            energy = energy_near(computed, asked, rng)
            check(computed, asked, energy, monkeypatch)
            count += 1
        except InvalidFormula as error:
            assert "knows no compound" in error.message
    assert count > 280


def test_next_to_phases_on_one_plane(monkeypatch):
    rng = np.random.default_rng(2)
    for _ in range(60):
        table, elements = on_planes(rng)
        for _ in range(10):
            asked = near(table, elements, rng)
            check(table, asked, energy_near(table, asked, rng), monkeypatch)
