"""What is believed of the candidates that are left, as an array and as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from superion.discovery.advice.units_text import conductivity_range, conductivity_text
from superion.discovery.report.facts import Facts
from superion.discovery.report.style import AXIS, BLUE, GREEN, GREY, figure, label
from superion.errors import InvalidValue

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Outlook", "outlook_figure"]

MOST_LEFT = 200
"""Most candidates that are drawn."""


@dataclass(frozen=True)
class Outlook:
    """Hold what is believed of the candidates now, the untried among them.

    Raises InvalidValue where the lists differ in length.
    """

    ids: Sequence[str]
    mean: Sequence[float]
    """[log10(S/cm)], as `lower` and `upper`."""
    lower: Sequence[float]
    upper: Sequence[float]
    confidence: float = field(default=0.9)
    """Of the intervals."""

    def __post_init__(self) -> None:
        if len({len(self.ids), len(self.mean), len(self.lower), len(self.upper)}) != 1:
            raise InvalidValue(
                "ids, mean, lower and upper are of one length, not "
                f"{len(self.ids)}, {len(self.mean)}, {len(self.lower)} and {len(self.upper)}",
                field="outlook",
            )


def outlook_figure(facts: Facts, outlook: Outlook) -> Figure:
    """Draw what is believed of the candidates that are left, the most promising first."""
    left = {facts.state.candidates[place].id for place in facts.state.left}
    places = [place for place, one in enumerate(outlook.ids) if one in left]
    places = sorted(places, key=lambda place: -outlook.mean[place])[:MOST_LEFT]
    mean = [float(outlook.mean[place]) for place in places]
    hover = []
    for place in places:
        name = facts.state.candidates[facts.state.place[outlook.ids[place]]].material.formula.text
        interval = conductivity_range(float(outlook.lower[place]), float(outlook.upper[place]))
        text = f"{conductivity_text(float(outlook.mean[place]))} ({100 * outlook.confidence:.3g} %: {interval})"
        hover.append(f"{label(name)}<br>{text}")
    traces: list[dict[str, Any]] = [
        {
            "name": "predicted now",
            "mode": "markers",
            "x": list(range(1, len(places) + 1)),
            "y": mean,
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": [float(outlook.upper[place]) - value for place, value in zip(places, mean, strict=True)],
                "arrayminus": [value - float(outlook.lower[place]) for place, value in zip(places, mean, strict=True)],
                "color": GREY,
                "thickness": 1,
                "width": 0,
            },
            "marker": {"color": BLUE, "size": 6},
            "hovertext": hover,
            "hoverinfo": "text",
        }
    ]
    best = facts.best
    if best is not None and places:
        traces.append(
            {
                "name": "best so far",
                "mode": "lines",
                "x": [0.5, len(places) + 0.5],
                "y": [best.log10_conductivity] * 2,
                "line": {"color": GREEN, "width": 2},
                "hoverinfo": "skip",
            }
        )
    drawn = figure(traces, showlegend=True)
    drawn.update_xaxes(title_text="rank among those left", tickformat="d")
    drawn.update_yaxes(title_text=AXIS)
    return drawn
