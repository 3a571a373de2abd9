"""From rows to an artefact: resuming, workers, refusals, and what the artefact says of itself."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superion.errors import InvalidArtefact, InvalidTable, InvalidValue, NotFound
from superion.models.artefact import Artefact
from superion.models.predictor import Predictor
from superion.models.records import ModelName
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY, from_formula
from superion.training import pipeline, runs, units
from superion.training.pipeline import Job, Trained, train
from superion.training.settings import TrainingSettings
from superion.training.splits import grouped_folds
from superion.training.table import MeasurementTable, read_table
from superion.training.trees import MIN_ROWS

from . import _builders

JOB = Job(_builders.table(), _builders.SETTINGS, workers=1)
N_UNITS = (3 + 1) * (2 + 1)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def saved(trained: Trained, folder: Path) -> dict[str, bytes]:
    trained.artefact.save(folder)
    return contents(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an undisturbed run with its artefact saved in it."""
    folder = tmp_path_factory.mktemp("run")
    train(JOB, folder).artefact.save(folder / "artefact")
    return folder


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """Return a copy of that run to disturb."""
    shutil.copytree(run, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "artefact")
    return tmp_path / "copy"


@pytest.fixture(scope="module")
def artefact(run: Path) -> Artefact:
    return Artefact.load(run / "artefact")


def fitted_again(job: Job, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], Trained]:
    """Train and return which units were fitted."""
    fitted = []
    real = units._fit

    def counted(work: units.Work, unit: units.Unit) -> None:
        fitted.append(unit.file)
        real(work, unit)

    monkeypatch.setattr(units, "_fit", counted)
    return fitted, train(job, folder)


