"""The staircase of a composition in contact with lithium: potential against lithium uptake, as the field draws it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from superion.training.drawing import BLUE, GREEN, GREY, PANEL_SIZE, SMALL, TEXT, finished, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from superion.models.stability import LithiumStability, Step

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
NAME_SHOWN = 26
"""Longest name of a table that is shown [characters]."""


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
    return finished(axes)


def _panel_of_known_size(width: float, height: float) -> Axes:
    """Return a panel of this size [inch] within a figure that has the room for its axes and a heading of two lines."""
    around = (width + LEFT + RIGHT, height + BELOW + ABOVE)
    figure = new_figure(around)
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
