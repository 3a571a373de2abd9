"""Many structures at once, on all cores: results in the order of the sources, errors in place.

```python
from pathlib import Path
from superion.errors import SuperionError
from superion.featurizers import Featuriser

files = sorted(Path("cifs").glob("*.cif"))
with Featuriser() as featuriser:
    for file, graph in zip(files, featuriser.graphs(files)):
        if isinstance(graph, SuperionError):
            print(graph)
```

A script needs `if __name__ == "__main__":` around what it does only where it hands `Featuriser.map` a function that is
defined in the script itself: to find it, each worker runs the script again.
"""

from __future__ import annotations

import copy
import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from superion import featurizers
from superion.errors import InvalidValue, ItemFailed, SuperionError
from superion.featurizers.chunks import Chunker, checked_source
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.graph_arrays import crystal_arrays
from superion.featurizers.worker import Source, attempt, in_worker, pickled_job, running_script
from superion.featurizers.worker_pool import Chunk, WorkerPool

if TYPE_CHECKING:
    from torch_geometric.data import Data

__all__ = ["Featuriser", "usable_cores"]

Result = TypeVar("Result")

WINDOW = 8
"""Chunks in flight for each worker: so far a slow structure may fall behind before the others wait for it."""
MAX_DEATHS = 2
"""Workers that may die over one source before it is given up."""


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Featuriser:
    """Featurise many structures in worker processes that stay warm until the end of a `with` block, or `close`.

    `workers` is their number: 1 is this process itself, and None the usable cores (1 within a worker). They start when
    there is work. A source is CIF text, a file as a `pathlib.Path`, a `Crystal`, or the error that an earlier call gave
    in its place, which is passed on.

    Every method gives one result for each source, in their order and as they come, reading at most a window of sources
    ahead. A source that cannot be read or featurised gives its SuperionError, with `position`; a worker that is killed
    is replaced and its sources tried again, until one that two workers have died over gives an ItemFailed.

    Raises InvalidValue for a number of workers below 1, for more than one within a worker, and after `close`;
    Unavailable where workers cannot be started.
    """

    def __init__(self, workers: int | None = None) -> None:
        if running_script():
            message = (
                "a worker runs this script again to find the function it was given, and must not start the work anew: "
                'put what the script does under if __name__ == "__main__":, or the function into a module'
            )
            raise InvalidValue(message, field="workers", value=workers)
        if workers is None:
            workers = 1 if in_worker() else usable_cores()
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise InvalidValue("workers are a whole number of at least 1, or None", field="workers", value=workers)
        if workers > 1 and in_worker():
            message = f"{workers} workers within a worker would be workers of workers; use 1"
            raise InvalidValue(message, field="workers", value=workers)
        self._workers = workers
        self._pool = WorkerPool(workers)

    @property
    def workers(self) -> int:
        """Return the number of processes that featurise."""
        return self._workers

    def __enter__(self) -> Featuriser:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers at once, whatever they are at; a second call does nothing."""
        self._pool.close()

    def crystals(self, sources: Iterable[Source]) -> Iterator[Crystal | SuperionError]:
        """Read every source."""
        return self.map(_itself, sources)

    def graphs(
        self, sources: Iterable[Source], cutoff: float = 6.0, neighbors: int = 12, ion: str = "Li"
    ) -> Iterator[Data | SuperionError]:
        """Return `crystal_graph` of every source; raises InvalidValue at once for arguments out of range."""
        from superion.featurizers.graphs import graph_of_arrays

        function = functools.partial(crystal_arrays, cutoff=cutoff, neighbors=neighbors, ion=ion)
        arrays = self._checked_map(function, sources, ion)
        return (found if isinstance(found, SuperionError) else graph_of_arrays(found) for found in arrays)

    def landscapes(
        self, sources: Iterable[Source], ion: str = "Li", resolution: float = 0.2, cutoff: float = 10.0
    ) -> Iterator[Any]:
        """Return `bond_valence_landscape` of every source; raises InvalidValue at once for arguments out of range."""
        function = functools.partial(featurizers.bond_valence_landscape, ion=ion, resolution=resolution, cutoff=cutoff)
        return self._checked_map(function, sources, ion)

    def descriptors(
        self, sources: Iterable[Source], ion: str = "Li"
    ) -> Iterator[npt.NDArray[np.float64] | SuperionError]:
        """Return `structural_descriptors` of every source; raises InvalidValue at once for arguments out of range."""
        return self._checked_map(functools.partial(featurizers.structural_descriptors, ion=ion), sources, ion)

    def map(self, function: Callable[[Crystal], Result], sources: Iterable[Source]) -> Iterator[Result | SuperionError]:
        """Return `function` of the crystal of every source.

        What it raises is given in place: a SuperionError as it is, anything else as an ItemFailed with the traceback
        in its notes.

        Raises InvalidValue at once for a function that cannot be pickled: it is defined at the top level of a module
        (or of the script), or is a `functools.partial` of such a function.
        """
        self._check_open()
        if not callable(function):
            raise InvalidValue("the function must be callable with a Crystal", field="function", value=function)
        if isinstance(sources, str | bytes | os.PathLike | Crystal) or not isinstance(sources, Iterable):
            message = f"sources are many, in a list or any iterable, not one {type(sources).__name__}"
            raise InvalidValue(message, field="sources", value=sources)
        job = pickled_job(function)
        run = self._run_here(function, sources) if self._workers == 1 else self._run_in_workers(job, sources)
        return (_located(result, position, source) for position, (source, result) in enumerate(run))

    def _checked_map(
        self, function: Callable[..., Result], sources: Iterable[Source], ion: str
    ) -> Iterator[Result | SuperionError]:
        """Map a function whose arguments are tried out first, so that a bad one is not an error of every source."""
        if ion not in ATOMIC_NUMBER:
            raise InvalidValue(f"the ion {ion!r} is no element; give a symbol such as 'Li'", field="ion", value=ion)
        try:
            function(_oxide(ion))
        except InvalidValue:
            raise
        except SuperionError:
            pass  # of this crystal, not of the arguments
        return self.map(function, sources)

    def _check_open(self) -> None:
        if self._pool.is_closed:
            raise InvalidValue("the featuriser is closed; make a new one", field="featuriser")

    def _run_here(self, function: Callable[[Crystal], Any], sources: Iterable[Any]) -> Iterator[tuple[Source, Any]]:
        for source in map(checked_source, sources):
            self._check_open()
            yield source, attempt(function, source)

    def _run_in_workers(self, job: bytes, sources: Iterable[Any]) -> Iterator[tuple[Source, Any]]:
        chunker = Chunker(sources, self._workers)
        flying: deque[Chunk] = deque()
        try:
            while True:
                while len(flying) < WINDOW * self._workers and (cut := chunker.cut()):
                    flying.append(Chunk(job, cut))
                    self._pool.submit([flying[-1]])
                if not flying:
                    break
                chunk = flying[0]
                self._pool.wait(chunk)
                flying.popleft()
                if chunk.error is not None:
                    raise chunk.error
                if chunk.results is None and (len(chunk.sources) > 1 or chunk.deaths < MAX_DEATHS):
                    # One by one, so that only the source that kills its worker is lost.
                    again = [Chunk(job, [source], chunk.deaths) for source in chunk.sources]
                    flying.extendleft(reversed(again))
                    self._pool.submit(again, first=True)
                    continue
                results = chunk.results
                if results is None:
                    message = f"the worker process {chunk.death} while it worked on this, {chunk.deaths} times over"
                    results = [ItemFailed(message, field="source")]
                else:
                    chunker.learn(len(results), chunk.seconds)
                yield from zip(chunk.sources, results, strict=True)
        finally:
            self._pool.forget(list(flying))
        if chunker.failure is not None:
            raise chunker.failure


def _itself(crystal: Crystal) -> Crystal:
    return crystal


def _located(result: Any, position: int, source: Source) -> Any:
    """Return a result; an error says where it was met, unless an earlier batch has said so."""
    if not isinstance(result, SuperionError) or result.position is not None:
        return result
    name = f" ({source.name})" if isinstance(source, Path) else ""
    located = copy.copy(result)
    # One that is kept would keep the frames it passed through, and their structures. A copy has them where tblib, which
    # Dask brings, has seen to it.
    located.__traceback__ = located.__cause__ = located.__context__ = None
    located.position = position
    located.message = f"source {position}{name}: {result.message}"
    located.args = (located.message,)
    return located


def _oxide(ion: str) -> Crystal:
    """Return the antifluorite of an ion, a small crystal in which most functions find what they need."""
    lattice = 2.3 * (np.ones((3, 3)) - np.eye(3))
    positions = np.array([[0.0, 0, 0], [0.25, 0.25, 0.25], [0.75, 0.75, 0.75]])
    return Crystal(lattice, positions, ((("O", 1.0),), ((ion, 1.0),), ((ion, 1.0),)))
