"""Grouped cross-validation: predictions that no paper and no composition of the test side has touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidTable
from superion.models.arrhenius import inverse_temperature_step
from superion.models.calibration import MIN_RESIDUALS, Calibration, FloatArray, Spread
from superion.models.ensemble import TargetOutput
from superion.models.material import Material
from superion.models.predictor import conductivity_at
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY, from_formula
from superion.training.baseline import forest_predictions, paired_difference
from superion.training.metrics import CONVENTIONS, Scored, coverage, error_report, interval_report
from superion.training.splits import Fold, paper_groups
from superion.training.table import Measurement
from superion.training.units import Work, load_ensemble

BoolArray = npt.NDArray[np.bool_]

CONFIDENCE = 0.9
"""At which coverage and width are reported."""


@dataclass(frozen=True)
class OutOfFold:
    """Hold what the ensembles of the folds say of the rows that each did not see."""

    rows: Sequence[Measurement]
    folds: Sequence[Fold]
    output: Mapping[str, TargetOutput]
    """By target, in the order of `rows`, from all that is known of each row's material."""
    bare: Mapping[str, TargetOutput]
    """The same from the formula alone, as most questions are asked."""
    n_networks: int
    """Members that are networks; those after them are parts of forests."""
    fold_of: npt.NDArray[np.int64]
    usable: BoolArray
    """Rows that score and calibrate: those whose composition the parent model, if any, did not know."""


def predict_out_of_fold(work: Work, folds: Sequence[Fold], usable: BoolArray) -> OutOfFold:
    """Predict every row with the ensemble of the fold that held it out."""
    outputs, bare = [], []
    fold_of = np.zeros(len(work.rows), dtype=np.int64)
    for number, fold in enumerate(folds):
        ensemble = load_ensemble(work, number)
        materials = [work.rows[int(index)].material for index in fold.test]
        fold_of[fold.test] = number
        outputs.append(ensemble.predict(materials))
        bare.append(ensemble.predict([Material(material.formula) for material in materials]))
    # The folds' answers one after the other, put back into the order of the rows.
    order = np.argsort(np.concatenate([fold.test for fold in folds]))
    return OutOfFold(
        rows=work.rows,
        folds=folds,
        output={name: _reordered([part[name] for part in outputs], order) for name in outputs[0]},
        bare={name: _reordered([part[name] for part in bare], order) for name in bare[0]},
        n_networks=work.settings.n_members,
        fold_of=fold_of,
        usable=usable,
    )


