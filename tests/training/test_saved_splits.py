"""Splits in files: the round trip, the table that they belong to, and files that are none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.errors import InvalidTable, InvalidValue
from superion.training.groups import GROUPINGS
from superion.training.saved_splits import LEAVE_ONE_FAMILY_OUT, Split, SplitFold, leave_one_family_out, make_split
from superion.training.splits import folds_by, grouped_folds
from superion.training.table import MeasurementTable, read_table

from . import _builders


def table() -> MeasurementTable:
    rows = [
        replace(row, family=None if number % 7 == 0 else f"Family {number % 3}")
        for number, row in enumerate(_builders.synthetic_rows())
    ]
    return _builders.table(rows)


@pytest.mark.parametrize("kind", sorted(GROUPINGS))
def test_a_split_is_saved_and_gives_the_same_folds_again(tmp_path: Path, kind: str) -> None:
    data = table()
    split = make_split(data, kind, n_folds=4, seed=2)
    split.save(tmp_path / "split.json")
    loaded = Split.load(tmp_path / "split.json")
    assert loaded == split
    assert (loaded.kind, loaded.seed, loaded.n_folds, loaded.digest) == (kind, 2, 4, "abc")
    for found, wanted in zip(loaded.for_table(data), folds_by(kind, data.rows, 4, 2), strict=True):
        assert np.array_equal(found.train, wanted.train) and np.array_equal(found.test, wanted.test)


@given(st.permutations(range(36)))
@settings(max_examples=20, deadline=None)
def test_a_split_is_of_ids_and_not_of_places(order: list[int]) -> None:
    data = table()
    moved = replace(data, rows=tuple(data.rows[index] for index in order))
    split = make_split(data, "paper")
    for found, wanted in zip(split.for_table(moved), grouped_folds(data.rows, 5, 0), strict=True):
        assert {moved.rows[index].id for index in found.test} == {data.rows[index].id for index in wanted.test}
        assert {moved.rows[index].id for index in found.train} == {data.rows[index].id for index in wanted.train}
        assert list(found.train) == sorted(found.train)


def test_a_split_is_refused_for_another_table() -> None:
    data = table()
    with pytest.raises(InvalidTable, match=r"digest 'abc' and synthetic\.csv has 'abd'.*split it again") as caught:
        make_split(data, "paper").for_table(replace(data, digest="abd"))
    assert caught.value.field == "digest"


def test_a_split_is_refused_for_a_table_that_lacks_its_rows() -> None:
    data = table()
    with pytest.raises(InvalidTable, match=r"lacks 30 rows of the split: .*, \.\.\.$") as caught:
        make_split(data, "paper").for_table(replace(data, rows=data.rows[:6]))
    assert caught.value.field == "id"


def test_a_split_of_no_known_kind_or_with_too_many_folds_is_refused() -> None:
    with pytest.raises(InvalidValue, match="'random'"):
        make_split(table(), "random")
    with pytest.raises(InvalidTable, match="19 folds need as many papers"):
        make_split(table(), "paper", n_folds=19)


def test_a_fold_that_leaves_nothing_to_train_on_is_refused() -> None:
    rows = [_builders.row("LiCl", number, doi=f"10.1/{number}") for number in range(4)]
    with pytest.raises(InvalidTable, match="no rows to train"):
        make_split(_builders.table(rows), "paper", n_folds=2)


def test_one_family_at_a_time_is_left_out_by_size() -> None:
    data = table()
    split = leave_one_family_out(data)
    assert (split.kind, split.seed, split.n_folds) == (LEAVE_ONE_FAMILY_OUT, None, 3)
    sizes = [len(fold.test) for fold in split.folds]
    assert sizes == sorted(sizes, reverse=True)
    family = {row.id: row.family for row in data.rows}
    for fold in split.folds:
        assert {family[name] for name in fold.test} == {str(fold.name).capitalize()}
        assert str(fold.name).capitalize() not in {family[name] for name in fold.train}
        assert None in {family[name] for name in fold.train}
    tested = [name for fold in split.folds for name in fold.test]
    assert sorted(tested) == sorted(name for name, found in family.items() if found)


def test_a_composition_of_two_families_is_not_trained_on_where_it_is_tested() -> None:
    rows = [
        _builders.row("LiCl", 0, family="a"),
        _builders.row("LiCl", 1, family="b"),
        _builders.row("LiBr", 2, family="b"),
        _builders.row("LiBr", 3),
        _builders.row("LiI", 4, family="a"),
        _builders.row("LiF", 5),
    ]
    folds = {fold.name: fold for fold in leave_one_family_out(_builders.table(rows)).folds}
    assert folds["a"].test == ("row-0", "row-4") and folds["a"].train == ("row-2", "row-3", "row-5")
    assert folds["b"].test == ("row-1", "row-2", "row-3") and folds["b"].train == ("row-4", "row-5")


def test_small_families_can_be_kept_for_training() -> None:
    rows = [_builders.row(f"Li{n + 1}Cl", n, family="abbccc"[n]) for n in range(6)]
    assert [fold.name for fold in leave_one_family_out(_builders.table(rows), min_rows=2).folds] == ["c", "b"]
    with pytest.raises(InvalidTable, match=r"two families of at least 3 rows; synthetic\.csv has 1"):
        leave_one_family_out(_builders.table(rows), min_rows=3)


def test_families_of_obelix_are_left_out_one_by_one(data_mirror) -> None:  # type: ignore[no-untyped-def]
    data = read_table(data_mirror("obelix") / "train.csv")
    split = leave_one_family_out(data, min_rows=20)
    assert [fold.name for fold in split.folds[:2]] == ["nasicon", "garnet"]
    families = {row.id: row.family for row in data.rows}
    assert not {families[name] for name in split.folds[0].train} & {"NASICON"}
    assert len(split.for_table(data)) == split.n_folds == 7


GOOD: dict[str, Any] = {
    "format_version": 1,
    "kind": "paper",
    "seed": 0,
    "n_folds": 2,
    "digest": "abc",
    "folds": [
        {"train": ["a"], "test": ["b"], "name": None},
        {"train": ["b"], "test": ["a"], "name": None},
    ],
}


def test_the_good_document_is_read(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(GOOD))
    assert Split.load(tmp_path / "good.json").folds[0] == SplitFold(("a",), ("b",))


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"format_version": 2}, "split", "format version 1"),
        ({"kind": "random"}, "kind", "not by 'random'"),
        ({"kind": 3}, "split", "kind is 3"),
        ({"seed": "0"}, "split", "seed is '0'"),
        ({"seed": True}, "split", "seed is True"),
        ({"n_folds": 3}, "n_folds", "says 3 folds and holds 2"),
        ({"n_folds": 0, "folds": []}, "n_folds", "0 folds"),
        ({"digest": None}, "split", "digest is None"),
        ({"folds": {}}, "split", "folds is {}"),
        ({"folds": ["a", "b"]}, "split", "train is None"),
        ({"folds": [{"train": [1], "test": ["b"], "name": None}] * 2}, "split", "no id"),
        ({"folds": [{"train": [], "test": ["b"], "name": None}] * 2}, "train", "no rows to train"),
        ({"folds": [{"train": ["a"], "test": [], "name": None}] * 2}, "test", "no rows to test"),
        ({"folds": [{"train": ["a"], "test": ["a"], "name": None}] * 2}, "folds", "'a' stands twice"),
        ({"folds": [{"train": ["a"], "test": ["b"], "name": None}] * 2}, "folds", "'b' is tested twice"),
    ],
)
def test_a_file_that_is_no_sound_split_is_refused(
    tmp_path: Path, change: dict[str, Any], field: str, says: str
) -> None:
    path = tmp_path / "split.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(InvalidTable, match=says) as caught:
        Split.load(path)
    assert caught.value.field == field


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 200_000])
def test_a_file_that_is_no_json_document_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "split.json"
    path.write_bytes(content)
    with pytest.raises(InvalidTable, match=r"split\.json is not a split"):
        Split.load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="there is no split"):
        Split.load(tmp_path / "absent.json")
