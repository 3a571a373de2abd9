"""What every figure is drawn with: colours, sizes, the figure itself, and the file that it becomes.

Nothing goes through pyplot, whose figures are global. Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/),
which colour-blind readers tell apart.
"""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superion import home
from superion.errors import InvalidValue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
"""Formats that a figure is written in."""

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
GREY = "#666666"

PANEL_SIZE = (4.2, 3.9)
"""Width and height of a panel [inch]."""
DPI = 200
TEXT, SMALL = 9.0, 7.5
"""Sizes of labels and of what stands within a panel [point]."""


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


def new_figure(size: tuple[float, float]) -> Figure:
    # The cache of fonts belongs under the home with all else that is written, and is not worth a word.
    os.environ.setdefault("MPLCONFIGDIR", str(home.home() / "matplotlib"))
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def finished(axes: Axes) -> Figure:
    """Give a panel the looks that all have; returns its figure."""
    axes.tick_params(labelsize=SMALL, width=0.7)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_fontsize(TEXT)
    for spine in axes.spines.values():
        spine.set_linewidth(0.7)
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes are made by a figure"
    return figure
