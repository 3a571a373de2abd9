"""The best against the first on other folds: which folds those are, and what is told of the two."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from superion.training import pipeline
from superion.training.dask_tasks import Tasks
from superion.training.gate import NOT_TOLD_APART
from superion.training.settings_file import with_values
from superion.training.tuning.confirmation import confirmed

from .conftest import JOB

pytestmark = pytest.mark.check

CONVENTIONS = ("censored_at_-15", "censored_at_-10")
OTHER = with_values(JOB.settings, {"fit.learning_rate": 5e-3, "trees.feature_share": 0.4})


@pytest.fixture(scope="module")
def compared(client: Any) -> dict[str, Any]:
    return confirmed(JOB, OTHER, JOB.settings, Tasks(client))


def test_the_folds_are_those_of_another_seed_and_the_networks_are_not(
    compared: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole training run on folds of the next seed has the same figures."""
    whole = pipeline.folds_of
    monkeypatch.setattr(pipeline, "folds_of", lambda rows, settings: whole(rows, replace(settings, seed=2)))
    for name, settings in (("first", JOB.settings), ("best", OTHER)):
        found = pipeline.train(replace(JOB, settings=settings), tmp_path / name).metrics
        for convention in CONVENTIONS:
            assert math.isclose(compared[convention][name], found[convention]["mae"], rel_tol=1e-6)


def test_both_conventions_are_told_with_the_difference_and_its_interval(compared: dict[str, Any]) -> None:
    assert compared.keys() == {"seed_of_folds", "n", "verdict", *CONVENTIONS}
    assert (compared["seed_of_folds"], compared["n"]) == (JOB.settings.seed + 1, len(JOB.table.rows))
    for convention in CONVENTIONS:
        one = compared[convention]
        difference = one["paired_difference"]
        assert one["best"] != one["first"]
        assert math.isclose(one["best"] - one["first"], difference["mean"], abs_tol=1e-9)
        assert difference["lower"] < difference["mean"] < difference["upper"]
    limit, floor = (compared[convention]["first"] for convention in CONVENTIONS)
    assert limit != floor, "a row is below a limit"


def test_settings_do_not_differ_from_themselves(client: Any) -> None:
    same = confirmed(JOB, JOB.settings, JOB.settings, Tasks(client))
    for convention in CONVENTIONS:
        difference = same[convention]["paired_difference"]
        assert (difference["mean"], difference["lower"], difference["upper"]) == (0.0, 0.0, 0.0)
    assert same["verdict"] == NOT_TOLD_APART
