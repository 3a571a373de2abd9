cdef extern from "status.h" nogil:
    ctypedef enum superion_status:
        SUPERION_OK
        SUPERION_NULL_ARGUMENT
        SUPERION_OUT_OF_MEMORY
        SUPERION_BAD_CUTOFF
        SUPERION_NONFINITE_LATTICE
        SUPERION_SINGULAR_LATTICE
        SUPERION_NONFINITE_COORDINATE
        SUPERION_OVERFLOW
        SUPERION_TOO_MANY_PAIRS
        SUPERION_BAD_OFFSETS
        SUPERION_BAD_ELEMENT
        SUPERION_BAD_AMOUNT
        SUPERION_BAD_GRID
        SUPERION_BAD_INTERACTION
        SUPERION_TOO_MUCH_WORK
        SUPERION_NO_PERCOLATION
        SUPERION_NOT_PLAIN

    const char *superion_status_message(superion_status status)
