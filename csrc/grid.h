/* Periodic grids: walks around a site, and interpolation from a coarse grid to a fine one (not a public interface). */
#ifndef SUPERION_GRID_H
#define SUPERION_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* Grid steps in a Cartesian frame of their own: along a (a_x, a_y, a_z), along b (0, b_y, b_z), along c (0, 0, c_z). */
typedef struct superion_steps {
    double a_x, a_y, a_z, b_y, b_z, c_z; /* [angstrom]; a_x, b_y and c_z above 0 */
} superion_steps;

/* Find the steps of a grid. Returns SUPERION_OK, NONFINITE_LATTICE or SINGULAR_LATTICE, the latter also for a lattice beyond
 * SUPERION_MAX_GRID_LENGTH or SUPERION_MAX_GRID_SKEW. */
superion_status superion_find_steps(const double *lattice, const int32_t shape[3], superion_steps *steps);

/* The coordinate of a grid point in the cell, for one of any image. */
int32_t superion_wrap(double index, int32_t count);

/* Interpolate values on a coarse grid, shape (coarse[0], coarse[1], coarse[2]), and add them to a fine grid of the same
 * cell. Polynomials through eight points along each axis: exact for those of degree 7.
 * Returns SUPERION_OK or OUT_OF_MEMORY. */
superion_status superion_add_interpolated(const double *values, const int32_t coarse[3], const int32_t fine[3],
                                          double *energies);

#endif
