"""The figures of a campaign's report, as plotly draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from superion.discovery.advice.units_text import conductivity_range, conductivity_text
from superion.discovery.report.facts import Facts, FamilyFacts
from superion.discovery.report.measured import Measured
from superion.discovery.report.outlook import Outlook, outlook_figure
from superion.discovery.report.style import AXIS, BLUE, GREEN, GREY, INK, LINE, ORANGE, figure, label

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["figures_of"]

MOST_FAMILIES = 20
"""Most families that are drawn; the table has all."""
FEW_COUNTS = 5
"""Counts up to which each has a tick."""


def figures_of(facts: Facts, outlook: Outlook | None) -> dict[str, Figure]:
    """Draw what there is to draw, by the name that a section gives it."""
    found = {"families": _families(facts.families)} if facts.families else {}
    if any(one.log10_conductivity is not None for one in facts.measured):
        found["progress"] = _progress(facts.measured)
    if facts.foresight is not None:
        found["parity"] = _parity([one for one in facts.measured if one.outside is not None])
    if outlook is not None and facts.state.left:
        found["outlook"] = outlook_figure(facts, outlook)
    return found


def _progress(measured: Sequence[Measured]) -> Figure:
    known = [one for one in measured if one.log10_conductivity is not None]
    exact = [one for one in known if not one.censored]
    limits = [one for one in known if one.censored]
    predicted = [one for one in measured if one.predicted is not None]
    failed = [one for one in measured if one.failed]
    traces: list[dict[str, Any]] = []
    if predicted:
        traces.append(
            {
                "name": "predicted before",
                "mode": "markers",
                "x": [one.number for one in predicted],
                "y": [one.predicted.mean for one in predicted if one.predicted],
                "error_y": _bars(predicted),
                "marker": {"color": GREY, "symbol": "line-ew", "size": 9, "line": {"color": GREY, "width": 2}},
                "hovertext": [_hover(one) for one in predicted],
                "hoverinfo": "text",
            }
        )
    best = [one for one in measured if one.best_so_far is not None]
    if best:
        traces.append(
            {
                "name": "best so far",
                "mode": "lines",
                "x": [one.number for one in best],
                "y": [one.best_so_far for one in best],
                "line": {"color": GREEN, "width": 2, "shape": "hv"},
                "hoverinfo": "skip",
            }
        )
    if exact:
        traces.append(_points("measured", exact, [one.number for one in exact], BLUE, "circle"))
    if limits:
        traces.append(_points("below", limits, [one.number for one in limits], BLUE, "triangle-down-open"))
    if failed:
        # On the axis of its own, at the foot: there is no conductivity to draw it at.
        traces.append(
            {
                "name": "synthesis failed",
                "mode": "markers",
                "x": [one.number for one in failed],
                "y": [0.03] * len(failed),
                "yaxis": "y2",
                "marker": {"color": ORANGE, "symbol": "x", "size": 8},
                "hovertext": [_hover(one) for one in failed],
                "hoverinfo": "text",
            }
        )
    drawn = figure(traces, yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True})
    last = max(one.number for one in measured)
    drawn.update_xaxes(title_text="experiment", range=[0.4, last + 0.6], tickformat="d")
    drawn.update_layout(yaxis_title_text=AXIS, yaxis2_title_text="", xaxis_dtick=1 if last <= 12 else None)
    return drawn


def _parity(compared: Sequence[Measured]) -> Figure:
    traces: list[dict[str, Any]] = []
    exact = [one for one in compared if not one.censored]
    kinds = (
        ("within the interval", BLUE, "circle", [one for one in exact if not one.outside]),
        ("outside", ORANGE, "diamond", [one for one in exact if one.outside]),
        ("measured as a limit", GREY, "triangle-down-open", [one for one in compared if one.censored]),
    )
    for name, colour, symbol, ones in kinds:
        if ones:
            x = [one.predicted.mean for one in ones if one.predicted]
            traces.append({**_points(name, ones, x, colour, symbol), "error_x": _bars(ones, colour)})
    ends = [
        value
        for one in compared
        if one.predicted is not None and one.log10_conductivity is not None
        for value in (one.predicted.lower, one.predicted.upper, one.log10_conductivity)
    ]
    low, high = min(ends) - 0.3, max(ends) + 0.3
    diagonal = {
        "name": "as predicted",
        "mode": "lines",
        "x": [low, high],
        "y": [low, high],
        "line": {"color": GREY, "width": 1, "dash": "dash"},
        "hoverinfo": "skip",
    }
    drawn = figure([diagonal, *traces])
    drawn.update_xaxes(title_text=f"predicted {AXIS}", range=[low, high])
    drawn.update_yaxes(title_text=f"measured {AXIS}", range=[low, high])
    return drawn


def _families(families: Sequence[FamilyFacts]) -> Figure:
    # Those that were tried first; plotly draws the first at the bottom.
    shown = sorted(families, key=lambda one: (-(one.measured + one.failed + one.pending), -one.left, one.name))
    shown = shown[:MOST_FAMILIES][::-1]
    names = [label(one.name) for one in shown]
    parts = (
        ("hit", GREEN, "x", [one.hits for one in shown]),
        ("measured, no hit", BLUE, "x", [one.measured - one.hits for one in shown]),
        ("not made", ORANGE, "x", [one.failed for one in shown]),
        ("under way", INK, "x", [one.pending for one in shown]),
        ("left", GREY, "x2", [one.left for one in shown]),
    )
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": names,
            "x": counts,
            "xaxis": axis,
            "marker": {"color": colour},
            "hovertemplate": f"%{{y}}: %{{x}} {name}<extra></extra>",
        }
        for name, colour, axis, counts in parts
    ]
    drawn = figure(
        traces,
        barmode="stack",
        legend_traceorder="normal",
        height=130 + 26 * len(shown),
        # What is left may be a thousand times what was tried, and would leave nothing to be seen of it.
        xaxis2={**_counts([one.left for one in shown]), "domain": [0.7, 1.0], "title": {"text": "left"}, "anchor": "y"},
    )
    tried = [one.measured + one.failed + one.pending for one in shown]
    drawn.update_layout(xaxis={**_counts(tried), "domain": [0.0, 0.64], "title": {"text": "tried"}})
    drawn.update_yaxes(type="category")
    return drawn


def _counts(numbers: Sequence[int]) -> dict[str, Any]:
    """Return an axis of counts; between small ones plotly would put ticks at halves."""
    most = max(numbers)
    ticks = {"dtick": 1} if most <= FEW_COUNTS else {"nticks": 5}
    return {"gridcolor": LINE, "zeroline": False, "tickformat": "d", "range": [0, 1.04 * max(most, 1)], **ticks}


def _points(name: str, ones: Sequence[Measured], x: Sequence[float], colour: str, symbol: str) -> dict[str, Any]:
    return {
        "name": name,
        "mode": "markers",
        "x": list(x),
        "y": [one.log10_conductivity for one in ones],
        "marker": {"color": colour, "symbol": symbol, "size": 9},
        "hovertext": [_hover(one) for one in ones],
        "hoverinfo": "text",
    }


def _bars(ones: Sequence[Measured], colour: str = GREY) -> dict[str, Any]:
    predictions = [one.predicted for one in ones if one.predicted is not None]
    return {
        "type": "data",
        "symmetric": False,
        "array": [one.upper - one.mean for one in predictions],
        "arrayminus": [one.mean - one.lower for one in predictions],
        "color": colour,
        "thickness": 1.5,
        "width": 0,
    }


def _hover(one: Measured) -> str:
    lines = [f"{one.number}: {one.formula}", one.family]
    if one.failed:
        lines.append("synthesis failed")
    elif one.log10_conductivity is not None:
        lines.append(f"measured {'below ' if one.censored else ''}{conductivity_text(one.log10_conductivity)}")
    if one.predicted is not None:
        interval = conductivity_range(one.predicted.lower, one.predicted.upper)
        lines.append(f"predicted {conductivity_text(one.predicted.mean)} ({interval})")
    if one.at is not None:
        lines.append(f"{one.at:%Y-%m-%d}")
    return "<br>".join(map(label, filter(None, lines)))
