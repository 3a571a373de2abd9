# cython: boundscheck=False, wraparound=False
"""Bind the site energies, the percolation and the pathway of the C core."""

cimport landscape
cimport pathway
cimport percolation
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy
from status cimport (
    SUPERION_BAD_CUTOFF,
    SUPERION_NO_PERCOLATION,
    SUPERION_NONFINITE_COORDINATE,
    SUPERION_NONFINITE_LATTICE,
    SUPERION_OK,
    SUPERION_OUT_OF_MEMORY,
    SUPERION_SINGULAR_LATTICE,
    SUPERION_TOO_MUCH_WORK,
    superion_status,
    superion_status_message,
)

import numpy as np

from superion.errors import InvalidCrystal, InvalidValue

MAX_CUTOFF = landscape.SUPERION_MAX_LANDSCAPE_CUTOFF


def site_energies(
    const double[:, ::1] lattice,
    const double[:, ::1] fractional,
    const int64_t[::1] offsets,
    const int32_t[::1] kinds,
    const double[::1] occupancies,
    const double[:, ::1] interactions,
    const int32_t[::1] shape,
    double cutoff,
    double max_terms,
):
    """Return the energies (n1, n2, n3) [eV] that `csrc/landscape.h` defines.

    `interactions` has shape (n_interactions, 5): depth, minimum, steepness, strength, screening.

    Raises InvalidValue, InvalidCrystal, ValueError or MemoryError, by the status that the C core returns.
    """
    if tuple(lattice.shape)[:2] != (3, 3) or fractional.shape[1] != 3 or shape.shape[0] != 3 or interactions.shape[1] != 5:
        raise ValueError("lattice (3, 3), fractional (n_sites, 3), interactions (n, 5) and shape (3,) are needed")
    if offsets.shape[0] != fractional.shape[0] + 1 or offsets[fractional.shape[0]] != kinds.shape[0]:
        raise ValueError("the offsets do not fit the sites or the entries")
    if kinds.shape[0] != occupancies.shape[0] or min(shape) < 1:
        raise ValueError("one kind and one occupancy per entry and a grid with points are needed")
    cdef landscape.superion_framework framework
    framework.n_sites = <size_t>fractional.shape[0]
    # The address of the first entry of an empty array must not be formed.
    framework.fractional = &fractional[0, 0] if fractional.shape[0] else NULL
    framework.offsets = &offsets[0]
    framework.kinds = &kinds[0] if kinds.shape[0] else NULL
    framework.occupancies = &occupancies[0] if kinds.shape[0] else NULL
    framework.n_interactions = <size_t>interactions.shape[0]
    # The rows of the array are the members of the struct, five doubles each.
    framework.interactions = (
        <const landscape.superion_interaction *>&interactions[0, 0] if interactions.shape[0] else NULL
    )
    energies = np.empty(tuple(shape), dtype=np.float64)
    cdef double[:, :, ::1] view = energies
    cdef superion_status status
    with nogil:
        status = landscape.superion_site_energies(
            &lattice[0, 0], &framework, &shape[0], cutoff, max_terms, &view[0, 0, 0]
        )
    if status != SUPERION_OK:
        raise error_of(status, cutoff)
    return energies


def percolation_levels(const double[:, :, ::1] levels):
    """Return the thresholds (3,) at which the grid percolates in 1, 2 and 3 dimensions; see `csrc/percolation.h`.

    Raises ValueError or MemoryError, by the status that the C core returns.
    """
    cdef int32_t shape[3]
    cdef double thresholds[3]
    cdef superion_status status
    take_shape(levels, shape)
    with nogil:
        status = percolation.superion_percolation_levels(&levels[0, 0, 0], shape, thresholds)
    if status != SUPERION_OK:
        raise error_of(status, None)
    return thresholds[0], thresholds[1], thresholds[2]


def percolating_points(const double[:, :, ::1] levels, double threshold, int dimensions):
    """Return the mask (n1, n2, n3) of the sets that percolate; see `csrc/percolation.h`.

    Raises ValueError or MemoryError, by the status that the C core returns.
    """
    cdef int32_t shape[3]
    cdef superion_status status
    take_shape(levels, shape)
    mask = np.empty((shape[0], shape[1], shape[2]), dtype=np.uint8)
    cdef unsigned char[:, :, ::1] view = mask
    with nogil:
        status = percolation.superion_percolating_points(&levels[0, 0, 0], shape, threshold, dimensions, &view[0, 0, 0])
    if status != SUPERION_OK:
        raise error_of(status, None)
    return mask.view(np.bool_)


def find_pathway(const double[:, ::1] lattice, const double[:, :, ::1] levels, double threshold):
    """Return the grid coordinates (n_points, 3) int32 of the pathway, or None where nothing percolates.

    Raises InvalidCrystal, ValueError or MemoryError, by the status that the C core returns; see `csrc/pathway.h`.
    """
    cdef int32_t shape[3]
    cdef pathway.superion_pathway path
    cdef superion_status status
    cdef int32_t[:, ::1] view
    if lattice.shape[0] != 3 or lattice.shape[1] != 3:
        raise ValueError("the lattice must have shape (3, 3)")
    take_shape(levels, shape)
    with nogil:
        status = pathway.superion_find_pathway(&lattice[0, 0], &levels[0, 0, 0], shape, threshold, &path)
    if status == SUPERION_NO_PERCOLATION:
        return None
    if status != SUPERION_OK:
        raise error_of(status, None)
    try:
        points = np.empty((path.count, 3), dtype=np.int32)
        view = points
        memcpy(&view[0, 0], path.points, path.count * 3 * sizeof(int32_t))
        return points
    finally:
        pathway.superion_pathway_free(&path)


cdef int take_shape(const double[:, :, ::1] levels, int32_t *shape) except -1:
    """Copy the shape of a grid; raises ValueError for one without points or with more than the C core counts."""
    if levels.size == 0 or levels.size > 2**31 - 1:
        raise ValueError(f"a grid of 1 to 2147483647 points is needed, not {levels.size}")
    for axis in range(3):
        shape[axis] = <int32_t>levels.shape[axis]
    return 0


cdef error_of(superion_status status, cutoff):
    """Return the exception for a status, with the input at fault."""
    message = superion_status_message(status).decode("ascii")
    if status == SUPERION_OUT_OF_MEMORY:
        return MemoryError(message)
    if status == SUPERION_BAD_CUTOFF:
        return InvalidValue(f"{message}, at most {MAX_CUTOFF:g} [angstrom]", field="cutoff", value=cutoff)
    if status == SUPERION_TOO_MUCH_WORK:
        return InvalidValue(
            f"{message}: take a coarser resolution or a shorter cutoff", field="resolution", value=cutoff
        )
    if status == SUPERION_NONFINITE_LATTICE or status == SUPERION_SINGULAR_LATTICE:
        return InvalidCrystal(message, field="lattice")
    if status == SUPERION_NONFINITE_COORDINATE:
        return InvalidCrystal(message, field="fractional_coordinates")
    return ValueError(message)
