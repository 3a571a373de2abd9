# cython: boundscheck=False, wraparound=False
"""Bind the convex hull of the C core."""

cimport hull
from libc.stdint cimport int64_t
from libc.string cimport memcpy
from status cimport (
    SUPERION_NO_CONVERGENCE,
    SUPERION_OK,
    SUPERION_OUT_OF_MEMORY,
    SUPERION_UNBOUNDED,
    superion_status,
    superion_status_message,
)

import numpy as np

from superion.errors import NoEquilibrium


def follow_hull(
    const double[:, ::1] columns,
    const double[::1] costs,
    const double[::1] slopes,
    const double[::1] right_side,
    const int64_t[::1] units,
    double t_start,
    double t_end,
):
    """Return the pieces of the optimal solution by falling t, as `csrc/hull.h` defines them.

    `columns` has shape (n_columns, n_rows), `costs` and `slopes` (n_columns,), `right_side` and `units` (n_rows,). The
    answer is intervals (n_pieces, 4), phases (n_pieces, n_rows) int64, and amounts, constants and slopes of the dual
    values, (n_pieces, n_rows) each.

    Raises NoEquilibrium where the costs have no minimum or the iterations do not end, ValueError for arrays that are
    not such a programme, MemoryError.
    """
    cdef size_t n_columns = <size_t>columns.shape[0], n_rows = <size_t>columns.shape[1]
    cdef hull.superion_hull_path path
    cdef superion_status status
    if costs.shape[0] != columns.shape[0] or slopes.shape[0] != columns.shape[0]:
        raise ValueError("there must be one cost and one slope per column")
    if right_side.shape[0] != columns.shape[1] or units.shape[0] != columns.shape[1]:
        raise ValueError("there must be one right side and one unit column per row")
    if n_columns == 0 or n_rows == 0:
        raise ValueError("there must be a row and a column")
    with nogil:
        status = hull.superion_follow_hull(
            &columns[0, 0],
            n_columns,
            n_rows,
            &costs[0],
            &slopes[0],
            &right_side[0],
            &units[0],
            t_start,
            t_end,
            &path,
        )
    if status != SUPERION_OK:
        message = superion_status_message(status).decode("ascii")
        if status == SUPERION_OUT_OF_MEMORY:
            raise MemoryError(message)
        if status == SUPERION_UNBOUNDED or status == SUPERION_NO_CONVERGENCE:
            # Neither is to happen with any energies: every composition has a mixture of lowest energy.
            raise NoEquilibrium(f"the hull cannot be computed, a fault of superion and of no input: {message}")
        raise ValueError(message)
    try:
        intervals, phases = np.empty((path.count, 4)), np.empty((path.count, n_rows), dtype=np.int64)
        copy(intervals, path.intervals, path.count * 4)
        copy_indices(phases, path.phases, path.count * n_rows)
        found = [np.empty((path.count, n_rows)) for _ in range(3)]
        copy(found[0], path.amounts, path.count * n_rows)
        copy(found[1], path.constants, path.count * n_rows)
        copy(found[2], path.slopes, path.count * n_rows)
        return intervals, phases, found[0], found[1], found[2]
    finally:
        hull.superion_hull_path_free(&path)


cdef int copy(double[:, ::1] into, const double *values, size_t count) except -1:
    memcpy(&into[0, 0], values, count * sizeof(double))
    return 0


cdef int copy_indices(int64_t[:, ::1] into, const int64_t *values, size_t count) except -1:
    memcpy(&into[0, 0], values, count * sizeof(int64_t))
    return 0
