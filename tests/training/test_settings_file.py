"""Settings in a file: what is written comes back, and what is none is refused with what would be right."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.errors import InvalidValue
from superion.training.settings import TrainingSettings
from superion.training.settings_file import LIMITS, read_settings, values_of, with_values, write_settings

DEFAULTS = TrainingSettings()


def test_every_setting_is_one_and_its_default_lies_within() -> None:
    assert values_of(DEFAULTS).keys() == LIMITS.keys()
    assert with_values(DEFAULTS, values_of(DEFAULTS)) == DEFAULTS


def test_what_differs_is_written_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "best.json"
    changed = with_values(DEFAULTS, {"fit.epochs": 40, "network.dropout": 0.25, "trees.feature_share": 0.2})
    write_settings(changed, path, {"study": "ours"})
    document = json.loads(path.read_text())
    assert document["values"] == {"fit.epochs": 40, "network.dropout": 0.25, "trees.feature_share": 0.2}
    assert document["found"] == {"study": "ours"}
    assert read_settings(path) == changed
    assert [one.name for one in tmp_path.iterdir()] == ["best.json"]


@given(st.fixed_dictionaries({}, optional={name: st.floats(low, high) for name, (low, high) in LIMITS.items()}))
def test_values_come_back_as_they_were_given(values: dict[str, float]) -> None:
    given_values: dict[str, Any] = {
        name: int(value) if isinstance(values_of(DEFAULTS)[name], int) else value for name, value in values.items()
    }
    given_values |= {"network.width": 64, "network.heads": 4}
    assert values_of(with_values(DEFAULTS, given_values)).items() >= given_values.items()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fit.rate", 1.0),
        ("epochs", 10),
        ("fit.epochs", 2.5),
        ("fit.epochs", 0),
        ("fit.epochs", True),
        ("fit.epochs", "many"),
        ("fit.learning_rate", math.nan),
        ("fit.learning_rate", math.inf),
        ("fit.learning_rate", 10**400),
        ("fit.learning_rate", 0.0),
        ("network.dropout", 1.0),
        ("network.width", 30),
        ("trees.n_trees", 1),
    ],
)
def test_what_is_no_setting_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        with_values(DEFAULTS, {name: value})
    assert caught.value.field == name
    assert name in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"superion_settings": 2, "values": {}}',
        '{"superion_settings": 1, "values": []}',
        '{"superion_settings": true, "values": {}}',
        "[" * 100_000,
        "\x00",
    ],
)
def test_a_file_that_holds_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "none.json"
    path.write_text(text)
    with pytest.raises(InvalidValue, match=r"none\.json") as caught:
        read_settings(path)
    assert caught.value.field == "settings"


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="cannot be read as settings"):
        read_settings(tmp_path / "absent.json")


def test_a_file_says_nothing_of_folds_and_seed(tmp_path: Path) -> None:
    write_settings(replace(DEFAULTS, n_folds=3, seed=9), tmp_path / "a.json", {})
    assert read_settings(tmp_path / "a.json") == DEFAULTS
