"""A screening as a Dask dataframe in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask
import pytest

from superion.discovery import screen
from superion.discovery.screening.columns import RESULTS
from superion.errors import InvalidTable, InvalidValue

from ._lists import ARCHIVES, FORMULAS, csv_file, structure_files


def test_a_frame_is_what_a_scientist_goes_on_with(tmp_path: Path) -> None:
    frame = screen(csv_file(tmp_path), "release", rows=4)
    assert frame.npartitions == 3
    assert list(frame.columns) == [*RESULTS.names, "error"]
    with dask.config.set(scheduler="synchronous"):
        whole = frame.compute()
        best = frame.nlargest(2, "log10_sigma").compute()
        mean = frame[frame.error.isna()].groupby("interphase").log10_sigma.mean().compute()
    assert whole.row.tolist() == list(range(len(FORMULAS)))
    assert whole.error.notna().tolist() == [formula in ("Li(", "Xx3") for formula in FORMULAS]
    assert whole.error.iloc[3].startswith("invalid_formula: ")
    good = whole[whole.error.isna()]
    assert best.id.tolist() == good.sort_values("log10_sigma", ascending=False).id.tolist()[:2]
    assert mean.to_dict() == pytest.approx(good.groupby("interphase").log10_sigma.mean().to_dict())
    assert {name: str(kind) for name, kind in whole.dtypes.items()} == {
        name: str(kind) for name, kind in frame.dtypes.items()
    }


def test_it_runs_on_the_client_that_is_there(client: Any, tmp_path: Path) -> None:
    frame = screen(str(csv_file(tmp_path)), "release", where="log10_sigma > -5", rows=5)
    found = frame.compute(scheduler=client)
    assert found[found.error.isna()].log10_sigma.min() > -5.0
    assert found.error.notna().sum() == 2


def test_what_cannot_be_read_from_its_middle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="cannot be read from its middle") as caught:
        screen(ARCHIVES["tar.gz"](tmp_path, structure_files("data_")), "release")
    assert caught.value.field == "path"
    with pytest.raises(InvalidTable, match="no file or folder"):
        screen(tmp_path / "absent.csv", "release")
    with pytest.raises(InvalidValue, match="rows is 1 or more"):
        screen(csv_file(tmp_path), "release", rows=0)
    with pytest.raises(InvalidValue, match="no column 'sigma'"):
        screen(csv_file(tmp_path), "release", where="sigma > 3")
