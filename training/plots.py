"""Panels that show how good predictions are: pure functions of arrays that draw on axes and return their figure.

Each panel draws on the axes it is given, or on a figure of its own, and no meaning is in colour alone. Conductivities
are in log10(S/cm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from superion.models.distribution import FloatArray
from superion.training.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PANEL_SIZE,
    PURPLE,
    SKY,
    SMALL,
    TEXT,
    VERMILION,
    finished,
    new_figure,
)
from superion.training.metrics import AREA_CONFIDENCES, Scored

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
DASHES = ("-", "--", ":", "-.")

LOG_SIGMA = "log$_{10}$ σ [S cm$^{-1}$]"

MAX_FAMILIES = 14
"""Families that are shown by name; smaller ones are put together."""
BOX_ROWS = 5
"""Rows from which a family gets a box."""
NAME_SHOWN = 26
"""Longest name of a family that is shown [characters]."""

MAX_BINS, BIN_ROWS = 10, 8
"""Bins of the predicted spread: at most so many, of at least so many rows."""


def evaluation(
    scored: Scored,
    lower: FloatArray,
    upper: FloatArray,
    std: FloatArray,
    coverage: FloatArray,
    families: Sequence[str],
    *,
    confidence: float = 0.9,
    title: str | None = None,
) -> Figure:
    """Draw all four panels of scored rows into one figure; see the panels for the arguments."""
    figure = new_figure((2.35 * PANEL_SIZE[0], 2.25 * PANEL_SIZE[1]))
    axes = figure.subplots(2, 2)
    parity(scored, lower, upper, confidence=confidence, axes=axes[0, 0])
    residuals_by_family(scored, families, axes=axes[0, 1])
    reliability(coverage, len(scored), axes=axes[1, 0])
    error_against_spread(scored.error_beyond_limit(), std, axes=axes[1, 1])
    for letter, panel in zip("abcd", axes.flat, strict=True):
        panel.set_title(letter, loc="left", fontweight="bold", fontsize=TEXT + 1)
    if title is not None:
        figure.suptitle(title, fontsize=TEXT + 1)
    return figure


def parity(
    scored: Scored, lower: FloatArray, upper: FloatArray, *, confidence: float = 0.9, axes: Axes | None = None
) -> Figure:
    """Draw predicted against measured conductivity with intervals, each of shape (n,).

    Lines mark the identity and one decade to either side. A censored row stands at its limit, with an arrow to where
    its value lies.
    """
    axes = _own(axes)
    fade = _fade(len(scored))
    span = np.concatenate([scored.measured, scored.mean, [-8.0, -4.0]])
    low, high = float(span.min()) - 0.7, float(span.max()) + 0.7
    ends = np.array([low, high])
    axes.plot(ends, ends, color=GREY, linewidth=1.0, zorder=1)
    for shift in (-1.0, 1.0):
        axes.plot(ends, ends + shift, color=GREY, linewidth=0.8, linestyle="--", zorder=1)
    # The mean lies in its interval; rounding must not make a bar of negative length.
    bars = np.maximum(np.stack([scored.mean - lower, upper - scored.mean]), 0.0)
    known, censored = ~scored.censored, scored.censored
    for rows, colour in ((known, BLUE), (censored, VERMILION)):
        axes.errorbar(
            scored.measured[rows],
            scored.mean[rows],
            yerr=bars[:, rows],
            fmt="none",
            ecolor=colour,
            elinewidth=0.6,
            alpha=0.45 * fade,
            zorder=2,
        )
    if censored.any():
        axes.quiver(
            scored.measured[censored],
            scored.mean[censored],
            np.full(censored.sum(), -0.06 * (high - low)),
            np.zeros(censored.sum()),
            color=VERMILION,
            angles="xy",
            scale_units="xy",
            scale=1.0,
            width=0.004,
            headwidth=4.5,
            headlength=5.0,
            headaxislength=4.5,
            zorder=3,
        )
    dots: dict[str, Any] = {"s": 16.0, "linewidths": 0.5, "zorder": 4}
    axes.scatter(
        scored.measured[known],
        scored.mean[known],
        color=BLUE,
        edgecolors="white",
        alpha=max(0.5, fade),
        label=f"measured ({int(known.sum())})",
        **dots,
    )
    axes.scatter(
        scored.measured[censored],
        scored.mean[censored],
        marker="D",
        facecolors="white",
        edgecolors=VERMILION,
        label=f"below a limit ({int(censored.sum())})",
        **(dots | {"linewidths": 1.0}),
    )
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.set_xlabel(f"measured {LOG_SIGMA}")
    axes.set_ylabel(f"predicted {LOG_SIGMA}")
    _note(axes, f"bars: {100 * confidence:g} % interval\nlines: identity, ± 1 decade", at=(0.97, 0.03))
    _legend(axes, loc="upper left")
    return finished(axes)


def residuals_by_family(scored: Scored, families: Sequence[str], *, axes: Axes | None = None) -> Figure:
    """Draw predicted minus measured for each family, `families` naming that of every row, with the number of rows.

    Rows are points, and `BOX_ROWS` or more get a box: quartiles, median and whiskers of 1.5 times the box's length. A
    censored row stands at the distance to its limit, from where its residual may be larger but not smaller; boxes
    leave it out.
    """
    axes = _own(axes)
    groups = _largest(families)
    random = np.random.default_rng(0)  # of the places of points across their line, which mean nothing
    residual = scored.mean - scored.measured
    for shift, style in ((0.0, "-"), (-1.0, "--"), (1.0, "--")):
        axes.axvline(shift, color=GREY, linewidth=0.9, linestyle=style, zorder=1)
    for place, rows in enumerate(groups.values()):
        known, censored = rows & ~scored.censored, rows & scored.censored
        if known.sum() >= BOX_ROWS:
            line = {"color": "black", "linewidth": 0.8}
            axes.boxplot(
                residual[known],
                positions=[place],
                orientation="horizontal",
                widths=0.6,
                showfliers=False,
                manage_ticks=False,
                boxprops=line,
                whiskerprops=line,
                capprops=line,
                medianprops=line | {"linewidth": 1.6},
                zorder=3,
            )
        heights = place + random.uniform(-0.22, 0.22, len(residual))
        axes.scatter(residual[known], heights[known], s=9.0, color=BLUE, alpha=0.5, linewidths=0.0, zorder=2)
        axes.scatter(
            residual[censored],
            heights[censored],
            s=18.0,
            marker=">",
            facecolors="white",
            edgecolors=VERMILION,
            linewidths=0.9,
            zorder=4,
        )
    axes.set_yticks(range(len(groups)), [f"{name} (n = {int(rows.sum())})" for name, rows in groups.items()])
    # The key, where there is one, gets an empty line of its own under the families.
    axes.set_ylim(len(groups) + (0.6 if scored.censored.any() else -0.5), -0.5)
    axes.set_xlabel("predicted − measured [decades]")
    if scored.censored.any():
        axes.scatter(
            [], [], s=18.0, marker=">", facecolors="white", edgecolors=VERMILION, label="below a limit: at least this"
        )
        _legend(axes, loc="lower right")
    return finished(axes)


def reliability(coverage: FloatArray, n: int, *, axes: Axes | None = None) -> Figure:
    """Draw the coverage at each of `AREA_CONFIDENCES`, counted on `n` rows.

    The band holds 95 % of the coverages that intervals which keep their word would have on as many independent rows.
    """
    from scipy.stats import binom

    axes = _own(axes)
    grid = np.linspace(0.0, 1.0, 201)
    axes.fill_between(
        grid,
        binom.ppf(0.025, n, grid) / n,
        binom.ppf(0.975, n, grid) / n,
        color=GREY,
        alpha=0.2,
        linewidth=0.0,
        label=f"95 % of chance (n = {n})",
    )
    axes.plot([0.0, 1.0], [0.0, 1.0], color=GREY, linewidth=1.0)
    axes.plot(AREA_CONFIDENCES, coverage, color=BLUE, linewidth=1.2, marker="o", markersize=4.0, label="intervals")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    axes.set_aspect("equal")
    axes.set_xlabel("confidence of the interval")
    axes.set_ylabel("share of rows covered")
    area = float(np.abs(coverage - AREA_CONFIDENCES).mean())
    _note(axes, f"miscalibration area {area:.3f}", at=(0.97, 0.03))
    _legend(axes, loc="upper left")
    return finished(axes)


def error_against_spread(error: FloatArray, std: FloatArray, *, axes: Axes | None = None) -> Figure:
    """Draw the size of errors against predicted standard deviations, each of shape (n,) [decades].

    Squares are root mean squares of both over bins of as many rows each: on the line where the deviation is right.
    """
    axes = _own(axes)
    size = np.abs(error)
    # An error of nothing, as of a censored row that is predicted below its limit, has no place on a logarithmic axis.
    floor = 0.01
    small = f", below {floor:g} at {floor:g}" if (size < floor).any() else ""
    dots: dict[str, Any] = {"s": 10.0, "color": BLUE, "alpha": 0.45, "linewidths": 0.0, "zorder": 2}
    axes.scatter(std, np.maximum(size, floor), label=f"rows{small}", **dots)
    binned = np.array([[_rms(std[rows]), _rms(size[rows])] for rows in _bins(std)])
    axes.plot(
        binned[:, 0],
        np.maximum(binned[:, 1], floor),
        color=VERMILION,
        linewidth=1.2,
        marker="s",
        markersize=5.0,
        markeredgecolor="white",
        zorder=4,
        label="root mean square",
    )
    low, high = float(std.min()) / 1.2, float(std.max()) * 1.2
    axes.plot([low, high], [low, high], color=GREY, linewidth=1.0, zorder=1, label="error as predicted")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(floor / 1.3, 4.0 * max(float(size.max()), high))
    _plain_numbers(axes)
    axes.set_xlabel("predicted standard deviation [decades]")
    axes.set_ylabel("|predicted − measured| [decades]")
    _legend(axes, loc="upper left")
    return finished(axes)


def learning_curve(
    curves: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    *,
    step: str = "epoch",
    value: str = "loss",
    axes: Axes | None = None,
) -> Figure:
    """Draw values against steps, one line for each name; `step` and `value` label the axes."""
    axes = _own(axes)
    for number, (name, (steps, values)) in enumerate(curves.items()):
        axes.plot(
            np.asarray(steps),
            np.asarray(values),
            color=LINES[number % len(LINES)],
            linestyle=DASHES[number // len(LINES) % len(DASHES)],
            linewidth=1.1,
            label=name,
        )
    axes.set_xlabel(step)
    axes.set_ylabel(value)
    if curves:
        _legend(axes, loc="best")
    return finished(axes)


def _own(axes: Axes | None) -> Axes:
    return new_figure(PANEL_SIZE).subplots() if axes is None else axes


def _legend(axes: Axes, *, loc: Literal["upper left", "lower right", "best"]) -> None:
    axes.legend(loc=loc, fontsize=SMALL, framealpha=0.85, edgecolor="#BBBBBB", handlelength=1.6, borderpad=0.3)


def _note(axes: Axes, text: str, *, at: tuple[float, float]) -> None:
    """Write into the lower right corner."""
    axes.text(*at, text, transform=axes.transAxes, fontsize=SMALL, ha="right", va="bottom", color="#333333")


def _plain_numbers(axes: Axes) -> None:
    """Label logarithmic axes with numbers as one writes them, for spans too short for powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())


