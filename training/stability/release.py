"""Train the shipped model of stability against lithium: `python -m superion.training.stability.release`.

Labels, cross-validation by chemical system, calibration and the final networks, with fixed seeds; about an hour on two
cores. Finished networks are kept under the home, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np

from superion import __version__, home
from superion.models.stability.learned import RELEASE_FOLDER, StabilityModel
from superion.training import tracking
from superion.training.stability.baselines import baseline_predictions
from superion.training.stability.card import stability_card
from superion.training.stability.fit import StabilitySettings
from superion.training.stability.labels import StabilityLabels, stability_labels
from superion.training.stability.units import FINAL, claim, fit_units, load_networks
from superion.training.stability.validation import out_of_fold, report


def train_stability(
    labels: StabilityLabels, settings: StabilitySettings, folder: Path, workers: int
) -> tuple[StabilityModel, dict[str, Any]]:
    """Fit, cross-validate and calibrate; `folder` keeps finished networks. Returns the model and its report."""
    claim(folder, settings, digest_of(labels))
    fit_units(labels, settings, folder, workers, _tell)
    found = out_of_fold(labels, settings, folder)
    metrics = report(found, baseline_predictions(labels, found.fold))
    elements = frozenset(symbol for formula in labels.formulas for symbol in formula.symbols)
    training: dict[str, Any] = {
        "superion": __version__,
        "labels": digest_of(labels),
        "n_formulas": len(labels),
        "n_with_lithium": int(labels.with_lithium.sum()),
        "elements": sorted(elements),
        "settings": settings.as_dict(),
        "cross_validation": metrics,
    }
    model = StabilityModel(
        load_networks(settings, folder, FINAL),
        found.calibrations(np.ones(len(labels), dtype=bool)),
        stability_card(training),
        {**training, "elements": elements},
    )
    return model, training


def digest_of(labels: StabilityLabels) -> str:
    """Return the SHA-256 of formulas, values and what the end members say (4 decimals), and classes."""
    digest = hashlib.sha256("\n".join(formula.canonical for formula in labels.formulas).encode())
    for values in (labels.values, labels.end_members):
        # Shifted, because round numbers are common: halfway between two decimals their last bit would decide.
        shifted = np.nan_to_num(values, nan=-99.0) + 3.14159e-5
        digest.update(np.rint(1e4 * shifted).astype("<i8").tobytes())
    digest.update(labels.classes.astype("<i8").tobytes())
    return digest.hexdigest()


def main() -> int:
    """Train the shipped model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    workers = parser.parse_args().workers
    settings = StabilitySettings()
    labels, folder = stability_labels(workers), home.run_folder("release-stability")
    tracking.client()
    with mlflow.start_run(run_name="stability against lithium"):
        model, training = train_stability(labels, settings, folder, workers)
        model.save(RELEASE_FOLDER)
        mlflow.log_params({key: str(value) for key, value in settings.as_dict().items()})
        mlflow.log_metrics(flat(training["cross_validation"]))
        mlflow.log_artifacts(str(RELEASE_FOLDER), "model")
    # The next run trains again.
    shutil.rmtree(folder)
    return 0


def flat(values: Mapping[str, Any]) -> dict[str, float]:
    """Return nested figures by the path to each, such as `all/class/recall/stable`; those of lists by their place."""
    found: dict[str, float] = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        nested = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(nested, Mapping):
            inner = flat({str(part): one for part, one in nested.items()})
            found |= {f"{name}/{path}": figure for path, figure in inner.items()}
        else:
            found[name] = float(nested)
    return found


def _tell(fold: int, member: int) -> None:
    part = "final" if fold == FINAL else f"fold {fold}"
    sys.stderr.write(f"fitted network {member} of {part}\n")


if __name__ == "__main__":
    sys.exit(main())
