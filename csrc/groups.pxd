from libc.stdint cimport int64_t

from status cimport superion_status

cdef extern from "groups.h" nogil:
    superion_status superion_group_positions(
        const double *lattice,
        const double *fractional,
        size_t n_positions,
        double distance,
        size_t max_pairs,
        int64_t *groups,
        size_t *n_groups,
    )
