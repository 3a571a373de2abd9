"""How a retrospective is done, and whether a table is large enough for it; without what the strategies import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from superion.discovery.goal import Goal
from superion.errors import InvalidTable, InvalidValue
from superion.training.table import Measurement

STRATEGIES = ("superion", "random", "greedy", "nearest_neighbour", "magpie_forest")
LEAST_ROWS = 10


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
    names: tuple[str, ...] = STRATEGIES
    workers: int = 2

    def __post_init__(self) -> None:
        for name in ("batch", "rounds", "start", "seeds", "workers"):
            if getattr(self, name) < 1:
                raise InvalidValue(f"{name} is 1 or more, not {getattr(self, name)}", field=name)
        if not 0.0 < self.top < 1.0:
            raise InvalidValue("top is a share between 0 and 1", field="top", value=self.top)
        for name in self.names:
            if name not in STRATEGIES:
                raise InvalidValue(
                    f"strategies are {', '.join(STRATEGIES)}, not {name!r}", field="strategies", value=name
                )
        if self.goal.pareto or self.goal.stability != "ignore" or self.goal.cost != "ignore" or self.goal.avoid:
            raise InvalidValue("a retrospective seeks conductivity alone", field="goal")

    @property
    def experiments(self) -> npt.NDArray[np.intp]:
        """How many experiments were done at the start and after each round, shape (rounds + 1,)."""
        return self.start + self.batch * np.arange(self.rounds + 1)

    def check(self, families: Sequence[str]) -> None:
        """Raise what is in the way of this plan on a pool of these families.

        Raises InvalidTable where the pool is too small, InvalidValue for a family to hold out that is not in it.
        """
        if self.hold_out is not None and self.hold_out not in families:
            raise InvalidValue(
                f"no row is of the family {self.hold_out!r}; there are {', '.join(sorted(set(families)))}",
                field="hold_out",
                value=self.hold_out,
            )
        free = sum(family != self.hold_out for family in families)
        self.check_size(len(families), free)

    def check_size(self, n: int, n_free: int | None = None) -> None:
        """Raise InvalidTable where a pool of n materials is too small, `n_free` of them for the start."""
        free = n if n_free is None else n_free
        if self.start > free or self.experiments[-1] > n:
            raise InvalidTable(
                f"{n} rows ({free} of them for the start) are too few for {self.start} experiments at the start and "
                f"{self.rounds} batches of {self.batch}",
                field="data",
                value=n,
            )


def usable(rows: Sequence[Measurement]) -> list[Measurement]:
    """Return the rows that have a conductivity; raises InvalidTable where fewer than ten have one."""
    found = [row for row in rows if row.log10_conductivity is not None]
    if len(found) < LEAST_ROWS:
        raise InvalidTable(
            f"{len(found)} rows have a conductivity; a retrospective takes {LEAST_ROWS} or more", field="data"
        )
    return found
