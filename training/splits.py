"""Folds in which no group of rows and no composition is on both sides.

A group is a paper, a composition, a family or a chemical system. By paper is how the error on new papers is estimated;
by family and by chemical system are harder questions, and by composition is an easier one, for tables whose rows are
all of one paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidTable, InvalidValue
from superion.models.calibration import MIN_RESIDUALS
from superion.training.groups import GROUPINGS, has_paper, paper_groups
from superion.training.table import Measurement

__all__ = ["Fold", "IndexArray", "folds_by", "grouped_folds", "held_out", "paper_groups", "scoring_folds"]

IndexArray = npt.NDArray[np.int64]

WITHOUT_TRAINING = (
    "what can still be done: predict with the release model (`superion predict FORMULA --model release`), and see how "
    "far it is off on these rows (`superion evaluate --data TABLE --model release`)"
)
"""What a table that is too small to train on is good for."""

_GROUPS_SHOWN = {
    "paper": "papers (or, without DOIs, compositions)",
    "composition": "compositions",
    "family": "families (or, without families, compositions)",
    "chemical_system": "chemical systems",
}
_FIELDS = {"paper": "doi", "composition": "formula", "family": "family", "chemical_system": "formula"}


@dataclass(frozen=True)
class Fold:
    """Hold the row numbers of one fold.

    Rows of other groups whose composition occurs in `test` are in neither: they would tell the answer.
    """

    train: IndexArray
    test: IndexArray


def scoring_folds(rows: Sequence[Measurement], n_folds: int, seed: int) -> tuple[str, list[Fold]]:
    """Return what the folds follow that training is scored in, and the folds: papers, else compositions.

    Papers are what is asked for: the error on new papers is what a user meets. Where no row names one, where all are of
    one, or where papers leave a fold without rows to train on or too few to calibrate with, only the easier question
    can be put, that on new compositions. Takes fewer folds where there are fewer groups. Raises InvalidTable where
    that cannot be put either.
    """
    kinds = ("paper", "composition") if any(map(has_paper, rows)) else ("composition",)
    for kind in kinds:
        n_groups = len(set(GROUPINGS[kind](rows)))
        folds = folds_by(kind, rows, min(n_folds, n_groups), seed) if n_groups >= 2 else []
        possible = bool(folds) and all(len(fold.train) for fold in folds)
        if possible and _n_calibrating(rows, folds) >= MIN_RESIDUALS:
            return kind, folds
    if possible:
        raise _too_few(rows, folds)
    raise InvalidTable(
        "the table cannot be split into folds that share no paper and no composition; more rows of other papers or "
        f"compositions are needed; {WITHOUT_TRAINING}",
        field="data",
        value=f"{len(rows)} rows, {n_groups} groups",
    )


def grouped_folds(rows: Sequence[Measurement], n_folds: int, seed: int) -> list[Fold]:
    """Split rows into folds by paper, of about equal size; `seed` chooses among such splits.

    Rows that share a DOI are one group (several DOIs may be joined by `|`); a row without a DOI follows the rows of its
    composition. Raises InvalidTable when there are fewer groups than folds.
    """
    return folds_by("paper", rows, n_folds, seed)


def folds_by(kind: str, rows: Sequence[Measurement], n_folds: int, seed: int) -> list[Fold]:
    """Split rows into folds of about equal size by one of `GROUPINGS`; `seed` chooses among such splits.

    Raises InvalidTable when there are fewer groups than folds, InvalidValue for another kind.
    """
    if kind not in GROUPINGS:
        known = ", ".join(GROUPINGS)
        raise InvalidValue(f"folds are by {known}, not by {kind!r}", field="kind", value=kind)
    groups = GROUPINGS[kind](rows)
    distinct = sorted(set(groups))
    named = (group for group, row in zip(groups, rows, strict=True) if row.doi and row.scored)
    papers = Counter(named) if kind == "paper" else {}
    if len(distinct) < n_folds:
        raise InvalidTable(
            f"{n_folds} folds need as many {_GROUPS_SHOWN[kind]}; the table has {len(distinct)}",
            field=_FIELDS[kind],
            value=len(distinct),
        )
    assigned = _assign(groups, distinct, papers, n_folds, seed)
    return [held_out(rows, assigned == number) for number in range(n_folds)]


def held_out(rows: Sequence[Measurement], inside: npt.NDArray[np.bool_]) -> Fold:
    """Return the fold that tests the rows `inside` (n_rows,) and trains on those of no composition among them."""
    compositions = np.array([row.composition for row in rows])
    shared = np.isin(compositions, compositions[inside])
    return Fold(train=np.flatnonzero(~inside & ~shared), test=np.flatnonzero(inside))


def _assign(
    groups: Sequence[str], distinct: Sequence[str], papers: Mapping[str, int], n_folds: int, seed: int
) -> IndexArray:
    """Deal the groups out, largest first, each to the fold that is smallest so far; ties fall as the seed has it.

    Papers go first, by the number of their own rows that are scored, so that adding rows without a DOI, or rows that
    are only learned from, moves no paper.
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


def _n_calibrating(rows: Sequence[Measurement], folds: Sequence[Fold]) -> int:
    """Return the rows with a conductivity outside the fold that leaves the fewest."""
    measured = np.array([row.log10_conductivity is not None and row.scored for row in rows])
    return int(min(measured.sum() - measured[fold.test].sum() for fold in folds))


def _too_few(rows: Sequence[Measurement], folds: Sequence[Fold]) -> InvalidTable:
    n_measured = sum(row.log10_conductivity is not None and row.scored for row in rows)
    return InvalidTable(
        f"{n_measured} rows have a conductivity, {_n_calibrating(rows, folds)} of them outside the largest fold, where "
        f"{MIN_RESIDUALS} are needed to calibrate the intervals; {WITHOUT_TRAINING}",
        field="conductivity_S_per_cm",
        value=n_measured,
    )
