"""Splits that are kept in a file: the folds of one table by the ids of its rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from superion.errors import InvalidTable
from superion.training.groups import GROUPINGS, family
from superion.training.splits import Fold, IndexArray, folds_by, held_out
from superion.training.table import Measurement, MeasurementTable

LEAVE_ONE_FAMILY_OUT = "leave_one_family_out"
KINDS = (*GROUPINGS, LEAVE_ONE_FAMILY_OUT)
"""What a split can be by."""

FORMAT_VERSION = 1
"""Of the file that a split is kept in."""

IDS_SHOWN = 5
"""How many missing ids an error names."""


@dataclass(frozen=True)
class SplitFold:
    """Hold the ids of the rows of one fold; rows left out of both sides are in neither."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    name: str | None = None
    """The family that is tested, in a split that leaves one family out."""

    def __post_init__(self) -> None:
        for side, ids in (("train", self.train), ("test", self.test)):
            if not ids:
                raise InvalidTable(f"a fold of a split has no rows to {side}", field=side, value=self.name)
        repeated = [name for name, times in Counter((*self.train, *self.test)).items() if times > 1]
        if repeated:
            raise InvalidTable(f"the row {repeated[0]!r} stands twice in one fold", field="folds", value=repeated[0])


@dataclass(frozen=True)
class Split:
    """Hold the folds of one table by the ids of its rows, to be saved and applied to the same table again."""

    kind: str
    """One of `KINDS`."""
    seed: int | None
    """None where nothing was drawn, as when one family is left out."""
    n_folds: int
    digest: str
    """Of the table that was split, with its structures."""
    folds: tuple[SplitFold, ...]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidTable(f"splits are by {', '.join(KINDS)}, not by {self.kind!r}", field="kind", value=self.kind)
        if self.n_folds != len(self.folds) or not self.folds:
            raise InvalidTable(
                f"the split says {self.n_folds} folds and holds {len(self.folds)}", field="n_folds", value=self.n_folds
            )
        repeated = [
            name for name, times in Counter(name for fold in self.folds for name in fold.test).items() if times > 1
        ]
        if repeated:
            raise InvalidTable(f"the row {repeated[0]!r} is tested twice", field="folds", value=repeated[0])

    def for_table(self, table: MeasurementTable) -> list[Fold]:
        """Return the folds as row numbers of the table that was split.

        Raises InvalidTable for another table: one whose digest differs or that lacks rows of the split.
        """
        if table.digest != self.digest:
            raise InvalidTable(
                f"the split was made for a table with digest {self.digest[:16]!r} and {table.name} has "
                f"{table.digest[:16]!r}: the table or its structures are not those that were split; split it again",
                field="digest",
                value=table.digest,
            )
        number = {row.id: index for index, row in enumerate(table.rows)}
        wanted = {name: None for fold in self.folds for name in (*fold.test, *fold.train)}
        missing = [name for name in wanted if name not in number]
        if missing:
            shown = ", ".join(map(repr, missing[:IDS_SHOWN])) + (", ..." if len(missing) > IDS_SHOWN else "")
            raise InvalidTable(
                f"{table.name} lacks {len(missing)} rows of the split: {shown}", field="id", value=missing[0]
            )
        return [Fold(train=_numbers(fold.train, number), test=_numbers(fold.test, number)) for fold in self.folds]

    def save(self, path: Path) -> None:
        """Write the split as JSON."""
        document = {"format_version": FORMAT_VERSION, **asdict(self)}
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Split:
        """Read a split that was saved.

        Raises InvalidTable for a file that is missing, damaged or of another format version.
        """
        if not path.is_file():
            raise InvalidTable(f"there is no split {str(path)!r}", field="split", value=str(path))
        try:
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise InvalidTable(f"{path.name} is not a split: {error}", field="split", value=path.name) from error
        version = document.get("format_version") if isinstance(document, dict) else None
        if version != FORMAT_VERSION:
            raise InvalidTable(
                f"{path.name} is not a split of format version {FORMAT_VERSION}", field="split", value=version
            )
        return _split_of(document, path.name)


def make_split(table: MeasurementTable, kind: str, n_folds: int = 5, seed: int = 0) -> Split:
    """Split a table into folds by paper, composition, family or chemical system.

    Rows whose composition occurs in the test side are left out of training in every kind. A row without a DOI, or
    without a family, follows the rows of its composition. Only folds by paper keep papers apart. Raises InvalidTable
    when there are fewer groups than folds or nothing is left to train on, InvalidValue for another kind.
    """
    folds = folds_by(kind, table.rows, n_folds, seed)
    return Split(kind, seed, n_folds, table.digest, tuple(_with_ids(fold, table.rows) for fold in folds))


def leave_one_family_out(table: MeasurementTable, min_rows: int = 1) -> Split:
    """Split a table into one fold per family of at least `min_rows` rows, named after it, by size.

    A row without a family is trained on and never tested, unless a row of its composition has one. Raises InvalidTable
    when there are fewer than two such families or one of them leaves nothing to train on.
    """
    named = [family(row) for row in table.rows]
    groups = GROUPINGS["family"](table.rows)
    sizes = {name: count for name, count in Counter(groups).items() if count >= min_rows and name in set(named)}
    if len(sizes) < 2:
        raise InvalidTable(
            f"leaving one family out needs two families of at least {min_rows} rows; {table.name} has {len(sizes)}",
            field="family",
            value=len(sizes),
        )
    folds = tuple(
        _with_ids(held_out(table.rows, np.array([group == name for group in groups])), table.rows, name)
        for name in sorted(sizes, key=lambda name: (-sizes[name], name))
    )
    return Split(LEAVE_ONE_FAMILY_OUT, None, len(folds), table.digest, folds)


def _with_ids(fold: Fold, rows: Sequence[Measurement], name: str | None = None) -> SplitFold:
    return SplitFold(
        train=tuple(rows[int(index)].id for index in fold.train),
        test=tuple(rows[int(index)].id for index in fold.test),
        name=name,
    )


def _numbers(ids: Sequence[str], number: Mapping[str, int]) -> IndexArray:
    return np.array(sorted(number[name] for name in ids), dtype=np.int64)


def _split_of(document: Mapping[str, Any], source: str) -> Split:
    """Make a split of a document, whose parts are checked here and whose sense where the split is made."""

    def part(within: Any, name: str, *types: type) -> Any:
        value = within.get(name) if isinstance(within, dict) else None
        if not isinstance(value, types) or isinstance(value, bool):
            raise InvalidTable(f"{source} is damaged: {name} is {value!r}", field="split", value=name)
        return value

    def ids(within: Any, name: str) -> tuple[str, ...]:
        found = part(within, name, list)
        if not all(isinstance(entry, str) for entry in found):
            raise InvalidTable(f"{source} is damaged: {name} holds what is no id", field="split", value=name)
        return tuple(found)

    return Split(
        kind=part(document, "kind", str),
        seed=part(document, "seed", int, type(None)),
        n_folds=part(document, "n_folds", int),
        digest=part(document, "digest", str),
        folds=tuple(
            SplitFold(ids(fold, "train"), ids(fold, "test"), part(fold, "name", str, type(None)))
            for fold in part(document, "folds", list)
        ),
    )
