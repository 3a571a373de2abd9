# cython: boundscheck=False, wraparound=False
"""Bind the forests of the C core."""

cimport forest
from libc.stdint cimport int16_t, int32_t
from status cimport SUPERION_OK, superion_status, superion_status_message

import numpy as np


def walk_forest(
    const int16_t[::1] feature,
    const float[::1] threshold,
    const int32_t[::1] right,
    const float[::1] value,
    const int32_t[::1] roots,
    const float[:, ::1] rows,
):
    """Return what each tree answers, shape (n_trees, n_rows) float64, for rows (n_rows, n_features).

    The other arrays are those of `csrc/forest.h`, of shape (n_nodes,) and `roots` of (n_trees,).

    Raises ValueError for arrays that describe no trees, or that ask for a feature that the rows do not have.
    """
    cdef size_t n_nodes = <size_t>feature.shape[0], n_trees = <size_t>roots.shape[0]
    cdef size_t n_rows = <size_t>rows.shape[0], n_features = <size_t>rows.shape[1]
    cdef superion_status status
    if not threshold.shape[0] == right.shape[0] == value.shape[0] == feature.shape[0]:
        raise ValueError("there must be one threshold, right child and value per node")
    found = np.empty((n_trees, n_rows))
    if found.size == 0:
        return found
    cdef double[:, ::1] answers = found
    if n_nodes == 0 or n_features == 0:
        raise ValueError("there must be a node and a feature")
    with nogil:
        status = forest.superion_walk_forest(
            &feature[0],
            &threshold[0],
            &right[0],
            &value[0],
            n_nodes,
            &roots[0],
            n_trees,
            &rows[0, 0],
            n_rows,
            n_features,
            &answers[0, 0],
        )
    if status != SUPERION_OK:
        raise ValueError(superion_status_message(status).decode("ascii"))
    return found
