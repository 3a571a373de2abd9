"""The figure of a window: the staircase, the window and the names of the phases, all of them legible."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from superion.models.stability import LithiumStability, Step, analyse
from superion.models.stability.tables import end_member_table
from superion.training import drawing
from superion.training import staircase as module

FORMULAS = [
    "Li6PS5Cl",
    "Li10GeP2S12",
    "Li7La3Zr2O12",
    "LiF",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Na3PS4",
    "La2O3",
    "Li",
    "Li3P1S2",
]


def found(formula: str, energy: float | None = None) -> LithiumStability:
    return analyse(end_member_table(), formula, energy)


def panel(of: LithiumStability) -> Axes:
    (axes,) = module.staircase(of).axes
    return axes


def many(n: int) -> LithiumStability:
    """Return a material with `n` steps, of which the last but the open one are the widest."""
    one = found("Li6PS5Cl")
    product = one.staircase[0].products[0]
    ends = np.cumsum(np.linspace(0.01, 0.1, n))
    lower = [0.0, *ends[:-1]]
    steps = [
        Step(
            float(low),
            float(high),
            float(n - number),
            (replace(product, formula=f"Li{number + 2}P", amount=1.0),),
            -1.0,
            -0.5,
            "passivating",
        )
        for number, (low, high) in enumerate(zip(lower, ends, strict=True))
    ]
    steps[-1] = replace(steps[-1], upper_V=None)
    return replace(one, staircase=tuple(steps))


def names(axes: Axes) -> list[str]:
    """Return what is written beside the panel, from the bottom up."""
    return [text.get_text() for text in axes.texts if text.get_transform() == axes.get_yaxis_transform()]


def plain(text: str) -> str:
    """Return a name as it would be typed."""
    return re.sub(r"[$_{}]", "", text).replace("\u2009", " ")


def written(axes: Axes) -> list[Text]:
    """Return all text that is drawn; ticks beyond the axes are not."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    ticks = [tick for tick in axes.get_xticklabels() if left <= tick.get_position()[0] <= right]
    ticks += [tick for tick in axes.get_yticklabels() if low <= tick.get_position()[1] <= high]
    return [*axes.texts, *ticks, axes.xaxis.label, axes.yaxis.label]


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_line_goes_up_each_step_at_its_uptake(formula: str) -> None:
    of = found(formula)
    axes = panel(of)
    (line,) = (line for line in axes.lines if to_hex(line.get_color()).upper() == drawing.BLUE)
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert x[::2].tolist() == x[1::2].tolist() == [step.lithium_uptake for step in of.staircase]
    assert y[::2].tolist() == [step.lower_V for step in of.staircase]
    assert y[1:-1:2].tolist() == [step.upper_V for step in of.staircase[:-1]]
    assert y[-1] == axes.get_ylim()[1] >= max(module.LEAST_TOP, of.staircase[-1].lower_V + 0.5)
    assert axes.get_xlim()[0] < x.min() and x.max() < axes.get_xlim()[1]


def shaded(axes: Axes) -> list[tuple[float, float]]:
    return [(p.get_y(), p.get_y() + p.get_height()) for p in axes.patches if isinstance(p, Rectangle)]


@pytest.mark.parametrize("formula", ["Li6PS5Cl", "LiF", "Li7La3Zr2O12"])
def test_the_window_is_shaded(formula: str) -> None:
    of = found(formula)
    assert shaded(panel(of)) == [pytest.approx((of.reduction_limit_V, of.oxidation_limit_V))]


def test_without_lithium_the_window_has_no_upper_end() -> None:
    of = found("Na3PS4")
    axes = panel(of)
    assert shaded(axes) == [pytest.approx((of.reduction_limit_V, axes.get_ylim()[1]))]
    assert f"stable from {of.reduction_limit_V:.2f} V upward" in axes.texts[-1].get_text()


def test_where_there_is_no_window_a_line_is_drawn_and_said() -> None:
    of = found("Li3P1S2")
    assert of.reduction_limit_V == of.oxidation_limit_V
    axes = panel(of)
    assert shaded(axes) == []
    assert [of.reduction_limit_V] * 2 in [list(line.get_ydata()) for line in axes.lines]
    assert "no window" in axes.texts[-1].get_text()


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_phases_of_every_step_are_named_in_order(formula: str) -> None:
    of = found(formula)
    shown = [plain(name) for name in names(panel(of))]
    assert len(shown) == len(of.staircase)
    for step, name in zip(of.staircase, shown, strict=True):
        wanted = [product.formula for product in step.products]
        assert [part.split()[-1] for part in name.split(" + ")] == wanted or (name, wanted) == ("no phase is left", [])


