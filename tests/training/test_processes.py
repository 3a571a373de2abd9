"""Fitting Gaussian processes: repeatable, likelier than its start, taught as forests are, and better than a guess."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.arrhenius import inverse_temperature_step
from superion.models.gaussian_process import GaussianProcess
from superion.models.kernels import TERMS
from superion.models.material import Material
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.training import processes
from superion.training.processes import KNEE, fit_meyer_neldel, fit_process, fit_processes
from superion.training.splits import grouped_folds
from superion.training.table import read_table
from superion.training.trees import MIN_ROWS

from . import _builders

ROWS = _builders.synthetic_rows(30)
MATERIALS = [row.material for row in ROWS]
MEASURED = np.array([-12.0 + 15.0 * row.material.formula.fractions[0] for row in ROWS])


def test_the_same_rows_give_the_same_process() -> None:
    one, other = (fit_process("formula", MATERIALS, MEASURED).tensors() for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_the_fit_follows_what_its_rows_follow() -> None:
    fitted = fit_process("formula", MATERIALS[::2], MEASURED[::2])
    found = fitted.predict(MATERIALS[1::2])
    assert np.abs(found.mean - MEASURED[1::2]).mean() < 0.3 * np.abs(MEASURED - np.median(MEASURED)).mean()
    assert fitted.noise < 0.1


def test_fitting_makes_the_rows_likelier(monkeypatch: pytest.MonkeyPatch) -> None:
    losses: list[float] = []
    real = processes._loss

    def noted(*args):  # type: ignore[no-untyped-def]
        loss = real(*args)
        losses.append(float(loss.detach()))
        return loss

    monkeypatch.setattr(processes, "_loss", noted)
    fit_process("formula", MATERIALS, MEASURED)
    assert min(losses) < losses[0] - 10.0


def test_noise_of_the_rows_is_found() -> None:
    random = np.random.default_rng(0)
    noisy = np.tile(MEASURED, 3) + random.normal(0.0, 0.5, 3 * len(MEASURED))
    assert fit_process("formula", MATERIALS * 3, noisy).noise == pytest.approx(0.5, rel=0.25)


def test_values_that_are_all_alike_are_answered() -> None:
    fitted = fit_process("formula", MATERIALS, np.full(len(MATERIALS), -6.0))
    assert fitted.predict(MATERIALS).mean == pytest.approx(np.full(len(MATERIALS), -6.0), abs=1e-3)


def test_rows_of_one_material_that_disagree_are_fitted() -> None:
    fitted = fit_process("formula", MATERIALS[:1] * 12, np.linspace(-7.0, -5.0, 12))
    assert fitted.predict(MATERIALS[:1]).mean == pytest.approx([-6.0], abs=0.1)


def test_of_too_many_rows_an_even_part_is_used_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MAX_ROWS", 10)
    fitted = fit_process("formula", MATERIALS, MEASURED)
    assert fitted.n_rows == 10
    even = np.linspace(0, len(MATERIALS) - 1, 10).round().astype(int)
    same = fit_process("formula", [MATERIALS[index] for index in even], MEASURED[even])
    assert np.array_equal(same.weights, fitted.weights)


def test_too_few_rows_have_no_process_and_enough_have_one() -> None:
    assert fit_processes(ROWS[: MIN_ROWS - 1], -15.0).processes == {}
    fitted = fit_processes(ROWS, -15.0).processes
    assert set(fitted) == {(CONDUCTIVITY, "formula"), (ACTIVATION_ENERGY, "formula")}
    # Insulators are of the conductivity alone.
    assert [fitted[target, "formula"].knee for target in (CONDUCTIVITY, ACTIVATION_ENERGY)] == [KNEE, -math.inf]


def test_the_process_on_cells_needs_enough_full_cells_and_then_learns_from_every_row() -> None:
    cell = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
    rows = [
        replace(row, material=Material(row.material.formula, cell=cell)) if number < MIN_ROWS + 2 else row
        for number, row in enumerate(ROWS)
    ]
    fitted = fit_processes(rows, -15.0).processes
    assert fitted[CONDUCTIVITY, "cell"].n_rows == len(ROWS)
    assert fitted[CONDUCTIVITY, "formula"].n_rows == len(ROWS)
    assert (ACTIVATION_ENERGY, "cell") not in fitted


def test_in_the_terms_of_the_cell_a_row_without_one_is_as_far_as_its_zeros_are() -> None:
    cell = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
    known, unknown = Material(MATERIALS[0].formula, cell=cell), MATERIALS[0]
    weights = {"substituted": -50.0, "substituted_host": 0.0}
    hyperparameters = np.array(
        [weights[term[0]] if place == 0 else 0.0 for term in TERMS["cell"] for place in range(1 + len(term))] + [-9.0]
    )
    learned = GaussianProcess.conditioned("cell", [unknown], np.array([5.0]), hyperparameters, 0.0, 1.0)
    found = learned.predict([unknown, known]).mean
    apart = math.sqrt(3.0 * math.log(9.85) ** 2 + 3.0 * (90.0 / 30.0) ** 2)
    assert found == pytest.approx([5.0, 5.0 * math.exp(-apart)], abs=1e-4)


def test_hot_rows_are_learned_at_room_temperature_and_censored_rows_at_the_convention() -> None:
    step = inverse_temperature_step(150.0)
    hot = [
        _builders.row("LiCl", n, log10_conductivity=-7.0 - 0.5 * step, temperature_c=150.0, activation_energy=0.5)
        for n in range(MIN_ROWS)
    ]
    low = [_builders.row("LiBr", n, log10_conductivity=-9.0, censored=True) for n in range(MIN_ROWS)]
    answer = fit_processes([*hot, *low], -15.0).answers(CONDUCTIVITY, [hot[0].material, low[0].material])
    assert answer is not None and answer.known.mean == pytest.approx([-7.0, -15.0], abs=0.05)


def mixed_rows(n_insulators: int, n_conductors: int) -> list[_builders.Measurement]:
    low = [_builders.row(f"Li{1 + 0.1 * n:.1f}PO4", n, log10_conductivity=-11.0 - 0.1 * n) for n in range(n_insulators)]
    high = [_builders.row(f"Li{5 + 0.1 * n:.1f}PS5Cl", n, log10_conductivity=-3.0) for n in range(n_conductors)]
    return [*low, *high]


def test_insulators_and_conductors_make_a_hurdle_that_tells_them_apart() -> None:
    rows = mixed_rows(MIN_ROWS + 4, MIN_ROWS + 6)
    found = fit_processes(rows, -15.0).hurdle
    assert found is not None
    assert (found.insulates.n_rows, found.conducts.n_rows) == (2 * MIN_ROWS + 10, MIN_ROWS + 6)
    assert found.levels[[0, -1]] == pytest.approx([-11.0 - 0.1 * (MIN_ROWS + 3), -11.0])
    asked = [Material(Formula.parse(text)) for text in ("Li1.55PO4", "Li5.55PS5Cl")]
    share = found.insulates.predict(asked).mean
    assert share[0] > 0.9 and share[1] < 0.1
    assert found.predict(asked, 4).mean == pytest.approx([found.levels.mean(), -3.0], abs=0.7)
    assert fit_processes(rows, -15.0).answers(CONDUCTIVITY, asked) is not None


@pytest.mark.parametrize(
    ("n_insulators", "n_conductors"), [(MIN_ROWS - 1, 30), (30, MIN_ROWS - 1), (0, 30), (30, 0), (0, 0)]
)
def test_too_few_of_either_make_no_hurdle(n_insulators: int, n_conductors: int) -> None:
    assert fit_processes(mixed_rows(n_insulators, n_conductors), -15.0).hurdle is None


def test_a_limit_that_an_insulator_need_not_be_below_tells_nothing() -> None:
    rows = mixed_rows(MIN_ROWS - 1, MIN_ROWS)
    high = [_builders.row(f"Li{n}La3Zr2O12", n, log10_conductivity=-4.0, censored=True) for n in range(1, 30)]
    assert fit_processes([*rows, *high], -15.0).hurdle is None
    low = replace(high[0], log10_conductivity=-9.0)
    found = fit_processes([*rows, *high, low], -15.0).hurdle
    assert found is not None and found.insulates.n_rows == 2 * MIN_ROWS
    assert found.levels[0] == -15.0


def test_the_line_to_the_energies_is_drawn_through_rows_that_have_both() -> None:
    rows = [
        _builders.row("LiCl", n, log10_conductivity=-8.0 + 0.2 * n, activation_energy=0.7 - 0.016 * n)
        for n in range(30)
    ]
    line = fit_meyer_neldel(rows, -15.0)
    assert line is not None and (line.intercept, line.slope) == pytest.approx((0.06, -0.08))
    unclear = [replace(row, log10_conductivity=-4.0, censored=True, activation_energy=2.0) for row in rows]
    assert fit_meyer_neldel([*rows, *unclear], -15.0) == line
    below = replace(rows[0], log10_conductivity=-10.0, censored=True, activation_energy=0.86)
    with_limit = fit_meyer_neldel([*rows, below], -15.0)
    assert with_limit is not None and (with_limit.intercept, with_limit.slope) == pytest.approx((0.06, -0.08))
    assert fit_meyer_neldel([replace(row, activation_energy=None) for row in rows], -15.0) is None


def test_measured_materials_are_predicted_better_than_by_their_median(data_mirror: Callable[[str], Path]) -> None:
    rows = read_table(data_mirror("obelix") / "train.csv").rows
    fold = grouped_folds(rows, 5, 0)[0]
    fitted = fit_processes([rows[index] for index in fold.train], -15.0)
    answer = fitted.answers(CONDUCTIVITY, [rows[index].material for index in fold.test])
    level = np.array([-15.0 if row.censored else row.log10_conductivity for row in rows], dtype=np.float64)
    assert answer is not None
    error = np.abs(answer.known.mean - level[fold.test]).mean()
    assert error < 0.8 * np.abs(np.median(level[fold.train]) - level[fold.test]).mean()
    assert fitted.answers(CONDUCTIVITY, [Material(Formula.parse("Li6PS5Cl"))]) is not None
