"""A search for the settings of a training run, from its first trial to its last.

Trials are chosen by Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), the first with the settings that
are there already. What is made small is the mean absolute error of grouped cross-validation. A trial whose first folds
are worse than those of half of the others is given up. The best of many is better on the folds that it was chosen on
than on others, so that it is compared with the first on another assignment of rows to folds at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superion.errors import InvalidValue
from superion.training import pipeline
from superion.training.dask_tasks import Tasks
from superion.training.settings import TrainingSettings
from superion.training.settings_file import values_of, with_values, write_settings
from superion.training.tuning import storage, tracked
from superion.training.tuning.confirmation import confirmed
from superion.training.tuning.folds import Assignment, FoldTasks
from superion.training.tuning.space import Dimension, space_of
from superion.training.tuning.trials import FAILED, FIGURES, FIRST, Progress, Trials
from superion.training.unlabelled import digest_of

if TYPE_CHECKING:
    from distributed import Client
    from optuna import Study

CLAIM = "superion"
"""Attribute of a study that says what it is of."""
STARTUP_TRIALS = 8
"""Trials that are drawn at random before the estimator has enough to go by."""
PRUNED_AFTER = 5
"""Trials that are finished before one is given up."""


@dataclass(frozen=True)
class Search:
    """Hold what a search is asked for."""

    job: pipeline.Job
    """What is trained; its settings are the first trial."""
    study: str
    trials: int = 20
    """How many the study is to have, with those of earlier runs."""
    minutes: float | None = None
    """After which no trial is begun."""
    names: Sequence[str] = ()
    """Settings to search; all that make a difference unless given."""
    keep_epochs: bool = False
    """Whether the passes over the rows are not searched."""
    storage: str | None = None
    """URL of the database of trials; see `storage.place`."""
    confirm: bool = True
    """Whether the best is compared with the first on other folds."""
    out: Path | None = None
    """File that the best settings are written to."""

    def __post_init__(self) -> None:
        if self.trials < 2:
            raise InvalidValue(f"trials is 2 or more, not {self.trials}", field="trials", value=self.trials)
        if self.minutes is not None and not self.minutes > 0:
            raise InvalidValue(f"minutes is more than 0, not {self.minutes:g}", field="minutes", value=self.minutes)

    @property
    def space(self) -> tuple[Dimension, ...]:
        """Return what is searched; raises InvalidValue for a name that makes no difference."""
        kept: tuple[str, ...] = ("fit.epochs",) if self.keep_epochs else ()
        if self.job.parent is not None:
            kept += ("network.", "trees.")
        if not pipeline.unlabelled_of(self.job):
            kept += ("fit.unlabelled_",)
        return space_of(self.names, pipeline.settings_of(self.job), kept)

    def check(self) -> None:
        """Raise what is wrong with what is asked for, before a worker is started for it.

        InvalidValue for a device, a database or a name that is none, InvalidTable for a table too small.
        """
        if self.out is not None and not self.out.absolute().parent.is_dir():
            raise InvalidValue(f"there is no folder for {self.out}", field="out", value=str(self.out))
        pipeline.check_device(self.job.device)
        storage.place(self.storage)
        storage.check_name(self.study)
        _ = self.space
        Assignment.of(self.job, pipeline.settings_of(self.job).seed)

    def claim(self) -> dict[str, Any]:
        """Return what has to be alike for the trials of two runs to be comparable."""
        job = self.job
        return {
            "data": job.table.digest,
            "settings": asdict(pipeline.settings_of(job)),
            "parent": None if job.parent is None else job.parent.model.as_dict(),
            "unlabelled": digest_of(pipeline.unlabelled_of(job)),
            "space": [asdict(one) for one in self.space],
        }


def search(
    asked: Search,
    client: Client,
    progress: Progress = lambda done, total: None,
    tell: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Search on the workers of a client, or go on where an earlier run of the same study has stopped.

    Returns the best trial and the first with their figures, how many trials there were, and how the two compare on
    other folds. Raises InvalidValue for a study that is of something else, InvalidTable for a table too small to
    cross-validate, Unavailable for a scheduler or a database that does not answer.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    asked.check()
    space, url = asked.space, storage.place(asked.storage)
    assignment = Assignment.of(asked.job, pipeline.settings_of(asked.job).seed)
    tasks = Tasks(client)
    if not tasks.threads():
        tell("no worker is there yet; waiting for the first")
    with storage.held(asked.study, url), storage.opened(url) as kept:
        study = _study(asked, kept)
        with tracked.tracked(study, asked.job, {"trials": asked.trials, "study": asked.study}) as notes:
            base = pipeline.settings_of(asked.job)
            trials = Trials(study, space, base, FoldTasks(tasks, assignment), tasks, notes)
            trials.take_up(tell)
            trials.to_the_end(asked.trials, asked.minutes, progress, tell)
            result = _result(asked, study, notes, tasks, tell)
            tracked.log_result(study, result)
    if asked.out is not None:
        found = {key: result[key] for key in ("study", "run_id", "best", "first", "confirmation")}
        write_settings(_settings_of(asked, result["best"]["values"]), asked.out, found)
    return result


def _study(asked: Search, kept: Any) -> Study:
    import optuna

    study = optuna.create_study(
        storage=kept,
        study_name=asked.study,
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, seed=asked.job.settings.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=PRUNED_AFTER, n_warmup_steps=0),
    )
    claim = json.dumps(asked.claim(), sort_keys=True)
    known = study.user_attrs.get(CLAIM)
    if known is None:
        study.set_user_attr(CLAIM, claim)
    elif known != claim:
        before, now = json.loads(known), json.loads(claim)
        other = [key for key in now if now[key] != before.get(key)]
        raise InvalidValue(
            f"the study {asked.study!r} is of other {' and '.join(other)}; name another study, or ask for the same",
            field="study",
            value=asked.study,
        )
    else:
        # The same numbers again would be the same trials again.
        study.sampler.reseed_rng()
    return study


def _settings_of(asked: Search, values: Mapping[str, Any]) -> TrainingSettings:
    return with_values(pipeline.settings_of(asked.job), values)


def _result(
    asked: Search, study: Study, notes: tracked.TrackedStudy, tasks: Tasks, tell: Callable[[str], None]
) -> dict[str, Any]:
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    first = next(trial for trial in complete if FIRST in trial.user_attrs)
    best = study.best_trial
    answer: dict[str, Any] = {
        "study": study.study_name,
        "run_id": notes.run_id,
        "trials": {
            "finished": len(complete),
            "given_up": sum(trial.state is TrialState.PRUNED for trial in trials),
            "failed": sum(FAILED in trial.user_attrs for trial in trials),
        },
        "best": _told(asked, best),
        "first": _told(asked, first),
        "confirmation": None,
        "out": None if asked.out is None else str(asked.out),
    }
    if asked.confirm and best.number != first.number:
        tell("the best and the first are compared on other folds")
        answer["confirmation"] = confirmed(
            asked.job, _settings_of(asked, best.params), _settings_of(asked, first.params), tasks
        )
    return answer


def _told(asked: Search, trial: Any) -> dict[str, Any]:
    settings = values_of(_settings_of(asked, trial.params))
    return {
        "number": trial.number,
        "values": {name: settings[name] for name in trial.params},
        "figures": dict(trial.user_attrs[FIGURES]),
    }
