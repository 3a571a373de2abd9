# cython: boundscheck=False, wraparound=False
"""Bind the periodic neighbour list of the C core."""

cimport groups
cimport neighbors
from cython.view cimport array as view_array
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free
from status cimport (
    SUPERION_BAD_CUTOFF,
    SUPERION_NONFINITE_COORDINATE,
    SUPERION_NONFINITE_LATTICE,
    SUPERION_OK,
    SUPERION_OUT_OF_MEMORY,
    SUPERION_OVERFLOW,
    SUPERION_SINGULAR_LATTICE,
    SUPERION_TOO_MANY_PAIRS,
    superion_status,
    superion_status_message,
)

import numpy as np

from superion.errors import InvalidCrystal, InvalidValue


def find_neighbors(
    const double[:, ::1] lattice,
    const double[:, ::1] fractional,
    double cutoff,
    size_t max_neighbors,
    size_t max_pairs,
):
    """Return the pairs `(i, j, shift, distance)` that `csrc/neighbors.h` defines.

    `lattice` has shape (3, 3) [angstrom], `fractional` (n_sites, 3). The answer is int64 (n_pairs,), int64 (n_pairs,),
    int32 (n_pairs, 3) and float64 (n_pairs,) [angstrom]; the arrays own the memory that the C core allocated.

    Raises InvalidValue, InvalidCrystal or MemoryError, by the status that the C core returns.
    """
    if lattice.shape[0] != 3 or lattice.shape[1] != 3:
        raise InvalidCrystal("the lattice must have shape (3, 3)", field="lattice", value=np.shape(lattice))
    if fractional.shape[1] != 3:
        raise InvalidCrystal(
            "the fractional coordinates must have shape (n_sites, 3)",
            field="fractional_coordinates",
            value=np.shape(fractional),
        )
    cdef neighbors.superion_neighbor_options options
    cdef neighbors.superion_neighbor_list pairs
    cdef superion_status status
    cdef size_t n_sites = <size_t>fractional.shape[0]
    # The address of the first entry of an empty array must not be formed.
    cdef const double *fractional_start = &fractional[0, 0] if n_sites else NULL
    options.cutoff = cutoff
    options.max_neighbors = max_neighbors
    options.max_pairs = max_pairs
    with nogil:
        status = neighbors.superion_find_neighbors(&lattice[0, 0], fractional_start, n_sites, &options, &pairs)
    if status != SUPERION_OK:
        raise error_of(status, lattice, fractional, cutoff, max_pairs)
    try:
        return take(&pairs)
    finally:
        neighbors.superion_neighbor_list_free(&pairs)


def number_groups(const double[:, ::1] lattice, const double[:, ::1] fractional, double distance, size_t max_pairs):
    """Return the group int64 (n_positions,) of each position, as `csrc/groups.h` defines it, and how many there are.

    `lattice` has shape (3, 3) [angstrom], `fractional` (n_positions, 3).

    Raises InvalidValue, InvalidCrystal or MemoryError, by the status that the C core returns.
    """
    if lattice.shape[0] != 3 or lattice.shape[1] != 3 or fractional.shape[1] != 3:
        raise InvalidCrystal("the lattice must have shape (3, 3), the positions (n, 3)", field="coordinates")
    cdef size_t n_positions = <size_t>fractional.shape[0], n_groups = 0
    numbers = np.empty(n_positions, dtype=np.int64)
    cdef int64_t[::1] view = numbers
    # The address of the first entry of an empty array must not be formed.
    cdef const double *fractional_start = &fractional[0, 0] if n_positions else NULL
    cdef int64_t *start = &view[0] if n_positions else NULL
    cdef superion_status status
    with nogil:
        status = groups.superion_group_positions(
            &lattice[0, 0], fractional_start, n_positions, distance, max_pairs, start, &n_groups
        )
    if status != SUPERION_OK:
        raise error_of(status, lattice, fractional, distance, max_pairs)
    return numbers, n_groups


cdef take(neighbors.superion_neighbor_list *pairs):
    """Hand the arrays of a list over to Python one by one, so that what is left is still the list's to free."""
    cdef Py_ssize_t count = <Py_ssize_t>pairs.count
    if count == 0:
        return (
            np.empty(0, dtype=np.int64),
            np.empty(0, dtype=np.int64),
            np.empty((0, 3), dtype=np.int32),
            np.empty(0, dtype=np.float64),
        )
    cdef view_array centers = <int64_t[:count]>pairs.centers
    centers.callback_free_data = free
    pairs.centers = NULL
    cdef view_array others = <int64_t[:count]>pairs.neighbors
    others.callback_free_data = free
    pairs.neighbors = NULL
    cdef view_array shifts = <int32_t[:count, :3]>pairs.shifts
    shifts.callback_free_data = free
    pairs.shifts = NULL
    cdef view_array distances = <double[:count]>pairs.distances
    distances.callback_free_data = free
    pairs.distances = NULL
    return np.asarray(centers), np.asarray(others), np.asarray(shifts), np.asarray(distances)


cdef error_of(superion_status status, lattice, fractional, cutoff, max_pairs):
    """Return the exception for a status, with the input at fault."""
    message = superion_status_message(status).decode("ascii")
    if status == SUPERION_BAD_CUTOFF:
        return InvalidValue(f"{message} [angstrom]", field="cutoff", value=cutoff)
    if status == SUPERION_TOO_MANY_PAIRS:
        return InvalidValue(f"{message} ({max_pairs}): lower the cutoff", field="cutoff", value=cutoff)
    if status == SUPERION_NONFINITE_LATTICE or status == SUPERION_SINGULAR_LATTICE:
        return InvalidCrystal(message, field="lattice", value=np.asarray(lattice).tolist())
    if status == SUPERION_NONFINITE_COORDINATE or status == SUPERION_OVERFLOW:
        coordinates = np.asarray(fractional)
        finite = np.isfinite(coordinates).all(axis=1)
        worst = np.argmin(finite) if not finite.all() else np.abs(coordinates).max(axis=1).argmax()
        return InvalidCrystal(
            f"{message} (site {worst})", field="fractional_coordinates", value=coordinates[worst].tolist()
        )
    if status == SUPERION_OUT_OF_MEMORY:
        return MemoryError(message)
    return RuntimeError(message)
