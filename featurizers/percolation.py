"""Percolation on periodic grids: the level at which what lies below it connects a cell with its own images.

`csrc/percolation.h` states the geometry and the method; the 26 points around a point are its neighbours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidValue
from superion.featurizers._landscape import percolating_points as mark_points
from superion.featurizers._landscape import percolation_levels as find_levels

__all__ = ["percolating_points", "percolation_levels"]


def percolation_levels(grid: npt.ArrayLike) -> tuple[float, float, float]:
    """Find the lowest levels at which the points at or below them percolate in 1, 2 and 3 dimensions.

    `grid` has shape (n1, n2, n3) and is periodic; it may hold infinity for points that never open. The levels are in
    the unit of the grid, infinity where closed points prevent it.

    Raises InvalidValue for a grid that has another shape or holds NaN.
    """
    levels = _checked(grid)
    one, two, three = find_levels(levels)
    return one, two, three


def percolating_points(grid: npt.ArrayLike, threshold: float, dimensions: int = 1) -> npt.NDArray[np.bool_]:
    """Mark the points (n1, n2, n3) of the connected sets that percolate in so many dimensions at a threshold.

    Raises InvalidValue for a grid as above, a threshold that is NaN, or dimensions outside 0 to 3.
    """
    levels = _checked(grid)
    if isinstance(dimensions, bool) or dimensions not in (0, 1, 2, 3):
        raise InvalidValue("the dimensions are 0, 1, 2 or 3", field="dimensions", value=dimensions)
    if np.isnan(threshold):
        raise InvalidValue("the threshold must be a number", field="threshold", value=threshold)
    return mark_points(levels, float(threshold), dimensions)


def _checked(grid: npt.ArrayLike) -> npt.NDArray[np.float64]:
    levels = np.ascontiguousarray(grid, dtype=np.float64)
    if levels.ndim != 3 or levels.size == 0:
        raise InvalidValue("a grid has shape (n1, n2, n3), each at least 1", field="grid", value=levels.shape)
    if not (levels > -np.inf).all():
        raise InvalidValue("a grid holds numbers or infinity, neither NaN nor -infinity", field="grid")
    return levels
