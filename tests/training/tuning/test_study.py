"""A search on a real cluster: what its trials are, where they are kept, and how it goes on."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from superion.errors import InvalidValue
from superion.training import pipeline, tracking
from superion.training.settings_file import read_settings, values_of, with_values
from superion.training.tuning.study import search
from superion.training.tuning.tracked import RUN_ID

from .. import _builders
from .._noise import MLFLOW
from .conftest import JOB, Searched, kept

pytestmark = [*MLFLOW, pytest.mark.check]


def test_the_first_trial_has_the_settings_that_are_there(searched: Searched) -> None:
    first = searched.result["first"]
    settings = values_of(JOB.settings)
    assert first["number"] == 0
    assert first["values"] == {name: settings[name] for name in searched.asked.names}
    assert searched.result["trials"] == {"finished": 3, "given_up": 0, "failed": 0}
    assert searched.progress == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [line.partition(":")[0] for line in searched.told[:3]] == ["trial 0", "trial 1", "trial 2"]


def test_its_figures_are_those_of_the_training_of_such_a_run(searched: Searched, tmp_path: Path) -> None:
    found = pipeline.train(JOB, tmp_path / "run").metrics
    figures = searched.result["first"]["figures"]
    for convention in ("censored_at_-15", "censored_at_-10"):
        assert math.isclose(figures[f"mae.{convention}"], found[convention]["mae"], rel_tol=1e-6)
        alone = found["formula_alone"][convention]["mae"]
        assert math.isclose(figures[f"formula_alone.mae.{convention}"], alone, rel_tol=1e-6)
    assert figures["interval_0.9.coverage"] == found["interval"]["coverage"]


def test_the_best_has_the_least_error_and_its_settings_are_written(searched: Searched) -> None:
    trials = [trial for trial in kept().trials if trial.state is TrialState.COMPLETE]
    best = min(trials, key=lambda trial: trial.value or 0.0)
    result = searched.result["best"]
    assert (result["number"], result["values"]) == (best.number, best.params)
    assert result["figures"]["mae.censored_at_-15"] == best.value
    written, wanted = read_settings(searched.home / "best.json"), with_values(JOB.settings, best.params)
    assert (written.fit, written.trees) == (wanted.fit, wanted.trees)
    assert replace(written.network, scales=wanted.network.scales) == wanted.network


def test_it_is_compared_with_the_first_on_other_folds(searched: Searched) -> None:
    confirmation = searched.result["confirmation"]
    assert searched.result["best"]["number"] > 0, "another seed, else there is nothing to compare"
    assert confirmation["seed_of_folds"] == JOB.settings.seed + 1
    for convention in ("censored_at_-15", "censored_at_-10"):
        assert confirmation[convention]["first"] != searched.result["first"]["figures"][f"mae.{convention}"]


def test_every_trial_is_a_run_under_that_of_the_study(searched: Searched) -> None:
    client, parent = tracking.client(), searched.result["run_id"]
    run = client.get_run(parent)
    assert (run.info.run_name, run.info.status) == ("tune-ours", "FINISHED")
    assert run.data.params["data_digest"] == JOB.table.digest
    assert {"tuning.json", "figures", "data_check.json"} <= {one.path for one in client.list_artifacts(parent)}
    nested = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{parent}'")
    assert len(nested) == 3
    of = {trial.user_attrs[RUN_ID]: trial for trial in kept().trials}
    for one in nested:
        trial = of[one.info.run_id]
        assert one.info.status == "FINISHED"
        assert {name: float(one.data.params[name]) for name in trial.params} == trial.params
        assert math.isclose(one.data.metrics["mae.censored_at_-15"], trial.value or 0.0)
        history = client.get_metric_history(one.info.run_id, "mae_of_fold")
        assert sorted(entry.step for entry in history) == [0, 1, 2]


def test_it_goes_on_with_what_is_left(searched: Searched, client: Any) -> None:
    before = {trial.number: trial.value for trial in kept().trials}
    told: list[str] = []
    same = search(replace(searched.asked, confirm=False, out=None), client, tell=told.append)
    assert told == ["3 trials of ours have ended before"]
    assert (same["best"], same["run_id"]) == (searched.result["best"], searched.result["run_id"])
    more = search(replace(searched.asked, confirm=False, out=None, trials=4), client)
    assert more["trials"]["finished"] + more["trials"]["given_up"] == 4
    after = {trial.number: trial.value for trial in kept().trials}
    assert after.items() >= before.items() and len(after) == 4
    values = [tuple(trial.params.values()) for trial in kept().trials]
    assert len(set(values)) == 4


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({"job": replace(JOB, table=_builders.table(digest="other"))}, "data"),
        ({"job": replace(JOB, settings=replace(JOB.settings, n_members=3))}, "settings"),
        ({"names": ("fit.jitter",)}, "space"),
    ],
)
def test_a_study_of_something_else_is_refused(
    searched: Searched, client: Any, changes: dict[str, Any], other: str
) -> None:
    with pytest.raises(InvalidValue, match=f"is of other {other}; name another study"):
        search(replace(searched.asked, **changes), client)
