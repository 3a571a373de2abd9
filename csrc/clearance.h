/* Room between hard spheres: the clearance, which is the radius of the largest sphere that fits around a point.
 *
 * The clearance of a point x among spheres with centres r_k and radii R_k, periodic in all three directions, is
 *
 *     clearance(x) = minimum over k and all images of (|x - r_k| - R_k)    [angstrom]
 *
 * negative inside a sphere. It is exact up to a ceiling that the caller sets, beyond which empty space is not measured. The rows of `lattice` are the lattice vectors
 * [angstrom], of either handedness; sphere k lies at f_k @ lattice, f_k being its fractional coordinates, which need not
 * lie in [0, 1). Point (u, v, w) of a grid of shape (n1, n2, n3) lies at (u / n1, v / n2, w / n3) @ lattice. Its voxel is
 * the parallelepiped of one grid step around it; voxels fill space.
 *
 * The peak of a voxel is the largest clearance at 27 points in it: the middle and the points a third of a grid step away
 * along each axis, that is, the largest of the values that a grid three times as fine has there. A sphere of radius L is
 * taken to pass between two voxels that touch when the peaks of both are at least L. The middles alone would miss the
 * middle of a window by up to half a step and find it too narrow by as much, because the clearance has a sharp ridge there.
 *
 * All functions are re-entrant: no global state and no threads.
 */
#ifndef SUPERION_CLEARANCE_H
#define SUPERION_CLEARANCE_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Choose a grid for a crystal: the compact vectors that describe its lattice best, and the points along each.
 *
 * lattice: shape (3, 3), row-major [angstrom]; finite, not singular (see neighbors.h).
 * step: longest step of the grid [angstrom]; finite, above 0.
 * cell: shape (3, 3), row-major: vectors of the same lattice that are as short as its reduction makes them [angstrom].
 * shape: shape (3,): points along each of them, at least 1.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT, NONFINITE_LATTICE, SINGULAR_LATTICE, or BAD_GRID for such a step and for more than
 * 2^31 - 1 points. */
superion_status superion_clearance_plan(const double *lattice, double step, double *cell, int32_t shape[3]);

/* Compute the clearance at the points of a grid, and the peaks of their voxels.
 *
 * lattice: shape (3, 3), row-major [angstrom]; finite, not singular. Any cell gives right values; a compact one, as the
 *     plan chooses, has compact voxels and takes least time.
 * fractional: shape (n_spheres, 3), row-major; finite. May be NULL when n_spheres is 0.
 * radii: shape (n_spheres,) [angstrom]; finite, 0 or more. May be NULL when n_spheres is 0.
 * n_spheres: 0 leaves every value at the ceiling.
 * shape: points along each vector, each at least 1, at most 2^31 - 1 in all.
 * ceiling: larger values are given as this [angstrom]; finite, above 0. It bounds the work in nearly empty cells.
 * floor: where a peak cannot exceed it, the clearance may be given for the peak, which saves work [angstrom]; -INFINITY
 *     gives every peak; not NaN.
 * clearance: shape (shape[0], shape[1], shape[2]), row-major; written in full on success, unspecified on failure.
 * peaks: the same, or NULL for the clearance alone.
 *
 * Time grows with the number of points and, far less, with that of spheres.
 * Returns SUPERION_OK, NULL_ARGUMENT, NONFINITE_LATTICE, SINGULAR_LATTICE, NONFINITE_COORDINATE, BAD_RADIUS, BAD_GRID
 * (also for such a floor or ceiling), OVERFLOW (some 1e6 images of spheres, as in a cell much
 * smaller than the ceiling, or coordinates that have no digits left) or OUT_OF_MEMORY. */
superion_status superion_clearance_grid(const double *lattice, const double *fractional, const double *radii,
                                        size_t n_spheres, const int32_t shape[3], double ceiling, double floor,
                                        double *clearance, double *peaks);

#ifdef __cplusplus
}
#endif

#endif
