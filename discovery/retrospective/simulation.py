"""A campaign replayed on measured data: how soon would each strategy have found the best conductors?

Nothing that a strategy sees has learned from the pool: its models are fitted, in every round, to what it has measured
by then. The measures are those of B. Rohr et al., Chem. Sci. 11, 2696 (2020): the acceleration factor is how many times
fewer experiments a strategy needs than chance for the same number of hits, the enhancement factor how many times more
hits it has after the same number of experiments.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from superion.discovery.choice.proposal import Known
from superion.discovery.retrospective.plan import Plan, usable
from superion.discovery.retrospective.strategies import Places, Pool, strategies
from superion.errors import InvalidTable
from superion.models.distribution import FloatArray
from superion.training.families import families_of
from superion.training.table import Measurement
from superion.training.trees import measured_at_reference

Progress = Callable[[int, int], None]
Task = tuple[str, int]
"""A strategy and a seed."""


@dataclass(frozen=True)
class Table:
    """Hold the measurements that are replayed."""

    pool: Pool
    levels: FloatArray
    """Shape (n,): log10(S/cm) at 25 degrees Celsius; of a limit, the limit."""
    censored: npt.NDArray[np.bool_]
    hits: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Sequence[Measurement], top: float) -> Table:
        """Take the rows that have a conductivity, brought to one temperature as for training.

        Raises InvalidTable where fewer than ten have one, or fewer a measured level than there are to be hits.
        """
        taken = usable(rows)
        levels, _ = measured_at_reference(taken, censored_at=np.inf)
        censored = np.array([row.censored for row in taken], dtype=bool)
        # A limit is no measured level, however high it lies.
        order = np.argsort(np.where(censored, np.inf, -levels), kind="stable")
        n_hits = max(1, round(top * len(taken)))
        if n_hits > (~censored).sum():
            raise InvalidTable(
                f"{(~censored).sum()} of {len(taken)} conductivities are more than limits; {n_hits} are to be hits",
                field="data",
            )
        hits = np.zeros(len(taken), dtype=bool)
        hits[order[:n_hits]] = True
        return cls(Pool.of([row.material for row in taken], families_of(taken)), levels, censored, hits)


@dataclass(frozen=True)
class Run:
    """Hold one seed of one strategy; arrays have a place for the start and one for each round."""

    hits: npt.NDArray[np.intp]
    families: npt.NDArray[np.intp]
    """Families of the hits found."""
    regret: FloatArray
    """How far the best found lies below the best of the pool [decades]."""
    error: FloatArray
    """Mean absolute error of the model on the candidates left, before each round [decades]; shape (rounds,), NaN where
    a strategy has no model."""
    seconds: FloatArray
    """Shape (rounds,): time that choosing took, model and all."""

    def as_dict(self) -> dict[str, list[float]]:
        """Return the arrays as lists, by name."""
        return {name: values.tolist() for name, values in asdict(self).items()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Sequence[float]]) -> Run:
        """Return the run of what `as_dict` gave."""
        return cls(
            hits=np.array(document["hits"], dtype=np.intp),
            families=np.array(document["families"], dtype=np.intp),
            regret=np.array(document["regret"], dtype=np.float64),
            error=np.array(document["error"], dtype=np.float64),
            seconds=np.array(document["seconds"], dtype=np.float64),
        )


@dataclass(frozen=True)
class Retrospective:
    """Hold the runs of all strategies, by name, one of each seed."""

    plan: Plan
    table: Table
    runs: dict[str, tuple[Run, ...]]

    @cached_property
    def n_hits(self) -> int:
        """How many hits there are."""
        return int(self.table.hits.sum())

    @property
    def half(self) -> int:
        """Half of the hits, rounded up."""
        return -(-self.n_hits // 2)

    @property
    def chance_to_half(self) -> float:
        """Return how many experiments chance needs for half of the hits, in the mean (negative hypergeometric)."""
        return self.half * (len(self.table.hits) + 1) / (self.n_hits + 1)

    def to_half(self, name: str) -> FloatArray:
        """Return how many experiments each seed took to half of the hits, infinite where it did not get there."""
        found = np.stack([run.hits for run in self.runs[name]]) >= self.half
        at = self.plan.experiments[found.argmax(axis=1)].astype(np.float64)
        return np.where(found.any(axis=1), at, np.inf)


def simulate(
    rows: Sequence[Measurement],
    plan: Plan,
    progress: Progress = lambda done, total: None,
    *,
    done: Mapping[Task, Run] = MappingProxyType({}),
    keep: Callable[[Task, Run], None] = lambda task, run: None,
) -> Retrospective:
    """Replay a campaign with every strategy and seed.

    `done` are runs of an earlier call with the same rows and plan, and `keep` is called with each new one. Raises
    InvalidTable where the table is too small for the plan, InvalidValue for a family that it does not hold.
    """
    table = Table.of(rows, plan.top)
    plan.check(table.pool.families)
    tasks = [(name, seed) for name in plan.names for seed in range(plan.seeds)]
    runs = {task: done[task] for task in tasks if task in done}
    for task, run in _replayed(table, plan, [task for task in tasks if task not in runs]):
        runs[task] = run
        keep(task, run)
        progress(len(runs), len(tasks))
    return Retrospective(
        plan, table, {name: tuple(runs[name, seed] for seed in range(plan.seeds)) for name in plan.names}
    )


def _replayed(table: Table, plan: Plan, tasks: Sequence[Task]) -> Iterator[tuple[Task, Run]]:
    """Yield each task with its run, in whatever order they end."""
    if plan.workers == 1:
        for task in tasks:
            yield task, replay(table, plan, *task)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.workers, context, initializer=_start, initargs=(table, plan)) as pool:
        pending = {pool.submit(_replay, *task): task for task in tasks}
        for future in as_completed(pending):
            yield pending[future], future.result()


_given: tuple[Table, Plan] | None = None
"""What this worker process was started with."""


def _start(table: Table, plan: Plan) -> None:
    global _given
    import torch

    torch.set_num_threads(1)
    _given = (table, plan)


def _replay(name: str, seed: int) -> Run:
    assert _given is not None
    return replay(*_given, name, seed)


def replay(table: Table, plan: Plan, name: str, seed: int) -> Run:
    """Replay one seed of one strategy."""
    strategy = strategies(plan.goal)[name]
    families = np.array(table.pool.families)
    generator = np.random.default_rng(seed)
    allowed = np.flatnonzero(families != plan.hold_out)
    done: Places = generator.choice(allowed, plan.start, replace=False)
    trace = [_count(table, families, done)]
    errors, seconds = [], []
    for number in range(plan.rounds):
        left = np.setdiff1d(np.arange(len(families)), done)
        known = Known(done, table.levels[done], table.censored[done])
        begun = time.perf_counter()
        step = strategy(table.pool, known, left, plan.batch, seed * 1000 + number)
        seconds.append(time.perf_counter() - begun)
        errors.append(np.nan if step.predicted is None else _error(step.predicted, table, left))
        done = np.concatenate([done, step.chosen])
        trace.append(_count(table, families, done))
    hits, n_families, regret = map(np.array, zip(*trace, strict=True))
    return Run(hits, n_families, regret, np.array(errors), np.array(seconds))


def _error(predicted: FloatArray, table: Table, left: Places) -> float:
    """Return the mean absolute error; below a limit, any prediction is right."""
    apart = predicted - table.levels[left]
    return float(np.where(table.censored[left], np.maximum(apart, 0.0), np.abs(apart)).mean())


def _count(table: Table, families: npt.NDArray[np.str_], done: Places) -> tuple[int, int, float]:
    found = done[table.hits[done]]
    measured = table.levels[done][~table.censored[done]]
    best = table.levels[~table.censored].max()
    regret = float(best - measured.max()) if len(measured) else float("inf")
    return len(found), len(set(families[found])), regret
