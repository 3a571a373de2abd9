"""How the novelty that counts as inside is found out of fold, and reported for folds that did not choose it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from superion.models.distribution import Spread
from superion.models.domain import NOVELTY_QUANTILE, Domain
from superion.models.ensemble import TargetOutput
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.training import cross_validation
from superion.training.cross_validation import OutOfFold, domain_of, joined, report
from superion.training.splits import Fold, grouped_folds

from . import _builders

ROWS = [replace(row, censored=False) for row in _builders.synthetic_rows(60)]
FOLDS = grouped_folds(ROWS, 3, 0)
NOVELTY = np.random.default_rng(3).permutation(np.linspace(0.0, 1.0, len(ROWS)))


def output(novelty: np.ndarray | None, rows: Sequence[int]) -> TargetOutput:
    n = len(rows)
    mean = np.linspace(-8.0, -4.0, n)
    return TargetOutput(
        np.stack([mean, mean]),
        Spread(np.full(n, 1.0), np.full(n, 0.5)),
        {"networks": mean},
        None if novelty is None else novelty[list(rows)],
    )


def found(novelty: np.ndarray | None = NOVELTY, usable: np.ndarray | None = None) -> OutOfFold:
    def fold(one: Fold) -> dict[str, TargetOutput]:
        return {name: output(novelty, one.test.tolist()) for name in (CONDUCTIVITY, ACTIVATION_ENERGY)}

    answers = [(fold(one), fold(one)) for one in FOLDS]
    return joined(answers, ROWS, FOLDS, np.ones(len(ROWS), dtype=bool) if usable is None else usable)


def test_novelty_is_put_back_into_the_order_of_the_rows() -> None:
    assert found().output[CONDUCTIVITY].novelty == pytest.approx(NOVELTY)
    assert found(None).output[CONDUCTIVITY].novelty is None
    one, *others = [({CONDUCTIVITY: output(NOVELTY, fold.test.tolist())},) * 2 for fold in FOLDS]
    mixed = [({CONDUCTIVITY: replace(one[0][CONDUCTIVITY], novelty=None)},) * 2, *others]
    assert joined(mixed, ROWS, FOLDS, np.ones(len(ROWS), dtype=bool)).output[CONDUCTIVITY].novelty is None


def test_the_threshold_is_the_quantile_of_the_rows_that_score() -> None:
    scoring = np.array([row.log10_conductivity is not None for row in ROWS])
    assert domain_of(found()).novelty_threshold == pytest.approx(np.quantile(NOVELTY[scoring], NOVELTY_QUANTILE))
    usable = NOVELTY < 0.5
    expected = np.quantile(NOVELTY[usable & scoring], NOVELTY_QUANTILE)
    assert domain_of(found(usable=usable)).novelty_threshold == pytest.approx(expected)
    assert domain_of(found(None)).novelty_threshold is None


def test_a_parent_keeps_its_bar() -> None:
    parent = Domain.fit([ROWS[0].material.formula], ["a"], ())
    assert domain_of(found(), parent).novelty_threshold is None
    assert domain_of(found(), replace(parent, novelty_threshold=0.01)).novelty_threshold == 0.01


def test_each_fold_is_judged_by_the_threshold_of_the_others() -> None:
    # All that is novel is in one fold: judged by its own rows a share of it would be inside, by the others none is.
    novelty = np.full(len(ROWS), 0.1)
    novelty[FOLDS[0].test] = np.linspace(0.5, 0.9, len(FOLDS[0].test))
    told = report(found(novelty), 0)["by_domain"]
    assert told["outside"]["n"] == len(FOLDS[0].test)
    assert told["novelty_threshold"] == domain_of(found(novelty)).novelty_threshold
    by_distance = report(found(None), 0)["by_domain"]
    assert by_distance["novelty_threshold"] is None
    assert by_distance["outside"]["n"] + by_distance["inside"]["n"] == len(cross_validation._scoring(found(None)))
