"""The model card of the stability model, written from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superion.models.stability.interphase import STABLE_ENERGY
from superion.models.stability.network import CLASSES, TARGETS
from superion.training.stability.baselines import BASELINES
from superion.training.stability.labels import MAX_ABOVE_HULL

UNITS = dict(zip(TARGETS, ("eV/atom", "eV", "log10(GPa)", "eV/atom", "V", "V"), strict=True))


def stability_card(training: Mapping[str, Any]) -> str:
    """Write the card as Markdown from what `train_stability` measured."""
    settings, metrics = training["settings"], training["cross_validation"]
    n_all, n_lithium = f"{training['n_formulas']:,}", f"{training['n_with_lithium']:,}"
    return f"""\
# Stability against lithium metal

{settings["n_networks"]} attention networks over compositions, averaged, trained on {n_all} formulas of the Materials
Project (matbench), {n_lithium} of them with lithium: formation energy, PBE band gap, shear modulus, and what a
lithium grand-potential hull over all of them says (reaction energy with lithium metal, reduction and oxidation limits,
interphase class). Beside the formula a network sees what the hull over the shipped end members says of it.
It sees no structure.

## How good it is

Cross-validation in {settings["n_folds"]} folds by chemical system: no composition of a held-out system is seen, with
lithium or without. Mean absolute errors, on lithium compounds for the last three targets, on all formulas for the
others, with the lowest and highest of the folds; intervals at 90 %, each fold calibrated on the others. Boosting is
scikit-learn's histogram gradient boosting on Magpie features and element fractions, nearest the nearest composition;
both learn from the lithium compounds of the same folds. Differences are paired, with 95 % intervals from resampled
chemical systems.

{_group(metrics["all"])}

### Compounds with a band gap above 2 eV, which could be electrolytes at all

{_group(metrics["wide_gap"])}

### Compounds of chemical systems that no end member is of

{_group(metrics["unknown_to_end_members"])}

### Compounds without lithium, in contact with it

{_without_lithium(metrics["without_lithium"])}

## What to know

- Phases {MAX_ABOVE_HULL} eV/atom or more above the hull neither teach nor score energies and classes: most are
  structures that nobody makes.
- The settings were chosen on one of the folds reported here; expect a little more error.
- Labels carry the errors of semi-local DFT. Band gaps are PBE's, which are low by about a half. Shear moduli are those
  of ideal crystals, of {metrics["all"]["log10_shear_modulus"]["n"]:,} formulas.
- The answers of one formula agree: the reduction limit is not above the oxidation limit, the class is the most probable
  one, and it is `stable` exactly where the reaction energy is above {STABLE_ENERGY} eV/atom.
- Elements are not learned from and their answers say so.
- Compounds of two elements are among the end members too, by their measured enthalpies (six of them by calculated ones,
  of the table that the labels are from); a network that predicts one of them held out has seen that. The third table
  leaves these systems out.

## Attribution

Materials Project (doi:10.1063/1.4812323, CC BY 4.0) through matbench (doi:10.1038/s41524-020-00406-3); the sources of
the end members are in docs/end-members.md.
"""


def _group(metrics: Mapping[str, Any]) -> str:
    lines = [
        "| target | n | error | folds | boosting | nearest | median | coverage | mean width |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    differences = []
    for name in TARGETS:
        row, label = metrics[name], name.replace("_", " ")
        others = [f"{row[key]['mae']:.3f}" if key in row else "-" for key in BASELINES]
        lines.append(
            f"| {label} [{UNITS[name]}] | {row['n']:,} | **{row['mae']:.3f}** | "
            f"{min(row['mae_by_fold']):.3f} to {max(row['mae_by_fold']):.3f} | {' | '.join(others)} | "
            f"{row['mae_of_median']:.3f} | {row['coverage']:.3f} | {row['mean_width']:.2f} |"
        )
        if "boosting" in row:
            for key in BASELINES:
                found = row[key]["paired_difference"]
                ends = f"({found['lower']:+.3f} to {found['upper']:+.3f})"
                differences.append(f"{label} less {key} {found['mean']:+.3f} {ends}")
    paired = "\n".join(f"- {text}" for text in differences)
    return "\n".join(lines) + f"\n\nPaired differences:\n\n{paired}\n\n{_classes(metrics['class'])}"


def _without_lithium(metrics: Mapping[str, Any]) -> str:
    lines = ["| target | n | error | median | coverage | mean width |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [
        f"| {name.replace('_', ' ')} [{UNITS[name]}] | {row['n']:,} | **{row['mae']:.3f}** | "
        f"{row['mae_of_median']:.3f} | {row['coverage']:.3f} | {row['mean_width']:.2f} |"
        for name, row in metrics.items()
        if name != "class"
    ]
    said = "They are seen in the first part of the training only, and their intervals are calibrated on their own."
    return "\n".join(lines) + f"\n\n{said}\n\n{_classes(metrics['class'])}"


def _classes(metrics: Mapping[str, Any]) -> str:
    accuracy = metrics["balanced_accuracy"]
    others = "".join(f", {key} {accuracy[key]:.3f}" for key in BASELINES if key in accuracy)
    recalls = ", ".join(f"{name} {metrics['recall'][name]:.3f} of {metrics['n'][name]:,}" for name in CLASSES)
    return (
        f"Interphase class, balanced accuracy: **{accuracy['networks']:.3f}**{others}.\nRecall: {recalls}. "
        f"Its probability is off by {metrics['calibration_error']:.3f} on average."
    )
