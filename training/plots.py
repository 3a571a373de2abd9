"""Panels that show how good predictions are: pure functions of arrays that draw on axes and return their figure.

Each panel draws on the axes it is given, or on a figure of its own; nothing goes through pyplot, whose figures are
global. Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which colour-blind readers tell apart,
and no meaning is in colour alone. Conductivities are in log10(S/cm).
"""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from superion import home
from superion.errors import InvalidValue
from superion.models.distribution import FloatArray
from superion.training.metrics import AREA_CONFIDENCES, Scored

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from superion.models.stability import LithiumStability, Step

SUFFIXES = (".png", ".svg", ".pdf")
"""Formats that a figure is written in."""

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
GREY = "#666666"
LINES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
DASHES = ("-", "--", ":", "-.")

PANEL_SIZE = (4.2, 3.9)
"""Width and height of a panel [inch]."""
DPI = 200
TEXT, SMALL = 9.0, 7.5
"""Sizes of labels and of what stands within a panel [point]."""

LOG_SIGMA = "log$_{10}$ σ [S cm$^{-1}$]"

MAX_FAMILIES = 14
"""Families that are shown by name; smaller ones are put together."""
BOX_ROWS = 5
"""Rows from which a family gets a box."""
NAME_SHOWN = 26
"""Longest name of a family that is shown [characters]."""

MAX_STEPS, MAX_PHASES = 40, 9
"""Steps of a staircase that are named, and phases in the name of one."""
FORMULA_SHOWN = 60
"""Longest formula that is shown [characters]."""
LINE_HEIGHT = 0.165
"""Height of a line of text within a panel [inch]."""
LEAST_TOP = 5.0
"""Potential up to which a staircase is drawn at least, so that two can be laid side by side [V]."""

LEFT, RIGHT, BELOW, ABOVE = 0.62, 0.1, 0.5, 0.5
"""Room around a panel of known size for its axes and heading [inch]."""

MAX_BINS, BIN_ROWS = 10, 8
"""Bins of the predicted spread: at most so many, of at least so many rows."""


def check_file(path: Path) -> None:
    """Raise InvalidValue for a file whose suffix names no format of a figure, or whose folder is not there."""
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidValue(
            f"a figure is written as {', '.join(SUFFIXES)}, by the suffix of its file, not as {path.name!r}",
            field="plot",
            value=str(path),
        )
    if not path.parent.is_dir():
        raise InvalidValue(f"the folder of {str(path)!r} does not exist", field="plot", value=str(path))


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
    figure = _figure((2.35 * PANEL_SIZE[0], 2.25 * PANEL_SIZE[1]))
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
    return _finished(axes)


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
    return _finished(axes)


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
    return _finished(axes)


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
    return _finished(axes)


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
    return _finished(axes)


