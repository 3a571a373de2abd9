"""The forest beside the networks, and the paired difference between two models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.featurizers.context import CellContext
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training import baseline
from superion.training.baseline import CENSORED_AT, forest_predictions, paired_difference
from superion.training.splits import grouped_folds

from . import _builders


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_difference_is_below_zero_when_the_first_is_the_better(seed: int) -> None:
    random = np.random.default_rng(seed)
    other = random.random(50)
    groups = [str(number) for number in random.integers(0, 12, 50)]
    found = paired_difference(other - 0.5, other, groups, 0)
    assert found.mean == pytest.approx(-0.5)
    assert found.lower == pytest.approx(-0.5) and found.upper == pytest.approx(-0.5)
    turned = paired_difference(other, other - 0.5, groups, 0)
    assert turned.mean == pytest.approx(0.5)


def test_the_interval_is_that_of_a_bootstrap_written_as_a_loop() -> None:
    random = np.random.default_rng(1)
    error, other = random.random(40), random.random(40)
    groups = [str(number) for number in random.integers(0, 8, 40)]
    found = paired_difference(error, other, groups, 5)
    names = sorted(set(groups))
    draws = np.random.default_rng(5).integers(0, len(names), (baseline.N_RESAMPLES, len(names)))
    means = []
    for draw in draws:
        rows = [row for pick in draw for row in range(40) if groups[row] == names[pick]]
        means.append(np.mean([error[row] - other[row] for row in rows]))
    assert (found.lower, found.upper) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert found.mean == pytest.approx((error - other).mean())


def test_rows_of_one_paper_are_resampled_together() -> None:
    # Two papers that disagree: however many rows each has, there are only two opinions.
    error = np.concatenate([np.full(500, 1.0), np.full(500, -1.0)])
    together = paired_difference(error, np.zeros(1000), ["a"] * 500 + ["b"] * 500, 0)
    apart = paired_difference(error, np.zeros(1000), [str(row) for row in range(1000)], 0)
    assert (together.lower, together.upper) == (-1.0, 1.0)
    assert apart.upper - apart.lower < 0.2


def test_the_difference_repeats_under_its_seed() -> None:
    random = np.random.default_rng(2)
    error, groups = random.random(30), [str(row // 3) for row in range(30)]
    assert paired_difference(error, np.zeros(30), groups, 1) == paired_difference(error, np.zeros(30), groups, 1)
    assert paired_difference(error, np.zeros(30), groups, 1) != paired_difference(error, np.zeros(30), groups, 2)


def test_rows_of_a_single_paper_are_resampled_one_by_one() -> None:
    error = np.random.default_rng(3).random(40)
    found = paired_difference(error, np.zeros(40), ["10.1/one"] * 40, 0)
    assert found == paired_difference(error, np.zeros(40), [f"{row:02d}" for row in range(40)], 0)
    assert found.lower < found.mean < found.upper


def test_the_forest_predicts_each_row_from_the_other_papers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "N_TREES", 20)
    rows = _builders.synthetic_rows()
    folds = grouped_folds(rows, 3, 0)
    found = forest_predictions(rows, folds, 0)
    assert np.isfinite(found).all()
    assert np.array_equal(found, forest_predictions(rows, folds, 0))
    # What a test row measured must not reach its own prediction.
    first = folds[0]
    told = [replace(row, log10_conductivity=0.0) if i in first.test else row for i, row in enumerate(rows)]
    assert np.array_equal(forest_predictions(told, folds, 0)[first.test], found[first.test])


def test_the_forest_learns_censored_rows_at_minus_15(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "N_TREES", 5)
    halides = enumerate(("LiF", "LiCl", "LiBr", "LiI"))
    rows = [_builders.row(text, n, doi=str(n), censored=True, log10_conductivity=-9.0) for n, text in halides]
    found = forest_predictions(rows, grouped_folds(rows, 2, 0), 0)
    assert found.tolist() == [CENSORED_AT] * 4


def test_the_forest_sees_amounts_in_the_cell_where_it_is_known() -> None:
    formula = Formula.parse("Li6PS5Cl")
    cell = CellContext(216, (9.8, 9.8, 9.8, 90.0, 90.0, 90.0), 52.0)
    bare = baseline._features(_builders.row("Li6PS5Cl"))
    known = baseline._features(replace(_builders.row(), material=Material(formula, cell=cell)))
    assert (bare[2], known[2]) == (6.0, 24.0)
    assert bare[118:].tolist() == [0.0] * 7
    assert known[118:].tolist() == [216.0, 9.8, 9.8, 9.8, 90.0, 90.0, 90.0]
