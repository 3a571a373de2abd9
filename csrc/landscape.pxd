from libc.stdint cimport int32_t, int64_t

from status cimport superion_status

cdef extern from "landscape.h" nogil:
    double SUPERION_MAX_LANDSCAPE_CUTOFF

    ctypedef struct superion_interaction:
        double depth
        double minimum
        double steepness
        double strength
        double screening

    ctypedef struct superion_framework:
        size_t n_sites
        const double *fractional
        const int64_t *offsets
        const int32_t *kinds
        const double *occupancies
        size_t n_interactions
        const superion_interaction *interactions

    superion_status superion_site_energies(
        const double *lattice,
        const superion_framework *framework,
        const int32_t *shape,
        double cutoff,
        double max_terms,
        double *energies,
    )