def staircase(found: LithiumStability) -> Figure:
    """Draw potential against lithium uptake, with the window shaded and the phases of every step named beside it.

    Of more than `MAX_STEPS` steps the widest are named, and a line says how many are not.
    """
    steps = found.staircase
    last = max(step.lower_V for step in steps)
    top = max(LEAST_TOP, last + 0.5)
    named = _widest(steps, top)
    n_lines = len(named) + (len(named) < len(steps))
    height = max(4.0, LINE_HEIGHT * n_lines)
    axes = _panel_of_known_size(PANEL_SIZE[0], height)
    uptake = [step.lithium_uptake for step in steps]
    wide = max(uptake) - min(uptake)
    room = 0.08 * wide if wide > 0.0 else 0.5
    left, right = min(uptake) - room, max(uptake) + room
    axes.set_xlim(left, right)
    axes.set_ylim(0.0, top)
    # One corner at each end of a step: upright while a mixture lasts, level where it turns into the next.
    volts = [end for step in steps for end in (step.lower_V, _upper(step, top))]
    axes.plot(np.repeat(uptake, 2), volts, color=BLUE, linewidth=1.6, solid_joinstyle="miter", zorder=3)
    axes.axvline(0.0, color=GREY, linewidth=0.7, linestyle=":", zorder=2)
    _window(axes, found, height)
    # Names lie beside the panel, each joined to its step: level within the panel, slanting in the gap.
    apart = top * LINE_HEIGHT / height
    middles = [(step.lower_V + _upper(step, top)) / 2.0 for step in named]
    places = _spread([*middles, top][:n_lines], apart, top)
    texts = ["\u2009+\u2009".join(_mixture(step)) for step in named]
    if len(named) < len(steps):
        texts.append(f"{len(steps) - len(named)} narrower steps are not named")
    beside = axes.get_yaxis_transform()
    thin: dict[str, Any] = {"color": "#AAAAAA", "linewidth": 0.6, "zorder": 2}
    for step, middle, place in zip(named, middles, places, strict=False):
        axes.plot([step.lithium_uptake, right], [middle, middle], **thin)
        axes.plot([1.0, 1.05], [middle, place], transform=beside, clip_on=False, **thin)
    labels = [
        axes.text(1.06, place, text, transform=beside, fontsize=SMALL, va="center")
        for text, place in zip(texts, places, strict=True)
    ]
    axes.set_xlabel("Li taken up per formula unit")
    axes.set_ylabel("potential against Li/Li⁺ [V]")
    heading = axes.annotate(
        _heading(found),
        (0.0, 1.0),
        (0.0, 5.0),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=TEXT,
        linespacing=1.5,
    )
    _widen(axes, [heading, *labels])
    return _finished(axes)


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the suffix; raises InvalidValue when it cannot be written."""
    check_file(path)
    content = drawn(figure, path.suffix.lower().removeprefix("."))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InvalidValue(f"cannot write {str(path)!r}: {error.strerror}", field="plot", value=str(path)) from error


def drawn(figure: Figure, kind: str) -> bytes:
    """Return a figure as the content of a file of a kind, such as `png`; one thread may draw at a time."""
    from matplotlib import rc_context

    # Text stays text, as journals ask; ids and dates do not change from run to run.
    stable: dict[Any, Any] = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "superion"}
    undated: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    content = io.BytesIO()
    with rc_context(stable):
        figure.savefig(content, format=kind, metadata=undated)
    return content.getvalue()


def _figure(size: tuple[float, float]) -> Figure:
    # The cache of fonts belongs under the home with all else that is written, and is not worth a word.
    os.environ.setdefault("MPLCONFIGDIR", str(home.home() / "matplotlib"))
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _panel_of_known_size(width: float, height: float) -> Axes:
    """Return a panel of this size [inch] within a figure that has the room for its axes and a heading of two lines."""
    around = (width + LEFT + RIGHT, height + BELOW + ABOVE)
    figure = _figure(around)
    figure.set_layout_engine("none")
    return figure.add_axes((LEFT / around[0], BELOW / around[1], width / around[0], height / around[1]))


def _widen(axes: Axes, texts: Sequence[Text]) -> None:
    """Give the figure of a panel of known size the width that what is written above and beside it needs."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    width, height = figure.get_size_inches()
    left, below, across, up = axes.get_position().bounds
    needed = max(text.get_window_extent().x1 for text in texts) / figure.dpi + RIGHT
    figure.set_size_inches(needed, height)
    axes.set_position((left * width / needed, below, across * width / needed, up))


def _own(axes: Axes | None) -> Axes:
    return _figure(PANEL_SIZE).subplots() if axes is None else axes


def _finished(axes: Axes) -> Figure:
    """Give a panel the looks that all have; returns its figure."""
    axes.tick_params(labelsize=SMALL, width=0.7)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_fontsize(TEXT)
    for spine in axes.spines.values():
        spine.set_linewidth(0.7)
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes are made by a figure"
    return figure


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


def _upper(step: Step, top: float) -> float:
    return top if step.upper_V is None else step.upper_V


def _widest(steps: Sequence[Step], top: float) -> list[Step]:
    """Return the steps that are named: the first, the one of the material itself, and the widest of the others."""
    first = [number for number, step in enumerate(steps) if number == 0 or not step.lithium_uptake]
    rest = sorted(set(range(len(steps))) - set(first), key=lambda n: steps[n].lower_V - _upper(steps[n], top))
    return [steps[number] for number in sorted([*first, *rest][:MAX_STEPS])]


