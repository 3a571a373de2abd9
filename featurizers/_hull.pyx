# cython: boundscheck=False, wraparound=False
"""Bind the convex hull of the C core."""

cimport hull
from libc.math cimport INFINITY, fabs
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
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
    check_shapes(columns, costs, slopes, right_side, units)
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
            INFINITY,
            &path,
        )
    check_status(status)
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


def follow_hull_beside(
    const double[:, ::1] columns,
    const double[::1] costs,
    const double[::1] slopes,
    const double[::1] right_side,
    const int64_t[::1] units,
    double own_cost,
    double own_slope,
    double t_start,
    double t_end,
    double slope_end,
    Py_ssize_t n_mixtures,
):
    """Return the pieces of the programme of `follow_hull` with one more column, the last: the right side itself.

    The answer is a list of the intervals, tuples of four, and a list of the mixtures of the first `n_mixtures` pieces,
    each a list of (column, amount). Past `slope_end`, as `csrc/hull.h` defines it, pieces may be missing. Raises what
    `follow_hull` does.
    """
    cdef size_t n_columns = <size_t>columns.shape[0], n_rows = <size_t>columns.shape[1], place, n
    cdef hull.superion_hull_path path
    cdef superion_status status
    cdef double *block
    check_shapes(columns, costs, slopes, right_side, units)
    block = <double *>malloc((n_columns + 1) * (n_rows + 2) * sizeof(double))
    if block == NULL:
        raise MemoryError()
    cdef double *all_costs = block + (n_columns + 1) * n_rows
    cdef double *all_slopes = all_costs + n_columns + 1
    memcpy(block, &columns[0, 0], n_columns * n_rows * sizeof(double))
    memcpy(block + n_columns * n_rows, &right_side[0], n_rows * sizeof(double))
    memcpy(all_costs, &costs[0], n_columns * sizeof(double))
    memcpy(all_slopes, &slopes[0], n_columns * sizeof(double))
    all_costs[n_columns] = own_cost
    all_slopes[n_columns] = own_slope
    with nogil:
        status = hull.superion_follow_hull(
            block,
            n_columns + 1,
            n_rows,
            all_costs,
            all_slopes,
            &right_side[0],
            &units[0],
            t_start,
            t_end,
            slope_end,
            &path,
        )
    free(block)
    check_status(status)
    try:
        intervals = [
            (path.intervals[4 * n], path.intervals[4 * n + 1], path.intervals[4 * n + 2], path.intervals[4 * n + 3])
            for n in range(path.count)
        ]
        mixtures = []
        for n in range(min(path.count, <size_t>n_mixtures)):
            mixture = []
            for place in range(n * n_rows, (n + 1) * n_rows):
                if path.phases[place] >= 0:
                    mixture.append((path.phases[place], path.amounts[place]))
            mixtures.append(mixture)
        return intervals, mixtures
    finally:
        hull.superion_hull_path_free(&path)


def has_column_near(const double[:, ::1] columns, const double[::1] right_side, double within):
    """Tell whether a column differs from the right side by no more than `within` in every row.

    `columns` has shape (n_columns, n_rows), `right_side` (n_rows,). Raises ValueError for another right side.
    """
    cdef Py_ssize_t column, row
    if right_side.shape[0] != columns.shape[1]:
        raise ValueError("there must be one right side per row")
    for column in range(columns.shape[0]):
        for row in range(columns.shape[1]):
            if fabs(columns[column, row] - right_side[row]) > within:
                break
        else:
            return True
    return False


cdef int check_shapes(
    const double[:, ::1] columns,
    const double[::1] costs,
    const double[::1] slopes,
    const double[::1] right_side,
    const int64_t[::1] units,
) except -1:
    """Raise ValueError for arrays that do not belong together."""
    if costs.shape[0] != columns.shape[0] or slopes.shape[0] != columns.shape[0]:
        raise ValueError("there must be one cost and one slope per column")
    if right_side.shape[0] != columns.shape[1] or units.shape[0] != columns.shape[1]:
        raise ValueError("there must be one right side and one unit column per row")
    if columns.shape[0] == 0 or columns.shape[1] == 0:
        raise ValueError("there must be a row and a column")
    return 0


cdef int check_status(superion_status status) except -1:
    """Raise what `follow_hull` does where there is no answer."""
    if status == SUPERION_OK:
        return 0
    message = superion_status_message(status).decode("ascii")
    if status == SUPERION_OUT_OF_MEMORY:
        raise MemoryError(message)
    if status == SUPERION_UNBOUNDED or status == SUPERION_NO_CONVERGENCE:
        # Neither is to happen with any energies: every composition has a mixture of lowest energy.
        raise NoEquilibrium(f"the hull cannot be computed, a fault of superion and of no input: {message}")
    raise ValueError(message)


cdef int copy(double[:, ::1] into, const double *values, size_t count) except -1:
    memcpy(&into[0, 0], values, count * sizeof(double))
    return 0


cdef int copy_indices(int64_t[:, ::1] into, const int64_t *values, size_t count) except -1:
    memcpy(&into[0, 0], values, count * sizeof(int64_t))
    return 0
