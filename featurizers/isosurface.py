"""The surface on which a periodic grid has a given value, as triangles, by marching tetrahedra.

Every cube of eight grid points is cut into six tetrahedra around its long diagonal, which fit together from cube to
cube; within a tetrahedron the value is taken as linear (A. Doi, A. Koide, IEICE Trans. E74-D, 214 (1991)).
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidValue

__all__ = ["isosurface"]

_AXES = np.eye(3, dtype=np.int64)
_TETRAHEDRA = np.array(
    [[np.zeros(3, dtype=np.int64), *np.cumsum(_AXES[list(order)], 0)] for order in permutations(range(3))]
)
"""Shape (6, 4, 3): corners of the tetrahedra of a cube, each a way from one end of its diagonal to the other."""

_EDGES = {
    1: np.array([[[0, 1], [0, 2], [0, 3]]]),
    2: np.array([[[0, 2], [0, 3], [1, 3]], [[0, 2], [1, 3], [1, 2]]]),
    3: np.array([[[3, 0], [3, 1], [3, 2]]]),
}
"""By how many corners lie below the level, the edges of a tetrahedron, its corners by rising value, that each triangle
has its corners on."""


def isosurface(grid: npt.ArrayLike, level: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the vertices (n_vertices, 3), in units of the cell, and the triangles (n_triangles, 3) of a surface.

    `grid` (n1, n2, n3) is periodic, its points at (u / n1, v / n2, w / n3); the surface is that of one cell, open where
    it goes on in the next. The triangles turn counter-clockwise where they are seen from the side of higher values, in
    a right-handed lattice.

    Raises InvalidValue for a grid that has another shape or values that are not finite.
    """
    values = np.asarray(grid, dtype=np.float64)
    if values.ndim != 3 or values.size == 0 or not np.isfinite(values).all():
        raise InvalidValue("a grid has shape (n1, n2, n3), each at least 1, and finite values", field="grid")
    shape = np.array(values.shape)
    closed = np.pad(values, ((0, 1), (0, 1), (0, 1)), mode="wrap")
    triangles = [_triangles(closed, _cut(closed, corners, level), level) for corners in _TETRAHEDRA]
    edges = np.concatenate(triangles)
    low, high = edges[..., 0], edges[..., 1]
    # An edge has one number, whichever tetrahedron asks, so that triangles share their corners.
    names = np.minimum(low, high) * np.int64(closed.size) + np.maximum(low, high)
    _, first, corner = np.unique(names, return_index=True, return_inverse=True)
    low, high = low.ravel()[first], high.ravel()[first]
    flat = closed.ravel()
    share = ((level - flat[low]) / (flat[high] - flat[low]))[:, np.newaxis]
    start, end = (np.stack(np.unravel_index(points, closed.shape), axis=-1) for points in (low, high))
    return (start + share * (end - start)) / shape, corner.reshape(-1, 3)


def _cut(closed: npt.NDArray[np.float64], corners: npt.NDArray[np.int64], level: float) -> npt.NDArray[np.int64]:
    """Return the points (n, 4) of those tetrahedra of one kind that the surface cuts, by rising value."""
    n1, n2, n3 = closed.shape
    windows = [closed[u : n1 - 1 + u, v : n2 - 1 + v, w : n3 - 1 + w] for u, v, w in corners]
    below = sum((window <= level).astype(np.int8) for window in windows)
    cube = np.argwhere((below > 0) & (below < 4))
    places = cube[:, np.newaxis, :] + corners
    points = np.ravel_multi_index(tuple(np.moveaxis(places, -1, 0)), closed.shape)
    order = np.argsort(closed.ravel()[points], axis=1, kind="stable")
    return np.take_along_axis(points, order, axis=1)


def _triangles(closed: npt.NDArray[np.float64], points: npt.NDArray[np.int64], level: float) -> npt.NDArray[np.int64]:
    """Return the edges (n_triangles, 3, 2) that the corners of the triangles lie on."""
    below = (closed.ravel()[points] <= level).sum(axis=1)
    places = np.stack(np.unravel_index(points, closed.shape), axis=-1)
    found = [np.empty((0, 3, 2), dtype=np.int64)]
    for count, patterns in _EDGES.items():
        chosen, place = points[below == count], places[below == count].astype(np.float64)
        for pattern in patterns:
            edges = chosen[:, pattern]
            middles = place[:, pattern].mean(axis=2)
            normal = np.cross(middles[:, 1] - middles[:, 0], middles[:, 2] - middles[:, 0])
            outward = place[:, 3] - place[:, 0]
            inside_out = np.einsum("nx,nx->n", normal, outward) < 0.0
            edges[inside_out] = edges[inside_out][:, ::-1]
            found.append(edges)
    return np.concatenate(found)