def _fade(n: int) -> float:
    """Return the opacity of n overlaid marks, from 1 for a few to 0.25 for thousands."""
    return float(np.clip((60.0 / max(n, 1)) ** 0.3, 0.25, 1.0))


def _largest(families: Sequence[str]) -> dict[str, npt.NDArray[np.bool_]]:
    """Return the rows of each family, largest first; those beyond `MAX_FAMILIES` as one, last."""
    names = np.asarray(families, dtype=np.str_)
    distinct, counts = np.unique(names, return_counts=True)
    order = [str(distinct[index]) for index in np.argsort(-counts, kind="stable")]
    shown = order if len(order) <= MAX_FAMILIES else order[: MAX_FAMILIES - 1]
    groups: dict[str, npt.NDArray[np.bool_]] = {}
    for name in shown:
        label = name if len(name) <= NAME_SHOWN else f"{name[: NAME_SHOWN - 1]}…"
        # Two long names may begin alike.
        groups[label] = groups.get(label, False) | (names == name)
    rest = order[len(shown) :]
    if rest:
        groups[f"{len(rest)} others"] = np.isin(names, rest)
    return groups


def _bins(std: FloatArray) -> list[npt.NDArray[np.intp]]:
    """Return row numbers in bins of as many rows each, ordered by `std`."""
    n = int(np.clip(len(std) // BIN_ROWS, 1, MAX_BINS))
    return np.array_split(np.argsort(std, kind="stable"), n)


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))
