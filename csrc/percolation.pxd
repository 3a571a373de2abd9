from libc.stdint cimport int32_t

from status cimport superion_status

cdef extern from "percolation.h" nogil:
    superion_status superion_percolation_levels(const double *levels, const int32_t *shape, double *thresholds)
    superion_status superion_percolating_points(
        const double *levels, const int32_t *shape, double threshold, int dimensions, unsigned char *open
    )
