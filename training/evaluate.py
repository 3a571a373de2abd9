"""Score a model on a table it has not seen: the report of `superion evaluate`."""

from __future__ import annotations

from typing import Any

import numpy as np

from superion.errors import InvalidTable
from superion.models.predictor import Predictor
from superion.models.targets import CONDUCTIVITY
from superion.training.metrics import Scored, error_report, interval_report
from superion.training.table import MeasurementTable


def evaluate(predictor: Predictor, table: MeasurementTable, confidence: float = 0.9) -> dict[str, Any]:
    """Predict every row at its own temperature and report errors, intervals and the rows that could not be scored.

    Raises InvalidTable when no row has a conductivity.
    """
    rows = [row for row in table.rows if row.log10_conductivity is not None]
    if not rows:
        raise InvalidTable("no row of the table has a conductivity", field="conductivity_S_per_cm", value=table.name)
    temperatures = np.array([row.temperature_c for row in rows])
    materials = [row.material for row in rows]
    mean, spread = predictor.log10_conductivity(materials, temperatures)
    calibration = predictor.calibration_of(CONDUCTIVITY, materials)
    assert calibration is not None, "an artefact is only read with this calibration"
    scored = Scored(
        measured=np.array([row.log10_conductivity for row in rows], dtype=np.float64),
        censored=np.array([row.censored for row in rows]),
        has_structure=np.array([row.material.crystal is not None for row in rows]),
        mean=mean,
        spread=spread,
    )
    failed = [{"id": note.id, "reason": note.reason} for note in table.failed]
    failed += [
        {"id": row.id, "reason": "the row has no conductivity"} for row in table.rows if row.log10_conductivity is None
    ]
    return {
        "n": len(rows),
        "n_censored": int(scored.censored.sum()),
        "n_with_structure": int(scored.has_structure.sum()),
        "failed": failed,
        **error_report(scored),
        "interval": interval_report(scored, calibration, confidence),
    }
