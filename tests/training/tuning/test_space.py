"""What a search may change: every bound can be trained with, and what makes no difference is refused."""

from __future__ import annotations

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.errors import InvalidValue
from superion.training.settings import TrainingSettings
from superion.training.settings_file import values_of, with_values
from superion.training.tuning.space import SPACE, Dimension, space_of, where

DEFAULTS = TrainingSettings()
BY_NAME = {one.name: one for one in SPACE}


@pytest.mark.parametrize("end", ["low", "high"])
def test_both_ends_of_every_dimension_are_settings(end: str) -> None:
    values = {one.name: int(getattr(one, end)) if one.step else getattr(one, end) for one in SPACE}
    assert values_of(with_values(DEFAULTS, values)).items() >= values.items()


def test_the_defaults_lie_within_and_move_nothing() -> None:
    assert space_of((), DEFAULTS, ()) == SPACE


@given(st.sampled_from([one for one in SPACE if one.step]), st.integers(1, 500))
def test_a_whole_number_is_held_and_can_be_tried(dimension: Dimension, value: int) -> None:
    moved = dimension.moved(value)
    tried = moved.suggest(optuna.trial.FixedTrial({dimension.name: value}))  # type: ignore[arg-type] # as a trial is
    assert tried == value
    assert moved.step is not None
    assert (moved.high - moved.low) % moved.step == 0


@pytest.mark.parametrize(("width", "heads"), [(40, 4), (96, 3), (64, 4), (16, 2), (128, 8), (35, 5)])
def test_every_width_is_one_for_the_heads(width: int, heads: int) -> None:
    settings = with_values(DEFAULTS, {"network.width": width, "network.heads": heads})
    (found,) = space_of(["network.width"], settings, ())
    assert found.step is not None
    tried = range(int(found.low), int(found.high) + 1, found.step)
    assert width in tried and found.high in tried
    assert all(with_values(settings, {"network.width": one}).network.width == one for one in tried)


def test_nothing_has_no_logarithm() -> None:
    moved = BY_NAME["fit.weight_decay"].moved(0.0)
    assert (moved.low, moved.log) == (0.0, False)


def test_the_named_are_searched_once_each() -> None:
    found = space_of(["fit.jitter", "fit.epochs", "fit.jitter"], DEFAULTS, ())
    assert [one.name for one in found] == ["fit.jitter", "fit.epochs"]
    assert where(DEFAULTS, found) == {"fit.jitter": 0.03, "fit.epochs": 120}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fit.rate", "there is no setting 'fit.rate'"),
        ("network.width", "network.width is given or makes no difference"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_what_can(name: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said) as caught:
        space_of([name], DEFAULTS, ("network.", "trees."))
    assert caught.value.field == "search"
    assert "fit.learning_rate" in caught.value.message and "trees." not in caught.value.message
