"""Grouped cross-validation: predictions that no paper and no composition of the test side has touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidTable
from superion.models.arrhenius import inverse_temperature_step
from superion.models.calibration import MIN_RESIDUALS, Calibration
from superion.models.distribution import FloatArray, Spread
from superion.models.domain import NOVELTY_QUANTILE, Domain, KnownMaterial, fraction_vectors
from superion.models.ensemble import Ensemble, TargetOutput
from superion.models.material import Material
from superion.models.predictor import conductivity_at
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY, from_formula
from superion.training.baseline import forest_predictions, paired_difference
from superion.training.families import families_of
from superion.training.metrics import (
    AREA_CONFIDENCES,
    CONVENTIONS,
    Scored,
    coverage,
    described,
    error_report,
    family_report,
    insulator_report,
    log_likelihood,
)
from superion.training.splits import Fold, paper_groups
from superion.training.table import Measurement
from superion.training.units import Work, load_ensemble

BoolArray = npt.NDArray[np.bool_]

FoldOutput = tuple[Mapping[str, TargetOutput], Mapping[str, TargetOutput]]
"""What is said of the rows of a fold by target, from all that is known and from the formula alone."""

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
    fold_of: npt.NDArray[np.int64]
    usable: BoolArray
    """Rows that score and calibrate: those whose composition the parent model, if any, did not know."""


def predict_out_of_fold(work: Work, folds: Sequence[Fold], usable: BoolArray) -> OutOfFold:
    """Predict every row with the ensemble of the fold that held it out."""
    found = [predict_fold(load_ensemble(work, n), work.rows, fold) for n, fold in enumerate(folds)]
    return joined(found, work.rows, folds, usable)


def predict_fold(ensemble: Ensemble, rows: Sequence[Measurement], fold: Fold) -> FoldOutput:
    """Predict the rows that a fold holds out, in its order, by all that is known of them and by the formula alone."""
    materials = [rows[int(index)].material for index in fold.test]
    return ensemble.predict(materials), ensemble.predict([Material(material.formula) for material in materials])


def joined(
    found: Sequence[FoldOutput], rows: Sequence[Measurement], folds: Sequence[Fold], usable: BoolArray
) -> OutOfFold:
    """Put what the ensembles of the folds said together, each of the rows that it did not see."""
    outputs, bare = [output for output, _ in found], [output for _, output in found]
    fold_of = np.zeros(len(rows), dtype=np.int64)
    for number, fold in enumerate(folds):
        fold_of[fold.test] = number
    # The folds' answers one after the other, put back into the order of the rows.
    order = np.argsort(np.concatenate([fold.test for fold in folds]))
    return OutOfFold(
        rows=rows,
        folds=folds,
        output={name: _reordered([part[name] for part in outputs], order) for name in outputs[0]},
        bare={name: _reordered([part[name] for part in bare], order) for name in bare[0]},
        fold_of=fold_of,
        usable=usable,
    )


def _reordered(parts: Sequence[TargetOutput], order: npt.NDArray[np.int64]) -> TargetOutput:
    shapes = [part.spread.shape for part in parts]
    known = [shape for shape in shapes if shape is not None]
    spread = Spread(
        np.concatenate([part.spread.aleatoric for part in parts]),
        np.concatenate([part.spread.epistemic for part in parts]),
        np.concatenate(known) if len(known) == len(shapes) else None,
    )
    novelty = [part.novelty for part in parts if part.novelty is not None]
    # A fold with too few rows may lack a kind, which can then not be reported by itself.
    kinds = [name for name in parts[0].kinds if all(name in part.kinds for part in parts)]
    return TargetOutput(
        np.concatenate([part.members for part in parts], axis=1)[:, order],
        spread.only(order),
        {name: np.concatenate([part.kinds[name] for part in parts])[order] for name in kinds},
        np.concatenate(novelty)[order] if len(novelty) == len(parts) else None,
    )


def check_enough(rows: Sequence[Measurement], folds: Sequence[Fold], usable: BoolArray) -> None:
    """Raise InvalidTable, before anything is fitted, when too few rows score to calibrate every fold on the others."""
    scoring = usable & _scores_conductivity(rows)
    fewest = min(int(scoring.sum() - scoring[fold.test].sum()) for fold in folds)
    if fewest < MIN_RESIDUALS:
        raise InvalidTable(
            f"{int(scoring.sum())} rows with a conductivity can be used for calibration, {fewest} of them outside the "
            f"largest fold, where {MIN_RESIDUALS} are needed; rows whose composition the model to fine-tune from "
            "already knows do not count",
            field="conductivity_S_per_cm",
            value=int(scoring.sum()),
        )


def _scores_conductivity(rows: Sequence[Measurement]) -> BoolArray:
    return np.array([row.log10_conductivity is not None and row.scored for row in rows], dtype=bool)


def _scoring(found: OutOfFold) -> npt.NDArray[np.int64]:
    """Return the numbers of the rows whose conductivity scores."""
    return np.flatnonzero(found.usable & _scores_conductivity(found.rows))


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
    nothing_censored = np.zeros(chosen.sum(), dtype=bool)
    return Calibration.fit(
        measured[chosen], nothing_censored, output.mean[chosen], output.spread.only(chosen), _papers(found)[chosen]
    )


def scored_conductivity(
    found: OutOfFold, energies: Calibration | None, outputs: Mapping[str, TargetOutput] | None = None
) -> tuple[Scored, npt.NDArray[np.int64]]:
    """Return the rows with a conductivity that score, each at its own temperature, and their row numbers.

    `outputs` is what is scored, `found.output` unless given.
    """
    chosen = _scoring(found)
    rows = [found.rows[int(index)] for index in chosen]
    step = np.array([inverse_temperature_step(row.temperature_c) for row in found.rows])
    mean, spread = conductivity_at(dict(found.output if outputs is None else outputs), step, energies)
    scored = Scored(
        measured=np.array([row.log10_conductivity for row in rows], dtype=np.float64),
        censored=np.array([row.censored for row in rows]),
        has_structure=np.array([row.material.crystal is not None for row in rows]),
        mean=mean[chosen],
        spread=spread.only(chosen),
        papers=_papers(found)[chosen],
    )
    return scored, chosen


def _papers(found: OutOfFold) -> npt.NDArray[np.int64]:
    """Return the number of every row's paper, shape (n_rows,).

    Where the folds do not keep papers apart it is that of its composition: the intervals are then those of new
    compositions of the same papers, as all that is reported is.
    """
    papers = np.unique(paper_groups(found.rows), return_inverse=True)[1]
    in_folds = np.unique(np.stack([papers, found.fold_of]), axis=1).shape[1]
    if in_folds == papers.max() + 1:
        return papers
    return np.unique([row.composition for row in found.rows], return_inverse=True)[1]


def calibrated(scored: Scored, among: BoolArray | None = None) -> Calibration:
    """Fit the calibration of the conductivity to scored rows, or to those `among` them."""
    part = scored if among is None else scored.only(among)
    return Calibration.fit(part.measured, part.censored, part.mean, part.spread, part.papers)


def report(found: OutOfFold, seed: int, parent: Domain | None = None) -> dict[str, Any]:
    """Report errors and their spread over folds, intervals calibrated on other folds, and the forest beside them.

    `parent` is the domain of the model that was fine-tuned.
    """
    energies = energy_calibration(found)
    scored, chosen = scored_conductivity(found, energies)
    fold_of = found.fold_of[chosen]
    error = scored.absolute_error(-15.0)
    interval, covered = intervals(scored, fold_of)
    per_fold = [float(error[fold_of == number].mean()) for number in np.unique(fold_of)]
    return {
        "n": len(scored),
        "n_censored": int(scored.censored.sum()),
        "n_with_structure": int(scored.has_structure.sum()),
        **error_report(scored),
        "mae_by_fold": per_fold,
        "mae_spread": float(np.std(per_fold, ddof=1)),
        "interval": interval,
        "formula_alone": _formula_alone(found, energies, fold_of),
        "parts": _parts(found, scored, chosen),
        "insulators": insulator_report(scored),
        "by_family": family_report(scored, families_of([found.rows[int(index)] for index in chosen]), covered),
        "by_domain": _by_domain(found, chosen, covered, error, parent),
        "activation_energy": _energy_report(found),
        "forest": _forest(found, scored, chosen, seed),
    }


def intervals(scored: Scored, fold_of: npt.NDArray[np.int64]) -> tuple[dict[str, Any], BoolArray]:
    """Report the intervals of all folds together, each calibrated on the others, and which rows (n,) they cover."""
    covered, width = np.zeros(len(scored), dtype=bool), np.zeros(len(scored))
    likelihoods, std = np.zeros(len(scored)), np.zeros(len(scored))
    reached = np.zeros((len(AREA_CONFIDENCES), len(scored)), dtype=bool)
    for number in np.unique(fold_of):
        inside = fold_of == number
        calibration, part = calibrated(scored, ~inside), scored.only(inside)
        covered[inside], width[inside] = coverage(part, calibration, CONFIDENCE)
        likelihoods[inside] = log_likelihood(part, calibration)
        std[inside] = part.spread.total * calibration.std_factor
        reached[:, inside] = [coverage(part, calibration, level)[0] for level in AREA_CONFIDENCES]
    answer = {
        "confidence": CONFIDENCE,
        **described(scored, covered, width, likelihoods, std),
        "miscalibration_area": float(np.abs(reached.mean(axis=1) - AREA_CONFIDENCES).mean()),
        "coverage_with_structure": (
            float(covered[scored.has_structure].mean()) if scored.has_structure.any() else None
        ),
    }
    return answer, covered


def domain_of(found: OutOfFold, parent: Domain | None = None, known: Sequence[KnownMaterial] = ()) -> Domain:
    """Return the domain of a model of all rows, and of its parent, with the known materials that it is to show."""
    own = Domain.fit([row.material.formula for row in found.rows], paper_groups(found.rows), known)
    # What the parent knew is not forgotten by fine-tuning.
    return replace(own, novelty_threshold=_novelty_threshold(found, _scoring(found))).joined(parent)


def _novelty_threshold(found: OutOfFold, among: npt.NDArray[np.int64]) -> float | None:
    """Return the novelty within which `NOVELTY_QUANTILE` of rows lie, None where the model cannot tell it."""
    novelty = found.output[CONDUCTIVITY].novelty
    return None if novelty is None else float(np.quantile(novelty[among], NOVELTY_QUANTILE))


def _by_domain(
    found: OutOfFold,
    chosen: npt.NDArray[np.int64],
    covered: BoolArray,
    error: FloatArray,
    parent: Domain | None,
) -> dict[str, Any]:
    """Report error and coverage inside and outside what each fold's training rows, and a parent's, span."""
    formulas = [row.material.formula for row in found.rows]
    own = domain_of(found)
    domain = own.joined(parent)
    novelty = found.output[CONDUCTIVITY].novelty
    novelties = [None] * len(formulas) if novelty is None else novelty.tolist()
    inside = np.zeros(len(found.rows), dtype=bool)
    for number, fold in enumerate(found.folds):
        learned = fraction_vectors([formulas[index] for index in fold.train])
        threshold = _novelty_threshold(found, chosen[found.fold_of[chosen] != number])
        known = replace(own, fractions=learned, novelty_threshold=threshold).joined(parent)
        inside[fold.test] = known.inside(
            [formulas[index] for index in fold.test], [novelties[index] for index in fold.test]
        )
    outside = ~inside[chosen]
    answer: dict[str, Any] = {"threshold": domain.threshold, "novelty_threshold": domain.novelty_threshold}
    for name, mask in (("inside", ~outside), ("outside", outside)):
        answer[name] = {
            "n": int(mask.sum()),
            "mae": float(error[mask].mean()) if mask.any() else None,
            "coverage": float(covered[mask].mean()) if mask.any() else None,
        }
    return answer


def _formula_alone(found: OutOfFold, energies: Calibration | None, fold_of: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Report errors and intervals when nothing but the formula is given."""
    scored, _ = scored_conductivity(found, energies, found.bare)
    errors = error_report(scored)
    del errors["with_structure"]
    return {**errors, "interval": intervals(scored, fold_of)[0]}


