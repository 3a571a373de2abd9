"""Early stopping: which rows judge, when a network stops, and which weights it goes back to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from superion.errors import InvalidValue
from superion.models.network import SuperionNetwork
from superion.training import pipeline, stopping
from superion.training.fit import fit_network
from superion.training.settings import FitSettings, TrainingSettings
from superion.training.splits import paper_groups
from superion.training.stopping import EarlyStopping, parted
from superion.training.table import MeasurementTable
from superion.training.units import CURVE, Unit, training_curves

from . import _builders
from .test_fit import LEARNER, STILL

ROWS = _builders.synthetic_rows(40)
STEPS = 25
"""Steps a pass."""


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rows_that_judge_share_no_paper_and_no_composition_with_those_learned_from(seed: int) -> None:
    learned, judging = parted(ROWS, seed)
    assert {row.composition for row in learned}.isdisjoint(row.composition for row in judging)
    paper = dict(zip((row.id for row in ROWS), paper_groups(ROWS), strict=True))
    assert {paper[row.id] for row in learned}.isdisjoint(paper[row.id] for row in judging)
    assert 2 <= len(judging) <= len(ROWS) // 4
    assert {row.id for row in parted(ROWS, seed)[1]} == {row.id for row in judging}


@pytest.mark.parametrize("first", [0, 104])
def test_every_row_is_held_out_by_one_of_as_many_seeds(first: int) -> None:
    held = [row.id for seed in range(first, first + stopping.HELD_OUT) for row in parted(ROWS, seed)[1]]
    assert sorted(held) == sorted(row.id for row in ROWS)


def test_too_few_rows_name_the_patience() -> None:
    with pytest.raises(InvalidValue, match="10 rows are too few for that: train without a patience") as caught:
        parted(_builders.synthetic_rows(10), 0)
    assert (caught.value.field, caught.value.value) == ("data", "10")


def judged(errors: list[float], patience: int) -> tuple[int, float]:
    """Return after how many passes of these errors a network stops, and the value of the weights that it keeps.

    All weights are 0 before the first pass, 1 after it, and so on; the average over one step is taken as the weights.
    """
    network = SuperionNetwork(_builders.NETWORK)
    given: Iterator[float] = iter(errors)

    def fill(value: float) -> None:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.fill_(value)

    fill(0.0)
    watch = EarlyStopping(network, patience, STEPS, lambda one: next(given))
    for made in range(1, len(errors)):
        fill(float(made))
        watch.step(network)
        if watch.is_over():
            break
    return made, float(watch.best["no_crystal"][0])


@pytest.mark.parametrize(
    ("errors", "patience", "made", "kept"),
    [
        ([5.0, 4.0, 3.0, 2.0, 1.0], 2, 4, 4),
        ([5.0, 4.0, 4.5, 4.1, 3.0], 2, 3, 1),
        ([5.0, 4.0, 4.5, 3.0, 3.5, 3.5, 3.5, 3.5], 3, 6, 3),
        ([1.0, 2.0, 2.0, 2.0], 1, 1, 0),
        ([5.0, 4.0, float("nan"), float("nan"), 3.0], 2, 3, 1),
    ],
)
def test_it_stops_after_so_many_passes_without_a_gain_and_keeps_the_best(
    monkeypatch: pytest.MonkeyPatch, errors: list[float], patience: int, made: int, kept: float
) -> None:
    monkeypatch.setattr(stopping, "AVERAGED_PASSES", 1 / STEPS)
    assert judged(errors, patience) == (made, kept)


def test_what_is_kept_is_an_average_over_steps() -> None:
    made, kept = judged([3.0, 2.0, 1.0], 5)
    # The first step is taken whole, the second by one part in the steps of the passes that are averaged.
    assert (made, kept) == (2, pytest.approx(1.0 + 1.0 / (STEPS * stopping.AVERAGED_PASSES)))


def loss_curve(settings: FitSettings, seed: int = 0) -> tuple[SuperionNetwork, list[float]]:
    curve: list[float] = []
    return fit_network(ROWS, LEARNER, settings, seed, curve=curve), curve


def test_a_network_stops_early_the_same_with_the_same_seed() -> None:
    # A rate at which nothing is learned: the first passes are the best.
    idle = replace(STILL, epochs=40, learning_rate=1e-12, patience=3)
    _, curve = loss_curve(idle)
    assert 3 <= len(curve) < 40
    learning = replace(STILL, epochs=12, batch_size=8, patience=12)
    one, first = loss_curve(learning)
    other, again = loss_curve(learning)
    assert first == again and len(first) == 12
    weights = other.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in one.state_dict().items())
    without, _ = loss_curve(replace(learning, patience=None))
    assert not torch.equal(without.state_dict()["no_crystal"], one.state_dict()["no_crystal"])


def test_fine_tuning_that_only_spoils_goes_back_to_where_it_began() -> None:
    start = fit_network(ROWS, LEARNER, replace(STILL, epochs=60), 0).state_dict()
    rough = replace(STILL, epochs=4, batch_size=8, learning_rate=3.0, patience=2)
    kept = fit_network(ROWS, LEARNER, rough, 0, start=start).state_dict()
    assert all(torch.equal(tensor, start[name]) for name, tensor in kept.items())
    spoilt = fit_network(ROWS, LEARNER, replace(rough, patience=None), 0, start=start).state_dict()
    assert not torch.allclose(spoilt["no_crystal"], start["no_crystal"], atol=0.1)


def test_a_run_with_a_patience_has_curves_as_long_as_its_longest_network(tmp_path: Path) -> None:
    fit = replace(_builders.FIT, epochs=6, patience=1)
    settings = TrainingSettings(n_folds=2, n_members=2, fit=fit, network=_builders.NETWORK)
    job = pipeline.Job(MeasurementTable("own.csv", ROWS), settings, workers=1)
    trained = pipeline.train(job, tmp_path)
    assert trained.artefact.training["fit"]["patience"] == 1
    for curve in trained.curves.values():
        assert 1 <= len(curve) <= 6 and np.isfinite(curve).all()
    few = replace(job, table=MeasurementTable("few.csv", ROWS[:22]))
    with pytest.raises(InvalidValue, match="train without a patience"):
        pipeline.train(few, tmp_path / "few")
    assert not (tmp_path / "few").exists(), "nothing was begun that could not be resumed without a patience"


def test_curves_of_networks_that_stopped_are_averaged_over_those_that_had_not(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    job = pipeline.Job(MeasurementTable("own.csv", ROWS), TrainingSettings(n_members=2))
    work = pipeline.work_of(job, {0: [0]}, tmp_path)
    for member, curve in enumerate(([4.0, 2.0, 1.0], [2.0])):
        save_file({CURVE: np.array(curve, dtype=np.float32)}, tmp_path / Unit(0, member).file)
    assert training_curves(work)["without fold 1"].tolist() == [3.0, 2.0, 1.0]