def test_a_line_joins_each_name_to_its_step() -> None:
    of = found("Li1.3Al0.3Ti1.7(PO4)3")
    axes = panel(of)
    level = [line for line in axes.lines if line.get_linewidth() == 0.6 and line.get_transform() == axes.transData]
    slanting = [line for line in axes.lines if line.get_transform() == axes.get_yaxis_transform()]
    places = [text.get_position()[1] for text in axes.texts if text.get_transform() == axes.get_yaxis_transform()]
    slanting = [line for line in slanting if line.get_linewidth() == 0.6]
    for step, inside, beside, place in zip(of.staircase, level, slanting, places, strict=True):
        height = inside.get_ydata()[0]
        assert step.lower_V < height < (axes.get_ylim()[1] if step.upper_V is None else step.upper_V)
        assert list(inside.get_xdata()) == [step.lithium_uptake, axes.get_xlim()[1]]
        assert list(inside.get_ydata()) == [height, height]
        assert list(beside.get_ydata()) == [height, place]


@pytest.mark.parametrize("formula", [*FORMULAS, "Li7La2.75Ca0.25Zr1.75Nb0.25O12", "(Li2S)0.75(P2S5)0.25", "many"])
def test_no_text_lies_on_another_or_beyond_the_figure(formula: str) -> None:
    of = many(80) if formula == "many" else found(formula)
    axes = panel(of)
    figure = axes.figure
    figure.canvas.draw()
    boxes = {text: text.get_window_extent() for text in written(axes)}
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in boxes.items():
        assert box.x0 >= 0.0 and box.x1 <= width and box.y0 >= 0.0 and box.y1 <= height, text.get_text()
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        assert not a.overlaps(b), (one.get_text(), other.get_text())


def test_of_very_many_steps_the_widest_are_named_and_the_rest_counted() -> None:
    of = many(module.MAX_STEPS + 7)
    *shown, rest = names(panel(of))
    assert rest == "7 narrower steps are not named"
    assert len(shown) == module.MAX_STEPS
    # The first is always named, and here the others are wider the further up they lie.
    assert [plain(name) for name in shown[:2]] == ["Li2P", "Li10P"]


def test_a_mixture_of_very_many_phases_is_cut() -> None:
    of = found("Li6PS5Cl")
    first = of.staircase[0]
    long = replace(first, products=first.products[:1] * (module.MAX_PHASES + 3))
    shown = names(panel(replace(of, staircase=(long, *of.staircase[1:]))))[0]
    assert plain(shown).endswith("LiCl + 3 more")


@pytest.mark.parametrize(
    ("formula", "drawn"),
    [
        ("Li6PS5Cl", "Li$_{6}$PS$_{5}$Cl"),
        ("Li1.3Al0.3Ti1.7(PO4)3", "Li$_{1.3}$Al$_{0.3}$Ti$_{1.7}$(PO$_{4}$)$_{3}$"),
        ("Li.5CoO2", "Li$_{.5}$CoO$_{2}$"),
        ("CuSO4·5H2O", "CuSO$_{4}$·5H$_{2}$O"),
        ("0.75Li2S-0.25P2S5", "0.75Li$_{2}$S-0.25P$_{2}$S$_{5}$"),
        ("LiF", "LiF"),
    ],
)
def test_numbers_of_a_formula_are_lowered_where_they_are_amounts(formula: str, drawn: str) -> None:
    assert panel(replace(found("LiF"), formula=formula)).texts[-1].get_text().startswith(f"{drawn}: ")


def test_a_long_formula_and_a_table_of_any_name_can_be_drawn() -> None:
    odd = replace(found("Li6PS5Cl"), formula="Li6PS5Cl" * 60, table="of $5_000 & <more>^2 " + "x" * 300)
    axes = panel(odd)
    axes.figure.canvas.draw()
    assert len(axes.texts[-1].get_text()) < 400
    assert axes.figure.get_size_inches()[0] < 12.0
    assert b"&lt;more&gt;" in drawing.drawn(module.staircase(odd), "svg")


def test_a_figure_is_the_same_each_time_in_every_format() -> None:
    of = found("Li6PS5Cl")
    for kind, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        content = drawing.drawn(module.staircase(of), kind)
        assert content.startswith(start) and content == drawing.drawn(module.staircase(of), kind)


heights = st.lists(st.floats(0.0, 10.0), max_size=20).map(sorted)


@given(given_heights=heights, apart=st.floats(0.01, 0.5))
def test_names_are_moved_apart_within_the_panel_and_no_further_than_they_must(
    given_heights: list[float], apart: float
) -> None:
    placed = module._spread(given_heights, apart, 10.0)
    assert (np.diff(placed) >= apart - 1e-9).all()
    assert all(-1e-9 <= height <= 10.0 + 1e-9 for height in placed)
    if (np.diff(given_heights) >= apart).all():
        assert placed == pytest.approx(given_heights)


def test_two_that_lie_together_are_moved_alike() -> None:
    assert module._spread([3.0, 3.0], 1.0, 10.0) == [2.5, 3.5]
    assert module._spread([0.1, 0.1], 1.0, 10.0) == [0.0, 1.0]
    assert module._spread([9.9, 9.9], 1.0, 10.0) == [9.0, 10.0]


def test_text_stays_text() -> None:
    text = drawing.drawn(module.staircase(found("LiF")), "svg").decode()
    assert ">potential against Li/Li⁺ [V]</text>" in text and ">Li taken up per formula unit</text>" in text
