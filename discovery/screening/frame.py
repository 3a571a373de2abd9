"""A screening as a Dask dataframe, for whoever goes on in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from superion.discovery.screening.columns import RESULTS
from superion.discovery.screening.judging import Asked, judge
from superion.discovery.screening.parts import Part
from superion.discovery.screening.sources import Source, check_rows
from superion.errors import InvalidValue

if TYPE_CHECKING:
    from dask.dataframe import DataFrame

ERROR = "error"
"""Column that says why a material could not be predicted; null for the others."""


def screen(
    path: Path | str,
    model: str | Path = "champion",
    temperature_C: float = 25.0,  # noqa: N803 - the name that clients write
    confidence: float = 0.9,
    where: str | None = None,
    stability: bool = True,
    rows: int | None = None,
) -> DataFrame:
    """Return what a model predicts of a list of materials, as a Dask dataframe that computes when it is asked to.

    The list is a CSV, Parquet or JSON-lines file, a folder or an archive of structure files, or an OPTIMADE response;
    each partition has `rows` materials of it. The columns are those of `superion screen`; what could not be predicted
    is a row with `error` and meets any condition `where`. Without `stability` nothing is asked about lithium metal, nor
    what is learned with it, which takes half of the time of a formula. It runs on the client that is there, else in
    this process.

    Raises InvalidValue for what cannot be asked, InvalidTable for a list that cannot be read.
    """
    import dask.dataframe as dd

    check_rows(rows)
    source, asked = Source.of(Path(path)), Asked.of(model, temperature_C, confidence, where, stability)
    if source.travels:
        raise InvalidValue(
            f"{source.path.name} cannot be read from its middle; a folder, a zip, a plain tar or JSON lines can",
            field="path",
            value=str(path),
        )
    parts = list(source.parts(source.rows if rows is None else rows))
    return dd.from_map(_frame, parts, asked=asked, meta=_pandas(RESULTS.empty_table(), []), enforce_metadata=False)


def _frame(part: Part, asked: Asked) -> pd.DataFrame:
    judged = judge(part, asked)
    failures = judged.failures.to_pylist()
    both = pa.concat_tables(
        [judged.results, pa.table({"row": [one["row"] for one in failures], "id": [one["id"] for one in failures]})],
        promote_options="default",
    )
    errors = [None] * len(judged.results) + [f"{one['code']}: {one['message']}" for one in failures]
    return _pandas(both, errors).sort_values("row", ignore_index=True)


def _pandas(table: pa.Table, errors: list[Any]) -> pd.DataFrame:
    """Return a frame whose columns have the same types whatever is in it."""
    table = table.append_column(ERROR, pa.array(errors, pa.string()))
    types = {pa.string(): pd.ArrowDtype(pa.string()), pa.bool_(): pd.BooleanDtype()}
    return table.to_pandas(types_mapper=types.get)
