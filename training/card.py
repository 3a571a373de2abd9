"""The model card: what the model was trained on, how wrong it is, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from superion.models.artefact import Artefact
from superion.models.ensemble import Ensemble
from superion.models.meyer_neldel import FLOOR, WEIGHT

NOT_FOR = """\
## What it must not be used for

- Materials without lithium, liquids, polymers and composites: it has seen none.
- Deciding safety, or replacing a measurement: an error of a decade is normal, and three decades happen.
- Telling apart samples of one composition: density, grain boundaries, annealing and pressing, which move a measured
  conductivity by half a decade, are not among its inputs.
- Stability against lithium metal, which another model of the same package answers.
- Recognising insulators with confidence: it is least certain, and its intervals cover least, below 1e-9 S/cm (the
  table of coverage above says by how much).
- Conductivity across a phase transition, where no single Arrhenius line holds (hydroborates, undoped garnet).
"""

MEMBERS = {
    "networks": "graph networks over the composition and, where one is given, the crystal structure, disordered sites "
    "as they are",
    "forests": "random forests over element amounts, space group and lattice",
    "processes": "Gaussian processes over distances between compositions, in which elements that replace one another "
    "in known compounds are near, and between cells",
    "formula processes": "the same by the formula alone",
}
"""What the card calls the kinds of members of an ensemble."""

FAMILY_ROWS = 8
"""Smaller families are not listed."""

FOLDS_BY_PAPER = """\
folds grouped by paper; rows whose composition occurs in the test fold are left out of
that fold's training. In log10(S/cm):"""
FOLDS_BY_COMPOSITION = """\
folds grouped by composition, because the papers of the table do not allow more: this is the error on new compositions
of the same papers. The error on new papers is not known, and is larger. In log10(S/cm):"""


def model_card(name: str, training: Mapping[str, Any], ensemble: Ensemble, *, shows_rows: bool) -> str:
    """Write the card, in Markdown, from what the run measured; `shows_rows` tells that the artefact names its rows."""
    metrics = training["metrics"]
    return "\n".join(
        [
            f"# {name}: lithium-ion conductivity of solid electrolytes",
            "",
            _data(training, ensemble, shows_rows),
            _errors(metrics),
            _against_forest(metrics),
            _insulators(metrics),
            _families(metrics),
            _intervals(metrics),
            _domain(metrics["by_domain"]),
            NOT_FOR,
        ]
    )


def with_folds(artefact: Artefact, folds_by: str | None) -> Artefact:
    """Say in an artefact what the folds followed that it was scored in: its card speaks of papers until told."""
    card = artefact.card
    if folds_by == "composition":
        card = card.replace(FOLDS_BY_PAPER, FOLDS_BY_COMPOSITION)
        card = card.replace("bootstrap over papers", "bootstrap over papers, over rows where all are of one")
    return replace(artefact, training={**artefact.training, "folds_by": folds_by}, card=card)


def _data(training: Mapping[str, Any], ensemble: Ensemble, shows_rows: bool) -> str:
    metrics = training["metrics"]
    parent = training.get("parent")
    origin = (
        "Trained from scratch" if parent is None else f"Fine-tuned from {parent['name']} version {parent['version']}"
    )
    kinds = "; ".join(MEMBERS[name] for name in metrics["parts"])
    n_unlabelled = training.get("n_unlabelled", 0)
    unlabelled = (
        f"\nThe networks were also shown {n_unlabelled:,} lithium compounds without a measurement, as weak evidence "
        "that an unknown compound conducts poorly.\n"
        if n_unlabelled
        else ""
    )
    return f"""\
An ensemble whose kinds of members weigh the same: {kinds}. It answers log10 of the conductivity at 25 degrees Celsius
and an activation energy; conductivity at another temperature is Arrhenius in the conductivity. {origin}.
{_beside_the_members(ensemble)}
## Data

{training["data"]} (SHA-256 `{training["data_digest"][:16]}`): {training["n_rows"]} rows, of which {metrics["n"]} score
with a conductivity; {metrics["n_censored"]} of these are reported as below a limit and learned as
{training["fit"]["censored_at"]:g}; {metrics["n_with_structure"]} have a crystal structure. Seed {training["seed"]}.
The artefact holds, in `domain.npz`, the compositions that were trained on{", with their values" if shows_rows else ""}.
{unlabelled}"""


def _beside_the_members(ensemble: Ensemble) -> str:
    """Say what else the answers rest on, a line each."""
    said = ""
    if ensemble.processes.hurdle is None and ensemble.processes.processes and ensemble.formula_processes:
        said += "\nWhere no cell is known, the processes by the formula count double.\n"
    elif ensemble.processes.hurdle is not None:
        said += (
            "\nWhere no cell is known, a hurdle stands in place of the processes by the formula alone: how likely the "
            "material is an insulator, and how well it conducts if it is none.\n"
        )
    line = ensemble.meyer_neldel
    if line is not None:
        said += (
            f"\nThe activation energy is to {100 * WEIGHT:.0f} % what the conductivity implies by the Meyer-Neldel "
            f"rule, {line.intercept:.2f} eV at 1 S/cm, and {-line.slope:.3f} eV more for every decade below that, "
            f"down to 1e{FLOOR:.0f} S/cm.\n"
        )
    return said


