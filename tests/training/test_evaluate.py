"""A table scored with a model that was not trained: what is reported, written and drawn of its rows."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from superion.errors import InvalidTable, InvalidValue
from superion.models.targets import CONDUCTIVITY
from superion.training import figures
from superion.training.evaluate import ROW_COLUMNS, Evaluation, check_rows_file, evaluate, predicted
from superion.training.row_materials import RowNote
from superion.training.table import MeasurementTable

from ..models import _builders as models
from ..models import _processes
from . import _builders

PREDICTOR = models.predictor()
ROWS = (
    _builders.row("Li6PS5Cl", 0, log10_conductivity=-2.5, family="argyrodites"),
    _builders.row("Li7La3Zr2O12", 1, log10_conductivity=-9.5, censored=True, temperature_c=60.0),
    _builders.row("LiCl", 2, log10_conductivity=None, activation_energy=0.5),
    _builders.row("UO2", 3, log10_conductivity=-12.0),
)
TABLE = MeasurementTable("table.csv", ROWS, failed=(RowNote("bad", 9, "no formula"),))


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return predicted(PREDICTOR, TABLE, 0.8)


def test_the_report_is_of_the_rows_with_a_conductivity(evaluation: Evaluation) -> None:
    report = evaluate(PREDICTOR, TABLE, 0.8)
    assert report == evaluation.report()
    assert (report["n"], report["n_censored"], report["n_with_structure"]) == (3, 1, 0)
    assert report["failed"] == [
        {"id": "bad", "reason": "no formula"},
        {"id": "row-2", "reason": "the row has no conductivity"},
    ]
    assert {name: part["n"] for name, part in report["by_family"].items()} == {"argyrodites": 1, "oxides": 2}
    assert (report["insulators"]["n"], report["insulators"]["n_insulators"]) == (3, 2)
    assert report["interval"]["confidence"] == 0.8


def test_rows_hold_what_the_predictor_answers(evaluation: Evaluation) -> None:
    for index, row in enumerate(evaluation.rows):
        (answer,) = PREDICTOR.predict([str(row.material.formula)], row.temperature_c, 0.8).predictions
        estimate = answer.conductivity[0].log10  # type: ignore[union-attr]
        ends = (evaluation.scored.mean[index], evaluation.lower[index], evaluation.upper[index])
        assert ends == pytest.approx((estimate.mean, estimate.lower, estimate.upper), abs=1e-5)
        assert evaluation.in_domain[index] is answer.domain.in_domain  # type: ignore[union-attr]
        assert evaluation.distance[index] == pytest.approx(answer.domain.distance)  # type: ignore[union-attr]
    assert evaluation.in_domain == [True, True, False]


def test_rows_say_what_decides_about_the_domain(tmp_path: Path) -> None:
    small = models.artefact()
    ensemble = replace(small.ensemble, processes=_processes.both())
    predictor = models.predictor(ensemble=ensemble, domain=replace(small.domain, novelty_threshold=0.5))
    found = predicted(predictor, TABLE)
    for index, row in enumerate(found.rows):
        (answer,) = predictor.predict([str(row.material.formula)], row.temperature_c).predictions
        assert found.novelty[index] == pytest.approx(answer.domain.novelty)  # type: ignore[union-attr]
        assert found.in_domain[index] is answer.domain.in_domain  # type: ignore[union-attr]
    found.write_rows(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        written = [float(row["novelty"]) for row in csv.DictReader(file)]
    assert written == pytest.approx(found.novelty, abs=1e-6)


def test_rows_are_written_as_they_are(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.write_rows(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    assert tuple(header) == ROW_COLUMNS
    assert [row[:5] for row in rows] == [
        ["row-0", "Li6PS5Cl", "25", "-2.500000", "false"],
        ["row-1", "Li7La3Zr2O12", "60", "-9.500000", "true"],
        ["row-3", "UO2", "25", "-12.000000", "false"],
    ]
    numbers = np.array([row[5:8] for row in rows], dtype=np.float64)
    assert numbers[:, 0] == pytest.approx(evaluation.scored.mean, abs=1e-6)
    assert numbers[:, 1] == pytest.approx(evaluation.lower, abs=1e-6)
    assert numbers[:, 2] == pytest.approx(evaluation.upper, abs=1e-6)
    assert [row[8] for row in rows] == ["true", "true", "false"]


def test_rows_go_into_a_csv_file_of_a_folder_that_is_there(evaluation: Evaluation, tmp_path: Path) -> None:
    check_rows_file(tmp_path / "a.CSV")
    for path, says in ((tmp_path / "a.txt", "as .csv"), (tmp_path / "absent" / "a.csv", "does not exist")):
        with pytest.raises(InvalidValue, match=says) as caught:
            check_rows_file(path)
        assert caught.value.field == "rows"
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidValue, match="cannot write"):
        evaluation.write_rows(tmp_path / "folder.csv")


def test_the_figure_is_of_the_evaluation(evaluation: Evaluation) -> None:
    figure = figures.of_evaluation(evaluation)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b", "c", "d"]
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    area = evaluation.report()["interval"]["miscalibration_area"]
    assert "bars: 80 % interval" in said[0] and said[1] == f"miscalibration area {area:.3f}"
    # The spread that is drawn is the calibrated one.
    calibration = PREDICTOR.artefact.calibrations[CONDUCTIVITY]
    cloud = np.asarray(figure.axes[3].collections[0].get_offsets())
    assert cloud[:, 0] == pytest.approx(evaluation.scored.spread.total * calibration.std_factor)


def test_a_table_without_a_conductivity_is_refused() -> None:
    with pytest.raises(InvalidTable, match="no row"):
        predicted(PREDICTOR, replace(TABLE, rows=ROWS[2:3]))
