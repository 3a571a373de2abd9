from libc.stdint cimport int32_t, int64_t

from status cimport superion_status

cdef extern from "orbits.h" nogil:
    ctypedef struct superion_operations:
        const double *rotations
        const double *translations
        size_t count

    ctypedef struct superion_listed_atoms:
        const double *fractional
        const double *occupancies
        const int64_t *declared
        size_t count

    ctypedef struct superion_orbit_options:
        double same_atom
        double crowded_atom
        double declared_atom
        double most

    ctypedef struct superion_orbit:
        int64_t n_copies
        int64_t n_fixing
        int64_t n_near
        double moved
        double farthest
        int32_t declared_unused
        int32_t unmoved

    superion_status superion_expand_orbits(
        const double *lattice,
        const superion_operations *operations,
        const superion_listed_atoms *atoms,
        const superion_orbit_options *options,
        double *positions,
        int64_t *sources,
        superion_orbit *orbits,
        size_t *n_positions,
    )
