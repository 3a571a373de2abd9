"""Trials that are cut off, fail or are given up, and what is refused, each in a home of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from superion.errors import InvalidTable, InvalidValue
from superion.training import tracking
from superion.training.settings_file import values_of
from superion.training.tuning import folds
from superion.training.tuning.study import search
from superion.training.tuning.tracked import RUN_ID

from .. import _builders
from .._noise import MLFLOW
from .conftest import JOB, asked, kept

pytestmark = MLFLOW


@pytest.mark.check
def test_a_trial_that_was_cut_off_is_tried_again(mlflow_home: Path, client: Any) -> None:
    search(asked(trials=2), client)
    study = kept()
    lost = study.ask()
    for name, low, high in (("fit.learning_rate", 5e-5, 3e-3), ("trees.feature_share", 0.03, 0.5)):
        lost.suggest_float(name, low, high, log=True)
    run = tracking.client().create_run(tracking.client().get_experiment_by_name(tracking.EXPERIMENT).experiment_id)
    lost.set_user_attr(RUN_ID, run.info.run_id)
    tried = dict(lost.params)
    told: list[str] = []
    found = search(asked(trials=3), client, tell=told.append)
    assert "2 trials of ours have ended before; 1 that were stopped are tried again" in told
    assert sum(found["trials"].values()) == 3
    states = [trial.state for trial in kept().trials]
    assert states[2] is TrialState.FAIL
    assert kept().trials[3].params.items() >= tried.items()
    assert kept().trials[3].params.keys() == set(asked().names)
    assert tracking.client().get_run(run.info.run_id).info.status == "KILLED"


def test_a_trial_that_fails_is_left_and_the_search_goes_on(
    mlflow_home: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superion.training.tuning.folds.predict_held_out", broken_by_value())
    told: list[str] = []
    found = search(asked(trials=3), client, tell=told.append)
    assert found["trials"] == {"finished": 1, "given_up": 0, "failed": 2}
    assert found["best"]["number"] == found["first"]["number"] == 0
    assert sum("failed: ValueError: no such fold" in line for line in told) == 2
    nested = [tracking.client().get_run(trial.user_attrs[RUN_ID]) for trial in kept().trials]
    assert [run.info.status for run in nested] == ["FINISHED", "FAILED", "FAILED"]
    assert nested[1].data.tags["superion.reason"] == "ValueError: no such fold"


def broken_by_value() -> Any:
    """Return a task that carries its code with it, as workers know nothing of this module."""
    rate, whole = JOB.settings.fit.learning_rate, folds.predict_held_out

    def task(work: Any, fold: Any, number: int, settings: Any, processes: Any) -> Any:
        if settings.fit.learning_rate != rate:
            raise ValueError("no such fold")
        return whole(work, fold, number, settings, processes)

    return task


@pytest.mark.check
def test_what_stops_the_first_trial_stops_the_search(
    mlflow_home: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def task(*arguments: Any) -> Any:
        raise InvalidTable("nothing to learn from", field="data")

    with monkeypatch.context() as patch:
        patch.setattr("superion.training.tuning.folds.predict_held_out", task)
        with pytest.raises(InvalidTable, match="nothing to learn from"):
            search(asked(), client)
    (trial,) = kept().trials
    failed = tracking.client().get_run(trial.user_attrs[RUN_ID])
    assert failed.info.status == "FAILED"
    # One that was killed between the two steps of taking a trial up again has left it so.
    kept().tell(trial.number, state=TrialState.FAIL)
    found = search(asked(trials=2), client)
    assert tracking.client().get_run(failed.info.run_id).info.status == "FAILED"
    assert found["first"]["values"] == {name: values_of(JOB.settings)[name] for name in asked().names}


@pytest.mark.check
def test_a_trial_that_is_worse_than_most_is_given_up(
    mlflow_home: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superion.training.tuning.study.PRUNED_AFTER", 1)
    told: list[str] = []
    found = search(asked(trials=6), client, tell=told.append)
    assert found["trials"]["given_up"] >= 1
    assert sum(found["trials"].values()) == 6
    given_up = [trial for trial in kept().trials if trial.state is TrialState.PRUNED]
    for trial in given_up:
        assert 1 <= len(trial.intermediate_values) < 3
        assert tracking.client().get_run(trial.user_attrs[RUN_ID]).info.status == "KILLED"


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"trials": 1}, "trials"), ({"minutes": 0.0}, "minutes"), ({"minutes": math.nan}, "minutes")],
)
def test_what_is_no_search_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        asked(**changes)
    assert caught.value.field == field


def test_what_cannot_be_searched_is_refused_before_anything_is_begun(superion_home: Path) -> None:
    for changes, error in (
        ({"names": ("fit.unlabelled_weight",)}, InvalidValue),
        ({"study": "a/b"}, InvalidValue),
        ({"out": superion_home / "no" / "best.json"}, InvalidValue),
        ({"job": replace(JOB, table=_builders.table(_builders.synthetic_rows(6)))}, InvalidTable),
        ({"storage": f"sqlite:///{superion_home / 'mlflow.db'}"}, InvalidValue),
    ):
        with pytest.raises(error):
            asked(**changes).check()
    assert not (superion_home / "optuna.db").exists()


@pytest.mark.check
def test_the_first_trial_is_made_however_little_time_there_is(mlflow_home: Path, client: Any) -> None:
    found = search(asked(minutes=1e-9), client)
    assert found["trials"] == {"finished": 1, "given_up": 0, "failed": 0}
