# cython: boundscheck=False, wraparound=False
"""Bind the composition statistics of the C core."""

from libc.stdint cimport int64_t

cimport composition
from status cimport SUPERION_BAD_AMOUNT, SUPERION_OK, superion_status, superion_status_message

import numpy as np

from superion.errors import InvalidFormula


def composition_statistics(
    const double[:, ::1] table, const int64_t[::1] offsets, const int64_t[::1] elements, const double[::1] amounts
):
    """Return the six statistics of every property and composition, as `csrc/composition.h` defines them.

    `table` has shape (n_elements, n_properties), `offsets` (n_compositions + 1,), `elements` and `amounts`
    (offsets[-1],). The answer has shape (n_compositions, n_properties, 6).

    Raises InvalidFormula for an amount that is not above zero, ValueError for arrays that do not fit together.
    """
    if offsets.shape[0] < 1 or offsets[offsets.shape[0] - 1] != elements.shape[0]:
        raise ValueError("the last offset must be the number of entries")
    if elements.shape[0] != amounts.shape[0]:
        raise ValueError("there must be one amount per element entry")
    cdef size_t n_compositions = <size_t>(offsets.shape[0] - 1)
    cdef size_t n_elements = <size_t>table.shape[0], n_properties = <size_t>table.shape[1]
    statistics = np.empty((n_compositions, n_properties, composition.SUPERION_N_STATISTICS), dtype=np.float64)
    cdef double[:, :, ::1] view = statistics
    # The address of the first entry of an empty array must not be formed.
    cdef const double *table_start = &table[0, 0] if table.size else NULL
    cdef const int64_t *elements_start = &elements[0] if elements.size else NULL
    cdef const double *amounts_start = &amounts[0] if amounts.size else NULL
    cdef double *statistics_start = &view[0, 0, 0] if statistics.size else NULL
    cdef superion_status status
    with nogil:
        status = composition.superion_composition_statistics(
            table_start,
            n_elements,
            n_properties,
            &offsets[0],
            n_compositions,
            elements_start,
            amounts_start,
            statistics_start,
        )
    if status == SUPERION_OK:
        return statistics
    message = superion_status_message(status).decode("ascii")
    if status == SUPERION_BAD_AMOUNT:
        raise InvalidFormula(message, field="amounts", value=min(amounts))
    raise ValueError(message)
