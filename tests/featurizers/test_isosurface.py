"""The surface of a value in a periodic grid: against spheres and planes, and closed where it should be."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from superion.errors import InvalidValue
from superion.featurizers.isosurface import isosurface

Floats = npt.NDArray[np.float64]


def distances(n: int, centre: float = 0.5) -> Floats:
    """Return the distance of every point of a grid to the nearest image of a point."""
    place = np.stack(np.meshgrid(*[np.arange(n) / n - centre] * 3, indexing="ij"), axis=-1)
    return np.linalg.norm(place - np.round(place), axis=-1)


def volume(vertices: Floats, triangles: npt.NDArray[np.int64]) -> float:
    """Return the signed volume within a surface."""
    a, b, c = np.moveaxis(vertices[triangles] - 0.5, 1, 0)
    return float(np.einsum("nx,nx->n", a, np.cross(b, c)).sum() / 6.0)


def test_a_sphere_has_its_radius_and_its_volume() -> None:
    vertices, triangles = isosurface(distances(40), 0.3)
    radii = np.linalg.norm(vertices - 0.5, axis=1)
    assert radii.min() > 0.299
    assert radii.max() < 0.3001
    # A positive volume says that all triangles turn outward.
    assert volume(vertices, triangles) == pytest.approx(4 / 3 * np.pi * 0.3**3, rel=5e-3)


@pytest.mark.parametrize("level", [0.1, 0.25, 0.3, 0.41])
def test_a_surface_within_the_cell_is_closed(level: float) -> None:
    _, triangles = isosurface(distances(16), level)
    edges = Counter((int(one[k]), int(one[(k + 1) % 3])) for one in triangles for k in range(3))
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges), "each edge is run along once in either direction"


def test_a_sphere_around_a_corner_is_cut_by_the_faces_of_the_cell() -> None:
    vertices, triangles = isosurface(distances(30, 0.0), 0.3)
    assert ((vertices >= 0.0) & (vertices <= 1.0)).all()
    corners = vertices[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = 0.5 * np.linalg.norm(normals, axis=1).sum()
    assert area == pytest.approx(4 * np.pi * 0.3**2, rel=1e-2)


def test_a_plane_lies_where_the_value_is() -> None:
    grid = np.broadcast_to(np.arange(8.0)[:, None, None], (8, 5, 3))
    vertices, _ = isosurface(grid, 2.5)
    planes = np.unique(vertices[:, 0].round(9))
    assert planes[0] == 2.5 / 8
    # Between the last layer, of value 7, and the first again, of value 0.
    assert planes[1:] == pytest.approx([(7 + 4.5 / 7) / 8])


def test_where_no_point_is_on_the_other_side_there_is_no_surface() -> None:
    for level in (-1.0, 9.0):
        vertices, triangles = isosurface(distances(6), level)
        assert vertices.shape == (0, 3)
        assert triangles.shape == (0, 3)


@pytest.mark.parametrize("grid", [np.zeros((2, 2)), np.zeros((0, 2, 2)), np.full((2, 2, 2), np.nan)])
def test_what_is_no_grid(grid: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        isosurface(grid, 0.0)
    assert refused.value.field == "grid"
