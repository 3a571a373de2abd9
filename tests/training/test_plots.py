"""Panels: what is drawn where, in which colours and on which axes; and the files they are written to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

from superion.errors import InvalidValue
from superion.models.distribution import Spread
from superion.training import drawing, plots
from superion.training.metrics import AREA_CONFIDENCES, Scored


def scored(n: int = 40, censored: int = 4, seed: int = 0) -> Scored:
    random = np.random.default_rng(seed)
    measured = random.uniform(-12.0, -2.0, n)
    return Scored(
        measured=measured,
        censored=np.arange(n) < censored,
        has_structure=np.zeros(n, dtype=bool),
        mean=measured + random.normal(0.0, 1.0, n),
        spread=Spread(random.uniform(0.3, 2.0, n), np.zeros(n)),
    )


def whole(data: Scored, **options: Any) -> Figure:
    n = len(data)
    families = [("garnet", "NASICON", "LGPS")[row % 3] for row in range(n)]
    coverage = np.clip(AREA_CONFIDENCES + 0.03, 0.0, 1.0)
    return plots.evaluation(data, data.mean - 1.5, data.mean + 1.0, data.spread.total, coverage, families, **options)


def panel(figure: Figure) -> Axes:
    (axes,) = figure.axes
    return axes


def clouds(axes: Axes) -> list[np.ndarray]:
    """Return the points of each scatter, shape (n, 2)."""
    return [np.asarray(found.get_offsets()) for found in axes.collections if isinstance(found, PathCollection)]


def draw(figure: Figure) -> None:
    figure.canvas.draw()


def test_parity_shows_every_row_with_its_interval_and_limits_with_arrows() -> None:
    data = scored()
    axes = panel(plots.parity(data, data.mean - 1.5, data.mean + 1.0))
    known, limits = clouds(axes)
    assert known.tolist() == np.stack([data.measured, data.mean], axis=1)[4:].tolist()
    assert limits.tolist() == np.stack([data.measured, data.mean], axis=1)[:4].tolist()
    (arrows,) = (found for found in axes.collections if isinstance(found, Quiver))
    assert np.asarray(arrows.get_offsets()).tolist() == limits.tolist()
    assert (np.asarray(arrows.U) < 0.0).all() and not np.asarray(arrows.V).any()
    bars = [bar for container in axes.containers for line in container[2] for bar in line.get_segments()]
    ends = sorted((bar[0][1], bar[1][1]) for bar in bars)
    assert [low for low, _ in ends] == pytest.approx(sorted(data.mean - 1.5))
    assert [high for _, high in ends] == pytest.approx(sorted(data.mean + 1.0))


def test_parity_has_the_identity_and_a_decade_to_either_side_on_equal_axes() -> None:
    data = scored()
    axes = panel(plots.parity(data, data.mean - 1.0, data.mean + 1.0))
    shifts = [line.get_ydata() - line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2]
    assert sorted(float(shift[0]) for shift in shifts) == pytest.approx([-1.0, 0.0, 1.0])
    assert axes.get_xlim() == axes.get_ylim() and axes.get_aspect() == 1.0
    low, high = axes.get_xlim()
    everything = np.concatenate([data.measured, data.mean])
    assert low < everything.min() and everything.max() < high


def test_no_arrows_without_limits() -> None:
    data = scored(censored=0)
    axes = panel(plots.parity(data, data.mean - 1.0, data.mean + 1.0))
    assert not [found for found in axes.collections if isinstance(found, Quiver)]


def test_each_family_has_a_line_with_its_number_of_rows_the_largest_first() -> None:
    data = scored(9, censored=1)
    families = ["a"] * 2 + ["b"] * 6 + ["c"]
    axes = panel(plots.residuals_by_family(data, families))
    draw(axes.figure)  # type: ignore[arg-type]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b (n = 6)", "a (n = 2)", "c (n = 1)"]
    drawn = np.concatenate(clouds(axes))
    assert sorted(drawn[:, 0]) == pytest.approx(sorted(data.mean - data.measured))
    place = {round(float(x), 9): round(float(y)) for x, y in drawn}
    wanted = {"b": 0, "a": 1, "c": 2}
    residuals = (data.mean - data.measured).tolist()
    assert [place[round(x, 9)] for x in residuals] == [wanted[name] for name in families]


def test_small_families_are_put_together_and_long_names_cut() -> None:
    n = 40
    families = [f"family number {row % 20:02} with a very long name" for row in range(n)]
    axes = panel(plots.residuals_by_family(scored(n), families))
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == plots.MAX_FAMILIES
    assert labels[-1] == f"{20 - plots.MAX_FAMILIES + 1} others (n = {2 * (20 - plots.MAX_FAMILIES + 1)})"
    assert all(len(label) < 40 for label in labels)
    assert sum(len(cloud) for cloud in clouds(axes)) == n


def test_names_that_begin_alike_lose_no_row() -> None:
    families = ["x" * 30 + str(row % 2) for row in range(8)]
    axes = panel(plots.residuals_by_family(scored(8, censored=0), families))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x" * 25 + "… (n = 8)"]


def test_reliability_shows_coverage_against_confidence() -> None:
    coverage = np.linspace(0.1, 1.0, len(AREA_CONFIDENCES))
    axes = panel(plots.reliability(coverage, 50))
    (line,) = (line for line in axes.lines if len(line.get_xdata()) == len(coverage))
    assert line.get_xdata().tolist() == AREA_CONFIDENCES.tolist()
    assert line.get_ydata().tolist() == coverage.tolist()
    area = np.abs(coverage - AREA_CONFIDENCES).mean()
    assert [text.get_text() for text in axes.texts] == [f"miscalibration area {area:.3f}"]


def test_the_band_of_chance_is_narrower_with_more_rows() -> None:
    def width(n: int) -> float:
        (band,) = panel(plots.reliability(AREA_CONFIDENCES, n)).collections
        corners = band.get_paths()[0].vertices
        middle = corners[np.isclose(corners[:, 0], 0.5), 1]
        return float(np.ptp(middle))

    # The binomial deviation at one half, twice to either side.
    assert width(100) == pytest.approx(4 * 0.5 / 10, abs=0.02)
    assert width(2500) == pytest.approx(4 * 0.5 / 50, abs=0.005)


def test_errors_lie_on_the_line_where_the_deviation_is_right() -> None:
    random = np.random.default_rng(1)
    std = np.exp(random.uniform(-1.0, 1.0, 4000))
    axes = panel(plots.error_against_spread(random.normal(0.0, std), std))
    (line,) = (line for line in axes.lines if line.get_label() == "root mean square")
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert len(x) == plots.MAX_BINS and (np.diff(x) > 0).all()
    assert y == pytest.approx(x, rel=0.12)


def test_an_error_of_nothing_stays_on_the_logarithmic_axis_and_is_said() -> None:
    axes = panel(plots.error_against_spread(np.array([0.0, 1.0]), np.array([0.5, 0.7])))
    (cloud,) = clouds(axes)
    assert cloud[:, 1].tolist() == [0.01, 1.0]
    assert axes.get_ylim()[0] < 0.01
    assert "rows, below 0.01 at 0.01" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_learning_curve_has_a_line_for_each_name() -> None:
    curves = {f"network {number}": (range(5), np.linspace(1.0, 0.1 * number, 5)) for number in range(8)}
    axes = panel(plots.learning_curve(curves, step="step", value="MAE"))
    assert [line.get_label() for line in axes.lines] == list(curves)
    assert axes.lines[3].get_ydata().tolist() == pytest.approx(np.linspace(1.0, 0.3, 5))
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 8
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "MAE")
    draw(plots.learning_curve({}))


@pytest.mark.parametrize(
    "make",
    [
        lambda data: plots.parity(data, data.mean - 1.0, data.mean + 1.0),
        lambda data: plots.residuals_by_family(data, ["a"] * len(data)),
        lambda data: plots.reliability(AREA_CONFIDENCES, len(data)),
        lambda data: plots.error_against_spread(data.error_beyond_limit(), data.spread.total),
    ],
    ids=["parity", "residuals", "reliability", "spread"],
)
@pytest.mark.parametrize(("n", "censored"), [(1, 0), (1, 1), (2, 1), (6, 6), (300, 20)])
def test_every_panel_can_be_drawn_of_any_rows_and_names_its_axes(
    make: Callable[[Scored], Figure], n: int, censored: int
) -> None:
    axes = panel(make(scored(n, censored)))
    assert axes.get_xlabel()
    assert axes.get_ylabel() or axes.get_yticklabels()
    draw(axes.figure)  # type: ignore[arg-type]


def test_the_figure_holds_four_lettered_panels() -> None:
    figure = whole(scored(), title="a model")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b", "c", "d"]
    assert figure.get_suptitle() == "a model"
    xlabels = [axes.get_xlabel() for axes in figure.axes]
    assert xlabels[0].startswith("measured log") and "S cm" in xlabels[0]
    assert "decades" in xlabels[1] and "confidence" in xlabels[2] and "decades" in xlabels[3]


def test_the_colours_are_those_that_can_be_told_apart() -> None:
    data = scored()
    axes = panel(plots.parity(data, data.mean - 1.0, data.mean + 1.0))
    known, limits = (found for found in axes.collections if isinstance(found, PathCollection))
    assert to_hex(known.get_facecolors()[0]).upper() == drawing.BLUE
    assert to_hex(limits.get_edgecolors()[0]).upper() == drawing.VERMILION
    # And by their form, for a print without colours.
    assert known.get_paths()[0].vertices.shape != limits.get_paths()[0].vertices.shape


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")])
def test_a_figure_is_written_by_its_suffix_and_the_same_each_time(tmp_path: Path, name: str, start: bytes) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        drawing.save(whole(scored()), tmp_path / place / name)
    written = (tmp_path / "one" / name).read_bytes()
    assert written.startswith(start) and len(written) > 5000
    assert written == (tmp_path / "two" / name).read_bytes()


def test_text_in_a_drawing_stays_text(tmp_path: Path) -> None:
    drawing.save(whole(scored()), tmp_path / "a.svg")
    assert "share of rows covered</text>" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.png.txt", ".png"])
def test_another_suffix_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue, match=r"\.png, \.svg, \.pdf") as caught:
        drawing.check_file(tmp_path / name)
    assert caught.value.field == "plot"
    with pytest.raises(InvalidValue):
        drawing.save(whole(scored(5)), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="does not exist"):
        drawing.check_file(tmp_path / "absent" / "a.png")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(InvalidValue, match="cannot write"):
        drawing.save(whole(scored(5)), tmp_path / "a.png")


def test_importing_the_module_brings_no_matplotlib_and_drawing_no_pyplot(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from superion.training import drawing, plots
assert "matplotlib" not in sys.modules
drawing.save(plots.learning_curve({{"a": ([0, 1], [1, 0])}}), Path({str(tmp_path / "a.png")!r}))
assert "matplotlib.pyplot" not in sys.modules
"""
    home = tmp_path / "home"
    environment = {"SUPERION_HOME": str(home), "HOME": str(tmp_path / "user"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    # What matplotlib keeps for itself lies under the home as well.
    assert [path.name for path in home.iterdir()] == ["matplotlib"]
    assert not (tmp_path / "user").exists()
