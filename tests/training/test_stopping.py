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


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rows_that_judge_share_no_paper_and_no_composition_with_those_learned_from(seed: int) -> None:
    learned, judging = parted(ROWS, seed)
    assert {row.composition for row in learned}.isdisjoint(row.composition for row in judging)
    paper = dict(zip((row.id for row in ROWS), paper_groups(ROWS), strict=True))
    assert {paper[row.id] for row in learned}.isdisjoint(paper[row.id] for row in judging)
    assert 2 <= len(judging) <= len(ROWS) // 4
    assert {row.id for row in parted(ROWS, seed)[1]} == {row.id for row in judging}


def test_seeds_hold_out_different_papers() -> None:
    assert len({tuple(row.id for row in parted(ROWS, seed)[1]) for seed in range(6)}) > 1


def test_too_few_rows_name_the_patience() -> None:
    with pytest.raises(InvalidValue, match="10 rows are too few for that: train without a patience") as caught:
        parted(_builders.synthetic_rows(10), 0)
    assert caught.value.field == "patience"


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
    watch = EarlyStopping(network, patience, lambda one: next(given))
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
    monkeypatch.setattr(stopping, "KEPT_A_STEP", 0.0)
    assert judged(errors, patience) == (made, kept)


def test_what_is_kept_is_an_average_over_steps() -> None:
    made, kept = judged([3.0, 2.0, 1.0], 5)
    # The first step is taken whole, the second by a hundredth.
    assert (made, kept) == (2, pytest.approx(1.0 * 0.99 + 2.0 * 0.01))


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


def test_fine_tuning_on_noise_goes_back_to_where_it_began() -> None:
    settings = replace(STILL, epochs=4, learning_rate=0.3, patience=2)
    start = SuperionNetwork(LEARNER).state_dict()
    rough = fit_network(ROWS, LEARNER, settings, 0, start=start)
    gentle = fit_network(ROWS, LEARNER, replace(settings, learning_rate=1e-12), 0, start=start)
    for name, tensor in gentle.state_dict().items():
        assert tensor == pytest.approx(start[name], abs=1e-6)
    assert rough.state_dict().keys() == start.keys()


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
    assert not list((tmp_path / "few").glob("networks/*"))


def test_curves_of_networks_that_stopped_are_averaged_over_those_that_had_not(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    job = pipeline.Job(MeasurementTable("own.csv", ROWS), TrainingSettings(n_members=2))
    work = pipeline.work_of(job, {0: [0]}, tmp_path)
    for member, curve in enumerate(([4.0, 2.0, 1.0], [2.0])):
        save_file({CURVE: np.array(curve, dtype=np.float32)}, tmp_path / Unit(0, member).file)
    assert training_curves(work)["without fold 1"].tolist() == [3.0, 2.0, 1.0]
