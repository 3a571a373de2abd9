"""The folder of results: parts that are there wholly or not, and what may be gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from superion.discovery.screening import results as under_test
from superion.discovery.screening.columns import FAILURES, RESULTS
from superion.discovery.screening.judging import Judged
from superion.discovery.screening.results import Counts, Results
from superion.errors import InvalidValue

ASKED = {"input": {"name": "a.csv", "sha256": "0"}, "where": None, "temperature_C": 25.0}


def judged(n: int, failed: int = 0) -> Judged:
    """Return a part of n materials."""
    rows = pa.table({f.name: [0] * n if f.name == "row" else [None] * n for f in RESULTS}, schema=RESULTS)
    faults = pa.table({f.name: [0 if f.name == "row" else "x"] * failed for f in FAILURES}, schema=FAILURES)
    return Judged(n + failed, rows, faults)


def test_what_is_written_is_found_again_and_read_as_one_table(tmp_path: Path) -> None:
    results = Results(tmp_path / "found.parquet")
    assert results.open(ASKED) == {}
    assert results.write(0, judged(3)) == Counts(3, 3, 0)
    results.write(1_234_567, judged(1, 2))
    results.write(1, judged(0, 1))
    assert Results(tmp_path / "found.parquet").open(ASKED) == {
        0: Counts(3, 3, 0),
        1: Counts(1, 0, 1),
        1_234_567: Counts(3, 1, 2),
    }
    assert results.failures == tmp_path / "found.failures.parquet"
    assert {path.name for path in results.failures.iterdir()} == {"part-000001.parquet", "part-1234567.parquet"}
    assert ds.dataset(results.folder).count_rows() == 4
    assert pq.read_table(results.failures).num_rows == 3
    assert (
        pq.read_schema(results.folder / "part-000000.parquet").field("log10_sigma").metadata[b"unit"] == b"log10(S/cm)"
    )


@pytest.mark.parametrize("changes", [{"where": "in_domain"}, {"temperature_C": 60.0}, {"input": {"name": "b.csv"}}])
def test_a_screening_of_something_else_is_not_gone_on_with(tmp_path: Path, changes: dict[str, Any]) -> None:
    results = Results(tmp_path / "found.parquet")
    results.open(ASKED)
    (name,) = changes
    with pytest.raises(InvalidValue, match=f"with another {name.replace('_', ' ')}: ") as caught:
        results.open({**ASKED, **changes})
    assert caught.value.field == "out"
    assert json.loads((results.folder / "_screening.json").read_text()) == ASKED


def test_no_folder_of_anything_else_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("1")
    (tmp_path / "file.parquet").write_text("1")
    for name in ("thesis", "file.parquet"):
        with pytest.raises(InvalidValue, match="holds no screening"):
            Results(tmp_path / name).open(ASKED)
    with pytest.raises(InvalidValue, match="cannot be written to"):
        Results(tmp_path / "file.parquet" / "below").open(ASKED)
    (tmp_path / "empty").mkdir()
    assert Results(tmp_path / "empty").open(ASKED) == {}


def test_a_part_that_is_cut_off_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(tmp_path / "found.parquet")
    results.open(ASKED)

    def fails(number: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="No space left"):
        broken.setattr(under_test.os, "fsync", fails)
        results.write(0, judged(1, 1))
    assert [path.name for path in results.folder.iterdir()] == ["_screening.json"]
    # A part counts as done by its results, so its failures are there before them.
    calls: list[int] = []

    def fails_the_second_time(number: int) -> None:
        calls.append(number)
        if len(calls) == 2:
            fails(number)

    with monkeypatch.context() as broken, pytest.raises(OSError, match="No space left"):
        broken.setattr(under_test.os, "fsync", fails_the_second_time)
        results.write(0, judged(1, 1))
    assert [path.name for path in results.failures.iterdir()] == ["part-000000.parquet"]
    assert results.open(ASKED) == {}
    # Of a process that was killed a draft is left, which goes with the next one.
    (results.folder / ".part-000000.parquet.abcd.draft").write_bytes(b"PAR1")
    assert results.open(ASKED) == {}
    assert [path.name for path in results.folder.iterdir()] == ["_screening.json"]