def test_a_stopped_run_goes_on_where_it_was_and_ends_in_the_same_bytes(
    run: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = copy / "networks"
    (networks / "fold-0-member-1.safetensors").unlink()
    cut = networks / "final-member-0.safetensors"
    cut.write_bytes(cut.read_bytes()[:100])
    (networks / "fold-2-member-0.safetensors").write_bytes(b"")
    (networks / "fold-0-processes.safetensors").unlink()
    processes = networks / "final-processes.safetensors"
    processes.write_bytes(processes.read_bytes()[:1000])
    (networks / "fold-1-member-0.safetensors.77.tmp").write_bytes(b"half")
    fitted, trained = fitted_again(JOB, copy, monkeypatch)
    assert sorted(fitted) == [
        "final-member-0.safetensors",
        "final-processes.safetensors",
        "fold-0-member-1.safetensors",
        "fold-0-processes.safetensors",
        "fold-2-member-0.safetensors",
    ]
    assert saved(trained, tmp_path / "artefact") == contents(run / "artefact")


def test_a_finished_run_fits_nothing_again(
    run: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, trained = fitted_again(JOB, copy, monkeypatch)
    assert fitted == []
    assert saved(trained, tmp_path / "artefact") == contents(run / "artefact")


def test_two_workers_give_the_weights_of_one(run: Path, tmp_path: Path) -> None:
    train(replace(JOB, workers=2), tmp_path / "two")
    one, two = contents(run / "networks"), contents(tmp_path / "two" / "networks")
    assert list(one) == list(two) and len(one) == N_UNITS
    assert one == two


@pytest.mark.parametrize(
    "change",
    [
        {"table": _builders.table(digest="other")},
        {"settings": replace(_builders.SETTINGS, seed=2)},
        {"settings": replace(_builders.SETTINGS, fit=replace(_builders.FIT, epochs=3))},
        {"settings": replace(_builders.SETTINGS, n_folds=4)},
    ],
    ids=["data", "seed", "epochs", "folds"],
)
def test_a_run_is_not_resumed_with_other_data_or_settings(copy: Path, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="other data or with other settings") as caught:
        train(replace(JOB, **change), copy)
    assert caught.value.field == "resume"


def test_progress_is_told_from_nothing_to_all(copy: Path) -> None:
    told: list[tuple[int, int]] = []
    train(JOB, copy, lambda done, total: told.append((done, total)))
    assert told == [(done, N_UNITS) for done in range(N_UNITS + 1)]


def test_every_unit_has_a_seed_and_a_file_of_its_own() -> None:
    asked = [(base, units.Unit(fold, member)) for base in range(3) for fold in range(-1, 12) for member in range(20)]
    assert len({unit.seed(base) for base, unit in asked}) == len(asked)
    processes = {units.Unit(fold, kind="processes").file for fold in range(-1, 12)}
    assert len({unit.file for _, unit in asked} | processes) == 13 * (20 + 1)


def test_the_artefact_says_how_it_was_trained(artefact: Artefact) -> None:
    training = artefact.training
    assert (training["data"], training["data_digest"], training["n_rows"]) == ("synthetic.csv", "abc", 36)
    assert (training["seed"], training["n_folds"], training["parent"]) == (1, 3, None)
    metrics = training["metrics"]
    assert (metrics["n"], metrics["n_censored"], metrics["n_with_structure"]) == (36, 1, 0)
    assert len(metrics["mae_by_fold"]) == 3
    assert metrics["mae_spread"] == pytest.approx(np.std(metrics["mae_by_fold"], ddof=1))
    assert {"censored_at_-15", "censored_at_-10", "uncensored", "with_structure", "interval", "forest"} <= set(metrics)
    assert metrics["activation_energy"]["n"] == 18
    assert set(metrics["formula_alone"]) == {"censored_at_-15", "censored_at_-10", "uncensored", "interval"}
    assert set(metrics["parts"]) == {"networks", "forests", "processes", "formula processes"}
    json.dumps(training, allow_nan=False)


def test_the_card_states_what_was_measured(artefact: Artefact) -> None:
    found = artefact.training["metrics"]["censored_at_-15"]
    assert f"{found['mae']:.2f} | {found['rmse']:.2f} | {found['r2']:.2f} | {found['spearman']:.2f}" in artefact.card
    assert f"coverage {artefact.training['metrics']['interval']['coverage']:.3f}" in " ".join(artefact.card.split())


def test_both_targets_are_calibrated_on_residuals_out_of_fold(artefact: Artefact) -> None:
    for target, n in ((CONDUCTIVITY, 36), (ACTIVATION_ENERGY, 18)):
        assert artefact.calibrations[target].n_residuals == n
        assert artefact.calibrations[from_formula(target)].n_residuals == n


def test_the_artefact_knows_its_rows_and_the_literature(artefact: Artefact) -> None:
    shown = {known.formula: known for known in artefact.domain.known}
    rows = JOB.table.rows
    first = rows[0]
    assert shown[str(first.material.formula)].measured == pytest.approx(10.0**first.log10_conductivity)  # type: ignore[operator]
    assert shown[str(first.material.formula)].source == first.doi
    assert shown[str(rows[1].material.formula)].measured is None, "a censored limit is no measured value"
    assert "Li10GeP2S12" in shown
    assert artefact.domain.fractions.shape[0] == 36


def test_training_rows_can_be_kept_to_oneself(copy: Path) -> None:
    trained = train(replace(JOB, show_training_rows=False), copy)
    rows = {str(row.material.formula) for row in JOB.table.rows}
    assert not rows & {known.formula for known in trained.artefact.domain.known}


def test_a_hot_measurement_is_not_shown_as_one_at_room_temperature() -> None:
    rows = [_builders.row(log10_conductivity=-1.0, temperature_c=celsius) for celsius in (22.0, 30.0, 300.0)]
    assert [known.measured for known in pipeline._known(rows)] == [0.1, 0.1, None]


def test_rows_of_an_uploaded_data_set_are_known_as_its_own(tmp_path: Path) -> None:
    paths = [_builders.synthetic_csv(tmp_path / name) for name in ("public.csv", "ours.csv")]
    ours = read_table(paths[1]).of_dataset("a1")
    known = pipeline._known(runs.table_of(runs.Request(paths[:1], tables=[ours])).rows)
    half = len(known) // 2
    assert [material.dataset for material in known] == [None] * half + ["a1"] * half
    assert {material.dataset for material in pipeline._known(runs.table_of(runs.Request(paths)).rows)} == {None}


def test_compositions_of_a_holdout_are_left_out() -> None:
    said: list[str] = []
    rows = JOB.table.rows
    held = [row for row in rows if row.composition == rows[0].composition]
    table, n = runs._without_holdout(JOB.table, held, said.append)
    assert n == len(held) == len(rows) - len(table.rows)
    assert rows[0].composition not in {row.composition for row in table.rows}
    assert table.digest != JOB.table.digest
    assert said == [f"{n} rows are left out: their compositions are in the holdout"]
    assert runs._without_holdout(JOB.table, [], said.append) == (JOB.table, 0)
    with pytest.raises(InvalidTable, match="no model learns from"):
        runs._without_holdout(JOB.table, rows, said.append)


def test_a_model_learns_what_its_rows_hold(tmp_path: Path) -> None:
    fit = replace(_builders.FIT, epochs=40, learning_rate=5e-3)
    trained = train(replace(JOB, settings=replace(_builders.SETTINGS, fit=fit)), tmp_path)
    assert trained.metrics["uncensored"]["spearman"] > 0.7
    predictor = Predictor(pipeline.checked(trained.artefact), ModelName("synthetic", "1"))
    low, high = predictor.predict(["Li3PS4Cl", "Li6.5PS4Cl"]).as_dict()["predictions"]
    rising = [part["conductivity"]["log10_S_per_cm"]["mean"] for part in (low, high)]
    assert rising[0] < rising[1]


def parent_of(artefact: Artefact) -> Predictor:
    return Predictor(artefact, ModelName("superion", "1", "champion"))


def other_rows(n: int = 24) -> list[Any]:
    """Return rows of compositions that the synthetic table does not hold."""
    return [
        replace(row, material=type(row.material)(_builders.row(f"Li{3 + 0.1 * k:.1f}NaO{2 + k % 3}").material.formula))
        for k, row in enumerate(_builders.synthetic_rows(n))
    ]


def test_fine_tuning_keeps_the_parents_network_and_what_it_knew(artefact: Artefact, tmp_path: Path) -> None:
    job = replace(JOB, table=_builders.table(other_rows()), parent=parent_of(artefact))
    job = replace(job, settings=replace(JOB.settings, network=TrainingSettings().network))
    trained = train(job, tmp_path)
    assert trained.artefact.ensemble.config == artefact.ensemble.config
    assert trained.artefact.training["parent"] == {"name": "superion", "version": "1", "alias": "champion"}
    assert trained.artefact.domain.fractions.shape[0] == 36 + 24
    assert trained.artefact.domain.distance(JOB.table.rows[0].material.formula) < 1e-4
    assert "Fine-tuned from superion version 1" in trained.artefact.card
    assert trained.artefact.ensemble.processes is artefact.ensemble.processes


def test_rows_that_the_parent_knew_do_not_score(artefact: Artefact, tmp_path: Path) -> None:
    mixed = [*other_rows(), *_builders.synthetic_rows(6)]
    mixed = [replace(row, id=str(number), doi=f"10.9/{number}") for number, row in enumerate(mixed)]
    trained = train(replace(JOB, table=_builders.table(mixed), parent=parent_of(artefact)), tmp_path)
    assert trained.metrics["n"] == 24
    assert trained.artefact.calibrations[CONDUCTIVITY].n_residuals == 24


def test_fine_tuning_on_nothing_new_is_refused_before_any_fitting(
    artefact: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "fit_network", lambda *args, **kwargs: pytest.fail("a network was fitted"))
    with pytest.raises(InvalidTable, match="already knows do not count"):
        train(replace(JOB, parent=parent_of(artefact)), tmp_path)


def no_doi(formulas: list[str]) -> Job:
    rows = [_builders.row(text, number) for number, text in enumerate(formulas)]
    return replace(JOB, table=_builders.table(rows))


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (no_doi(["LiCl"] * 20), "cannot be split"),
        (no_doi(["LiCl", "LiBr", "Li3N", "LiF"]), "are needed"),
        (no_doi([f"Li{n}Cl" for n in range(1, 15)]), "are needed"),
        (replace(JOB, table=_builders.table([_builders.row()])), "cannot be split"),
    ],
    ids=["one composition", "four rows", "too few outside a fold", "one row"],
)
def test_a_table_too_small_is_refused_before_any_fitting(
    job: Job, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "fit_network", lambda *args, **kwargs: pytest.fail("a network was fitted"))
    with pytest.raises(InvalidTable, match=says):
        train(job, tmp_path)


