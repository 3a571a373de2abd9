"""One tracked training run: tables in, a registered version out."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superion import home
from superion.errors import InvalidTable, InvalidValue
from superion.models.material import Material
from superion.models.predictor import Predictor
from superion.models.records import ModelName
from superion.training import figures, gate, pipeline, plots, registry, tracking
from superion.training.card import with_folds
from superion.training.checks import check_table
from superion.training.datasets import locate
from superion.training.settings import TrainingSettings
from superion.training.settings_file import read_settings
from superion.training.table import Measurement, MeasurementTable, joined, read_table
from superion.training.unlabelled import DATA_SET, digest_of, unlabelled_materials

if TYPE_CHECKING:
    from distributed import Client

SCRATCH = "scratch"
ANSWER = "answer.json"
"""What `run` answers, but for the version, beside the run's other artefacts."""
LOGGED_FIRST = "data_digest"
"""A parameter that is logged as soon as a run begins."""


@dataclass(frozen=True)
class Request:
    """Hold what a user asks of a training run."""

    data: Sequence[Path]
    cifs: Path | None = None
    name: str = "superion"
    start: str = SCRATCH
    """"scratch", or "champion" or the number of a version to fine-tune."""
    resume: str | None = None
    seed: int = 0
    device: str = "cpu"
    members: int = 4
    folds: int = 5
    epochs: int | None = None
    workers: int | None = None
    unlabelled: bool = True
    """Whether lithium compounds without a label are shown, where training is from scratch and they are at hand."""
    tables: Sequence[MeasurementTable] = ()
    """Tables that were read already, after those of `data`."""
    settings: Path | None = None
    """File of settings that differ from the defaults; see `settings_file`."""
    holdout: Sequence[Measurement] = ()
    """Rows that no model may learn from: their compositions are left out, and the champion is met on them."""
    patience: int | None = None
    """Passes without a gain on held-out papers after which a network stops; None makes all of them."""


def run(
    request: Request,
    *,
    progress: pipeline.Progress = lambda done, total: None,
    tell: Callable[[str], None] = lambda message: None,
    started: Callable[[str], None] = lambda run_id: None,
    client: Client | None = None,
) -> dict[str, Any]:
    """Train as asked, track it in MLflow and register the model.

    `started` is called with the id of the run as soon as it can be resumed; a client of Dask has its parts fitted on
    its workers. Returns run id, version, alias, rows that
    failed, how many were left out for the holdout, the metrics of cross-validation and the gate against the champion.
    The model is registered as `challenger`, or as `champion` when the registry is empty. Raises InvalidTable,
    InvalidValue or NotFound for what cannot be trained on or resumed; a run that fails is marked so and can be resumed.
    """
    import mlflow

    table, n_left_out = _without_holdout(table_of(request), request.holdout, tell)
    for note in (*table.failed, *table.notes):
        tell(f"{table.name}, {note}")
    job = job_of(request, table, tell)
    if request.resume is not None:
        pipeline.claim_folder(pipeline.run_folder(request.resume), job)
    check = check_table(table, request.folds, request.seed)
    for line in check.lines():
        tell(line)
    pipeline.check_patience(job)  # before there is a run that could not be resumed without
    tracking.client()
    with mlflow.start_run(run_id=request.resume, run_name=None if request.resume else request.name) as active:
        run_id = active.info.run_id
        folder = home.run_folder(run_id)
        pipeline.claim_folder(folder, job)  # before anybody is told of the run: what is known can be resumed
        started(run_id)
        if LOGGED_FIRST not in tracking.client().get_run(run_id).data.params:
            log_start(job)
        trained = pipeline.train(job, folder, progress, client)
        artefact = with_folds(pipeline.checked(trained.artefact), check.folds_by)
        artefact.save(folder / "artefact")
        log_metrics(trained.metrics)
        log_figures(trained)
        if request.holdout:
            against = gate.on_holdout(
                Predictor(artefact, ModelName(artefact.name, "new")), request.holdout, request.seed
            )
        else:
            against = gate.against_champion(trained.out_of_fold, request.seed)
        gate.log(against)
        tell(str(against))
        answer = {
            "run_id": run_id,
            "failed": [{"id": note.id, "reason": note.reason} for note in table.failed],
            "n_left_out": n_left_out,
            "folds_by": check.folds_by,
            "cross_validation": dict(trained.metrics),
            "gate": against.as_dict(),
        }
        mlflow.log_dict(answer, ANSWER)
        uri = tracking.log_model(folder / "artefact")
    version, alias = registry.register(run_id, uri, against.tags())
    shutil.rmtree(folder)
    return {**answer, "version": version, "alias": alias}


