"""Percolation on periodic grids, against a label-based search in a repeated cell and against what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from superion.errors import InvalidValue
from superion.featurizers.percolation import percolating_points, percolation_levels

GRIDS = arrays(
    np.float64,
    st.tuples(*[st.integers(1, 5)] * 3),
    elements=st.one_of(st.integers(-3, 3).map(float), st.floats(-5, 5), st.just(np.inf)),
)


def dimensions_in_repeated_cell(open_points: np.ndarray, repeats: int = 7) -> int:
    """Return the dimensions of the best connected set, found as a person would: repeat the cell and see what touches.

    Each set of the repeated cell (open ends) that reaches from a copy of a point to its other copies spans a lattice;
    the rank of the differences is its dimension. Windings of more than (repeats - 1) / 2 cells are not seen.
    """
    labels, _ = ndimage.label(np.tile(open_points, (repeats,) * 3), structure=np.ones((3, 3, 3)))
    middle = repeats // 2
    cells = labels.reshape(repeats, open_points.shape[0], repeats, open_points.shape[1], repeats, open_points.shape[2])
    best = 0
    for u, v, w in np.argwhere(open_points):
        copies = cells[:, u, :, v, :, w]
        vectors = np.argwhere(copies == copies[middle, middle, middle]) - middle
        best = max(best, int(np.linalg.matrix_rank(vectors)))
    return best


@given(grid=GRIDS)
@settings(max_examples=60, deadline=None)
def test_levels_are_where_a_repeated_cell_percolates(grid):
    levels = percolation_levels(grid)
    assert list(levels) == sorted(levels)
    for dimension, level in enumerate(levels, start=1):
        if np.isfinite(level):
            assert level in grid
            assert dimensions_in_repeated_cell(grid <= level) >= dimension
            assert dimensions_in_repeated_cell(grid < level) < dimension
        else:
            assert dimensions_in_repeated_cell(np.isfinite(grid)) < dimension


@given(grid=GRIDS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_levels_do_not_depend_on_the_description(grid, data):
    levels = percolation_levels(grid)
    shifts = data.draw(st.tuples(*[st.integers(-4, 4)] * 3))
    assert percolation_levels(np.roll(grid, shifts, axis=(0, 1, 2))) == levels
    assert percolation_levels(grid.transpose(data.draw(st.permutations(range(3))))) == levels
    assert percolation_levels(grid[::-1]) == levels
    assert percolation_levels(np.tile(grid, data.draw(st.tuples(*[st.integers(1, 3)] * 3)))) == levels


@given(grid=GRIDS)
@settings(max_examples=40, deadline=None)
def test_levels_follow_the_order_of_the_points_alone(grid):
    assert percolation_levels(3.0 * grid + 1.0) == pytest.approx(
        [3.0 * level + 1.0 for level in percolation_levels(grid)]
    )


def test_channel_layer_and_network():
    grid = np.full((5, 6, 7), np.inf)
    grid[:, 2, 3] = 1.0  # a channel along the first vector
    assert percolation_levels(grid) == (1.0, np.inf, np.inf)
    grid[:, :, 3] = np.where(np.isinf(grid[:, :, 3]), 2.0, 1.0)  # in a layer
    assert percolation_levels(grid) == (1.0, 2.0, np.inf)
    grid[1, 1, :] = 3.0  # and a bridge between the layers
    assert percolation_levels(grid) == (1.0, 2.0, 2.0 + 1.0)
    assert percolation_levels(np.full((5, 6, 7), np.inf)) == (np.inf,) * 3


def test_points_that_percolate_are_marked_and_pockets_are_not():
    grid = np.ones((6, 6, 6))
    grid[:, 2, 2] = 0.0
    grid[4, 5, 5] = -1.0
    mask = percolating_points(grid, 0.0, 1)
    assert mask.dtype == bool and mask.sum() == 6 and mask[:, 2, 2].all()
    assert percolating_points(grid, 0.0, 0).sum() == 7
    assert not percolating_points(grid, 0.0, 2).any()
    assert percolating_points(grid, 1.0, 3).all()


@pytest.mark.parametrize(
    "grid", [np.zeros((2, 2)), np.zeros((2, 0, 2)), np.full((2, 2, 2), np.nan), np.full((2, 2, 2), -np.inf)]
)
def test_bad_grids_are_refused(grid):
    with pytest.raises(InvalidValue, match="grid"):
        percolation_levels(grid)


def test_bad_arguments_are_refused():
    grid = np.zeros((2, 2, 2))
    for dimensions in (-1, 4, True, 1.5):
        with pytest.raises(InvalidValue, match="dimensions"):
            percolating_points(grid, 0.0, dimensions)
    with pytest.raises(InvalidValue, match="threshold"):
        percolating_points(grid, float("nan"))
