/* The way that a percolating channel takes through the cell, for a plot of energy along it.
 *
 * Among the closed ways that start at the lowest point of the percolating sets, cross no point above the threshold and end
 * at another image of that point, the one with the smallest integral of
 *
 *     (level - lowest level + SUPERION_PATHWAY_BASE) d(length)
 *
 * along the steps between neighbouring grid points (26 around each) is found exactly: E. W. Dijkstra, Numer. Math. 1, 269
 * (1959), for the tree of cheapest ways, and then the cheapest link that closes it around the cell; a shortest closed way
 * of this kind is two branches of the tree and one link (C. Thomassen, J. Comb. Theory B 48, 155 (1990)).
 *
 * Grid, periodicity and levels are those of percolation.h. The function is re-entrant: no global state and no threads.
 */
#ifndef SUPERION_PATHWAY_H
#define SUPERION_PATHWAY_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Cost per length of a point at the lowest level: with 0 a flat valley would be walked at random. [unit of the levels] */
#define SUPERION_PATHWAY_BASE 0.05

typedef struct superion_pathway {
    /* Number of points, both ends included: 2 or more. */
    size_t count;
    /* Shape (count, 3): grid coordinates, not wrapped, so that neighbouring rows differ by at most 1 in each; the last row is
     * the first one displaced by whole cells. */
    int32_t *points;
} superion_pathway;

/* Find the pathway.
 *
 * lattice: shape (3, 3), row-major, rows are the lattice vectors [angstrom]; finite.
 * levels, shape: as for superion_percolation_levels.
 * threshold: not NaN; the threshold for 1 dimension gives the way of the lowest barrier.
 * path: written in full on success, and emptied on failure; superion_pathway_free frees it.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT, NONFINITE_LATTICE, BAD_GRID, NO_PERCOLATION, OVERFLOW (coordinates beyond 32 bits) or
 * OUT_OF_MEMORY. */
superion_status superion_find_pathway(const double *lattice, const double *levels, const int32_t shape[3], double threshold,
                                      superion_pathway *path);

/* Free the points of a pathway and empty it; NULL is left as it is. */
void superion_pathway_free(superion_pathway *path);

#ifdef __cplusplus
}
#endif

#endif