def _reordered(parts: Sequence[TargetOutput], order: npt.NDArray[np.int64]) -> TargetOutput:
    # A fold with too few rows for forests answers by its networks alone, which then stand twice, as in an ensemble.
    n_members = max(len(part.members) for part in parts)
    members = np.concatenate([np.tile(part.members, (n_members // len(part.members), 1)) for part in parts], axis=1)
    aleatoric = np.concatenate([part.spread.aleatoric for part in parts])
    epistemic = np.concatenate([part.spread.epistemic for part in parts])
    return TargetOutput(members[:, order], Spread(aleatoric[order], epistemic[order]))


def check_enough(rows: Sequence[Measurement], folds: Sequence[Fold], usable: BoolArray) -> None:
    """Raise InvalidTable, before anything is fitted, when too few rows score to calibrate every fold on the others."""
    scoring = usable & _has_conductivity(rows)
    fewest = min(int(scoring.sum() - scoring[fold.test].sum()) for fold in folds)
    if fewest < MIN_RESIDUALS:
        raise InvalidTable(
            f"{int(scoring.sum())} rows with a conductivity can be used for calibration, {fewest} of them outside the "
            f"largest fold, where {MIN_RESIDUALS} are needed; rows whose composition the model to fine-tune from "
            "already knows do not count",
            field="conductivity_S_per_cm",
            value=int(scoring.sum()),
        )


def _has_conductivity(rows: Sequence[Measurement]) -> BoolArray:
    return np.array([row.log10_conductivity is not None for row in rows], dtype=bool)


def energy_scores(found: OutOfFold) -> tuple[FloatArray, BoolArray]:
    """Return measured activation energies (n_rows,) [eV], NaN where unknown, and which of them score."""
    measured = np.array([np.nan if row.activation_energy is None else row.activation_energy for row in found.rows])
    return measured, np.isfinite(measured) & found.usable


def calibrations(found: OutOfFold) -> dict[str, Calibration]:
    """Fit every calibration that the rows allow: of each target, from all that is known and from bare formulas."""
    fitted = {}
    energies = energy_calibration(found)
    for name, outputs in ((ACTIVATION_ENERGY, found.output), (from_formula(ACTIVATION_ENERGY), found.bare)):
        calibration = energy_calibration(found, outputs)
        if calibration is not None:
            fitted[name] = calibration
    for name, outputs in ((CONDUCTIVITY, found.output), (from_formula(CONDUCTIVITY), found.bare)):
        fitted[name] = calibrated(scored_conductivity(found, energies, outputs)[0])
    return fitted


def energy_calibration(found: OutOfFold, outputs: Mapping[str, TargetOutput] | None = None) -> Calibration | None:
    """Fit the calibration of the activation energy, None when too few rows have one."""
    measured, chosen = energy_scores(found)
    if chosen.sum() < MIN_RESIDUALS:
        return None
    output = (found.output if outputs is None else outputs)[ACTIVATION_ENERGY]
    spread = Spread(output.spread.aleatoric[chosen], output.spread.epistemic[chosen])
    return Calibration.fit(measured[chosen], np.zeros(chosen.sum(), dtype=bool), output.mean[chosen], spread)


def scored_conductivity(
    found: OutOfFold, energies: Calibration | None, outputs: Mapping[str, TargetOutput] | None = None
) -> tuple[Scored, npt.NDArray[np.int64]]:
    """Return the rows with a conductivity that score, each at its own temperature, and their row numbers.

    `outputs` is what is scored, `found.output` unless given.
    """
    chosen = np.flatnonzero(found.usable & _has_conductivity(found.rows))
    rows = [found.rows[int(index)] for index in chosen]
    step = np.array([inverse_temperature_step(row.temperature_c) for row in found.rows])
    mean, spread = conductivity_at(dict(found.output if outputs is None else outputs), step, energies)
    scored = Scored(
        measured=np.array([row.log10_conductivity for row in rows], dtype=np.float64),
        censored=np.array([row.censored for row in rows]),
        has_structure=np.array([row.material.crystal is not None for row in rows]),
        mean=mean[chosen],
        spread=Spread(spread.aleatoric[chosen], spread.epistemic[chosen]),
    )
    return scored, chosen


def calibrated(scored: Scored, among: BoolArray | None = None) -> Calibration:
    """Fit the calibration of the conductivity to scored rows, or to those `among` them."""
    part = scored if among is None else scored.only(among)
    return Calibration.fit(part.measured, part.censored, part.mean, part.spread)


def report(found: OutOfFold, seed: int) -> dict[str, Any]:
    """Report errors and their spread over folds, intervals calibrated on other folds, and the forest beside them."""
    energies = energy_calibration(found)
    scored, chosen = scored_conductivity(found, energies)
    fold_of = found.fold_of[chosen]
    error = scored.absolute_error(-15.0)
    per_fold = [float(error[fold_of == number].mean()) for number in np.unique(fold_of)]
    return {
        "n": len(scored),
        "n_censored": int(scored.censored.sum()),
        "n_with_structure": int(scored.has_structure.sum()),
        **error_report(scored),
        "mae_by_fold": per_fold,
        "mae_spread": float(np.std(per_fold, ddof=1)),
        "interval": _interval(scored, fold_of),
        "formula_alone": _formula_alone(found, energies, fold_of),
        "parts": _parts(found, energies),
        "activation_energy": _energy_report(found),
        "forest": _forest(found, scored, chosen, seed),
    }


def _interval(scored: Scored, fold_of: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Average the interval reports of the folds, each calibrated on the others, by number of rows."""
    numbers = np.unique(fold_of)
    parts, weights, covered = [], [], np.zeros(len(scored), dtype=bool)
    for number in numbers:
        inside = fold_of == number
        calibration = calibrated(scored, ~inside)
        parts.append(interval_report(scored.only(inside), calibration, CONFIDENCE))
        weights.append(inside.sum())
        covered[inside] = coverage(scored.only(inside), calibration, CONFIDENCE)[0]
    answer: dict[str, Any] = {"confidence": CONFIDENCE} | {
        key: float(np.average([part[key] for part in parts], weights=weights))
        for key in ("coverage", "mean_width", "nll", "miscalibration_area")
    }
    level = np.where(scored.censored, -np.inf, scored.measured)
    masks = {"below -9": level < -9.0, "-9 to -6": (level >= -9.0) & (level <= -6.0), "above -6": level > -6.0}
    answer["coverage_by_measured_level"] = {
        name: float(covered[mask].mean()) if mask.any() else None for name, mask in masks.items()
    }
    answer["coverage_with_structure"] = (
        float(covered[scored.has_structure].mean()) if scored.has_structure.any() else None
    )
    return answer


def _formula_alone(found: OutOfFold, energies: Calibration | None, fold_of: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Report errors and intervals when nothing but the formula is given."""
    scored, _ = scored_conductivity(found, energies, found.bare)
    errors = error_report(scored)
    del errors["with_structure"]
    return {**errors, "interval": _interval(scored, fold_of)}


def _parts(found: OutOfFold, energies: Calibration | None) -> dict[str, Any]:
    """Report the errors of the networks and of the forests by themselves."""
    answer: dict[str, Any] = {}
    for name, members in (("networks", slice(0, found.n_networks)), ("forests", slice(found.n_networks, None))):
        outputs = {
            target: TargetOutput(output.members[members], output.spread) for target, output in found.output.items()
        }
        if len(outputs[ACTIVATION_ENERGY].members):
            scored, _ = scored_conductivity(found, energies, outputs)
            answer[name] = {key: error_report(scored)[key] for key in CONVENTIONS}
    return answer


def _energy_report(found: OutOfFold) -> dict[str, Any] | None:
    measured, scoring = energy_scores(found)
    if not scoring.any():
        return None
    error = np.abs(found.output[ACTIVATION_ENERGY].mean - measured)[scoring]
    constant = np.abs(measured[scoring] - np.median(measured[scoring]))
    return {"n": int(scoring.sum()), "mae_eV": float(error.mean()), "mae_of_median_eV": float(constant.mean())}


def _forest(found: OutOfFold, scored: Scored, chosen: npt.NDArray[np.int64], seed: int) -> dict[str, Any]:
    known = np.array([row.log10_conductivity is not None for row in found.rows])
    folds = [Fold(train=fold.train[known[fold.train]], test=fold.test[known[fold.test]]) for fold in found.folds]
    predicted = forest_predictions(found.rows, folds, seed)[chosen]
    groups = np.array(paper_groups(found.rows))[chosen]
    answer: dict[str, Any] = {}
    for name, level in (("censored_at_-15", -15.0), ("censored_at_-10", -10.0)):
        other = np.abs(predicted - np.where(scored.censored, level, scored.measured))
        difference = paired_difference(scored.absolute_error(level), other, list(groups), seed)
        answer[name] = {"mae": float(other.mean()), "paired_difference": asdict(difference)}
    return answer