def _errors(metrics: Mapping[str, Any]) -> str:
    alone = metrics["formula_alone"]
    names = (
        ("censored rows at -15", metrics["censored_at_-15"]),
        ("censored rows at -10", metrics["censored_at_-10"]),
        ("uncensored rows alone", metrics["uncensored"]),
        ("with a structure, at -15", metrics["with_structure"]["censored_at_-15"]),
        ("with a structure, at -10", metrics["with_structure"]["censored_at_-10"]),
        ("from the formula alone, at -15", alone["censored_at_-15"]),
        ("from the formula alone, at -10", alone["censored_at_-10"]),
    )
    rows = "\n".join(
        f"| {label} | {_figure(m['mae'])} | {_figure(m['rmse'])} | {_figure(m['r2'])} | {_figure(m['spearman'])} |"
        for label, m in names
    )
    parts = "; ".join(f"{name} {part['censored_at_-15']['mae']:.2f}" for name, part in metrics["parts"].items())
    folds = ", ".join(f"{value:.2f}" for value in metrics["mae_by_fold"])
    energy = metrics["activation_energy"]
    energy_line = (
        "No activation energies were learned."
        if energy is None
        else f"Activation energy: MAE {energy['mae_eV']:.3f} eV over {energy['n']} rows "
        f"(the median alone: {energy['mae_of_median_eV']:.3f} eV)."
    )
    return f"""\
## Error in grouped cross-validation

{len(metrics["mae_by_fold"])} {FOLDS_BY_PAPER}

| rows | MAE | RMSE | R2 | Spearman |
| --- | --- | --- | --- | --- |
{rows}

MAE at -15 by fold: {folds} (standard deviation {metrics["mae_spread"]:.2f}). Parts of the
ensemble by themselves, MAE at -15: {parts}. {energy_line}
"""


def _against_forest(metrics: Mapping[str, Any]) -> str:
    lines = []
    for name, label in (("censored_at_-15", "-15"), ("censored_at_-10", "-10")):
        forest = metrics["forest"][name]
        difference = forest["paired_difference"]
        lines.append(
            f"- at {label}: forest {forest['mae']:.2f}; this model minus forest {difference['mean']:+.3f} "
            f"(95 % interval {difference['lower']:+.3f} to {difference['upper']:+.3f}, bootstrap over papers)"
        )
    return "Against the published random forest in the same folds (MAE):\n\n" + "\n".join(lines) + "\n"


def _insulators(metrics: Mapping[str, Any]) -> str:
    found = metrics["insulators"]
    if found["roc_auc"] is None:
        return "Insulators (below 1e-9 S/cm): too few rows to say how well they are told apart.\n"
    forest = metrics["forest"]
    theirs, low = forest["insulators"], forest["mae_below_-6"]
    return (
        f"Insulators (below 1e-9 S/cm, {found['n_insulators']} of {found['n']} rows) by the predicted mean: area under "
        f"the ROC curve {found['roc_auc']:.3f}, average precision {found['average_precision']:.2f}; the forest "
        f"{_figure(theirs['roc_auc'], 3)} and {_figure(theirs['average_precision'])}. Rows below 1e-6 S/cm: MAE at -15 "
        f"{_figure(low['model'])}, the forest {_figure(low['forest'])}.\n"
    )


def _families(metrics: Mapping[str, Any]) -> str:
    shown = {name: one for name, one in metrics["by_family"].items() if one["n"] >= FAMILY_ROWS}
    rows = "\n".join(
        f"| {name} | {one['n']} | {_figure(one['mae'])} | {_figure(one['mae_at_-10'])} | {_figure(one['coverage'])} |"
        for name, one in shown.items()
    )
    return f"""\
By family, those with {FAMILY_ROWS} rows or more:

| family | rows | MAE at -15 | MAE at -10 | coverage |
| --- | --- | --- | --- | --- |
{rows}
"""


def _intervals(metrics: Mapping[str, Any]) -> str:
    interval, alone = metrics["interval"], metrics["formula_alone"]["interval"]
    levels = "\n".join(
        f"| measured log10 {name} | {_figure(value)} |"
        for name, value in interval["coverage_by_measured_level"].items()
    )
    thirds = "\n".join(
        f"| predicted, {name} third | {_figure(value)} |"
        for name, value in interval["coverage_by_predicted_third"].items()
    )
    return f"""\
## Intervals

Conformal: between quantiles of the distribution that the members predict together, calibrated on predictions out of
fold. Measured with each fold calibrated on the others, at a confidence of {interval["confidence"]:g}: coverage
{interval["coverage"]:.3f}, mean width {interval["mean_width"]:.2f} decades, negative log-likelihood
{interval["nll"]:.2f}, miscalibration area {interval["miscalibration_area"]:.3f}, rank correlation of the error with the
standard deviation {_figure(interval["spearman_error_std"])}. With a structure: coverage
{_figure(interval["coverage_with_structure"])}.

| rows | coverage |
| --- | --- |
{levels}
{thirds}

Coverage is meant to be right on average over materials like these; how it varies with the level, the table shows. Bare
formulas have a calibration of their own: coverage {alone["coverage"]:.3f}, mean width
{alone["mean_width"]:.2f} decades.
"""


def _domain(measured: Mapping[str, Any]) -> str:
    inside, outside, novelty = measured["inside"], measured["outside"], measured["novelty_threshold"]
    rule = (
        f"no more than {100 * measured['threshold']:.0f} % of its atoms would have to be exchanged for other elements\n"
        "to make a training composition, and no element is new"
        if novelty is None
        else f"its novelty is at most {novelty:.2f}: the share of what could be known of the\n"
        "conductivity from the formula that the training rows leave open to the Gaussian process on formulas;\n"
        "and when a training material holds each of its elements, or one that replaces it in known compounds"
    )
    return f"""\
## Domain

A material is inside when {rule}.

In cross-validation, by what each fold had learned: inside {inside["n"]} rows, MAE at -15
{_figure(inside["mae"])}, coverage {_figure(inside["coverage"])}; outside {outside["n"]} rows, MAE
{_figure(outside["mae"])}, coverage {_figure(outside["coverage"])}.
"""


def _figure(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
