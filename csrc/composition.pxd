from libc.stdint cimport int64_t

from status cimport superion_status

cdef extern from "composition.h" nogil:
    const size_t SUPERION_N_STATISTICS

    superion_status superion_composition_statistics(
        const double *table,
        size_t n_elements,
        size_t n_properties,
        const int64_t *offsets,
        size_t n_compositions,
        const int64_t *elements,
        const double *amounts,
        double *statistics,
    )