def _mixture(step: Step) -> list[str]:
    """Return the phases of a step, each with its amount."""
    shown = [_phase(product.amount, product.formula) for product in step.products[:MAX_PHASES]]
    rest = len(step.products) - len(shown)
    return [*shown, f"{rest} more"] if rest else shown or ["no phase is left"]


def _phase(amount: float, formula: str) -> str:
    """Return a formula with its numbers lowered, and its amount before it unless that is 1."""
    short = formula if len(formula) <= FORMULA_SHOWN else f"{formula[: FORMULA_SHOWN - 1]}…"
    # Numbers that lead a formula or an adduct stay where they are.
    lowered = re.sub(r"(?<=[A-Za-z)\]}])(\d+\.?\d*|\.\d+)", lambda number: f"$_{{{number[0]}}}$", short)
    return lowered if abs(amount - 1.0) < 5e-4 else f"{amount:.3g}\u2009{lowered}"


def _heading(found: LithiumStability) -> str:
    """Return the material, and under it what is most asked for."""
    lower, upper = found.reduction_limit_V, found.oxidation_limit_V
    window = f"stable from {lower:.2f} V upward" if upper is None else f"stable from {lower:.2f} to {upper:.2f} V"
    if lower == upper:
        window = f"no window, both limits are {lower:.2f} V"
    energy = f"{found.reaction_energy_eV_per_atom:z.2f} eV/atom".replace("-", "−")
    table = found.table if len(found.table) <= NAME_SHOWN else f"{found.table[: NAME_SHOWN - 1]}…"
    # A dollar sign would begin a formula of mathematics.
    shown = table.replace("$", r"\$")
    return f"{_phase(1.0, found.formula)}: {window}\nwith Li metal {energy}, {found.interphase}; phases: {shown}"


def _window(axes: Axes, found: LithiumStability, height: float) -> None:
    """Shade the window of potentials in a panel of some height [inch], and say that it is one where there is room."""
    left, right = axes.get_xlim()
    top = axes.get_ylim()[1]
    lower, upper = found.reduction_limit_V, top if found.oxidation_limit_V is None else found.oxidation_limit_V
    if lower == upper:
        axes.axhline(lower, color=GREEN, linewidth=1.0, linestyle="--", zorder=2)
        return
    axes.axhspan(lower, upper, color=GREEN, alpha=0.18, linewidth=0.0, zorder=1)
    # The staircase goes through the window at an uptake of 0, and to the right of it a line at half the height.
    at_left = -left > 0.35 * (right - left)
    if (upper - lower) / top * height < (1.3 if at_left else 2.6) * LINE_HEIGHT:
        return
    axes.annotate(
        "window",
        (0.015 if at_left else 0.985, upper),
        (0.0, -3.0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        fontsize=SMALL,
        ha="left" if at_left else "right",
        va="top",
        color="#00553D",
    )


def _spread(heights: Sequence[float], apart: float, top: float) -> list[float]:
    """Return rising heights moved as little as may be so that neighbours lie apart, from 0 to the top.

    With the distances taken off, they are to rise: neighbours that do not are put at their mean, again and again.
    """
    blocks: list[tuple[float, int]] = []
    for number, height in enumerate(heights):
        mean, size = height - number * apart, 1
        while blocks and blocks[-1][0] > mean:
            other, n = blocks.pop()
            mean, size = (other * n + mean * size) / (n + size), n + size
        blocks.append((mean, size))
    lowered = [min(max(mean, 0.0), top - (len(heights) - 1) * apart) for mean, size in blocks for _ in range(size)]
    return [height + number * apart for number, height in enumerate(lowered)]


def _bins(std: FloatArray) -> list[npt.NDArray[np.intp]]:
    """Return row numbers in bins of as many rows each, ordered by `std`."""
    n = int(np.clip(len(std) // BIN_ROWS, 1, MAX_BINS))
    return np.array_split(np.argsort(std, kind="stable"), n)


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))
