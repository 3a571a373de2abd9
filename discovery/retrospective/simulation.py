"""A campaign replayed on measured data: how soon would each strategy have found the best conductors?

Nothing that a strategy sees has learned from the pool: its models are fitted, in every round, to what it has measured
by then. The measures are those of B. Rohr et al., Chem. Sci. 11, 2696 (2020): the acceleration factor is how many times
fewer experiments a strategy needs than chance for the same number of hits, the enhancement factor how many times more
hits it has after the same number of experiments.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from superion.discovery.choice.proposal import Known
from superion.discovery.goal import Goal
from superion.discovery.retrospective.strategies import Places, Pool, strategies
from superion.errors import InvalidTable, InvalidValue
from superion.models.distribution import FloatArray
from superion.training.families import families_of
from superion.training.table import Measurement
from superion.training.trees import at_reference

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """Say how a retrospective is done; raises InvalidValue for what cannot be."""

    batch: int = 5
    rounds: int = 18
    start: int = 10
    """Experiments at random before the first batch; the same ones for every strategy of a seed."""
    seeds: int = 20
    top: float = 0.05
    """Share of the pool, the best conductors, that counts as hits."""
    hold_out: str | None = None
    """Family of which the first experiments hold none."""
    goal: Goal = field(default_factory=Goal)
    names: tuple[str, ...] = ("superion", "random", "greedy", "nearest_neighbour", "magpie_forest")
    workers: int = 2

    def __post_init__(self) -> None:
        for name in ("batch", "rounds", "start", "seeds", "workers"):
            if getattr(self, name) < 1:
                raise InvalidValue(f"{name} is 1 or more, not {getattr(self, name)}", field=name)
        if not 0.0 < self.top < 1.0:
            raise InvalidValue("top is a share between 0 and 1", field="top", value=self.top)
        known = strategies(self.goal)
        for name in self.names:
            if name not in known:
                raise InvalidValue(f"strategies are {', '.join(known)}, not {name!r}", field="strategies", value=name)
        if self.goal.pareto or self.goal.stability != "ignore" or self.goal.cost != "ignore" or self.goal.avoid:
            raise InvalidValue("a retrospective seeks conductivity alone", field="goal")

    @property
    def experiments(self) -> npt.NDArray[np.intp]:
        """How many experiments were done at the start and after each round, shape (rounds + 1,)."""
        return self.start + self.batch * np.arange(self.rounds + 1)


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
        usable = [row for row in rows if row.log10_conductivity is not None]
        if len(usable) < 10:
            raise InvalidTable(
                f"{len(usable)} rows have a conductivity; a retrospective takes 10 or more", field="data"
            )
        energies = np.array([np.nan if row.activation_energy is None else row.activation_energy for row in usable])
        levels = at_reference(usable, energies, censored_at=np.inf)
        censored = np.array([row.censored for row in usable], dtype=bool)
        # A limit is no measured level, however high it lies.
        order = np.argsort(np.where(censored, np.inf, -levels), kind="stable")
        n_hits = max(1, round(top * len(usable)))
        if n_hits > (~censored).sum():
            raise InvalidTable(
                f"{(~censored).sum()} of {len(usable)} conductivities are more than limits; {n_hits} are to be hits",
                field="data",
            )
        hits = np.zeros(len(usable), dtype=bool)
        hits[order[:n_hits]] = True
        return cls(Pool.of([row.material for row in usable], families_of(usable)), levels, censored, hits)


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


def simulate(rows: Sequence[Measurement], plan: Plan, progress: Progress = lambda done, total: None) -> Retrospective:
    """Replay a campaign with every strategy and seed.

    Raises InvalidTable where the table is too small for the plan, InvalidValue for a family that it does not hold.
    """
    table = Table.of(rows, plan.top)
    _check(table, plan)
    tasks = [(name, seed) for name in plan.names for seed in range(plan.seeds)]
    runs: dict[tuple[str, int], Run] = {}
    if plan.workers == 1:
        for task in tasks:
            runs[task] = replay(table, plan, *task)
            progress(len(runs), len(tasks))
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(plan.workers, context, initializer=_start, initargs=(table, plan)) as pool:
            pending = {pool.submit(_replay, *task): task for task in tasks}
            for future in as_completed(pending):
                runs[pending[future]] = future.result()
                progress(len(runs), len(tasks))
    return Retrospective(
        plan, table, {name: tuple(runs[name, seed] for seed in range(plan.seeds)) for name in plan.names}
    )


def _check(table: Table, plan: Plan) -> None:
    families = table.pool.families
    if plan.hold_out is not None and plan.hold_out not in families:
        raise InvalidValue(
            f"no row is of the family {plan.hold_out!r}; there are {', '.join(sorted(set(families)))}",
            field="hold_out",
            value=plan.hold_out,
        )
    free = sum(family != plan.hold_out for family in families)
    if plan.start > free or plan.start + plan.batch * plan.rounds > len(families):
        raise InvalidTable(
            f"{len(families)} rows ({free} of them for the start) are too few for {plan.start} experiments at the "
            f"start and {plan.rounds} batches of {plan.batch}",
            field="data",
            value=len(families),
        )


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
