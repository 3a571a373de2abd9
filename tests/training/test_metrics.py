"""The report against scikit-learn, SciPy and counts by hand, with the keys of the contract."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, spearmanr
from sklearn.metrics import (
    average_precision_score,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from superion.models.calibration import LEVELS, Calibration
from superion.models.distribution import Spread
from superion.training.metrics import (
    AREA_CONFIDENCES,
    Scored,
    coverage,
    error_report,
    family_report,
    insulator_report,
    interval_report,
    reliability,
)

ERRORS = {"mae", "rmse", "r2", "spearman"}
EVEN = Calibration(-2.0 + 4.0 * LEVELS, 1.5, 100)
"""Quantiles from -2 to 2: the interval at confidence c is the mean plus and minus 2 c spreads."""


def scored(n: int = 60, seed: int = 0, censored: float = 0.2, structures: float = 0.5) -> Scored:
    random = np.random.default_rng(seed)
    measured = random.uniform(-14.0, -2.0, n)
    return Scored(
        measured=measured,
        censored=random.random(n) < censored,
        has_structure=random.random(n) < structures,
        mean=measured + random.normal(0.0, 1.5, n),
        spread=Spread(random.uniform(0.5, 2.0, n), random.uniform(0.0, 1.0, n)),
    )


def censored_rows(limits: list[float], means: list[float]) -> Scored:
    n = len(limits)
    spread = Spread(np.ones(n), np.zeros(n))
    return Scored(np.array(limits), np.ones(n, dtype=bool), np.zeros(n, dtype=bool), np.array(means), spread)


def by_hand(measured: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    return {
        "mae": mean_absolute_error(measured, predicted),
        "rmse": root_mean_squared_error(measured, predicted),
        "r2": r2_score(measured, predicted),
        "spearman": spearmanr(measured, predicted).statistic,
    }


def test_the_report_has_the_keys_of_the_contract() -> None:
    report = error_report(scored()) | {"interval": interval_report(scored(), EVEN)}
    assert set(report) == {"censored_at_-15", "censored_at_-10", "uncensored", "with_structure", "interval"}
    assert set(report["with_structure"]) == {"censored_at_-15", "censored_at_-10"}
    for part in (
        report["censored_at_-15"],
        report["censored_at_-10"],
        report["uncensored"],
        *report["with_structure"].values(),
    ):
        assert set(part) == ERRORS
    assert set(report["interval"]) == {
        "confidence",
        "coverage",
        "mean_width",
        "nll",
        "miscalibration_area",
        "coverage_by_measured_level",
        "coverage_by_predicted_third",
        "spearman_error_std",
    }
    assert list(report["interval"]["coverage_by_predicted_third"]) == ["lowest", "middle", "highest"]
    assert list(report["interval"]["coverage_by_measured_level"]) == ["below -9", "-9 to -6", "above -6"]
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize("seed", range(5))
def test_errors_are_those_of_scikit_learn_under_each_convention(seed: int) -> None:
    data = scored(seed=seed)
    report = error_report(data)
    for level in (-15.0, -10.0):
        measured = np.where(data.censored, level, data.measured)
        name = f"censored_at_{level:g}"
        assert report[name] == pytest.approx(by_hand(measured, data.mean))
        inside = data.has_structure
        assert report["with_structure"][name] == pytest.approx(by_hand(measured[inside], data.mean[inside]))
    alone = ~data.censored
    assert report["uncensored"] == pytest.approx(by_hand(data.measured[alone], data.mean[alone]))


def test_a_censored_row_is_put_at_the_convention_whatever_its_limit() -> None:
    data = censored_rows([-6.0, -12.0], [-13.0, -13.0])
    report = error_report(data)
    assert report["censored_at_-15"]["mae"] == pytest.approx(2.0)
    assert report["censored_at_-10"]["mae"] == pytest.approx(3.0)
    assert report["uncensored"] == dict.fromkeys(ERRORS)


def test_what_cannot_be_had_from_so_few_rows_is_none() -> None:
    nothing = scored(0)
    assert error_report(nothing)["censored_at_-15"] == dict.fromkeys(ERRORS)
    one = error_report(scored(1, censored=0.0))["uncensored"]
    assert one["mae"] is not None and one["rmse"] is not None
    assert one["r2"] is None and one["spearman"] is None
    two = error_report(scored(2, censored=0.0))["uncensored"]
    assert two["r2"] is not None and two["spearman"] is None
    alike = scored(5, censored=1.0)
    assert error_report(alike)["censored_at_-15"]["r2"] is None
    assert error_report(alike)["censored_at_-15"]["spearman"] is None


def test_a_constant_prediction_has_no_rank_correlation() -> None:
    data = scored(10, censored=0.0)
    flat = Scored(data.measured, data.censored, data.has_structure, np.full(10, -6.0), data.spread)
    assert error_report(flat)["uncensored"]["spearman"] is None


@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_coverage_and_width_are_counted_row_by_row(confidence: float) -> None:
    data = scored(200)
    half = 2.0 * confidence * np.hypot(data.spread.aleatoric, data.spread.epistemic)
    covered = []
    for row in range(200):
        low, high = data.mean[row] - half[row], data.mean[row] + half[row]
        reaches = low <= data.measured[row]
        covered.append(reaches if data.censored[row] else reaches and data.measured[row] <= high)
    report = interval_report(data, EVEN, confidence)
    assert report["confidence"] == confidence
    assert report["coverage"] == pytest.approx(np.mean(covered))
    assert report["mean_width"] == pytest.approx(2.0 * half.mean())
    level = np.where(data.censored, -100.0, data.measured)
    for name, inside in (
        ("below -9", level < -9.0),
        ("-9 to -6", (level >= -9.0) & (level <= -6.0)),
        ("above -6", level > -6.0),
    ):
        assert report["coverage_by_measured_level"][name] == pytest.approx(np.array(covered)[inside].mean())


def test_a_censored_row_counts_as_low_whatever_its_limit() -> None:
    levels = interval_report(censored_rows([-5.0], [-12.0]), EVEN)["coverage_by_measured_level"]
    assert levels == {"below -9": 1.0, "-9 to -6": None, "above -6": None}


@pytest.mark.parametrize(
    ("mean", "covered"), [(-15.0, True), (-10.0, True), (-8.3, True), (-8.1, False), (-2.0, False)]
)
def test_a_censored_row_is_covered_when_its_interval_reaches_its_limit(mean: float, covered: bool) -> None:
    assert coverage(censored_rows([-10.0], [mean]), EVEN, 0.9)[0].tolist() == [covered]


def test_the_likelihood_is_gaussian_and_censored_rows_enter_by_their_tail() -> None:
    data = scored(50)
    total = 0.0
    for row in range(50):
        std = 1.5 * float(data.spread.total[row])
        density = norm(data.mean[row], std)
        limit = data.measured[row]
        total += density.logcdf(limit) if data.censored[row] else density.logpdf(limit)
    assert interval_report(data, EVEN)["nll"] == pytest.approx(-total / 50)


def test_the_area_is_the_mean_gap_between_confidence_and_coverage() -> None:
    data = scored(80)
    gaps = []
    for step in range(1, 20):
        confidence = 0.05 * step
        gaps.append(abs(float(coverage(data, EVEN, confidence)[0].mean()) - confidence))
    assert interval_report(data, EVEN)["miscalibration_area"] == pytest.approx(np.mean(gaps))


def test_a_report_on_no_rows_has_the_same_keys_and_no_numbers() -> None:
    empty, full = interval_report(scored(0), EVEN), interval_report(scored(20), EVEN)
    assert list(empty) == list(full)
    for part in ("coverage_by_measured_level", "coverage_by_predicted_third"):
        assert list(empty[part]) == list(full[part])
        assert set(empty[part].values()) == {None}
    assert {value for value in empty.values() if not isinstance(value, dict)} == {0.9, None}


@given(st.integers(1, 30), st.integers(0, 1000), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_no_report_ever_holds_a_number_that_is_none(n: int, seed: int, censored: float, structures: float) -> None:
    data = scored(n, seed, censored, structures)
    report = error_report(data) | interval_report(data, EVEN) | insulator_report(data)
    report["by_family"] = family_report(
        data, ["a" if row % 3 else "b" for row in range(n)], coverage(data, EVEN, 0.9)[0]
    )
    json.dumps(report, allow_nan=False)


def exact(
    measured: list[float], means: list[float], censored: list[bool], spreads: list[float] | None = None
) -> Scored:
    n = len(measured)
    spread = Spread(np.ones(n) if spreads is None else np.array(spreads), np.zeros(n))
    return Scored(np.array(measured), np.array(censored, dtype=bool), np.zeros(n, dtype=bool), np.array(means), spread)


def test_reliability_is_the_coverage_at_each_confidence() -> None:
    data = scored(40)
    wanted = [coverage(data, EVEN, float(confidence))[0].mean() for confidence in AREA_CONFIDENCES]
    assert reliability(data, EVEN).tolist() == wanted
    assert len(wanted) == 19 and wanted == sorted(wanted) and wanted[0] < wanted[-1]


def test_thirds_are_of_the_prediction_and_not_of_the_measurement() -> None:
    means = [-12.0, -11.0, -8.0, -7.0, -4.0, -3.0]
    far = [9.0, 0.0, 9.0, 9.0, 0.0, 0.0]
    data = exact([mean + shift for mean, shift in zip(means, far, strict=True)], means, [False] * 6)
    assert interval_report(data, EVEN)["coverage_by_predicted_third"] == {"lowest": 0.5, "middle": 0.0, "highest": 1.0}
    turned = exact(data.measured.tolist()[::-1], means[::-1], [False] * 6)
    thirds = interval_report(turned, EVEN)["coverage_by_predicted_third"]
    assert thirds == {"lowest": 0.5, "middle": 0.0, "highest": 1.0}


def test_equal_predictions_are_in_one_third() -> None:
    data = exact([-9.0, -6.0, -3.0, -6.0], [-6.0] * 4, [False] * 4)
    assert interval_report(data, EVEN)["coverage_by_predicted_third"] == {
        "lowest": 0.5,
        "middle": None,
        "highest": None,
    }


def test_the_error_is_ranked_with_the_deviation_and_limits_that_hold_are_no_errors() -> None:
    measured, means = [-6.0, -6.0, -6.0, -10.0, -10.0], [-6.5, -4.0, -9.0, -15.0, -8.0]
    spreads = [0.4, 1.1, 1.6, 0.2, 1.0]
    data = exact(measured, means, [False, False, False, True, True], spreads)
    assert np.abs(data.error_beyond_limit()).tolist() == [0.5, 2.0, 3.0, 0.0, 2.0]
    assert data.error_beyond_limit().tolist() == [-0.5, 2.0, -3.0, 0.0, 2.0]
    wanted = spearmanr([0.5, 2.0, 3.0, 0.0, 2.0], spreads).statistic
    assert interval_report(data, EVEN)["spearman_error_std"] == pytest.approx(wanted)
    uncensored = exact(measured, means, [False] * 5, spreads)
    assert interval_report(uncensored, EVEN)["spearman_error_std"] < wanted - 0.5


def test_a_constant_deviation_or_two_rows_rank_nothing() -> None:
    flat = exact([-6.0, -7.0, -8.0], [-5.0, -7.0, -5.0], [False] * 3)
    assert interval_report(flat, EVEN)["spearman_error_std"] is None
    two = exact([-6.0, -7.0], [-5.0, -7.0], [False] * 2, [1.0, 2.0])
    assert interval_report(two, EVEN)["spearman_error_std"] is None


@pytest.mark.parametrize("seed", range(3))
def test_insulators_are_told_from_conductors_as_scikit_learn_counts_it(seed: int) -> None:
    data = scored(120, seed)
    judged = [row for row in range(120) if not (data.censored[row] and data.measured[row] > -9.0)]
    labels, ranks = [bool(data.measured[row] <= -9.0) for row in judged], [-data.mean[row] for row in judged]
    assert insulator_report(data) == {
        "threshold_log10": -9.0,
        "n": len(judged),
        "n_insulators": sum(labels),
        "n_ambiguous": 120 - len(judged),
        "roc_auc": pytest.approx(roc_auc_score(labels, ranks)),
        "average_precision": pytest.approx(average_precision_score(labels, ranks)),
    }
    assert 0.0 < insulator_report(data)["roc_auc"] < 1.0


def test_what_a_limit_says_of_an_insulator() -> None:
    measured, censored = [-9.0, -9.1, -9.0, -10.0, -8.0, -5.0], [False, False, True, True, True, False]
    found = insulator_report(exact(measured, [-6.0, -8.0, -9.0, -9.0, -20.0, -5.0], censored))
    assert (found["n"], found["n_insulators"], found["n_ambiguous"]) == (5, 3, 1)
    assert found["roc_auc"] == 1.0 and found["average_precision"] == 1.0


@pytest.mark.parametrize("measured", [[], [-5.0, -6.0], [-12.0, -11.0]], ids=["none", "conductors", "insulators"])
def test_one_class_alone_has_no_curve(measured: list[float]) -> None:
    found = insulator_report(exact(measured, measured, [False] * len(measured)))
    assert found["n"] == len(measured)
    assert found["roc_auc"] is None and found["average_precision"] is None


def test_each_family_is_scored_by_itself_the_largest_first() -> None:
    data = exact([-6.0, -5.0, -4.0, -10.0, -9.0], [-5.0, -3.0, -4.0, -12.0, -8.5], [False, False, False, True, True])
    found = family_report(data, ["garnet", "garnet", "oxides", "garnet", "halides"], coverage(data, EVEN, 0.5)[0])
    assert list(found) == ["garnet", "halides", "oxides"]
    assert found["garnet"] == {
        "n": 3,
        "n_censored": 1,
        "mae": pytest.approx((1.0 + 2.0 + 3.0) / 3),
        "mae_at_-10": pytest.approx((1.0 + 2.0 + 2.0) / 3),
        "bias": pytest.approx(1.5),
        "coverage": pytest.approx(2 / 3),
    }
    assert found["halides"]["bias"] is None and found["oxides"]["bias"] == 0.0
