"""Train the release model: `python -m superion.training.release`, or `make release-model`.

Learns from the OBELiX training split with its structures and from the activation energies, with fixed seeds, and writes
the artefact into `models/release/`. The run is tracked like any other; finished networks are kept under the home, so
that a stopped run goes on.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from superion import home
from superion.models.predictor import RELEASE_FOLDER
from superion.training import pipeline
from superion.training.datasets import require, unpacked
from superion.training.settings import TrainingSettings
from superion.training.table import MeasurementTable, joined, read_table

VERSION = "1"


def release_table(folder: Path) -> MeasurementTable:
    """Read what the release model learns from; structures are unpacked into `folder`."""
    train_csv, train_cifs = require("obelix")
    (energies_csv,) = require("activation-energies")
    obelix = read_table(train_csv, unpacked(train_cifs, folder / "cifs"))
    return joined([obelix, energies_alone(read_table(energies_csv))])


def energies_alone(table: MeasurementTable) -> MeasurementTable:
    """Keep the activation energies of a table and forget its conductivities, which repeat those of OBELiX."""
    rows = tuple(
        replace(row, log10_conductivity=None, censored=False, id=f"energy-{row.id}")
        for row in table.rows
        if row.activation_energy is not None
    )
    return replace(table, rows=rows)


def main() -> None:
    """Train and write the release model."""
    folder = home.run_folder("release")
    table = release_table(folder)
    job = pipeline.Job(table, TrainingSettings(), show_training_rows=False)

    def progress(done: int, total: int) -> None:
        sys.stderr.write(f"\rnetworks: {done} of {total}")
        sys.stderr.flush()

    trained = pipeline.train(job, folder, progress)
    sys.stderr.write("\n")
    artefact = pipeline.checked(trained.artefact)
    artefact = replace(artefact, training={"version": VERSION, **artefact.training})
    artefact.save(RELEASE_FOLDER)
    metrics = trained.metrics
    sys.stdout.write(
        f"MAE {metrics['censored_at_-15']['mae']:.3f} (censored at -15), "
        f"{metrics['censored_at_-10']['mae']:.3f} (at -10); "
        f"forest {metrics['forest']['censored_at_-15']['mae']:.3f}, {metrics['forest']['censored_at_-10']['mae']:.3f}; "
        f"coverage {metrics['interval']['coverage']:.3f}, width {metrics['interval']['mean_width']:.2f}\n"
    )


if __name__ == "__main__":
    main()
