"""Score a model on a table it has not seen: the report of `superion evaluate`, and its rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from superion.errors import InvalidTable, InvalidValue
from superion.models.calibration import RowCalibration
from superion.models.distribution import FloatArray
from superion.models.predictor import Predictor
from superion.models.targets import CONDUCTIVITY
from superion.training.families import families_of
from superion.training.metrics import Scored, coverage, error_report, family_report, insulator_report, interval_report
from superion.training.row_materials import RowNote
from superion.training.table import Measurement, MeasurementTable

ROW_COLUMNS = (
    "id",
    "formula",
    "temperature",
    "measured",
    "censored",
    "mean",
    "lower",
    "upper",
    "in_domain",
    "distance",
    "novelty",
)
"""Columns of the table of predictions: temperature [degree Celsius]; measured, mean, lower and upper [log10(S/cm)];
novelty is empty for a model that is judged by distance."""


@dataclass(frozen=True)
class Evaluation:
    """Hold the n rows of a table that have a conductivity, with what a model says of them."""

    rows: Sequence[Measurement]
    scored: Scored
    calibration: RowCalibration
    confidence: float
    lower: FloatArray
    """Shape (n,): lower end of the interval [log10(S/cm)]."""
    upper: FloatArray
    distance: FloatArray
    """Shape (n,): how far each composition lies from those trained on, 0 to 1."""
    novelty: Sequence[float | None]
    """How unlike all that was learned from each formula is to the model, 0 to 1."""
    in_domain: Sequence[bool]
    failed: Sequence[RowNote]
    """Rows that could not be scored."""

    @property
    def families(self) -> list[str]:
        """The family of each row."""
        return families_of(self.rows)

    def report(self) -> dict[str, Any]:
        """Report errors, intervals and the rows that could not be scored."""
        scored = self.scored
        return {
            "n": len(scored),
            "n_censored": int(scored.censored.sum()),
            "n_with_structure": int(scored.has_structure.sum()),
            "failed": [{"id": note.id, "reason": note.reason} for note in self.failed],
            **error_report(scored),
            "interval": interval_report(scored, self.calibration, self.confidence),
            "insulators": insulator_report(scored),
            "by_family": family_report(scored, self.families, coverage(scored, self.calibration, self.confidence)[0]),
        }

    def write_rows(self, path: Path) -> None:
        """Write the predictions as CSV with the columns `ROW_COLUMNS`, one row each in the order of the table.

        Raises InvalidValue when the file cannot be written.
        """
        columns = zip(
            self.scored.measured,
            self.scored.censored,
            self.scored.mean,
            self.lower,
            self.upper,
            self.in_domain,
            self.distance,
            self.novelty,
            strict=True,
        )
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(ROW_COLUMNS)
                for row, (measured, censored, mean, lower, upper, inside, distance, novelty) in zip(
                    self.rows, columns, strict=True
                ):
                    writer.writerow(
                        [
                            row.id,
                            str(row.material.formula),
                            f"{row.temperature_c:g}",
                            f"{measured:.6f}",
                            _truth(censored),
                            *(f"{value:.6f}" for value in (mean, lower, upper)),
                            _truth(inside),
                            f"{distance:.6f}",
                            "" if novelty is None else f"{novelty:.6f}",
                        ]
                    )
        except OSError as error:
            raise InvalidValue(
                f"cannot write {str(path)!r}: {error.strerror}", field="rows", value=str(path)
            ) from error


def evaluate(predictor: Predictor, table: MeasurementTable, confidence: float = 0.9) -> dict[str, Any]:
    """Predict every row at its own temperature and report errors, intervals and the rows that could not be scored.

    Raises InvalidTable when no row has a conductivity.
    """
    return predicted(predictor, table, confidence).report()


def predicted(predictor: Predictor, table: MeasurementTable, confidence: float = 0.9) -> Evaluation:
    """Predict every row with a conductivity at its own temperature.

    Raises InvalidTable when no row has a conductivity.
    """
    rows = [row for row in table.rows if row.log10_conductivity is not None]
    if not rows:
        raise InvalidTable("no row of the table has a conductivity", field="conductivity_S_per_cm", value=table.name)
    temperatures = np.array([row.temperature_c for row in rows])
    materials = [row.material for row in rows]
    mean, spread, novelties = predictor.log10_conductivity_and_novelty(materials, temperatures)
    calibration = predictor.calibration_of(CONDUCTIVITY, materials)
    assert calibration is not None, "an artefact is only read with this calibration"
    lower, upper = calibration.interval(mean, spread, confidence)
    domain = predictor.artefact.domain
    distance = np.array([domain.distance(material.formula) for material in materials])
    unscored = [
        RowNote(row.id, row.line, "the row has no conductivity") for row in table.rows if row.log10_conductivity is None
    ]
    return Evaluation(
        rows=rows,
        scored=Scored(
            measured=np.array([row.log10_conductivity for row in rows], dtype=np.float64),
            censored=np.array([row.censored for row in rows]),
            has_structure=np.array([row.material.crystal is not None for row in rows]),
            mean=mean,
            spread=spread,
        ),
        calibration=calibration,
        confidence=confidence,
        lower=lower,
        upper=upper,
        distance=distance,
        novelty=novelties,
        in_domain=domain.inside([material.formula for material in materials], novelties),
        failed=(*table.failed, *unscored),
    )


def check_rows_file(path: Path) -> None:
    """Raise InvalidValue for a file that is no .csv, or whose folder is not there."""
    if path.suffix.lower() != ".csv":
        raise InvalidValue(f"rows are written as .csv, not as {path.name!r}", field="rows", value=str(path))
    if not path.parent.is_dir():
        raise InvalidValue(f"the folder of {str(path)!r} does not exist", field="rows", value=str(path))


def _truth(value: bool) -> str:
    return "true" if value else "false"
