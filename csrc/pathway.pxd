from libc.stdint cimport int32_t

from status cimport superion_status

cdef extern from "pathway.h" nogil:
    ctypedef struct superion_pathway:
        size_t count
        int32_t *points

    superion_status superion_find_pathway(
        const double *lattice, const double *levels, const int32_t *shape, double threshold, superion_pathway *path
    )
    void superion_pathway_free(superion_pathway *path)
