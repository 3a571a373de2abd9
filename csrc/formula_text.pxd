from libc.stdint cimport int64_t

from status cimport superion_status

cdef extern from "formula_text.h" nogil:
    int SUPERION_PLAIN_ELEMENTS

    ctypedef struct superion_composition:
        size_t count
        int64_t *atomic_numbers
        double *amounts

    int superion_atomic_number(const char *symbol, size_t length)
    superion_status superion_read_formula(const char *text, size_t length, superion_composition *composition)
