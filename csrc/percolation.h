/* Percolation on a periodic grid: at which level the points below it first connect the cell with its own images.
 *
 * Point (u, v, w) of a grid of shape (n1, n2, n3) stands for all its periodic images. Two points are connected when they
 * are neighbours, one of the 26 around a point, and both have a level at or below the threshold. A connected set
 * percolates in as many dimensions as the lattice vectors that lead from it back to itself span: 0 for a closed pocket, 1
 * for a channel, 2 for a layer, 3 for a network. Vectors of any length and direction count, as (2, 0, 0) or (1, 1, 0).
 *
 * Method: points are opened in the order of their levels and joined in a union-find whose every link remembers the lattice
 * vector it crosses (J. Machta et al., Phys. Rev. E 54, 1332 (1996)); a link that closes a ring with a vector other than 0
 * is a winding. The levels found are those of grid points, exact, and not the result of a search.
 *
 * A level is finite, or +INFINITY for a point that never opens. Ties are opened in the order of the points.
 * All functions are re-entrant: no global state and no threads.
 */
#ifndef SUPERION_PERCOLATION_H
#define SUPERION_PERCOLATION_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Find the lowest thresholds at which a connected set percolates in 1, 2 and 3 dimensions.
 *
 * levels: shape (shape[0], shape[1], shape[2]), row-major; neither NaN nor -INFINITY.
 * shape: each at least 1, at most 2^31 - 1 points in all.
 * thresholds: shape (3,): entry d - 1 is the level for at least d dimensions; +INFINITY where closed points prevent it.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT, BAD_GRID or OUT_OF_MEMORY. */
superion_status superion_percolation_levels(const double *levels, const int32_t shape[3], double thresholds[3]);

/* Mark the points of every connected set that percolates in at least so many dimensions at a threshold.
 *
 * threshold: points at or below it are open; not NaN.
 * dimensions: 0 (all open points) to 3.
 * open: shape (shape[0], shape[1], shape[2]), row-major: 1 for the points of such sets, else 0; written on success.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT, BAD_GRID (also for other dimensions) or OUT_OF_MEMORY. */
superion_status superion_percolating_points(const double *levels, const int32_t shape[3], double threshold, int dimensions,
                                            unsigned char *open);

#ifdef __cplusplus
}
#endif

#endif