def finished(run_id: str) -> dict[str, Any] | None:
    """Return what `run` answered for a run whose model is registered, None for any other.

    A process that was cut off before it could say so finds it here. Raises Unavailable when the registry cannot be
    asked.
    """
    import mlflow

    versions = registry.versions()
    found = next((one for one in versions if one.run_id == run_id), None)
    if found is None:
        return None
    with tracking.answering():
        answer: dict[str, Any] = mlflow.artifacts.load_dict(f"runs:/{run_id}/{ANSWER}")
    alias = registry.CHAMPION if registry.CHAMPION in found.aliases else registry.CHALLENGER
    if not found.aliases and found == versions[0]:
        # It was cut off before it was given its alias, and nothing was registered since.
        registry.name_challenger(found.version)
    return {**answer, "version": found.version, "alias": alias}


def job_of(request: Request, table: MeasurementTable, tell: Callable[[str], None]) -> pipeline.Job:
    """Return the job that a request asks for on a table; raises InvalidValue or NotFound for what cannot be done."""
    job = pipeline.Job(table, _settings(request), request.name, _parent(request.start), request.device, request.workers)
    return replace(job, unlabelled=_unlabelled(request, tell))


def table_of(request: Request) -> MeasurementTable:
    """Read the tables of a request; raises InvalidTable."""
    return joined([*(read_table(path, request.cifs) for path in request.data), *request.tables])


def _without_holdout(
    table: MeasurementTable, holdout: Sequence[Measurement], tell: Callable[[str], None]
) -> tuple[MeasurementTable, int]:
    """Return a table without the compositions of a holdout, and how many rows that has cost."""
    held = {row.composition for row in holdout}
    rows = tuple(row for row in table.rows if row.composition not in held)
    n_left_out = len(table.rows) - len(rows)
    if n_left_out:
        tell(f"{n_left_out} rows are left out: their compositions are in the holdout")
    if not rows:
        raise InvalidTable("all rows are of compositions in the holdout, which no model learns from", field="data")
    digest = hashlib.sha256(repr((table.digest, sorted(held))).encode()).hexdigest() if n_left_out else table.digest
    return replace(table, rows=rows, digest=digest), n_left_out


def _settings(request: Request) -> TrainingSettings:
    base = TrainingSettings() if request.settings is None else read_settings(request.settings)
    if request.settings is not None and request.start != SCRATCH and base.network != TrainingSettings().network:
        raise InvalidValue(
            f"{request.settings.name} has settings of the network, which is that of the model to fine-tune from: take "
            "settings that were found with --from, or train from scratch",
            field="network",
            value=request.settings.name,
        )
    fit = base.fit if request.epochs is None else replace(base.fit, epochs=request.epochs)
    fit = fit if request.patience is None else replace(fit, patience=request.patience)
    return replace(base, n_folds=request.folds, n_members=request.members, seed=request.seed, fit=fit)


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
    if start != registry.CHAMPION and not start.isdecimal():
        raise InvalidValue(
            f"a run starts from scratch or champion, or from a version by its number, not {start!r}",
            field="from",
            value=start,
        )
    found = registry.resolve_or_release(start)
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
