from libc.stdint cimport int16_t, int32_t

from status cimport superion_status

cdef extern from "forest.h" nogil:
    superion_status superion_walk_forest(
        const int16_t *feature,
        const float *threshold,
        const int32_t *right,
        const float *value,
        size_t n_nodes,
        const int32_t *roots,
        size_t n_trees,
        const float *rows,
        size_t n_rows,
        size_t n_features,
        double *answers,
    )
