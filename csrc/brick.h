/* A periodic cell as the brick that tiles space (lattice.h), with the points of a grid and the images of spheres in it (not
 * a public interface). */
#ifndef SUPERION_BRICK_H
#define SUPERION_BRICK_H

#include <stddef.h>
#include <stdint.h>

#include "lattice.h"
#include "status.h"

typedef struct superion_sphere {
    double x, y, z, radius; /* in the frame of the reduced lattice [angstrom] */
} superion_sphere;

typedef struct superion_grid_point {
    double x, y, z; /* inside the brick, in the frame of the reduced lattice [angstrom] */
    int32_t index; /* its place in the grid, row-major */
} superion_grid_point;

typedef struct superion_brick {
    superion_lattice lattice; /* set by the caller, before anything else is called */
    superion_sphere *spheres; /* (n_spheres,): the images within reach of the brick */
    size_t n_spheres;
    superion_grid_point *points; /* box by box */
    int32_t *box_start; /* (n_boxes + 1,): box (u, v, w) is number (u * boxes[1] + v) * boxes[2] + w */
    int32_t boxes[3]; /* equal boxes along each edge, all 1 or more */
    double voxel[3][3]; /* the vectors of one grid step, in the frame of the reduced lattice [angstrom] */
} superion_brick;

/* Wrap the points of a grid, whose shape is checked, into the brick, sort them by box and measure the voxel. The brick is
 * zeroed but for its lattice. Whatever is returned, superion_brick_free must be called.
 * Returns SUPERION_OK, OVERFLOW or OUT_OF_MEMORY. */
superion_status superion_brick_place_points(const int32_t shape[3], superion_brick *brick);

/* Replace the spheres by the images, within `reach` of the brick, of spheres whose numbers are checked.
 * Returns SUPERION_OK, OVERFLOW (some 1e6 images, or coordinates that have no digits left) or OUT_OF_MEMORY. */
superion_status superion_brick_place_spheres(const double *fractional, const double *radii, size_t n_spheres, double reach,
                                             superion_brick *brick);

void superion_brick_free(superion_brick *brick);

#endif
