"""One tracked training run: tables in, a registered version out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from superion import home
from superion.errors import InvalidValue
from superion.models.material import Material
from superion.models.predictor import Predictor
from superion.training import figures, gate, pipeline, plots, registry, tracking
from superion.training.card import with_folds
from superion.training.checks import check_table
from superion.training.datasets import locate
from superion.training.settings import FitSettings, TrainingSettings
from superion.training.table import joined, read_table
from superion.training.unlabelled import DATA_SET, digest_of, unlabelled_materials

SCRATCH = "scratch"


@dataclass(frozen=True)
class Request:
    """Hold what a user asks of a training run."""

    data: Sequence[Path]
    cifs: Path | None = None
    name: str = "superion"
    start: str = SCRATCH
    """"scratch", or "champion" to fine-tune."""
    resume: str | None = None
    seed: int = 0
    device: str = "cpu"
    members: int = 4
    folds: int = 5
    epochs: int | None = None
    workers: int | None = None
    unlabelled: bool = True
    """Whether lithium compounds without a label are shown, where training is from scratch and they are at hand."""


def run(
    request: Request,
    *,
    progress: pipeline.Progress = lambda done, total: None,
    tell: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Train as asked, track it in MLflow and register the model.

    Returns run id, version, alias, rows left out, the metrics of cross-validation and the gate against the champion.
    The model is registered as `challenger`, or as `champion` when the registry is empty. Raises InvalidTable,
    InvalidValue or NotFound for what cannot be trained on or resumed; a run that fails is marked so and can be resumed.
    """
    import mlflow

    table = joined([read_table(path, request.cifs) for path in request.data])
    for note in (*table.failed, *table.notes):
        tell(f"{table.name}, {note}")
    job = pipeline.Job(table, _settings(request), request.name, _parent(request.start), request.device, request.workers)
    job = replace(job, unlabelled=_unlabelled(request, tell))
    if request.resume is not None:
        pipeline.claim_folder(pipeline.run_folder(request.resume), job)
    check = check_table(table, request.folds, request.seed)
    for line in check.lines():
        tell(line)
    tracking.client()
    with mlflow.start_run(run_id=request.resume, run_name=None if request.resume else request.name) as active:
        run_id = active.info.run_id
        tell(f"run {run_id}; to go on after a stop: --resume {run_id}")
        folder = home.run_folder(run_id)
        if request.resume is None:
            log_start(job)
        trained = pipeline.train(job, folder, progress)
        artefact = with_folds(pipeline.checked(trained.artefact), check.folds_by)
        artefact.save(folder / "artefact")
        log_metrics(trained.metrics)
        log_figures(trained)
        against = gate.against_champion(trained.out_of_fold, request.seed)
        gate.log(against)
        tell(str(against))
        uri = tracking.log_model(folder / "artefact")
    version, alias = registry.register(run_id, uri)
    registry.tag(version, against.tags())
    shutil.rmtree(folder)
    return {
        "run_id": run_id,
        "version": version,
        "alias": alias,
        "failed": [{"id": note.id, "reason": note.reason} for note in table.failed],
        "folds_by": check.folds_by,
        "cross_validation": dict(trained.metrics),
        "gate": against.as_dict(),
    }


def _settings(request: Request) -> TrainingSettings:
    fit = FitSettings() if request.epochs is None else replace(FitSettings(), epochs=request.epochs)
    return TrainingSettings(n_folds=request.folds, n_members=request.members, seed=request.seed, fit=fit)


def _unlabelled(request: Request, tell: Callable[[str], None]) -> tuple[Material, ...]:
    if not request.unlabelled or request.start != SCRATCH:
        return ()
    found = locate(DATA_SET)
    if found is None:
        tell(f"no unlabelled compounds are shown in training; `superion data fetch {DATA_SET}` would bring them here")
        return ()
    materials = unlabelled_materials(found[0])
    tell(
        f"{len(materials)} lithium compounds of {DATA_SET} are shown in training without a label, as probably poor "
        "conductors, except those that were measured; --no-unlabelled leaves them out"
    )
    return materials


def _parent(start: str) -> Predictor | None:
    if start == SCRATCH:
        return None
    if start != registry.CHAMPION:
        raise InvalidValue(f"a run starts from scratch or champion, not {start!r}", field="from", value=start)
    found = registry.resolve_or_release(registry.CHAMPION)
    return Predictor.from_folder(found.folder, version=found.version, alias=found.alias)


def log_start(job: pipeline.Job) -> None:
    """Log the parameters of a job, the check of its data and its rows that failed or were read otherwise."""
    import mlflow

    table, settings, unlabelled = job.table, job.settings, pipeline.unlabelled_of(job)
    parameters: dict[str, Any] = {
        "data": table.name,
        "data_digest": table.digest,
        "code_digest": tracking.code_digest(),
        "n_rows": len(table),
        "n_failed_rows": len(table.failed),
        "n_censored": table.n_censored,
        "n_with_structure": table.n_with_structure,
        "n_members": settings.n_members,
        "n_folds": settings.n_folds,
        "seed": settings.seed,
        "n_unlabelled": len(unlabelled),
        "unlabelled_digest": digest_of(unlabelled) or "none",
        "device": job.device,
        "parent": "scratch" if job.parent is None else f"{job.parent.model.name}/{job.parent.model.version}",
    }
    parameters |= {f"fit.{key}": value for key, value in asdict(settings.fit).items()}
    mlflow.log_params(parameters)
    mlflow.log_dict(check_table(table, settings.n_folds, settings.seed).as_dict(), "data_check.json")
    if table.failed or table.notes:
        mlflow.log_text("\n".join(map(str, (*table.failed, *table.notes))), "rows.txt")


def log_metrics(metrics: Mapping[str, Any]) -> None:
    """Log the figures of cross-validation, those of each fold as steps of one metric, to the active run."""
    import mlflow

    for number, value in enumerate(metrics["mae_by_fold"]):
        mlflow.log_metric("mae_of_fold", value, step=number)
    flat = {
        f"{part}.{key}": value
        for part, values in metrics.items()
        if isinstance(values, Mapping)
        for key, value in values.items()
    }
    flat |= {key: value for key, value in metrics.items() if key in ("n", "mae_spread")}
    mlflow.log_metrics({key: float(value) for key, value in flat.items() if isinstance(value, int | float)})
    mlflow.log_dict(dict(metrics), "cross_validation.json")


def log_figures(trained: pipeline.Trained) -> None:
    """Log figures of the training and of the predictions out of fold to the active run, under `figures/`."""
    import mlflow

    curves = {name: (np.arange(1, len(curve) + 1), curve) for name, curve in trained.curves.items()}
    made = figures.of_cross_validation(trained.out_of_fold) | {"training.png": plots.learning_curve(curves)}
    for name, figure in made.items():
        mlflow.log_figure(figure, f"figures/{name}")
