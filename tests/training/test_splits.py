"""Folds: what must never be on both sides, and that every row is tested once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold

from superion.errors import InvalidTable
from superion.training.splits import Fold, grouped_folds, paper_groups
from superion.training.table import Measurement, read_table

from . import _builders

FORMULAS = ("LiCl", "Li2Cl2", "LiBr", "Li3N", "Li2S", "Li3PS4", "Li6PS5Cl", "Li12P2S10Cl2", "LiF")


@st.composite
def tables(draw: st.DrawFn) -> list[Measurement]:
    n = draw(st.integers(8, 40))
    doi = st.none() | st.integers(0, 12).map(lambda k: f"10.1/{k}")
    linked = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda two: "|".join(f"10.1/{k}" for k in two))
    return [_builders.row(draw(st.sampled_from(FORMULAS)), number, doi=draw(doi | linked)) for number in range(n)]


def folds_of(rows: list[Measurement], n_folds: int, seed: int = 0) -> list[Fold]:
    return grouped_folds(rows, min(n_folds, len(set(paper_groups(rows)))), seed)


def papers(row: Measurement) -> set[str]:
    return set((row.doi or "").split("|")) - {""}


@given(tables(), st.integers(2, 5), st.integers(0, 5))
@settings(max_examples=80, deadline=None)
def test_no_paper_and_no_composition_is_on_both_sides_and_every_row_is_tested_once(
    rows: list[Measurement], n_folds: int, seed: int
) -> None:
    folds = folds_of(rows, n_folds, seed)
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(len(rows)))
    for fold in folds:
        test, train = [rows[i] for i in fold.test], [rows[i] for i in fold.train]
        assert not set(fold.train) & set(fold.test)
        assert not {row.composition for row in test} & {row.composition for row in train}
        assert not set().union(*map(papers, test)) & set().union(*map(papers, train))


@given(tables(), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_only_rows_of_a_tested_composition_are_left_out(rows: list[Measurement], n_folds: int) -> None:
    for fold in folds_of(rows, n_folds):
        tested = {rows[i].composition for i in fold.test}
        absent = set(range(len(rows))) - set(fold.test) - set(fold.train)
        assert {rows[i].composition for i in absent} <= tested


@given(tables(), st.permutations(range(8)))
@settings(max_examples=40, deadline=None)
def test_grouping_does_not_depend_on_the_order_of_rows_with_a_doi(rows: list[Measurement], order: list[int]) -> None:
    rows = [replace(row, doi=row.doi or "10.2/x") for row in rows]
    shuffled = [rows[i] for i in order] + rows[8:]
    one, other = paper_groups(rows), paper_groups(shuffled)
    assert [one[i] for i in order] + one[8:] == other


def test_linked_papers_are_one_group_through_any_chain() -> None:
    dois = ["a|b", "c", "b|c", "d", "D | e", "e", "f"]
    groups = paper_groups([_builders.row("LiCl", number, doi=doi) for number, doi in enumerate(dois)])
    assert len({groups[i] for i in (0, 1, 2)}) == 1
    assert len({groups[i] for i in (3, 4, 5)}) == 1
    assert len(set(groups)) == 3


@pytest.mark.parametrize(
    "doi", ["10.1/X", "https://doi.org/10.1/x", "http://dx.doi.org/10.1/x", "doi:10.1/x", " 10.1/x ", "DOI: 10.1/x"]
)
def test_a_doi_is_one_paper_however_it_is_written(doi: str) -> None:
    one, other = paper_groups([_builders.row(doi="10.1/x"), _builders.row("LiBr", 1, doi=doi)])
    assert one == other


def test_a_row_without_a_doi_follows_its_composition() -> None:
    rows = [
        _builders.row("Li6PS5Cl", 0, doi="10.1/a"),
        _builders.row("Li12P2S10Cl2", 1),
        _builders.row("LiBr", 2),
        _builders.row("Li2Br2", 3),
        _builders.row("Li3N", 4, doi="  | "),
    ]
    groups = paper_groups(rows)
    assert groups[0] == groups[1]
    assert groups[2] == groups[3]
    assert len(set(groups)) == 3


def test_seeds_give_other_folds_and_the_same_seed_the_same() -> None:
    rows = _builders.synthetic_rows()

    def tests(seed: int) -> list[list[int]]:
        return [fold.test.tolist() for fold in grouped_folds(rows, 4, seed)]

    assert tests(3) == tests(3)
    assert len({str(tests(seed)) for seed in range(6)}) == 6


def test_folds_are_as_even_as_scikit_learn_deals_them() -> None:
    random = np.random.default_rng(0)
    sizes = random.integers(1, 12, 30)
    rows = [
        _builders.row(f"Li{1 + 0.01 * number:.2f}Cl", number, doi=f"10.1/{group}")
        for number, group in enumerate(np.repeat(np.arange(30), sizes))
    ]
    groups = paper_groups(rows)
    theirs = [len(test) for _, test in GroupKFold(5).split(rows, groups=groups)]
    for seed in range(3):
        ours = [len(fold.test) for fold in grouped_folds(rows, 5, seed)]
        assert sorted(ours) == sorted(theirs)


def test_fewer_groups_than_folds_are_refused() -> None:
    rows = [_builders.row("LiCl", number, doi="10.1/one") for number in range(20)]
    with pytest.raises(InvalidTable, match="2 folds need as many papers") as caught:
        grouped_folds(rows, 2, 0)
    assert caught.value.field == "doi"


def test_the_folds_of_obelix_are_even_and_keep_apart_what_belongs_together(data_mirror) -> None:  # type: ignore[no-untyped-def]
    rows = read_table(data_mirror("obelix") / "train.csv").rows
    for fold in grouped_folds(rows, 5, 0):
        assert 90 <= len(fold.test) <= 101
        test, train = [rows[i] for i in fold.test], [rows[i] for i in fold.train]
        assert not {row.composition for row in test} & {row.composition for row in train}
        assert not set().union(*map(papers, test)) & set().union(*map(papers, train))