def test_a_table_just_large_enough_is_trained_on(tmp_path: Path) -> None:
    trained = train(no_doi([f"Li{n}Cl" for n in range(1, 16)]), tmp_path)
    assert trained.artefact.calibrations[CONDUCTIVITY].n_residuals == 15
    assert ACTIVATION_ENERGY not in trained.artefact.calibrations
    assert trained.metrics["activation_energy"] is None


def test_a_fold_that_has_fewer_rows_to_learn_from_than_the_others_is_no_obstacle(tmp_path: Path) -> None:
    # One paper measured LiCl ten times, so that the fold which tests another's LiCl has little left to train on.
    shared = [_builders.row("LiCl", number, doi="10.1/ten") for number in range(10)]
    apart = [_builders.row(f"Li{number}Br", number, doi=f"10.1/{number}") for number in range(10, 20)]
    rows = [*shared, *apart, _builders.row("LiCl", 20, doi="10.1/20")]
    sizes = {len(fold.train) for fold in grouped_folds(rows, 3, JOB.settings.seed)}
    assert min(sizes) < MIN_ROWS <= max(sizes), "the case is not the one that is meant"
    assert train(replace(JOB, table=_builders.table(rows)), tmp_path).metrics["n"] == 21


@pytest.mark.parametrize("device", ["tpu", "CPU", ""])
def test_a_device_that_is_none_is_refused(device: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="cpu or cuda") as caught:
        train(replace(JOB, device=device), tmp_path)
    assert caught.value.field == "device"


