"""Folds: what must never be on both sides, and that every row is tested once."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold

from superion.errors import InvalidTable, InvalidValue
from superion.training.groups import GROUPINGS
from superion.training.splits import Fold, folds_by, grouped_folds, paper_groups, scoring_folds
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


@given(tables(), st.sampled_from(sorted(GROUPINGS)), st.integers(2, 5), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_folds_of_every_kind_keep_groups_and_compositions_apart(
    rows: list[Measurement], kind: str, n_folds: int, seed: int
) -> None:
    rows = [replace(row, family=("A", " a", "B", None, "")[number % 5]) for number, row in enumerate(rows)]
    groups = GROUPINGS[kind](rows)
    folds = folds_by(kind, rows, min(n_folds, len(set(groups))), seed)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(rows)))
    for fold in folds:
        assert not {groups[i] for i in fold.test} & {groups[i] for i in fold.train}
        tested = {rows[i].composition for i in fold.test}
        assert not tested & {rows[i].composition for i in fold.train}
        absent = set(range(len(rows))) - set(fold.test) - set(fold.train)
        assert {rows[i].composition for i in absent} <= tested


def test_folds_of_an_unknown_kind_are_refused() -> None:
    with pytest.raises(InvalidValue, match="by paper, composition, family, chemical_system, not by 'random'") as caught:
        folds_by("random", _builders.synthetic_rows(), 3, 0)
    assert caught.value.field == "kind"


@pytest.mark.parametrize(
    ("kind", "field", "says"),
    [
        ("composition", "formula", "compositions"),
        ("family", "family", "families"),
        ("chemical_system", "formula", "chem"),
    ],
)
def test_fewer_groups_than_folds_are_refused_in_the_words_of_the_kind(kind: str, field: str, says: str) -> None:
    rows = [_builders.row("LiCl", number, family="salt") for number in range(20)]
    with pytest.raises(InvalidTable, match=f"2 folds need as many {says}") as caught:
        folds_by(kind, rows, 2, 0)
    assert caught.value.field == field


def test_training_is_scored_by_paper_where_papers_can_be_told_apart() -> None:
    rows = _builders.synthetic_rows()
    kind, folds = scoring_folds(rows, 4, 3)
    assert kind == "paper"
    for found, wanted in zip(folds, grouped_folds(rows, 4, 3), strict=True):
        assert np.array_equal(found.train, wanted.train) and np.array_equal(found.test, wanted.test)


def few_papers(*dois: str | None) -> list[Measurement]:
    """Return thirty rows of distinct compositions, shared out among the papers in order."""
    return [replace(row, doi=dois[number * len(dois) // 30]) for number, row in enumerate(_builders.synthetic_rows(30))]


def same_compositions_twice() -> list[Measurement]:
    one = _builders.synthetic_rows(15)
    two = [replace(row, id=f"again-{row.id}", doi="10.1/b") for row in one]
    return [*(replace(row, doi="10.1/a") for row in one), *two]


@pytest.mark.parametrize(
    "rows",
    [
        few_papers("10.1/one"),
        few_papers("10.1/one", "https://doi.org/10.1/ONE"),
        few_papers(None),
        few_papers(*["10.1/one"] * 29, "10.1/two"),
        same_compositions_twice(),
    ],
    ids=["one paper", "one paper written in two ways", "no papers", "all rows but one", "papers of the same"],
)
def test_training_is_scored_by_composition_where_papers_do_not_allow_it(rows: list[Measurement]) -> None:
    kind, folds = scoring_folds(rows, 5, 0)
    assert (kind, len(folds)) == ("composition", 5)
    for fold in folds:
        assert len(fold.train)
        assert not {rows[i].composition for i in fold.test} & {rows[i].composition for i in fold.train}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([_builders.row("LiCl", number, doi="10.1/x") for number in range(20)], "cannot be split"),
        (
            [_builders.row(f"Li{number + 1}Cl", number, doi="10.1/x") for number in range(9)],
            "9 rows have a conductivity",
        ),
        (few_papers("10.1/x")[:11], "11 rows have a conductivity, 8 of them outside the largest fold, where 10 are"),
    ],
    ids=["one composition", "nine rows", "eleven rows"],
)
def test_a_table_too_small_to_score_is_refused_with_what_can_still_be_done(rows: list[Measurement], says: str) -> None:
    with pytest.raises(InvalidTable, match=says) as caught:
        scoring_folds(rows, 5, 0)
    assert "superion predict FORMULA --model release" in caught.value.message
    assert "superion evaluate --data TABLE --model release" in caught.value.message


def test_the_folds_of_a_seed_stay_what_they_were(data_mirror) -> None:  # type: ignore[no-untyped-def]
    # Published figures, and runs that are resumed, rest on these very folds.
    rows = read_table(data_mirror("obelix") / "train.csv").rows
    digest = hashlib.sha256()
    for seed in range(3):
        for fold in grouped_folds(rows, 5, seed):
            digest.update(fold.train.tobytes() + b"|" + fold.test.tobytes())
    assert digest.hexdigest() == "33a4a9098263245941a405481962fd833fc7d3f6c662bb46bb07bdeee8058daf"


def test_the_folds_of_obelix_are_even_and_keep_apart_what_belongs_together(data_mirror) -> None:  # type: ignore[no-untyped-def]
    rows = read_table(data_mirror("obelix") / "train.csv").rows
    for fold in grouped_folds(rows, 5, 0):
        assert 90 <= len(fold.test) <= 101
        test, train = [rows[i] for i in fold.test], [rows[i] for i in fold.train]
        assert not {row.composition for row in test} & {row.composition for row in train}
        assert not set().union(*map(papers, test)) & set().union(*map(papers, train))
