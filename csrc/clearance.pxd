from libc.stdint cimport int32_t

from status cimport superion_status

cdef extern from "clearance.h" nogil:
    superion_status superion_clearance_plan(const double *lattice, double step, double *cell, int32_t *shape)
    superion_status superion_clearance_grid(
        const double *lattice,
        const double *fractional,
        const double *radii,
        size_t n_spheres,
        const int32_t *shape,
        double ceiling,
        double floor,
        double *clearance,
        double *peaks,
    )
