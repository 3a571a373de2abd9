"""The gate: which rows count, what they are compared by, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from superion.errors import InvalidArtefact, NotFound
from superion.featurizers.formula import Formula
from superion.models.arrhenius import inverse_temperature_step
from superion.models.distribution import FloatArray, Spread
from superion.models.domain import Domain
from superion.models.ensemble import TargetOutput
from superion.models.material import Material
from superion.models.predictor import RELEASE_FOLDER, Predictor
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.training import figures, gate, pipeline, registry
from superion.training.baseline import PairedDifference, paired_difference
from superion.training.cross_validation import OutOfFold
from superion.training.gate import BETTER, NOT_TOLD_APART, WORSE, Gate, compare
from superion.training.metrics import AREA_CONFIDENCES

from ..models import _builders as models
from . import _builders

JOB = pipeline.Job(_builders.table(), _builders.SETTINGS, workers=1)
ELSEWHERE = ("UO2", "Cs2O")


@dataclass(frozen=True)
class Run:
    """Hold a finished run and what its networks said out of fold."""

    metrics: Mapping[str, Any]
    found: OutOfFold


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    trained = pipeline.train(JOB, folder)
    return Run(trained.metrics, trained.out_of_fold)


def measured(found: OutOfFold) -> FloatArray:
    return np.array([row.log10_conductivity for row in found.rows], dtype=np.float64)


def off_by(found: OutOfFold, error: FloatArray | float) -> OutOfFold:
    """Return the same rows with predictions that miss the measured value by `error`."""
    n = len(found.rows)
    spread = Spread(np.ones(n), np.zeros(n))
    members = np.broadcast_to(measured(found) + error, (2, n)).copy()
    energy = TargetOutput(np.zeros((2, n)), spread)
    return replace(found, output={CONDUCTIVITY: TargetOutput(members, spread), ACTIVATION_ENERGY: energy})


def champion(found: OutOfFold, error: FloatArray | float, knows: Sequence[str] = ELSEWHERE) -> Predictor:
    """Return what answers the rows of `found` with the measured value plus `error`, and has learned from `knows`."""
    missed = measured(found) + error
    answers = {str(row.material.formula): value for row, value in zip(found.rows, missed, strict=True)}
    domain = Domain.fit([Formula.parse(text) for text in knows], list(knows), ())

    def log10_conductivity(materials: Sequence[Material], temperatures_c: FloatArray) -> tuple[FloatArray, Spread]:
        n = len(materials)
        assert len(temperatures_c) == n
        mean = np.array([answers[str(material.formula)] for material in materials])
        return mean, Spread(np.ones(n), np.zeros(n))

    return cast(
        Predictor,
        SimpleNamespace(artefact=SimpleNamespace(domain=domain), log10_conductivity=log10_conductivity),
    )


def test_rows_that_the_parent_knew_do_not_score_here_either(tmp_path: Path) -> None:
    rows = [_builders.row("Li6PS5Cl", 90, doi="10.1/known"), *_builders.synthetic_rows()]
    job = replace(JOB, table=_builders.table(rows), parent=models.predictor())
    found = pipeline.train(job, tmp_path).out_of_fold
    assert found.usable.tolist() == [False] + [True] * (len(rows) - 1)
    assert gate.compare(found, champion(found, 1.0), "a model", 0).n == len(rows) - 1


def test_the_figures_are_of_the_predictions_out_of_fold(run: Run) -> None:
    made = figures.of_cross_validation(run.found)
    assert list(made) == ["parity.png", "residuals_by_family.png", "reliability.png"]
    (line,) = (line for line in made["reliability.png"].axes[0].lines if len(line.get_xdata()) > 2)
    at = AREA_CONFIDENCES.tolist().index(0.9)
    assert line.get_ydata()[at] == pytest.approx(run.metrics["interval"]["coverage"])
    labels = made["parity.png"].axes[0].get_legend_handles_labels()[1]
    assert labels == ["measured (35)", "below a limit (1)"]
    families = [label.get_text() for label in made["residuals_by_family.png"].axes[0].get_yticklabels()]
    assert families == ["sulfides (n = 36)"]


@pytest.mark.parametrize(
    ("new", "old", "verdict"), [(0.2, 1.0, BETTER), (1.0, 0.2, WORSE), (0.5, -0.5, NOT_TOLD_APART)]
)
def test_the_verdict_follows_the_interval_of_the_difference(run: Run, new: float, old: float, verdict: str) -> None:
    # The rows with a value only: the limit of the one below it is neither convention.
    found = replace(run.found, usable=np.array([not row.censored for row in run.found.rows]))
    found = off_by(found, new)
    answer = compare(found, champion(found, old), "champion 4", 0)
    assert (answer.verdict, answer.n, answer.n_papers, answer.champion) == (verdict, 35, 18, "champion 4")
    assert answer.by_convention is not None
    for one in answer.by_convention.values():
        assert (one.mae, one.champion_mae) == pytest.approx((abs(new), abs(old)))
        assert one.paired_difference.mean == pytest.approx(abs(new) - abs(old))


def test_the_difference_is_a_bootstrap_over_papers_at_each_convention(run: Run) -> None:
    random = np.random.default_rng(3)
    found = off_by(run.found, random.normal(0.0, 1.0, 36))
    missed = random.normal(0.0, 1.2, 36)
    answer = compare(found, champion(found, missed), "a model", 11)
    assert answer.by_convention is not None and answer.n == 36
    papers = [str(row.doi) for row in found.rows]
    for name, level in (("censored_at_-15", -15.0), ("censored_at_-10", -10.0)):
        true = np.array([level if row.censored else row.log10_conductivity for row in found.rows], dtype=np.float64)
        error = np.abs(found.output[CONDUCTIVITY].mean - true)
        other = np.abs(measured(found) + missed - true)
        one = answer.by_convention[name]
        assert (one.mae, one.champion_mae) == pytest.approx((error.mean(), other.mean()))
        wanted = paired_difference(error, other, papers, 11)
        assert one.paired_difference.mean == pytest.approx(wanted.mean)
        assert one.paired_difference.lower == pytest.approx(wanted.lower)
        assert one.paired_difference.upper == pytest.approx(wanted.upper)


def test_what_the_champion_has_learned_from_does_not_count(run: Run) -> None:
    known = [str(row.material.formula) for row in run.found.rows[:20]]
    # Good only where the champion knows the answer.
    found = off_by(run.found, np.where(np.arange(36) < 20, 0.0, 3.0))
    answer = compare(found, champion(found, 1.0, known), "a model", 0)
    assert (answer.n, answer.n_papers, answer.verdict) == (16, 8, WORSE)


@pytest.mark.parametrize("n", [0, 9])
def test_few_new_rows_are_not_compared(run: Run, n: int) -> None:
    known = [str(row.material.formula) for row in run.found.rows[n:]]
    answer = compare(run.found, champion(run.found, 1.0, known), "a model", 0)
    assert answer.verdict == f"not comparable: only {n} rows are new to the champion"
    assert (answer.n, answer.by_convention) == (n, None)


def test_rows_of_few_papers_are_not_compared(run: Run) -> None:
    rows = [replace(row, doi=f"10.1/{number % 5}") for number, row in enumerate(run.found.rows)]
    found = replace(run.found, rows=rows)
    answer = compare(found, champion(found, 1.0), "a model", 0)
    assert answer.verdict == "not comparable: the 36 rows new to the champion are of 5 papers"


def test_the_champion_is_asked_at_the_temperature_of_each_row(run: Run) -> None:
    real = models.predictor()
    rows = [replace(row, temperature_c=25.0 + 5 * number) for number, row in enumerate(run.found.rows)]
    found = off_by(replace(run.found, rows=rows), 0.0)
    answer = compare(found, real, "a model", 0)
    assert answer.by_convention is not None
    output = real.artefact.ensemble.predict([row.material for row in rows])
    steps = np.array([inverse_temperature_step(row.temperature_c) for row in rows])
    mean = output[CONDUCTIVITY].mean - steps * output[ACTIVATION_ENERGY].mean
    true = np.array([-15.0 if row.censored else row.log10_conductivity for row in rows], dtype=np.float64)
    assert answer.by_convention["censored_at_-15"].champion_mae == pytest.approx(np.abs(mean - true).mean(), rel=1e-5)


def test_a_verdict_holds_under_both_conventions() -> None:
    below, above, across = (PairedDifference(0.0, *ends) for ends in ((-2.0, -1.0), (1.0, 2.0), (-1.0, 1.0)))
    assert gate.verdict([below, below]) == BETTER
    assert gate.verdict([above, above]) == WORSE
    for pair in ([below, above], [below, across], [across, above], [across, across]):
        assert gate.verdict(pair) == NOT_TOLD_APART


def test_a_gate_is_said_in_one_line_and_in_numbers() -> None:
    one = gate.Comparison(1.2, 1.4, PairedDifference(-0.2, -0.31, -0.09))
    answer = Gate("champion 3", BETTER, 34, 12, {"censored_at_-15": one, "censored_at_-10": one})
    assert str(answer) == (
        "gate against champion 3 on 34 rows of 12 papers: better; "
        "MAE 1.20 against 1.40, difference -0.20 [-0.31, -0.09] (censored at -15); "
        "MAE 1.20 against 1.40, difference -0.20 [-0.31, -0.09] (censored at -10)"
    )
    document = json.loads(json.dumps(answer.as_dict(), allow_nan=False))
    assert document["censored_at_-10"]["paired_difference"] == {"mean": -0.2, "lower": -0.31, "upper": -0.09}
    assert answer.metrics()["gate.censored_at_-15.difference_lower"] == -0.31
    tags = answer.tags()
    assert (tags["gate.verdict"], tags["gate.champion"], tags["gate.n"]) == ("better", "champion 3", "34")
    assert all(isinstance(value, str) for value in tags.values())


def test_without_a_comparison_there_are_no_numbers() -> None:
    answer = Gate("champion 3", "not comparable: only 2 rows are new to the champion", 2, 1)
    assert str(answer) == "gate against champion 3: not comparable: only 2 rows are new to the champion"
    assert answer.as_dict() == {
        "champion": "champion 3",
        "verdict": answer.verdict,
        "on": "out of fold",
        "n": 2,
        "n_papers": 1,
        "censored_at_-15": None,
        "censored_at_-10": None,
    }
    assert answer.metrics() == {"gate.n": 2.0, "gate.n_papers": 1.0}


def test_where_there_is_no_champion_the_release_model_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(model: str) -> registry.RegisteredModel:
        raise NotFound("nobody", field="model", value=model)

    for lookup in (nobody, lambda model: registry.RegisteredModel("1", RELEASE_FOLDER, "champion")):
        monkeypatch.setattr(registry, "resolve_or_release", lookup)
        assert gate.against_champion(run.found, 0).champion == "the release model"


def test_a_champion_that_cannot_be_read_does_not_cost_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = models.saved(tmp_path / "champion")
    found = registry.RegisteredModel("7", folder, "champion")
    monkeypatch.setattr(registry, "resolve_or_release", lambda model: found)
    assert gate.against_champion(run.found, 0).champion == "champion 7"
    (folder / "config.json").write_text("{")
    with pytest.raises(InvalidArtefact):
        Predictor.from_folder(folder)
    answer = gate.against_champion(run.found, 0)
    assert answer.verdict.startswith("not comparable: ") and "cannot be asked" in answer.verdict
    assert answer.n == 0
