"""How the figures of a report look: colours of the light scheme, and what the dark one puts in their place."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["AXIS", "BLUE", "DARK", "GREEN", "GREY", "INK", "LINE", "ORANGE", "figure", "label"]

BLUE, ORANGE, GREEN, GREY, INK, LINE = "#0072b2", "#c24d00", "#00805c", "#858f9a", "#1b2128", "#d5dae0"
DARK: Mapping[str, str] = {
    BLUE: "#62b3ea",
    ORANGE: "#f08c4a",
    GREEN: "#4cc79c",
    GREY: "#76828f",
    INK: "#e5e9ed",
    LINE: "#323b45",
}
"""What takes the place of each colour in the dark scheme."""

AXIS = "log<sub>10</sub> conductivity [S/cm]"


def figure(traces: Sequence[Mapping[str, Any]], **layout: Any) -> Figure:
    """Return a figure of traces in the look of the report."""
    from plotly.graph_objects import Figure

    axis = {"gridcolor": LINE, "zeroline": False, "automargin": True, "linecolor": GREY, "title": {"standoff": 8}}
    made = Figure(data=list(traces))
    made.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK, "size": 13, "family": "system-ui, sans-serif"},
        margin={"l": 56, "r": 12, "t": 8, "b": 44},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        xaxis=axis,
        yaxis=axis,
        autosize=True,
        hovermode="closest",
    )
    made.update_layout(**layout)
    return made


def label(text: str) -> str:
    """Return text as plotly shows it: it reads a few tags in labels, and names are a user's."""
    return html.escape(text, quote=False)
