"""What was asked for beside what was trained on: the counts, their way to the records, and what is said of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

import superion
from superion.errors import Unavailable
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.formula import Formula
from superion.models.domain import NOVELTY_QUANTILE
from superion.models.predictor import Predictor
from superion.serving import drift, drift_report, state
from superion.serving.batch import Answered, Options
from superion.serving.drift import Observer
from superion.serving.drift_report import Period, Reference, compare
from superion.serving.watching import Keeper

from ._answers import refused

HALIDES = ["Li3YCl6", "Li3InCl6", "Li2ZrCl6", "Li3ScCl6", "Li3YBr6"]


@pytest.fixture(scope="module")
def model() -> Predictor:
    """Return the release model."""
    return superion.load("release")


@pytest.fixture(scope="module")
def reference(model: Predictor) -> Reference:
    """Return what its training set is like."""
    return Reference.of(model)


@pytest.fixture(scope="module")
def training(model: Predictor) -> list[Formula]:
    """Return its training compositions."""
    rows = model.artefact.domain.fractions
    return [Formula.from_amounts({SYMBOLS[i]: float(row[i]) for i in np.flatnonzero(row)}) for row in rows]


def ask(model: Predictor, items: Sequence[object], temperature: Any = 25.0) -> Answered:
    """Return materials and what a model answers."""
    read = model.read(items)
    return Answered(model, Options(temperature), read, model.answer(read, temperature).predictions)


def seen(model: Predictor, reference: Reference, items: Sequence[object], days: int = 7) -> Period:
    """Return the comparison after some materials have been asked for."""
    observer = Observer()
    for start in range(0, len(items), 50):
        observer.observe(ask(model, items[start : start + 50]))
    observer.flush()
    return compare(days, model.model.version, reference)


def verdicts(period: Period) -> dict[str, str]:
    """Return the verdict on each feature."""
    return {feature.name: feature.verdict for feature in period.features}


def test_what_is_counted_of_a_batch(model: Predictor, superion_home: Path, cif: str) -> None:
    observer = Observer()
    items = ["Li6PS5Cl", "Li6PS5Cl", {"cif": cif}, "Li7Cm3Zr2O12", "no formula", {"cif": "garbage"}]
    observer.observe(ask(model, items, (100.0, 25.0)))
    observer.flush()
    counts = drift.read(1)[model.model.version]
    assert counts["materials"] == {"predicted": 4}
    assert counts["element"] == {"Li": 4, "P": 2, "S": 2, "Cl": 3, "O": 2, "Cm": 1, "Zr": 1}
    assert counts["n_elements"] == {"4": 3, "3": 1}
    assert counts["structure"] == {"yes": 1, "no": 3}
    assert counts["domain"] == {"inside": 3, "outside": 1}
    assert counts["failure"] == {"invalid_formula": 1, "invalid_cif": 1}
    assert counts["distance"].total() == counts["log10_S_per_cm"].total() == 4
    (argyrodite,) = model.predict(["Li6PS5Cl"]).predictions
    assert counts["log10_S_per_cm"][drift.sigma_bin(argyrodite.conductivity[0].log10.mean)] >= 2  # type: ignore[union-attr]


def test_conductivities_at_other_temperatures_are_not_counted(model: Predictor, superion_home: Path) -> None:
    observer = Observer()
    observer.observe(ask(model, ["LiF"], 300.0))
    observer.flush()
    assert "log10_S_per_cm" not in drift.read(1)[model.model.version]


def test_the_names_of_bins() -> None:
    assert drift.bins((0.1, 0.25)) == ("below 0.1", "0.1 to 0.25", "from 0.25")
    assert [drift.count_bin(n) for n in (1, 7, 8, 30)] == ["1", "7", "8 or more", "8 or more"]
    assert [drift.sigma_bin(x) for x in (-99.0, -12.0, -2.5, 3.0)] == [
        "below -12",
        "-12 to -10",
        "-3 to -2",
        "from -2",
    ]


def test_no_material_is_in_the_records(model: Predictor, superion_home: Path) -> None:
    observer = Observer()
    observer.observe(ask(model, ["Li6.4375La3Zr1.4375Ta0.5625O12", "Secret"]))
    observer.flush()
    with state.connection() as opened:
        found = {str(value) for row in opened.execute("SELECT * FROM observed") for value in row}
    stored = b"".join(path.read_bytes() for path in superion_home.glob("service.db*"))
    assert {"Li", "La", "Zr", "Ta", "O"} <= found
    for secret in (b"4375", b"Secret"):
        assert secret not in stored


def test_counts_are_kept_while_the_records_cannot_be_written(model: Predictor, superion_home: Path) -> None:
    observer = Observer()
    observer.observe(ask(model, ["LiF"]))
    superion_home.parent.mkdir(parents=True, exist_ok=True)
    superion_home.write_text("in the way")
    with pytest.raises(Unavailable):
        observer.flush()
    superion_home.unlink()
    observer.observe(ask(model, ["LiF", "LiCl"]))
    observer.flush()
    observer.flush()
    assert drift.read(1)[model.model.version]["materials"]["predicted"] == 3


def test_a_keeper_writes_at_the_end_and_says_a_failure_once(
    model: Predictor, superion_home: Path, caplog: pytest.LogCaptureFixture, wait_for: Callable[..., Any]
) -> None:
    observer = Observer()
    tries = []

    def flush() -> None:
        tries.append(time.monotonic())
        observer.flush()

    superion_home.parent.mkdir(parents=True, exist_ok=True)
    superion_home.write_text("in the way")
    observer.observe(ask(model, ["LiF"]))
    keeper = Keeper(flush, seconds=0.02)
    keeper.start()
    assert wait_for(lambda: len(tries) > 5)
    superion_home.unlink()
    keeper.stop()
    assert drift.read(1)[model.model.version]["materials"]["predicted"] == 1
    assert caplog.text.count("counts of predictions cannot be kept") == 1


def test_days_are_told_apart_and_the_oldest_are_dropped(
    model: Predictor, superion_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    day = timedelta(days=1).total_seconds()
    answered = ask(model, ["LiF"])
    for ago in (401, 29, 6, 0):
        monkeypatch.setattr(time, "time", lambda ago=ago: now - ago * day)
        observer = Observer()
        observer.observe(answered)
        observer.flush()
    totals = {days: drift.read(days)[model.model.version]["materials"]["predicted"] for days in (1, 7, 30, 400, 500)}
    assert totals == {1: 1, 7: 2, 30: 3, 400: 3, 500: 3}


def test_the_reference_is_the_training_set(model: Predictor, reference: Reference, training: list[Formula]) -> None:
    assert reference.n == len(training)
    assert reference.elements["Li"] == sum("Li" in formula for formula in training)
    assert set(reference.features) == {"element", "n_elements", "structure", "domain", "log10_S_per_cm"}
    for name in ("n_elements", "domain", "log10_S_per_cm"):
        assert sum(reference.features[name].values()) == pytest.approx(reference.n)
    assert reference.features["domain"]["outside"] == pytest.approx((1.0 - NOVELTY_QUANTILE) * reference.n)
    assert drift_report.reference_of(model) is drift_report.reference_of(model)


def test_inputs_like_the_training_set_are_stable(
    model: Predictor, reference: Reference, training: list[Formula], superion_home: Path
) -> None:
    chosen = np.random.default_rng(3).choice(len(training), 150)
    period = seen(model, reference, [training[index] for index in chosen])
    assert verdicts(period) == {
        "element": "stable",
        "n_elements": "stable",
        "structure": "drifted",  # formulas alone, where a part of the training set has structures
        "domain": "stable",
        "distance": "no reference",
        "log10_S_per_cm": "stable",
    }
    assert (period.verdict, period.n_materials, period.failures) == ("stable", 150, {})
    assert period.new_elements == period.over_represented_elements == ()


def test_inputs_of_another_chemistry_have_drifted(model: Predictor, reference: Reference, superion_home: Path) -> None:
    period = seen(model, reference, HALIDES * 20 + ["Li7Cm3Zr2O12"] * 30)
    assert period.verdict == "drifted"
    found = verdicts(period)
    assert (found["element"], found["n_elements"], found["domain"]) == ("drifted", "drifted", "drifted")
    assert [(element.element, element.n) for element in period.new_elements] == [("Cm", 30)]
    over = {element.element: element for element in period.over_represented_elements}
    assert {"Cl", "Y"} <= set(over)
    assert over["Cl"].share == pytest.approx(80 / 130)
    assert over["Cl"].share_in_training == reference.elements["Cl"] / reference.n


def test_of_few_materials_nothing_is_said(model: Predictor, reference: Reference, superion_home: Path) -> None:
    period = seen(model, reference, HALIDES * 19)
    assert period.n_materials == 95
    assert period.verdict == "too few"
    assert set(verdicts(period).values()) == {"too few", "no reference"}


def test_nothing_asked_is_no_drift(reference: Reference, superion_home: Path) -> None:
    period = compare(30, "1", reference)
    assert (period.n_materials, period.verdict) == (0, "too few")
    assert not superion_home.exists()


def test_the_measures_are_those_of_their_definitions(superion_home: Path) -> None:
    a, b = Counter({"2": 60, "3": 40}), {"2": 30.0, "3": 50.0, "4": 20.0}
    with state.connection() as opened:
        rows = [("materials", "predicted", 100), *(("n_elements", name, n) for name, n in a.items())]
        opened.executemany(
            "INSERT INTO observed VALUES (?, '1', ?, ?, ?)", [(drift.today().isoformat(), *row) for row in rows]
        )
    period = compare(7, "1", Reference(100, {"n_elements": b}, {"Li": 100}))
    (feature,) = (feature for feature in period.features if feature.name == "n_elements")
    p, q = np.array([60.5, 40.5, 0.5]) / 101.5, np.array([30.5, 50.5, 20.5]) / 101.5
    assert feature.psi == pytest.approx(((p - q) * np.log(p / q)).sum())
    assert feature.jensen_shannon == pytest.approx(jensenshannon(p, q, base=2))
    assert feature.by_chance == pytest.approx(5.9915 * 0.02, rel=1e-4)
    assert [(one.bin, one.inputs, one.training) for one in feature.bins] == [
        ("2", 0.6, 0.3),
        ("3", 0.4, 0.5),
        ("4", 0.0, 0.2),
    ]
    assert feature.verdict == "drifted"


def test_what_chance_explains_is_stable(superion_home: Path) -> None:
    rng = np.random.default_rng(0)
    names = list(drift.SIGMA_BINS)
    drifted = 0
    for number in range(60):
        a, b = (Counter(rng.choice(names, 100).tolist()) for _ in range(2))
        counts: drift.Counts = {"log10_S_per_cm": a}
        feature = drift_report._feature("log10_S_per_cm", counts, 100, Reference(100, {"log10_S_per_cm": b}, {}))
        assert feature.psi is not None, number
        drifted += feature.verdict != "stable"
    assert drifted <= 8  # 3 are expected


def test_the_report_over_http(service: Any) -> None:
    service.predict(*HALIDES)
    answer = service.client.get("/drift")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["model"], [period["days"] for period in found["periods"]]) == ("1", [7, 30])
    assert found["periods"][0]["n_materials"] >= 5
    assert {feature["name"] for feature in found["periods"][0]["features"]} >= {"element", "domain"}
    (period,) = service.client.get("/drift", params={"days": 90}).json()["periods"]
    assert period["days"] == 90


@pytest.mark.parametrize("days", ["0", "366", "x"])
def test_days_that_cannot_be_looked_back(service: Any, days: str) -> None:
    refused(service.client.get("/drift", params={"days": days}), 400, "invalid_request", "days")


def test_what_was_asked_outlives_the_service(run_service: Callable[..., Any], superion_home: Path) -> None:
    with run_service(home="kept") as service:
        service.predict("LiF", "LiCl")
        assert service.stop() == 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SUPERION_HOME", str(service.home))
            assert drift.read(1)["1"]["materials"]["predicted"] == 2
