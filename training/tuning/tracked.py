"""A search in MLflow: a run for the study, and a nested run for every trial."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from superion.training import pipeline, tracking
from superion.training.runs import log_start

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from optuna import Study

PARENT = "mlflow.parentRunId"
"""Tag by which MLflow nests a run."""
RUN_ID = "mlflow_run"
"""Attribute of a study and of a trial that names its run."""
STUDY_TAG = "superion.study"


class TrackedStudy:
    """Note trials under the run of their study."""

    def __init__(self, parent: Run, study: str) -> None:
        self.run_id = str(parent.info.run_id)
        self._experiment = parent.info.experiment_id
        self._study = study
        self._client = tracking.client()

    def begin_trial(self, number: int, values: Mapping[str, Any]) -> str:
        """Begin the run of a trial with the values that it tries; returns its id."""
        tags = {PARENT: self.run_id, STUDY_TAG: self._study}
        with tracking.answering():
            run = self._client.create_run(self._experiment, tags=tags, run_name=f"{self._study}-{number}")
            run_id = str(run.info.run_id)
            self._client.log_param(run_id, "trial", number)
            for name, value in values.items():
                self._client.log_param(run_id, name, value)
        return run_id

    def note_fold(self, run_id: str, fold: int, error: float) -> None:
        """Note the mean absolute error of a fold, as a step of one metric."""
        with tracking.answering():
            self._client.log_metric(run_id, "mae_of_fold", error, step=fold)

    def end_trial(self, run_id: str, status: str, figures: Mapping[str, float], reason: str | None = None) -> None:
        """End the run of a trial: FINISHED, KILLED for one that was given up or cut off, FAILED."""
        with tracking.answering():
            for name, value in figures.items():
                self._client.log_metric(run_id, name, value)
            if reason is not None:
                self._client.set_tag(run_id, "superion.reason", reason[:500])
            self._client.set_terminated(run_id, status)

    def cut_off(self, run_id: str) -> None:
        """End the run of a trial that an earlier search was stopped in; one that has ended stays as it is."""
        if _status(self._client, run_id) == "RUNNING":
            self.end_trial(run_id, "KILLED", {}, "the search was stopped; its values are tried again")


def _status(client: MlflowClient, run_id: str) -> str | None:
    """Return the status of a run, None where it was tracked in another place, or deleted."""
    from mlflow.exceptions import MlflowException

    with tracking.answering():
        try:
            return str(client.get_run(run_id).info.status)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None


@contextlib.contextmanager
def tracked(study: Study, job: pipeline.Job, parameters: Mapping[str, Any]) -> Iterator[TrackedStudy]:
    """Yield what notes the trials of a study, whose run is begun, or gone on with where there is one."""
    import mlflow

    known = study.user_attrs.get(RUN_ID)
    found = tracking.client()
    if known is not None and _status(found, known) is None:
        known = None
    name = None if known else f"tune-{study.study_name}"
    with mlflow.start_run(run_id=known, run_name=name, tags={STUDY_TAG: study.study_name}) as active:
        if known is None:
            log_start(job)
            mlflow.log_params(dict(parameters))
            study.set_user_attr(RUN_ID, active.info.run_id)
        yield TrackedStudy(active, study.study_name)


def log_result(study: Study, result: Mapping[str, Any]) -> None:
    """Log what came of a search to the active run: its document, and figures of its trials."""
    import mlflow
    from optuna.trial import TrialState
    from optuna.visualization import plot_optimization_history, plot_param_importances

    mlflow.log_dict(dict(result), "tuning.json")
    best = result["best"]
    mlflow.log_metrics({f"best.{name}": value for name, value in best["figures"].items()})
    mlflow.log_metric("best.trial", best["number"])
    mlflow.log_figure(plot_optimization_history(study), "figures/history.html")
    values = {trial.value for trial in study.get_trials(states=[TrialState.COMPLETE])}
    if len(values) > 1 and len(study.best_params) > 1:
        mlflow.log_figure(plot_param_importances(study), "figures/importance.html")
