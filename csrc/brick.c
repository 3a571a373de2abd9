#include "brick.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"

#define BOX_EDGE 1.0 /* of a box [angstrom], unless points are few; 0.8 to 1.6 timed alike on a crystal */
#define MAX_IMAGES 1e6 /* of spheres; 10,000 atoms of 0.2 cubic angstrom each have 720,000 with a ceiling of 10 */
#define MAX_COORDINATE 1e15 /* in reduced lattice vectors; the digits of a position in the cell are lost before */

void superion_brick_free(superion_brick *brick) {
    free(brick->spheres);
    free(brick->points);
    free(brick->box_start);
    memset(brick, 0, sizeof *brick);
}

/* The position in the brick of a point given in reduced coordinates; also for what rounding puts on its far faces. */
static void wrap(const superion_lattice *lattice, const double *reduced, double *position) {
    double u = reduced[0] - floor(reduced[0]), y = u * lattice->a_y / lattice->edge[1];
    double v = reduced[1] + y - floor(reduced[1] + y);
    double z = (u * lattice->a_z + (v - y) * lattice->b_z) / lattice->edge[2];
    double w = reduced[2] + z - floor(reduced[2] + z);
    position[0] = u * lattice->edge[0];
    position[1] = v * lattice->edge[1];
    position[2] = w * lattice->edge[2];
}

static void to_reduced(const superion_lattice *lattice, const double *given, double *reduced) {
    for (int x = 0; x < 3; x++) {
        reduced[x] = given[0] * (double)lattice->inverse[0][x] + given[1] * (double)lattice->inverse[1][x] +
                     given[2] * (double)lattice->inverse[2][x];
    }
}

/* The images of one coordinate within `reach` of the edge along an axis: from *first on, so many. */
static int64_t images_along(double coordinate, double edge, double reach, int64_t *first) {
    *first = (int64_t)ceil((-reach - coordinate) / edge);
    return (int64_t)floor((edge + reach - coordinate) / edge) - *first + 1;
}

/* List the images of a sphere, which lies at `origin` in the brick, within `reach` of the brick; count them only when
 * `images` is NULL. */
static size_t list_images(const superion_lattice *lattice, const double *origin, double radius, double reach, superion_sphere *images) {
    size_t count = 0;
    int64_t u, v, w;
    for (int64_t n_u = images_along(origin[0], lattice->edge[0], reach, &u); n_u > 0; n_u--, u++) {
        double y_u = origin[1] + (double)u * lattice->a_y, z_u = origin[2] + (double)u * lattice->a_z;
        for (int64_t n_v = images_along(y_u, lattice->edge[1], reach, &v); n_v > 0; n_v--, v++) {
            double z_v = z_u + (double)v * lattice->b_z;
            int64_t n_w = images_along(z_v, lattice->edge[2], reach, &w);
            for (int64_t m = 0; images != NULL && m < n_w; m++) {
                images[count + (size_t)m] = (superion_sphere){origin[0] + (double)u * lattice->edge[0],
                                                     y_u + (double)v * lattice->edge[1],
                                                     z_v + (double)(w + m) * lattice->edge[2], radius};
            }
            count += n_w > 0 ? (size_t)n_w : 0;
        }
    }
    return count;
}

/* Tell whether the images of all spheres are not too many. */
static int can_hold(const superion_brick *brick, size_t n_spheres, double reach) {
    double images = (double)n_spheres;
    for (int x = 0; x < 3; x++) {
        images *= 2.0 + 2.0 * reach / brick->lattice.edge[x];
    }
    return images < MAX_IMAGES;
}

superion_status superion_brick_place_spheres(const double *fractional, const double *radii, size_t n_spheres, double reach,
                                             superion_brick *brick) {
    double reduced[3], position[3];
    free(brick->spheres);
    brick->spheres = NULL;
    if (!can_hold(brick, n_spheres, reach)) {
        return SUPERION_OVERFLOW;
    }
    for (int pass = 0; pass < 2; pass++) {
        size_t total = 0;
        for (size_t k = 0; k < n_spheres; k++) {
            to_reduced(&brick->lattice, fractional + 3 * k, reduced);
            if (!(fabs(reduced[0]) < MAX_COORDINATE && fabs(reduced[1]) < MAX_COORDINATE && fabs(reduced[2]) < MAX_COORDINATE)) {
                return SUPERION_OVERFLOW;
            }
            wrap(&brick->lattice, reduced, position);
            total += list_images(&brick->lattice, position, radii[k], reach, pass ? brick->spheres + total : NULL);
        }
        if (pass == 0 && (brick->spheres = superion_allocate(total, sizeof(superion_sphere))) == NULL) {
            return SUPERION_OUT_OF_MEMORY;
        }
        brick->n_spheres = total;
    }
    return SUPERION_OK;
}

