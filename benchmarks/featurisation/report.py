"""What a figure consists of, and how it is written down: as JSON and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Times:
    """Hold the times of one contender, shape (n_rounds, n_inputs) [s]."""

    seconds: npt.NDArray[np.float64]

    @property
    def totals(self) -> npt.NDArray[np.float64]:
        """Time of each round over all inputs, shape (n_rounds,) [s]."""
        return self.seconds.sum(axis=1)

    def some(self, inputs: Sequence[int]) -> Times:
        """Return the times of some of the inputs."""
        return Times(self.seconds[:, inputs])

    def as_dict(self) -> dict[str, Any]:
        """Return the median round and the spread of the rounds [s]."""
        totals = self.totals
        return {
            "median_s": float(np.median(totals)),
            "lowest_s": float(totals.min()),
            "highest_s": float(totals.max()),
            "rounds": len(totals),
        }


@dataclass(frozen=True)
class Comparison:
    """Hold one figure: our time for a job beside a peer's, taken in turn in the same run."""

    job: str
    peer: str
    n_inputs: int
    """How many inputs each contender did in a round."""
    ours: Times
    theirs: Times | None
    """None where no peers were run."""
    target: float | None
    """How many times as fast as the peer we want to be; None for a peer that is shown without a target."""

    @property
    def ratio(self) -> float | None:
        """Median time of the peer over ours."""
        if self.theirs is None:
            return None
        return float(np.median(self.theirs.totals) / np.median(self.ours.totals))

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison; the ratios are null without a peer, and `reached` without a peer or a target."""
        ratio = self.ratio
        answer = {
            "job": self.job,
            "peer": self.peer,
            "n_inputs": self.n_inputs,
            "ours": self.ours.as_dict(),
            "theirs": None,
            "ratio": ratio,
            "ratio_of_rounds": None,
            "ratio_of_inputs": None,
            "target": self.target,
            "reached": None if ratio is None or self.target is None else ratio >= self.target,
        }
        if self.theirs is not None:
            rounds = self.theirs.totals / self.ours.totals
            answer["theirs"] = self.theirs.as_dict()
            answer["ratio_of_rounds"] = {"lowest": float(rounds.min()), "highest": float(rounds.max())}
            if self.ours.seconds.shape[1] > 1:
                inputs = np.median(self.theirs.seconds, axis=0) / np.median(self.ours.seconds, axis=0)
                answer["ratio_of_inputs"] = {
                    "lowest": float(inputs.min()),
                    "median": float(np.median(inputs)),
                    "highest": float(inputs.max()),
                }
        return answer


@dataclass(frozen=True)
class Scaling:
    """Hold how the time of a job grows with the size of its input."""

    job: str
    size: str
    """What is counted: atoms, formulas in a batch."""
    sizes: Sequence[int]
    seconds: Mapping[str, Sequence[float]]
    """Median time [s] of each contender at each size, from the smallest on; one that stops early has fewer."""

    def as_dict(self) -> dict[str, Any]:
        """Return the times, and per contender the exponent p of the least-squares line through log t = p log n."""
        exponents = {
            name: float(np.polyfit(np.log(self.sizes[: len(times)]), np.log(times), 1)[0])
            for name, times in self.seconds.items()
            if len(times) > 1
        }
        points = [
            {"size": size, **{name: times[n] for name, times in self.seconds.items() if n < len(times)}}
            for n, size in enumerate(self.sizes)
        ]
        return {"job": self.job, "size": self.size, "points_s": points, "exponent": exponents}


@dataclass(frozen=True)
class Bound:
    """Hold a quantity that is counted against what it cannot, or must not, go below or above."""

    quantity: str
    value: float
    at_most: float | None
    """None for a quantity that is shown without a limit."""

    def as_dict(self) -> dict[str, Any]:
        """Return the quantity; `reached` is null without a limit."""
        reached = None if self.at_most is None else self.value <= self.at_most
        return {"quantity": self.quantity, "value": self.value, "at_most": self.at_most, "reached": reached}


@dataclass(frozen=True)
class Figure:
    """Hold all that one module measured."""

    name: str
    comparisons: Sequence[Comparison] = ()
    scalings: Sequence[Scaling] = ()
    bounds: Sequence[Bound] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    """Counts, reasons of refusals, agreement with the peers; what each holds is the module's to say."""
    not_measured: str | None = None
    """Why there is nothing."""

    def as_dict(self) -> dict[str, Any]:
        """Return what goes into the JSON document."""
        return {
            "name": self.name,
            "not_measured": self.not_measured,
            "comparisons": [comparison.as_dict() for comparison in self.comparisons],
            "scalings": [scaling.as_dict() for scaling in self.scalings],
            "bounds": [bound.as_dict() for bound in self.bounds],
            "details": dict(self.details),
        }


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as text: the comparisons, the bounds, the scalings and the counts."""
    lines = [f"{'job':47}{'peer':22}{'ours':>9}{'peer':>9}{'ratio':>9}{'of rounds':>20}{'of inputs':>12}{'target':>8}"]
    for figure in figures:
        if figure.not_measured:
            lines.append(f"{figure.name}: {figure.not_measured}")
        for one in figure.comparisons:
            found = one.as_dict()
            row = f"{one.job:47}{one.peer:22}{_time(found['ours']['median_s']):>9}"
            if found["theirs"]:
                spread = "{lowest:.4g} to {highest:.4g}".format(**found["ratio_of_rounds"])
                row += f"{_time(found['theirs']['median_s']):>9}{found['ratio']:9.4g}{spread:>20}"
                inputs = found["ratio_of_inputs"]
                row += f"{format(inputs['median'], '.4g') if inputs else '':>12}"
                row += f"{'' if one.target is None else format(one.target, 'g'):>8}  {_reached(found['reached'])}"
            lines.append(row)
    for figure in figures:
        for bound in figure.bounds:
            limit = "" if bound.at_most is None else f"  at most {bound.at_most:g}"
            lines.append(f"{bound.quantity:69}{bound.value:9.3g}{limit}  {_reached(bound.as_dict()['reached'])}")
    for figure in figures:
        for scaling in figure.scalings:
            found = scaling.as_dict()
            lines += ["", f"{scaling.job}: median time by {scaling.size}"]
            lines.append(f"{'':12}" + "".join(f"{size:>10,}" for size in scaling.sizes) + "  exponent")
            for name, times in scaling.seconds.items():
                cells = "".join(f"{_time(time):>10}" for time in times) + " " * 10 * (len(scaling.sizes) - len(times))
                lines.append(f"{name:12}{cells}{found['exponent'].get(name, float('nan')):>10.2f}")
    for figure in figures:
        lines += [f"{figure.name}, {name}: {value}" for name, value in figure.details.items() if _short(value)]
    return "\n".join(line.rstrip() for line in lines)


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def _reached(reached: bool | None) -> str:
    return {None: "", True: "reached", False: "missed"}[reached]


def _short(value: Any) -> bool:
    """Tell whether a detail fits into a line of the table; the JSON document has them all."""
    return len(str(value)) < 200
