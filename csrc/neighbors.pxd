from libc.stdint cimport int32_t, int64_t

from status cimport superion_status

cdef extern from "neighbors.h" nogil:
    ctypedef struct superion_neighbor_options:
        double cutoff
        size_t max_neighbors
        size_t max_pairs

    ctypedef struct superion_neighbor_list:
        size_t count
        int64_t *centers
        int64_t *neighbors
        int32_t *shifts
        double *distances

    superion_status superion_find_neighbors(
        const double *lattice,
        const double *fractional,
        size_t n_sites,
        const superion_neighbor_options *options,
        superion_neighbor_list *list,
    )
    void superion_neighbor_list_free(superion_neighbor_list *list)
