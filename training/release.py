"""Train the release model: `python -m superion.training.release`, or `make release-model`.

Learns from the OBELiX training split with its structures, from the activation energies and, without labels, from the
lithium compounds of the Materials Project, with fixed seeds, and writes the artefact into `models/release/`. The run
is tracked in MLflow but not registered: an empty registry is seeded with the folder. Finished networks are kept under
the home, so that a stopped run goes on.
"""

from __future__ import annotations

import csv
import math
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import mlflow

from superion import home
from superion.models.predictor import RELEASE_FOLDER
from superion.training import pipeline, runs, tracking
from superion.training.datasets import require, unpacked
from superion.training.settings import TrainingSettings
from superion.training.table import Measurement, MeasurementTable, joined, read_table
from superion.training.unlabelled import DATA_SET, unlabelled_materials

VERSION = "4"

REFERENCE = re.compile(r"\bD2\s*-\s*(\d+)")
"""How OBELiX notes that a row is in the table of activation energies, and under which reference."""

SELECTION = """
## How the settings were chosen

By grouped cross-validation on these same rows, some seventy forests, a hundred Gaussian processes and forty networks,
on three assignments of papers to folds, the one reported above among them. No fold was kept aside, so the errors above
are optimistic by an unknown amount. The assignment matters too: docs/ablation.md has the figures of the others, and
of assignments that were not looked at before. Expect a larger error than the table's on new papers, and on materials
of later years a prediction that is too low: docs/ablation.md has what models of earlier papers say of later ones.

Some papers of the activation-energy table may be in the withheld OBELiX test split; compositions of that split were
removed from it.

## Attribution

OBELiX training split (NRC-Mila/OBELiX, doi:10.1039/D5DD00441A) and activation energies of Laskowski et al.
(doi:10.1039/D2EE03499A): CC BY 4.0. Lithium compounds without labels: Materials Project (doi:10.1063/1.4812323, CC BY
4.0) through matbench (doi:10.1038/s41524-020-00406-3), which also tell which elements replace one another.
"""
"""What the card of the release model says beside its figures; one trained with given settings needs no such note."""


def release_table(folder: Path) -> MeasurementTable:
    """Read what the release model learns from; structures are unpacked into `folder`."""
    train_csv, train_cifs = require("obelix")
    (energies_csv,) = require("activation-energies")
    obelix = read_table(train_csv, unpacked(train_cifs, folder / "cifs"))
    return with_energies(obelix, with_papers(read_table(energies_csv), energies_csv, train_csv))


def with_papers(energies: MeasurementTable, energies_csv: Path, train_csv: Path) -> MeasurementTable:
    """Give the rows of the activation energies the DOI of their paper, as far as OBELiX tells which paper that is.

    The table numbers its references; OBELiX notes these numbers beside its own rows (column Ref, as `D2 - 18`). Rows of
    one reference that OBELiX does not name are kept together under the number.
    """
    with train_csv.open(encoding="utf-8", newline="") as file:
        notes = [(row["DOI"], row["Ref"]) for row in csv.DictReader(file)]
    paper_of = {number: doi for doi, note in reversed(notes) if doi for number in REFERENCE.findall(note)}
    with energies_csv.open(encoding="utf-8", newline="") as file:
        references = [row["reference"].strip() for row in csv.DictReader(file)]
    # Every row of this table stands on one line; its content is checked when it is found.
    rows = [_with_paper(row, references[row.line - 2], paper_of) for row in energies.rows]
    return replace(energies, rows=tuple(rows))


def _with_paper(row: Measurement, reference: str, paper_of: Mapping[str, str]) -> Measurement:
    return replace(row, doi=paper_of.get(reference, f"reference {reference} of doi:10.1039/D2EE03499A"))


def with_energies(table: MeasurementTable, energies: MeasurementTable) -> MeasurementTable:
    """Give the rows of a table the activation energies of another, and its rows of other compositions.

    A row gets the energy of the row of its composition whose conductivity is nearest, which is mostly the same
    measurement listed twice. Rows of other compositions are learned from and their energies score, but not their
    conductivities: the errors that are reported are those of the first table, as published models report them.
    """
    of_composition: dict[str, list[Measurement]] = {}
    for row in energies.rows:
        if row.activation_energy is not None:
            of_composition.setdefault(row.composition, []).append(row)
    rows = []
    for row in table.rows:
        same = of_composition.get(row.composition)
        rows.append(row if same is None else replace(row, activation_energy=_nearest(row, same).activation_energy))
    known = {row.composition for row in table.rows}
    others = tuple(
        replace(row, id=f"energy-{row.id}", scored=False)
        for composition, same in of_composition.items()
        if composition not in known
        for row in same
    )
    return joined([replace(table, rows=tuple(rows)), replace(energies, rows=others)])


def _nearest(row: Measurement, candidates: Sequence[Measurement]) -> Measurement:
    level = row.log10_conductivity
    if level is None:
        return candidates[0]
    return min(
        candidates,
        key=lambda other: math.inf if other.log10_conductivity is None else abs(other.log10_conductivity - level),
    )


def main() -> None:
    """Train and write the release model."""
    folder = home.run_folder("release")
    table = release_table(folder)
    (compounds_csv,) = require(DATA_SET)
    unlabelled = unlabelled_materials(compounds_csv)
    job = pipeline.Job(table, TrainingSettings(), show_training_rows=False, unlabelled=unlabelled)

    def progress(done: int, total: int) -> None:
        sys.stderr.write(f"\rfits: {done} of {total}")
        sys.stderr.flush()

    tracking.client()
    with mlflow.start_run(run_name="release"):
        runs.log_start(job)
        trained = pipeline.train(job, folder, progress)
        sys.stderr.write("\n")
        artefact = pipeline.checked(trained.artefact)
        artefact = replace(artefact, training={"version": VERSION, **artefact.training}, card=artefact.card + SELECTION)
        artefact.save(RELEASE_FOLDER)
        runs.log_metrics(trained.metrics)
        runs.log_figures(trained)
        tracking.log_model(RELEASE_FOLDER)
    # Another release starts anew: what is kept of this one was fitted by code that may change.
    shutil.rmtree(folder)
    metrics = trained.metrics
    sys.stdout.write(
        f"MAE {metrics['censored_at_-15']['mae']:.3f} (censored at -15), "
        f"{metrics['censored_at_-10']['mae']:.3f} (at -10); "
        f"forest {metrics['forest']['censored_at_-15']['mae']:.3f}, {metrics['forest']['censored_at_-10']['mae']:.3f}; "
        f"coverage {metrics['interval']['coverage']:.3f}, width {metrics['interval']['mean_width']:.2f}\n"
    )


if __name__ == "__main__":
    main()
