# cython: boundscheck=False, wraparound=False
"""Bind the clearance between hard spheres of the C core."""

cimport clearance
from libc.stdint cimport int32_t
from status cimport (
    SUPERION_BAD_RADIUS,
    SUPERION_NONFINITE_COORDINATE,
    SUPERION_NONFINITE_LATTICE,
    SUPERION_OK,
    SUPERION_OUT_OF_MEMORY,
    SUPERION_OVERFLOW,
    SUPERION_SINGULAR_LATTICE,
    superion_status,
    superion_status_message,
)

import numpy as np

from superion.errors import InvalidCrystal, InvalidValue


def plan_grid(const double[:, ::1] lattice, double step):
    """Return compact vectors (3, 3) [angstrom] of a lattice and the number of grid points (3,) int32 along each.

    Raises InvalidValue or InvalidCrystal, by the status that the C core returns; see `csrc/clearance.h`.
    """
    check_lattice(lattice)
    cell = np.empty((3, 3), dtype=np.float64)
    shape = np.empty(3, dtype=np.int32)
    cdef double[:, ::1] cell_view = cell
    cdef int32_t[::1] shape_view = shape
    cdef superion_status status
    with nogil:
        status = clearance.superion_clearance_plan(&lattice[0, 0], step, &cell_view[0, 0], &shape_view[0])
    if status != SUPERION_OK:
        raise error_of(status, lattice, step)
    return cell, shape


def clearance_grid(
    const double[:, ::1] lattice,
    const double[:, ::1] fractional,
    const double[::1] radii,
    const int32_t[::1] shape,
    double ceiling,
    double floor,
    bint with_peaks,
):
    """Return the clearance (n1, n2, n3) [angstrom] and, if wanted, the peaks of the same shape, else None.

    `lattice` has shape (3, 3) [angstrom], `fractional` (n_spheres, 3), `radii` (n_spheres,) [angstrom], `shape` (3,).

    Raises InvalidValue, InvalidCrystal or MemoryError, by the status that the C core returns; see `csrc/clearance.h`.
    """
    check_lattice(lattice)
    if fractional.shape[1] != 3 or fractional.shape[0] != radii.shape[0] or shape.shape[0] != 3 or min(shape) < 1:
        raise ValueError("fractional (n, 3), radii (n,) and shape (3,), each at least 1, are needed")
    cdef size_t n_spheres = <size_t>radii.shape[0]
    # The address of the first entry of an empty array must not be formed.
    cdef const double *fractional_start = &fractional[0, 0] if n_spheres else NULL
    cdef const double *radii_start = &radii[0] if n_spheres else NULL
    values = np.empty(tuple(shape), dtype=np.float64)
    peaks = np.empty(tuple(shape), dtype=np.float64) if with_peaks else None
    cdef double[:, :, ::1] values_view = values, peaks_view = peaks
    cdef double *peaks_start = &peaks_view[0, 0, 0] if with_peaks else NULL
    cdef superion_status status
    with nogil:
        status = clearance.superion_clearance_grid(
            &lattice[0, 0],
            fractional_start,
            radii_start,
            n_spheres,
            &shape[0],
            ceiling,
            floor,
            &values_view[0, 0, 0],
            peaks_start,
        )
    if status != SUPERION_OK:
        raise error_of(status, lattice, tuple(shape))
    return values, peaks


cdef int check_lattice(const double[:, ::1] lattice) except -1:
    """Raise InvalidCrystal for a lattice of another shape than (3, 3)."""
    if lattice.shape[0] != 3 or lattice.shape[1] != 3:
        raise InvalidCrystal("the lattice must have shape (3, 3)", field="lattice", value=np.shape(lattice))
    return 0


cdef error_of(superion_status status, lattice, grid):
    """Return the exception for a status, with the input at fault."""
    message = superion_status_message(status).decode("ascii")
    if status == SUPERION_NONFINITE_LATTICE or status == SUPERION_SINGULAR_LATTICE:
        return InvalidCrystal(message, field="lattice", value=np.asarray(lattice).tolist())
    if status == SUPERION_NONFINITE_COORDINATE or status == SUPERION_OVERFLOW:
        return InvalidCrystal(message, field="fractional_coordinates")
    if status == SUPERION_BAD_RADIUS:
        return InvalidValue(f"{message} [angstrom]", field="radii")
    if status == SUPERION_OUT_OF_MEMORY:
        return MemoryError(message)
    return InvalidValue(message, field="grid", value=grid)
