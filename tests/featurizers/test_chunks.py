"""Chunks of sources: all of them, in order, as large as their time and their size allow."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.errors import InvalidCif
from superion.featurizers.chunks import CHUNK_SECONDS, MAX_SOURCES, MAX_WEIGHT, Chunker

from ._sources import halide


def cut_all(chunker: Chunker, seconds_each: float = 0.0) -> list[list[Any]]:
    """Return all chunks, each source of which takes so long [s]."""
    chunks = []
    while chunk := chunker.cut():
        chunks.append(chunk)
        chunker.learn(len(chunk), len(chunk) * seconds_each)
    assert chunker.cut() == []
    return chunks


@given(st.integers(0, 500), st.integers(1, 9), st.floats(0, 1), st.booleans())
def test_every_source_is_in_one_chunk_and_in_order(n: int, workers: int, seconds: float, has_length: bool) -> None:
    texts = [str(k) for k in range(n)]
    chunks = cut_all(Chunker(texts if has_length else iter(tuple(texts)), workers), seconds)
    assert [source for chunk in chunks for source in chunk] == texts
    assert all(1 <= len(chunk) <= MAX_SOURCES for chunk in chunks)


@pytest.mark.parametrize(
    ("seconds_each", "settled"), [(0.0, MAX_SOURCES), (CHUNK_SECONDS / 10, 10), (CHUNK_SECONDS, 1), (5.0, 1)]
)
def test_chunks_take_about_the_same_time(seconds_each: float, settled: int) -> None:
    sizes = [len(chunk) for chunk in cut_all(Chunker((str(k) for k in range(2000)), 2), seconds_each)]
    assert sizes[0] == 1
    assert sizes[20] == settled


def test_the_last_chunks_shrink_where_the_number_of_sources_is_known() -> None:
    chunker = Chunker([str(k) for k in range(1000)], 2)
    sizes = [len(chunk) for chunk in cut_all(chunker)]
    assert max(sizes) == MAX_SOURCES and sizes[-4:] == [1, 1, 1, 1]
    left = 1000
    for size in sizes:
        assert size <= math.ceil(left / 4)  # so that two workers have two chunks each to the end
        left -= size


@pytest.mark.parametrize(
    ("source", "most"),
    [("x" * (MAX_WEIGHT // 4), 4), (b"x" * MAX_WEIGHT, 1), (halide(4), 64), (halide(4).supercell((5, 5, 5)), 2)],
)
def test_chunks_are_bounded_in_size(source: Any, most: int) -> None:
    sizes = [len(chunk) for chunk in cut_all(Chunker(iter([source] * 1000), 2))]
    assert max(sizes) == most


def test_a_file_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = InvalidCif("earlier")
    (chunk,) = [Chunker([Path("one.cif")], 1).cut()]
    assert chunk == [tmp_path / "one.cif"]
    assert Chunker([error], 1).cut() == [error]
