"""What a retrospective comes to: a document of means and bands over the seeds, and the figure of the hits found."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from superion.discovery.retrospective.simulation import Retrospective, Run
from superion.models.distribution import FloatArray
from superion.training import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAND = (0.1, 0.9)
"""Quantiles over the seeds between which a band lies."""
N_RESAMPLES = 2000
"""Of the seeds, for the interval of a paired difference."""
CONFIDENCE = 0.9

COLOURS = {
    "superion": drawing.BLUE,
    "magpie_forest": drawing.VERMILION,
    "greedy": drawing.ORANGE,
    "nearest_neighbour": drawing.GREEN,
    "random": drawing.GREY,
}


def summary(found: Retrospective) -> dict[str, Any]:
    """Return the document of a retrospective, as JSON has it."""
    plan, table = found.plan, found.table
    levels, families = table.levels[table.hits], np.array(table.pool.families)[table.hits]
    return {
        "n": len(table.hits),
        "n_hits": found.n_hits,
        "hits_above_log10_S_per_cm": round(float(levels.min()), 4),
        "hits_by_family": dict(Counter(map(str, families)).most_common()),
        "start": plan.start,
        "batch": plan.batch,
        "rounds": plan.rounds,
        "seeds": plan.seeds,
        "held_out": plan.hold_out,
        "goal": plan.goal.as_dict(),
        "experiments": plan.experiments.tolist(),
        "chance_experiments_to_half": round(found.chance_to_half, 2),
        "band": list(BAND),
        "strategies": {name: _strategy(found, name) for name in found.runs},
    }


def _strategy(found: Retrospective, name: str) -> dict[str, Any]:
    runs = found.runs[name]
    hits = np.stack([run.hits for run in runs]).astype(np.float64)
    chance = found.n_hits * found.plan.experiments / len(found.table.hits)
    to_half = found.to_half(name)
    seconds = np.concatenate([run.seconds for run in runs])
    document: dict[str, Any] = {
        "hits": _rounded(hits.mean(axis=0)),
        **_band("hits", hits),
        "families": _rounded(np.stack([run.families for run in runs]).mean(axis=0)),
        "regret_decades": _rounded(_finite_mean(np.stack([run.regret for run in runs]))),
        "error_decades": _rounded(np.stack([run.error for run in runs]).mean(axis=0)),
        "experiments_to_half": {
            "reached": int(np.isfinite(to_half).sum()),
            **{key: _number(value) for key, value in _quantiles(to_half).items()},
        },
        # The fewer experiments, the larger the factor: its bounds come from the other ones.
        "acceleration": {
            "median": _ratio(found.chance_to_half, _quantiles(to_half)["median"]),
            "lower": _ratio(found.chance_to_half, _quantiles(to_half)["upper"]),
            "upper": _ratio(found.chance_to_half, _quantiles(to_half)["lower"]),
        },
        "enhancement": _rounded((hits / chance).mean(axis=0)),
        **_band("enhancement", hits / chance),
        "seconds_a_round": {"mean": round(float(seconds.mean()), 3), "max": round(float(seconds.max()), 3)},
    }
    if name != "superion" and "superion" in found.runs:
        document["superion_minus_this"] = _differences(found.runs["superion"], runs)
    return document


def _differences(own: tuple[Run, ...], other: tuple[Run, ...]) -> dict[str, Any]:
    """Compare seed by seed, which begin with the same experiments: hits and families at the end, with an interval."""
    generator = np.random.default_rng(0)
    drawn = generator.integers(len(own), size=(N_RESAMPLES, len(own)))
    tail = (1.0 - CONFIDENCE) / 2.0
    document: dict[str, Any] = {"confidence": CONFIDENCE}
    for key in ("hits", "families"):
        apart = np.array(
            [getattr(one, key)[-1] - getattr(two, key)[-1] for one, two in zip(own, other, strict=True)], dtype=float
        )
        lower, upper = np.quantile(apart[drawn].mean(axis=1), [tail, 1.0 - tail])
        document[key] = {"mean": _number(apart.mean()), "lower": _number(lower), "upper": _number(upper)}
    return document


def _quantiles(values: FloatArray) -> dict[str, float]:
    """Return quantiles of values that may be infinite, each a value that was met."""
    ordered = np.sort(values)
    last = len(ordered) - 1
    places = {"median": last // 2 + last % 2, "lower": round(BAND[0] * last), "upper": round(BAND[1] * last)}
    return {key: float(ordered[place]) for key, place in places.items()}


def _band(name: str, values: FloatArray) -> dict[str, list[float | None]]:
    lower, upper = np.quantile(values, BAND, axis=0)
    return {f"{name}_lower": _rounded(lower), f"{name}_upper": _rounded(upper)}


def _finite_mean(values: FloatArray) -> FloatArray:
    """Return the mean over the seeds, NaN where one has no measured level yet."""
    return np.where(np.isfinite(values).all(axis=0), np.where(np.isfinite(values), values, 0.0).mean(axis=0), np.nan)


def _rounded(values: FloatArray) -> list[float | None]:
    return [_number(value) for value in values]


def _ratio(value: float, other: float) -> float | None:
    """Return a ratio to what may be infinite because it was not reached; then there is none."""
    return _number(value / other) if math.isfinite(other) else None


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None


def figure(found: Retrospective) -> Figure:
    """Draw the hits found over the number of experiments, with the band over the seeds."""
    drawn = drawing.new_figure((1.3 * drawing.PANEL_SIZE[0], drawing.PANEL_SIZE[1]))
    axes = drawn.add_subplot()
    experiments = found.plan.experiments
    for name, runs in found.runs.items():
        hits = np.stack([run.hits for run in runs])
        lower, upper = np.quantile(hits, BAND, axis=0)
        colour = COLOURS[name]
        axes.plot(experiments, hits.mean(axis=0), color=colour, label=name.replace("_", " "), linewidth=1.5)
        axes.fill_between(experiments, lower, upper, color=colour, alpha=0.15, linewidth=0)
    axes.axhline(found.n_hits, color=drawing.GREY, linewidth=0.7, linestyle="--")
    axes.set_xlabel("experiments")
    held = f", first ones without {found.plan.hold_out}" if found.plan.hold_out else ""
    axes.set_ylabel(f"best {100 * found.plan.top:g} % found, of {found.n_hits}{held}")
    axes.legend(fontsize=drawing.SMALL, frameon=False, loc="upper left")
    return drawing.finished(axes)