def _parts(found: OutOfFold, scored: Scored, chosen: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Report the errors of each kind of member by itself, each row at its own temperature."""
    steps = np.array([inverse_temperature_step(found.rows[int(index)].temperature_c) for index in chosen])
    energies = found.output[ACTIVATION_ENERGY]
    answer: dict[str, Any] = {}
    for name, mean in found.output[CONDUCTIVITY].kinds.items():
        energy = energies.kinds.get(name, energies.mean)
        alone = replace(scored, mean=mean[chosen] - steps * energy[chosen])
        answer[name] = {key: error_report(alone)[key] for key in CONVENTIONS} | {"insulators": insulator_report(alone)}
    return answer


def _energy_report(found: OutOfFold) -> dict[str, Any] | None:
    measured, scoring = energy_scores(found)
    if not scoring.any():
        return None
    error = np.abs(found.output[ACTIVATION_ENERGY].mean - measured)[scoring]
    constant = np.abs(measured[scoring] - np.median(measured[scoring]))
    return {"n": int(scoring.sum()), "mae_eV": float(error.mean()), "mae_of_median_eV": float(constant.mean())}


def _forest(found: OutOfFold, scored: Scored, chosen: npt.NDArray[np.int64], seed: int) -> dict[str, Any]:
    known = _scores_conductivity(found.rows)
    folds = [Fold(train=fold.train[known[fold.train]], test=fold.test[known[fold.test]]) for fold in found.folds]
    forest = replace(scored, mean=forest_predictions(found.rows, folds, seed)[chosen])
    groups = np.array(paper_groups(found.rows))[chosen]
    answer: dict[str, Any] = {}
    for name, level in CONVENTIONS.items():
        difference = paired_difference(scored.absolute_error(level), forest.absolute_error(level), list(groups), seed)
        answer[name] = {"mae": float(forest.absolute_error(level).mean()), "paired_difference": asdict(difference)}
    low = scored.measured < -6.0
    answer["insulators"] = insulator_report(forest)
    answer["mae_below_-6"] = {
        name: float(one.only(low).absolute_error(-15.0).mean()) if low.any() else None
        for name, one in (("model", scored), ("forest", forest))
    }
    return answer
