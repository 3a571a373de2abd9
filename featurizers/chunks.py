"""Cut a stream of sources into chunks that are worth a message each."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from superion.errors import InvalidValue, SuperionError
from superion.featurizers.crystal import Crystal
from superion.featurizers.worker import Source

CHUNK_SECONDS = 0.02
"""Work that a chunk should hold [s]: a message costs about a hundredth of it."""
MAX_SOURCES = 64
"""Most sources of one chunk."""
MAX_WEIGHT = 128 * 1024
"""A chunk is cut once its sources hold so much [bytes], whatever their number."""
SITE_WEIGHT = 100
"""What a site of a crystal counts for [bytes]."""
MEMORY = 0.5
"""Share that the chunks before keep in what a source is expected to take."""


class Chunker:
    """Cut sources into chunks of about `CHUNK_SECONDS`, as those before turn out to take.

    The first chunks hold one source. Where the sources have a length, the last chunks grow shorter, so that the workers
    end together. Sources are read when they are cut, never before.
    """

    def __init__(self, sources: Iterable[Any], workers: int) -> None:
        self.failure: Exception | None = None
        """What the iterator of the sources raised; they end there."""
        self._workers = workers
        self._left = operator.length_hint(sources, 0)
        self._iterator: Iterator[Any] | None = iter(sources)
        self._seconds_each = CHUNK_SECONDS

    def cut(self) -> list[Source]:
        """Return the next chunk, or an empty one where the sources have ended."""
        size = min(max(1, round(CHUNK_SECONDS / self._seconds_each)), MAX_SOURCES)
        if self._left > 0:
            size = min(size, math.ceil(self._left / (2 * self._workers)))
        chunk: list[Source] = []
        weight = 0
        while self._iterator is not None and len(chunk) < size and weight < MAX_WEIGHT:
            try:
                source = checked_source(next(self._iterator))
            except StopIteration:
                self._iterator = None
            except Exception as failure:
                self._iterator, self.failure = None, failure
            else:
                chunk.append(source)
                weight += _weight(source)
        self._left -= len(chunk)
        return chunk

    def learn(self, n_sources: int, seconds: float) -> None:
        """Take note of what a chunk took [s]."""
        latest = max(seconds / n_sources, CHUNK_SECONDS / MAX_SOURCES)
        self._seconds_each = MEMORY * self._seconds_each + (1 - MEMORY) * latest


def checked_source(source: Any) -> Source:
    """Return a source in a form that means the same in every process; for another type, the error that says so."""
    if isinstance(source, str | bytes | Crystal | SuperionError):
        return source
    if isinstance(source, os.PathLike):
        return Path(source).absolute()
    message = f"a source is CIF text, a pathlib.Path or a Crystal, not {type(source).__name__}"
    return InvalidValue(message, field="source", value=source)


def _weight(source: Source) -> int:
    if isinstance(source, str | bytes):
        return len(source)
    return source.n_sites * SITE_WEIGHT if isinstance(source, Crystal) else 0
