"""The prediction of one part on a worker, whose process loads the model once."""

from __future__ import annotations

import gc
import hashlib
import sys
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from superion.discovery.screening.columns import OF_STABILITY, Row, tables
from superion.discovery.screening.condition import Condition
from superion.discovery.screening.parts import Item, Part
from superion.errors import InvalidArtefact, InvalidCrystal, InvalidValue, Unavailable
from superion.featurizers.fingerprint import structure_fingerprint
from superion.loading import find_model
from superion.models.arrhenius import inverse_temperature_step
from superion.models.calibration import check_confidence
from superion.models.inputs import ReadMaterial
from superion.models.material import Material
from superion.models.predictor import RELEASE_FOLDER, Predictor
from superion.models.records import Failure

BATCH = 500
"""Materials that are predicted together, which bounds the memory."""
BATCH_ATOMS = 5000
"""Atoms in the cells of a batch at which it is full; one crystal may be above it."""

_loading = threading.Lock()


@dataclass(frozen=True)
class Model:
    """Name the model that predicts, so that every worker loads the same."""

    folder: Path | None
    """None for the release model, which each worker has where superion is installed."""
    version: str | None
    alias: str | None
    digest: str
    """SHA-256 of its configuration, which holds those of its other files."""

    @classmethod
    def of(cls, folder: Path, version: str | None, alias: str | None) -> Model:
        """Name the model in a folder; raises InvalidArtefact where there is none."""
        if not (folder / "config.json").is_file():
            raise InvalidArtefact(f"{folder} holds no model", field="model", value=str(folder))
        given = None if folder == RELEASE_FOLDER else folder.absolute()
        return cls(given, version, alias, _digest(folder))

    def load(self) -> Predictor:
        """Return the model of this process; raises Unavailable where the worker cannot have the same one."""
        with _loading:
            return _loaded(self)


@dataclass(frozen=True)
class Asked:
    """Hold what is asked of every part."""

    model: Model
    temperature_c: float
    confidence: float
    where: str | None = None
    """Which rows are kept of what was predicted."""
    stability: bool = True
    """Whether lithium metal is asked about, and what is learned with it."""

    @classmethod
    def of(
        cls, model: str | Path, temperature_c: float, confidence: float, where: str | None, stability: bool = True
    ) -> Asked:
        """Ask it of the model that a name stands for; raises InvalidValue for what cannot be asked, NotFound."""
        check_confidence(confidence)
        inverse_temperature_step(temperature_c)
        if where is not None:
            condition = Condition(where)
            unasked = [name for name in condition.columns if name in OF_STABILITY]
            if unasked and not stability:
                raise InvalidValue(
                    f"where: without stability nothing is known of {', '.join(unasked)}", field="where", value=where
                )
        found = find_model(model)
        return cls(Model.of(found.folder, found.version, found.alias), temperature_c, confidence, where, stability)


@dataclass(frozen=True)
class Judged:
    """Hold what came of a part."""

    n: int
    """Materials read."""
    results: pa.Table
    """Those that were predicted and meet the condition."""
    failures: pa.Table


def judge(part: Part, asked: Asked) -> Judged:
    """Predict the materials of a part; a fault of one is a row of the failures.

    Raises Unavailable where the model cannot be had, OSError where the list cannot be read.
    """
    predictor = asked.model.load()
    items = part.read()
    rows: list[Row] = []
    for batch in _batches(items, predictor):
        report = predictor.answer(batch, asked.temperature_c, asked.confidence, stability=asked.stability)
        for read, answer in zip(batch, report.predictions, strict=True):
            composition, fingerprint = (None, None) if isinstance(read, Failure) else _keys(read.material)
            name = items[len(rows)].id or ""
            rows.append(Row(part.first + len(rows), name, composition, fingerprint, answer))
    results, failures = tables(rows, predictor.model, asked.temperature_c)
    if asked.where is not None and len(results):
        results = results.filter(pa.array(Condition(asked.where).holds(results)))
    return Judged(len(items), results, failures)


def _keys(material: Material) -> tuple[str, str | None]:
    """Return the keys of a composition and of a structure."""
    if material.crystal is None:
        return material.formula.canonical, None
    try:
        return material.formula.canonical, structure_fingerprint(material.crystal)
    except InvalidCrystal:
        return material.formula.canonical, None


def _batches(items: list[Item], predictor: Predictor) -> list[list[ReadMaterial | Failure]]:
    batches: list[list[ReadMaterial | Failure]] = [[]]
    atoms = 0
    for item in items:
        (read,) = [item] if isinstance(item, Failure) else predictor.read([item])
        crystal = None if isinstance(read, Failure) else read.material.crystal
        n_atoms = 0 if crystal is None else crystal.n_sites
        if len(batches[-1]) == BATCH or (batches[-1] and atoms + n_atoms > BATCH_ATOMS):
            batches.append([])
            atoms = 0
        batches[-1].append(read)
        atoms += n_atoms
    return batches


@lru_cache(maxsize=1)
def _loaded(model: Model) -> Predictor:
    worker = _is_worker()
    if worker:
        import torch

        # It is one of several on the machine, and has a core to itself.
        torch.set_num_threads(1)
    folder = RELEASE_FOLDER if model.folder is None else model.folder
    if not (folder / "config.json").is_file():
        raise Unavailable(
            f"a worker finds no model in {folder}: it has to be on a disk that all workers see", field="model"
        )
    if _digest(folder) != model.digest:
        raise Unavailable(
            f"a worker finds another model in {folder}; its superion is of another version", field="model"
        )
    predictor = Predictor.from_folder(folder, version=model.version, alias=model.alias).check()
    if worker:
        # The model stays for as long as the process does: without it the collector has little to look through.
        gc.collect()
        gc.freeze()
    return predictor


def _is_worker() -> bool:
    """Tell whether this is a process of Dask's, and not that of a notebook, in which nothing is changed."""
    if "distributed" not in sys.modules:
        return False
    from distributed import get_worker

    try:
        get_worker()
    except ValueError:
        return False
    return True


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()