static void to_frame(const superion_lattice *lattice, const double *reduced, double *position) {
    position[0] = reduced[0] * lattice->edge[0];
    position[1] = reduced[0] * lattice->a_y + reduced[1] * lattice->edge[1];
    position[2] = reduced[0] * lattice->a_z + reduced[1] * lattice->b_z + reduced[2] * lattice->edge[2];
}

/* Measure the voxel of the grid. */
static void measure_voxel(const int32_t shape[3], superion_brick *brick) {
    for (int axis = 0; axis < 3; axis++) {
        double reduced[3];
        for (int x = 0; x < 3; x++) {
            reduced[x] = (double)brick->lattice.inverse[axis][x] / shape[axis];
        }
        to_frame(&brick->lattice, reduced, brick->voxel[axis]);
    }
}

superion_status superion_brick_place_points(const int32_t shape[3], superion_brick *brick) {
    size_t n_points = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2], at = 0;
    measure_voxel(shape, brick);
    /* No more boxes than points, about, and none smaller than a voxel: a sparse grid needs no small ones. */
    double box_edge = fmax(BOX_EDGE, cbrt(brick->lattice.volume / (double)n_points)), n_boxes = 1.0, reduced[3];
    for (int axis = 0; axis < 3; axis++) {
        const double *step = brick->voxel[axis];
        box_edge = fmax(box_edge, sqrt(step[0] * step[0] + step[1] * step[1] + step[2] * step[2]));
    }
    for (int x = 0; x < 3; x++) {
        double count = ceil(brick->lattice.edge[x] / box_edge);
        n_boxes *= count;
        brick->boxes[x] = (int32_t)fmin(count, INT32_MAX);
    }
    if (n_boxes > (double)(INT32_MAX - 1)) {
        return SUPERION_OVERFLOW;
    }
    superion_grid_point *unsorted = superion_allocate(n_points, sizeof(superion_grid_point));
    int32_t *box_of = superion_allocate(n_points, sizeof(int32_t));
    brick->points = superion_allocate(n_points, sizeof(superion_grid_point));
    brick->box_start = calloc((size_t)n_boxes + 1, sizeof(int32_t));
    if (unsorted == NULL || box_of == NULL || brick->points == NULL || brick->box_start == NULL) {
        free(unsorted);
        free(box_of);
        return SUPERION_OUT_OF_MEMORY;
    }
    for (int32_t u = 0; u < shape[0]; u++) {
        for (int32_t v = 0; v < shape[1]; v++) {
            for (int32_t w = 0; w < shape[2]; w++, at++) {
                double given[3] = {(double)u / shape[0], (double)v / shape[1], (double)w / shape[2]}, position[3];
                int32_t box = 0;
                to_reduced(&brick->lattice, given, reduced);
                wrap(&brick->lattice, reduced, position);
                for (int x = 0; x < 3; x++) {
                    int32_t place = (int32_t)(position[x] / brick->lattice.edge[x] * brick->boxes[x]);
                    box = box * brick->boxes[x] + (place < brick->boxes[x] ? place : brick->boxes[x] - 1);
                }
                unsorted[at] = (superion_grid_point){position[0], position[1], position[2], (int32_t)at};
                box_of[at] = box;
                brick->box_start[box + 1]++;
            }
        }
    }
    for (int32_t box = 0; box < (int32_t)n_boxes; box++) {
        brick->box_start[box + 1] += brick->box_start[box];
    }
    for (size_t n = n_points; n-- > 0;) {
        /* The ends of the boxes move down to their starts. */
        brick->points[--brick->box_start[box_of[n] + 1]] = unsorted[n];
    }
    memmove(brick->box_start, brick->box_start + 1, (size_t)n_boxes * sizeof(int32_t));
    brick->box_start[(int32_t)n_boxes] = (int32_t)n_points;
    free(unsorted);
    free(box_of);
    return SUPERION_OK;
}