def test_a_missing_gpu_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InvalidValue, match="use --device cpu"):
        train(replace(JOB, device="cuda"), tmp_path)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"n_folds": 1}, "folds"), ({"n_members": 1}, "members"), ({"fit": replace(_builders.FIT, epochs=0)}, "epochs")],
)
def test_settings_out_of_range_are_refused_by_name(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        TrainingSettings(**change)
    assert caught.value.field == field


def test_a_model_that_answers_no_finite_number_is_refused(artefact: Artefact) -> None:
    pipeline.checked(artefact)
    calibration = artefact.calibrations[CONDUCTIVITY]
    broken = replace(calibration, quantiles=np.full_like(calibration.quantiles, np.nan))
    with pytest.raises(InvalidArtefact, match="the model answers Li6PS5Cl with"):
        pipeline.checked(replace(artefact, calibrations=dict.fromkeys(artefact.calibrations, broken)))


@pytest.mark.parametrize("run_id", ["absent", "../..", "", "a/b"])
def test_a_run_that_is_not_there_cannot_be_resumed(run_id: str, superion_home: Path) -> None:
    with pytest.raises(NotFound, match="no run") as caught:
        pipeline.run_folder(run_id)
    assert caught.value.field == "resume"


def test_a_run_is_not_resumed_with_another_featuriser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = MeasurementTable("synthetic", tuple(_builders.synthetic_rows(12, 0)), digest="d")
    job = pipeline.Job(table, TrainingSettings())
    pipeline.claim_folder(tmp_path, job)
    pipeline.claim_folder(tmp_path, job)
    monkeypatch.setattr(pipeline, "featuriser_fingerprint", lambda: "another")
    with pytest.raises(InvalidValue):
        pipeline.claim_folder(tmp_path, job)
