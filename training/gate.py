"""The gate of a new model: is it better than the champion on what the champion has not learned from?

The new model is judged by its predictions out of fold, the champion by its own predictions of the same rows; rows whose
composition the champion was trained on are left out, because it would answer them from memory. What remains favours the
champion a little, if anything: it may know other compositions of the same papers, and the ensembles of the folds have
learned from fewer rows than the model that is registered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from superion.errors import NotFound, SuperionError
from superion.models.distribution import FloatArray
from superion.models.predictor import RELEASE_FOLDER, Predictor
from superion.training import registry
from superion.training.baseline import PairedDifference, paired_difference
from superion.training.cross_validation import OutOfFold, energy_calibration, scored_conductivity
from superion.training.metrics import CONVENTIONS
from superion.training.pipeline import unknown_to
from superion.training.splits import paper_groups
from superion.training.table import Measurement

MIN_ROWS = 10
"""Fewer rows that are new to the champion tell nothing."""

MIN_PAPERS = 6
"""Fewer papers tell no two models apart at 95 %: all of five favour the same of two equals with a chance of 1 in 16."""

BETTER, WORSE, NOT_TOLD_APART = "better", "worse", "not told apart"

OUT_OF_FOLD, HOLDOUT = "out of fold", "holdout"

RELEASE = "the release model"


@dataclass(frozen=True)
class Comparison:
    """Hold the mean absolute errors of both models on the same rows, in log10(S/cm), under one convention."""

    mae: float
    champion_mae: float
    paired_difference: PairedDifference
    """Of the new model's error minus the champion's: below zero when the new model is the better."""


@dataclass(frozen=True)
class Gate:
    """Hold how a new model compares with the champion."""

    champion: str
    """What the new model was compared with."""
    verdict: str
    """`BETTER` or `WORSE` when the interval of the difference says so under both conventions, `NOT_TOLD_APART` when it
    does not, else why the two are not comparable."""
    n: int = 0
    """Rows that count: those that are new to the champion, and on a holdout to both."""
    n_papers: int = 0
    by_convention: Mapping[str, Comparison] | None = None
    """By the names of `CONVENTIONS`; None where the models are not comparable."""
    on: str = OUT_OF_FOLD
    """What rows those are: those of the new model's own table, or of a holdout."""

    def __str__(self) -> str:
        parts = [
            f"MAE {one.mae:.2f} against {one.champion_mae:.2f}, difference {one.paired_difference.mean:+.2f} "
            f"[{one.paired_difference.lower:+.2f}, {one.paired_difference.upper:+.2f}] ({name.replace('_', ' ')})"
            for name, one in (self.by_convention or {}).items()
        ]
        of_holdout = " of the holdout" if self.on == HOLDOUT else ""
        rows = f" on {self.n} rows of {self.n_papers} papers{of_holdout}" if parts else ""
        return "; ".join([f"gate against {self.champion}{rows}: {self.verdict}", *parts])

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; the conventions are None where there is no comparison."""
        return {
            "champion": self.champion,
            "verdict": self.verdict,
            "on": self.on,
            "n": self.n,
            "n_papers": self.n_papers,
            **{name: None if self.by_convention is None else asdict(self.by_convention[name]) for name in CONVENTIONS},
        }

    def metrics(self) -> dict[str, float]:
        """Return the numbers by the names under which they are tracked."""
        found = {"gate.n": float(self.n), "gate.n_papers": float(self.n_papers)}
        for name, one in (self.by_convention or {}).items():
            found |= {f"gate.{name}.mae": one.mae, f"gate.{name}.champion_mae": one.champion_mae}
            found |= {f"gate.{name}.difference_{key}": value for key, value in asdict(one.paired_difference).items()}
        return found

    def tags(self) -> dict[str, str]:
        """Return what is noted with the registered version."""
        numbers = {name: f"{value:.4g}" for name, value in self.metrics().items()}
        return {registry.GATE_VERDICT: self.verdict, registry.GATE_CHAMPION: self.champion, **numbers}


def against_champion(found: OutOfFold, seed: int) -> Gate:
    """Compare with the champion of the registry, or with the release model where it has none."""
    name = "the champion"
    try:
        name, champion = _champion()
        return compare(found, champion, name, seed)
    except SuperionError as error:
        # One of another format, say. The new model is finished and must not be lost for it.
        return Gate(name, f"not comparable: {name} cannot be asked: {error.message}")


def on_holdout(new: Predictor, rows: Sequence[Measurement], seed: int) -> Gate:
    """Compare a new model with the champion of the registry on rows that are kept from both.

    Rows of a composition that either of them has learned from all the same are left out.
    """
    name = "the champion"
    try:
        name, champion = _champion()
        return replace(compare_on(new, champion, name, rows, seed), on=HOLDOUT)
    except SuperionError as error:
        return Gate(name, f"not comparable: {name} cannot be asked: {error.message}", on=HOLDOUT)


def champion_name() -> str:
    """Return what a gate calls the champion of the registry; raises Unavailable when it cannot be asked."""
    return _champion_name(_registered_champion())


def compare_on(new: Predictor, champion: Predictor, name: str, rows: Sequence[Measurement], seed: int) -> Gate:
    """Compare two models by their own predictions of measured conductivities that neither has learned from."""
    measured = [row for row in rows if row.log10_conductivity is not None]
    known = ~(unknown_to(new, measured) & unknown_to(champion, measured))
    chosen = [row for row, is_known in zip(measured, known, strict=True) if not is_known]
    papers = list(paper_groups(chosen))
    refusal = _too_few(name, len(chosen), len(set(papers)), "new to both")
    if refusal is not None:
        return refusal
    means = [_means(model, chosen) for model in (new, champion)]
    value = np.array([row.log10_conductivity for row in chosen], dtype=float)
    censored = np.array([row.censored for row in chosen])
    errors = {}
    for convention, level in CONVENTIONS.items():
        new_error, old_error = (np.abs(mean - np.where(censored, level, value)) for mean in means)
        errors[convention] = (new_error, old_error)
    return _gate(name, errors, papers, seed)


def compare(found: OutOfFold, champion: Predictor, name: str, seed: int) -> Gate:
    """Compare predictions out of fold with those of a champion on the rows that are new to it.

    The interval of the difference is a bootstrap over papers, of 95 %, from `seed`.
    """
    scored, chosen = scored_conductivity(found, energy_calibration(found))
    groups = paper_groups(found.rows)
    new = unknown_to(champion, [found.rows[int(index)] for index in chosen])
    scored, chosen = scored.only(new), chosen[new]
    rows, papers = [found.rows[int(index)] for index in chosen], [groups[int(index)] for index in chosen]
    refusal = _too_few(name, len(rows), len(set(papers)), "new to the champion")
    if refusal is not None:
        return refusal
    mean = _means(champion, rows)
    errors = {
        convention: (
            scored.absolute_error(level),
            np.abs(mean - np.where(scored.censored, level, scored.measured)),
        )
        for convention, level in CONVENTIONS.items()
    }
    return _gate(name, errors, papers, seed)


def _too_few(name: str, n: int, n_papers: int, which: str) -> Gate | None:
    """Return the gate of rows that cannot tell two models apart, None where they may."""
    if n < MIN_ROWS:
        return Gate(name, f"not comparable: only {n} rows are {which}", n, n_papers)
    if n_papers < MIN_PAPERS:
        return Gate(name, f"not comparable: the {n} rows {which} are of {n_papers} papers", n, n_papers)
    return None


def _means(model: Predictor, rows: Sequence[Measurement]) -> FloatArray:
    mean, _ = model.log10_conductivity([row.material for row in rows], np.array([row.temperature_c for row in rows]))
    return mean


def _gate(name: str, errors: Mapping[str, tuple[FloatArray, FloatArray]], papers: Sequence[str], seed: int) -> Gate:
    """Return the verdict on absolute errors of a new model and of the champion, by convention."""
    comparisons = {
        convention: Comparison(float(new.mean()), float(old.mean()), paired_difference(new, old, papers, seed))
        for convention, (new, old) in errors.items()
    }
    said = verdict([one.paired_difference for one in comparisons.values()])
    return Gate(name, said, len(papers), len(set(papers)), comparisons)


def log(gate: Gate) -> None:
    """Log a gate to the active run: its numbers as metrics, all of it as `gate.json`."""
    import mlflow

    mlflow.log_metrics(gate.metrics())
    mlflow.log_dict(gate.as_dict(), "gate.json")


def _champion() -> tuple[str, Predictor]:
    found = _registered_champion()
    return _champion_name(found), Predictor.from_folder(found.folder, version=found.version, alias=found.alias)


def _registered_champion() -> registry.RegisteredModel:
    try:
        return registry.resolve_or_release(registry.CHAMPION)
    except NotFound:
        # Versions, but none of them the champion.
        return registry.RegisteredModel(registry.FIRST_VERSION, RELEASE_FOLDER)


def _champion_name(found: registry.RegisteredModel) -> str:
    return RELEASE if found.folder == RELEASE_FOLDER else f"champion {found.version}"


def verdict(differences: Sequence[PairedDifference]) -> str:
    """Return `BETTER` or `WORSE` where the intervals of all conventions say so, `NOT_TOLD_APART` where not."""
    # Where the conventions disagree, the verdict would be on how insulators are counted, not on the models.
    if all(difference.upper < 0.0 for difference in differences):
        return BETTER
    if all(difference.lower > 0.0 for difference in differences):
        return WORSE
    return NOT_TOLD_APART
