"""Folds in which no paper and no composition is on both sides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidTable
from superion.training.table import Measurement

IndexArray = npt.NDArray[np.int64]

_DOI_PREFIX = re.compile(r"^(https?://(dx\.)?doi\.org/|doi:\s*)")


@dataclass(frozen=True)
class Fold:
    """Hold the row numbers of one fold.

    Rows of other papers whose composition occurs in `test` are in neither: they would tell the answer.
    """

    train: IndexArray
    test: IndexArray


def grouped_folds(rows: Sequence[Measurement], n_folds: int, seed: int) -> list[Fold]:
    """Split rows into folds by paper, of about equal size; `seed` chooses among such splits.

    Rows that share a DOI are one group (several DOIs may be joined by `|`); a row without a DOI follows the rows of its
    composition. Raises InvalidTable when there are fewer groups than folds.
    """
    groups = paper_groups(rows)
    distinct = sorted(set(groups))
    papers = Counter(group for group, row in zip(groups, rows, strict=True) if row.doi)
    if len(distinct) < n_folds:
        raise InvalidTable(
            f"{n_folds} folds need as many papers (or, without DOIs, compositions); the table has {len(distinct)}",
            field="doi",
            value=len(distinct),
        )
    assigned = _assign(groups, distinct, papers, n_folds, seed)
    compositions = np.array([row.composition for row in rows])
    folds = []
    for number in range(n_folds):
        inside = assigned == number
        shared = np.isin(compositions, compositions[inside])
        folds.append(Fold(train=np.flatnonzero(~inside & ~shared), test=np.flatnonzero(inside)))
    return folds


def paper_groups(rows: Sequence[Measurement]) -> list[str]:
    """Return the group of every row: the first of the DOIs that it is linked with, else its composition."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    papers = [[_paper(part) for part in (row.doi or "").split("|") if part.strip()] for row in rows]
    for names in papers:
        for other in names[1:]:
            first, second = sorted((find(names[0]), find(other)))
            leader[second] = first
    by_composition: dict[str, str] = {}
    for row, names in zip(rows, papers, strict=True):
        if names:
            by_composition.setdefault(row.composition, find(names[0]))
    return [
        find(names[0]) if names else by_composition.get(row.composition, f"composition {row.composition}")
        for row, names in zip(rows, papers, strict=True)
    ]


def _paper(doi: str) -> str:
    """Write a DOI one way, however it was given: bare, with `doi:` or as a link."""
    return _DOI_PREFIX.sub("", doi.strip().lower())


def _assign(
    groups: Sequence[str], distinct: Sequence[str], papers: Mapping[str, int], n_folds: int, seed: int
) -> IndexArray:
    """Deal the groups out, largest first, each to the fold that is smallest so far; ties fall as the seed has it.

    Papers go first, by the number of their own rows, so that adding rows without a DOI moves no paper.
    """
    sizes = {**Counter(groups), **papers}
    random = np.random.default_rng(seed)
    filled = np.zeros(n_folds, dtype=np.int64)
    fold_of: dict[str, int] = {}
    for part in ([name for name in distinct if name in papers], [name for name in distinct if name not in papers]):
        order = [part[index] for index in random.permutation(len(part))]
        for name in sorted(order, key=lambda name: -sizes[name]):
            fold_of[name] = int(np.argmin(filled))
            filled[fold_of[name]] += sizes[name]
    return np.array([fold_of[name] for name in groups], dtype=np.int64)
