from libc.stdint cimport int64_t

from status cimport superion_status

cdef extern from "hull.h" nogil:
    const int SUPERION_HULL_MAX_ROWS

    ctypedef struct superion_hull_path:
        size_t count
        size_t n_rows
        double *intervals
        int64_t *phases
        double *amounts
        double *constants
        double *slopes

    superion_status superion_follow_hull(
        const double *columns,
        size_t n_columns,
        size_t n_rows,
        const double *costs,
        const double *slopes,
        const double *right_side,
        const int64_t *units,
        double t_start,
        double t_end,
        double slope_end,
        superion_hull_path *path,
    )
    void superion_hull_path_free(superion_hull_path *path)
