# cython: boundscheck=False, wraparound=False
"""Bind the symmetry copies of the C core."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

cimport orbits
from status cimport (
    SUPERION_NONFINITE_LATTICE,
    SUPERION_OK,
    SUPERION_OUT_OF_MEMORY,
    superion_status,
    superion_status_message,
)

import numpy as np

from superion.errors import InvalidCrystal


def expand_orbits(
    const double[:, ::1] lattice,
    const double[:, :, ::1] rotations,
    const double[:, ::1] translations,
    const double[:, ::1] fractional,
    const double[::1] occupancies,
    const int64_t[::1] declared,
    double same_atom,
    double crowded_atom,
    double declared_atom,
    double most,
):
    """Return the copies of all atoms as `csrc/orbits.h` defines them: positions, sources and one dict per atom.

    `lattice` has shape (3, 3) [angstrom], `rotations` (n_operations, 3, 3), `translations` (n_operations, 3),
    `fractional` (n_atoms, 3), `occupancies` and `declared` (n_atoms,). The positions are float64 (n_positions, 3), the
    sources int64 (n_positions,); the dicts have the fields of `superion_orbit`.

    Raises InvalidCrystal or MemoryError, by the status that the C core returns, and ValueError for arrays that do not
    fit together.
    """
    cdef size_t n_atoms = <size_t>fractional.shape[0], n_operations = <size_t>rotations.shape[0], n_positions = 0, k
    if (
        lattice.shape[0] != 3
        or lattice.shape[1] != 3
        or rotations.shape[1] != 3
        or rotations.shape[2] != 3
        or <size_t>translations.shape[0] != n_operations
        or translations.shape[1] != 3
        or fractional.shape[1] != 3
        or <size_t>occupancies.shape[0] != n_atoms
        or <size_t>declared.shape[0] != n_atoms
    ):
        raise ValueError("the arrays do not fit together")
    if n_atoms == 0 or n_operations == 0:
        return np.empty((0, 3)), np.empty(0, dtype=np.int64), []
    positions = np.empty((n_atoms * n_operations, 3), dtype=np.float64)
    sources = np.empty(n_atoms * n_operations, dtype=np.int64)
    cdef double[:, ::1] positions_view = positions
    cdef int64_t[::1] sources_view = sources
    cdef orbits.superion_operations operations
    cdef orbits.superion_listed_atoms atoms
    cdef orbits.superion_orbit_options options
    cdef superion_status status
    cdef orbits.superion_orbit *found = <orbits.superion_orbit *>malloc(n_atoms * sizeof(orbits.superion_orbit))
    if found == NULL:
        raise MemoryError(superion_status_message(SUPERION_OUT_OF_MEMORY).decode("ascii"))
    operations.rotations = &rotations[0, 0, 0]
    operations.translations = &translations[0, 0]
    operations.count = n_operations
    atoms.fractional = &fractional[0, 0]
    atoms.occupancies = &occupancies[0]
    atoms.declared = &declared[0]
    atoms.count = n_atoms
    options.same_atom = same_atom
    options.crowded_atom = crowded_atom
    options.declared_atom = declared_atom
    options.most = most
    try:
        with nogil:
            status = orbits.superion_expand_orbits(
                &lattice[0, 0],
                &operations,
                &atoms,
                &options,
                &positions_view[0, 0],
                &sources_view[0],
                found,
                &n_positions,
            )
        if status != SUPERION_OK:
            raise error_of(status)
        return positions[:n_positions], sources[:n_positions], [found[k] for k in range(n_atoms)]
    finally:
        free(found)


cdef error_of(superion_status status):
    """Return the exception for a status."""
    message = superion_status_message(status).decode("ascii")
    if status == SUPERION_OUT_OF_MEMORY:
        return MemoryError(message)
    return InvalidCrystal(message, field="lattice" if status == SUPERION_NONFINITE_LATTICE else "coordinates")
