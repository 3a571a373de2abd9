"""Train an ensemble on a table, from rows to a registered model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from superion import __version__, home
from superion.errors import InvalidValue, NotFound
from superion.models.artefact import FORMAT_VERSION, Artefact, featuriser_fingerprint
from superion.models.distribution import FloatArray
from superion.models.domain import Domain, KnownMaterial
from superion.models.material import Material
from superion.models.predictor import Predictor
from superion.models.records import ModelName
from superion.training import cross_validation, reference
from superion.training.card import model_card
from superion.training.settings import TrainingSettings
from superion.training.splits import Fold, scoring_folds
from superion.training.stopping import parted
from superion.training.table import Measurement, MeasurementTable
from superion.training.units import FINAL, Unit, Work, fit_units, load_ensemble, training_curves, units_of
from superion.training.unlabelled import digest_of, without

if TYPE_CHECKING:
    from distributed import Client

Progress = Callable[[int, int], None]
"""Called with the number of units fitted, networks and the processes of a fold, and the number in all."""

SAME_COMPOSITION = 1e-4
"""Distance below which a composition is one that a parent model knew."""


@dataclass(frozen=True)
class Job:
    """Hold what a training run is asked for."""

    table: MeasurementTable
    settings: TrainingSettings
    name: str = "superion"
    parent: Predictor | None = None
    """Model to fine-tune from; None trains from scratch."""
    device: str = "cpu"
    workers: int | None = None
    show_training_rows: bool = True
    """Whether the artefact names the training rows, with their values, as nearest known materials."""
    unlabelled: Sequence[Material] = ()
    """Compounds to show to the networks without a label, beside the rows; see `unlabelled_of` for those that are."""


@dataclass(frozen=True)
class Trained:
    """Hold a finished artefact and how good it was in cross-validation."""

    artefact: Artefact
    metrics: Mapping[str, Any]
    out_of_fold: cross_validation.OutOfFold
    """What the metrics were taken from."""
    curves: Mapping[str, FloatArray]
    """Loss of every pass of the networks over their rows, by what they were trained on."""


def train(
    job: Job, folder: Path, progress: Progress = lambda done, total: None, client: Client | None = None
) -> Trained:
    """Cross-validate, calibrate and fit the final ensemble; `folder` keeps finished units for a resumed run.

    A client of Dask has the networks and processes fitted on its workers. Raises InvalidTable for a table too small to
    cross-validate or calibrate, InvalidValue for a patience that it is too small for, for a device that is not there or
    a folder that belongs to another job, Unavailable for a scheduler that is gone.
    """
    settings = settings_of(job)
    check_device(job.device)
    rows = job.table.rows
    usable = unknown_to(job.parent, rows)
    folds = folds_of(rows, settings)
    cross_validation.check_enough(rows, folds, usable)
    check_patience(job)
    claim_folder(folder, job)
    work = work_of(job, _training_rows(folds, len(rows)), folder / "networks")
    units = units_of(work)
    finished: list[Unit] = []

    def done(unit: Unit) -> None:
        finished.append(unit)
        progress(len(finished), len(units))

    progress(0, len(units))
    fit_units(work, units, workers=job.workers, client=client, done=done)
    found = cross_validation.predict_out_of_fold(work, folds, usable)
    metrics = cross_validation.report(found, settings.seed, _parent_domain(job))
    artefact = _artefact(job, settings, work, found, metrics)
    return Trained(artefact, metrics, found, training_curves(work))


def check_patience(job: Job) -> None:
    """Raise InvalidValue, before anything is fitted, for a patience with too few rows to hold some of them out."""
    settings = settings_of(job)
    if settings.fit.patience is None:
        return
    rows = job.table.rows
    for number, train in _training_rows(folds_of(rows, settings), len(rows)).items():
        for member in range(settings.n_members):
            parted([rows[index] for index in train], Unit(number, member).seed(settings.seed))


def work_of(job: Job, train: dict[int, Sequence[int]], folder: Path) -> Work:
    """Return what every unit of a job needs, with the rows that each fold learns from."""
    return Work(
        rows=job.table.rows,
        train=train,
        settings=settings_of(job),
        folder=folder,
        start=_parent_weights(job.parent),
        # What is fine-tuned pools and reserves as new models do, whatever the format of its parent.
        parent=None
        if job.parent is None
        else replace(job.parent.artefact.ensemble, pools=True, formula_processes=True, squared_reserve=True),
        device=job.device,
        unlabelled=unlabelled_of(job),
    )


def unlabelled_of(job: Job) -> tuple[Material, ...]:
    """Return the unlabelled compounds that the networks of a job are shown; none when it fine-tunes.

    A composition of any row of the job is left out in every fold: one that is tested must not be shown as an insulator.
    """
    if job.parent is not None:
        return ()
    return without(job.unlabelled, [row.material for row in job.table.rows])


def settings_of(job: Job) -> TrainingSettings:
    """Return the settings of a job, with the network of the parent where it fine-tunes."""
    if job.parent is None:
        return job.settings
    # Weights only fit the network that they were trained in.
    return replace(job.settings, network=job.parent.artefact.ensemble.config)


def check_device(device: str) -> None:
    """Raise InvalidValue for a device that torch does not find."""
    if device not in ("cpu", "cuda"):
        raise InvalidValue(f"the device is cpu or cuda, not {device!r}", field="device", value=device)
    if device == "cuda" and not torch.cuda.is_available():
        raise InvalidValue("no CUDA device is available to torch; use --device cpu", field="device", value=device)


def folds_of(rows: Sequence[Measurement], settings: TrainingSettings) -> list[Fold]:
    """Return the folds that score the rows of a job."""
    return scoring_folds(rows, settings.n_folds, settings.seed)[1]


def _training_rows(folds: Sequence[Fold], n_rows: int) -> dict[int, Sequence[int]]:
    by_fold: dict[int, Sequence[int]] = {number: fold.train.tolist() for number, fold in enumerate(folds)}
    by_fold[FINAL] = range(n_rows)
    return by_fold


def unknown_to(model: Predictor | None, rows: Sequence[Measurement]) -> npt.NDArray[np.bool_]:
    """Return which rows (n,) are of a composition that a model was not trained on; all without a model."""
    if model is None:
        return np.ones(len(rows), dtype=bool)
    domain = model.artefact.domain
    return np.array([domain.distance(row.material.formula) > SAME_COMPOSITION for row in rows], dtype=bool)


def _parent_domain(job: Job) -> Domain | None:
    return None if job.parent is None else job.parent.artefact.domain


def _parent_weights(parent: Predictor | None) -> list[dict[str, Tensor]] | None:
    if parent is None:
        return None
    return [dict(network.state_dict()) for network in parent.artefact.ensemble.networks]


def claim_folder(folder: Path, job: Job) -> None:
    """Note the job in its folder, or see that the one noted there is the same.

    Raises InvalidValue when the folder belongs to another job.
    """
    settings = settings_of(job)
    parent = None if job.parent is None else job.parent.model.as_dict()
    wanted = {
        "data": job.table.digest,
        "settings": asdict(settings),
        "parent": parent,
        "unlabelled": digest_of(unlabelled_of(job)),
        "featuriser": featuriser_fingerprint(),
        "format": FORMAT_VERSION,
        "superion": __version__,
    }
    text = json.dumps(wanted, sort_keys=True)
    note = folder / "job.json"
    if note.is_file():
        if note.read_text(encoding="utf-8") != text:
            raise InvalidValue(
                "the run to resume was started on other data or with other settings; start a new one",
                field="resume",
                value=folder.name,
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(text, encoding="utf-8")


def _artefact(
    job: Job,
    settings: TrainingSettings,
    work: Work,
    found: cross_validation.OutOfFold,
    metrics: Mapping[str, Any],
) -> Artefact:
    calibrations = cross_validation.calibrations(found)
    rows = job.table.rows
    known = [*(_known(rows) if job.show_training_rows else ()), *reference.known_materials()]
    domain = cross_validation.domain_of(found, _parent_domain(job), known)
    training = {
        "data": job.table.name,
        "data_digest": job.table.digest,
        "n_rows": len(rows),
        "n_with_structure": job.table.n_with_structure,
        "seed": settings.seed,
        "n_folds": len(found.folds),
        "parent": None if job.parent is None else job.parent.model.as_dict(),
        "fit": asdict(settings.fit),
        "n_unlabelled": len(work.unlabelled),
        "unlabelled_digest": digest_of(work.unlabelled),
        "metrics": dict(metrics),
    }
    ensemble = load_ensemble(work, FINAL)
    card = model_card(job.name, training, ensemble, shows_rows=job.show_training_rows)
    return Artefact(job.name, ensemble, calibrations, domain, card, training)


def _known(rows: Sequence[Measurement]) -> list[KnownMaterial]:
    return [
        KnownMaterial(
            str(row.material.formula),
            _shown_conductivity(row),
            row.doi or row.source or row.id,
            row.dataset,
        )
        for row in rows
    ]


def _shown_conductivity(row: Measurement) -> float | None:
    """Return a row's conductivity [S/cm] where it may stand beside a prediction: measured, near room temperature."""
    if row.log10_conductivity is None or row.censored or row.temperature_c > reference.ROOM_TEMPERATURE_MAX_C:
        return None
    return float(10.0**row.log10_conductivity)


def run_folder(run_id: str) -> Path:
    """Return the folder of an earlier run.

    Raises NotFound when this home holds no such run.
    """
    folder = home.run_folder(Path(run_id).name)
    if not (folder / "job.json").is_file():
        raise NotFound(f"there is no run {run_id!r} to resume", field="resume", value=run_id)
    return folder


def checked(artefact: Artefact) -> Artefact:
    """Return the artefact once it has answered for a known material; raises InvalidArtefact when it does not."""
    Predictor(artefact, ModelName(artefact.name, "new")).check()
    return artefact
