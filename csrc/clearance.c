/* Wrap the grid points into the brick that tiles space (lattice.h), sort them into boxes, and halve the brick down to
 * single boxes. The clearance changes no faster than position does, so of the spheres that may be the nearest somewhere in
 * a part only those can be left whose distance from its middle is within its diameter of the least; each half starts
 * from what its whole has left. */
#include "clearance.h"

#include <math.h>
#include <string.h>

#include "brick.h"
#include "neighbors.h"

#define FIRST_REACH 4.0 /* largest clearance expected [angstrom]; where there is more, the work is done again */
#define N_PARTS 27 /* points per voxel */
#define SLACK 1e-9 /* what rounding may cost in a comparison [angstrom] */

typedef struct {
    superion_brick brick;
    double parts[3][N_PARTS]; /* from the middle of a voxel to its points, axis by axis [angstrom] */
    double extent; /* longest of them; 0 where no peaks are asked for */
    double ceiling, floor;
    double *clearance, *peaks;
} task;

/* The least of |point - centre| - radius and `least`; the root is taken only where it lowers the result. */
static double nearest(const superion_sphere *spheres, size_t count, double x, double y, double z, double least) {
    for (size_t n = 0; n < count; n++) {
        double dx = spheres[n].x - x, dy = spheres[n].y - y, dz = spheres[n].z - z;
        double squared = dx * dx + dy * dy + dz * dz, reach = least + spheres[n].radius;
        if (reach > 0.0 && squared < reach * reach) {
            least = sqrt(squared) - spheres[n].radius;
        }
    }
    return least;
}

/* Bring to the front the spheres that may be the nearest within `extent` of a point, and count them. */
static size_t filter(superion_sphere *spheres, size_t count, double x, double y, double z, double extent, double ceiling) {
    double least = nearest(spheres, count, x, y, z, ceiling) + 2.0 * extent + SLACK;
    size_t kept = 0;
    for (size_t n = 0; n < count; n++) {
        superion_sphere one = spheres[n];
        double dx = one.x - x, dy = one.y - y, dz = one.z - z, reach = least + one.radius;
        if (reach > 0.0 && dx * dx + dy * dy + dz * dz <= reach * reach) {
            spheres[n] = spheres[kept];
            spheres[kept++] = one;
        }
    }
    return kept;
}

/* The largest clearance at the points of a voxel. Spheres of one radius are taken together, so that all roots but one per
 * point and radius are saved; which spheres come first in `spheres` changes. */
static double peak_of(const task *work, superion_sphere *spheres, size_t count, const superion_grid_point *middle) {
    double values[N_PARTS], largest = -INFINITY;
    for (int part = 0; part < N_PARTS; part++) {
        values[part] = work->ceiling;
    }
    while (count > 0) {
        double least[N_PARTS], radius = spheres[0].radius;
        size_t left = 0;
        for (int part = 0; part < N_PARTS; part++) {
            least[part] = INFINITY;
        }
        for (size_t n = 0; n < count; n++) {
            superion_sphere one = spheres[n];
            if (one.radius != radius) {
                spheres[n] = spheres[left];
                spheres[left++] = one;
                continue;
            }
            double x = middle->x - one.x, y = middle->y - one.y, z = middle->z - one.z;
            for (int part = 0; part < N_PARTS; part++) {
                double dx = x + work->parts[0][part], dy = y + work->parts[1][part], dz = z + work->parts[2][part];
                double squared = dx * dx + dy * dy + dz * dz;
                least[part] = squared < least[part] ? squared : least[part];
            }
        }
        for (int part = 0; part < N_PARTS; part++) {
            double value = sqrt(least[part]) - radius;
            values[part] = value < values[part] ? value : values[part];
        }
        count = left;
    }
    for (int part = 0; part < N_PARTS; part++) {
        largest = values[part] > largest ? values[part] : largest;
    }
    return largest;
}

/* Compute the values of the points in one box. */
static void finish(const task *work, int32_t box, size_t count) {
    const superion_brick *brick = &work->brick;
    for (int32_t n = brick->box_start[box]; n < brick->box_start[box + 1]; n++) {
        const superion_grid_point *point = brick->points + n;
        double here = nearest(brick->spheres, count, point->x, point->y, point->z, work->ceiling);
        work->clearance[point->index] = here;
        if (work->peaks == NULL) {
            continue;
        }
        if (here + work->extent > work->floor) {
            size_t left = filter(brick->spheres, count, point->x, point->y, point->z, work->extent, work->ceiling);
            here = peak_of(work, brick->spheres, left, point);
        }
        work->peaks[point->index] = here;
    }
}

/* Halve a block of boxes, from `low` to just before `high`, until one is left. */
static void divide(const task *work, const int32_t low[3], const int32_t high[3], size_t count) {
    double middle[3], squared = 0.0, longest = 0.0;
    int axis = -1;
    for (int x = 0; x < 3; x++) {
        double edge = work->brick.lattice.edge[x] / work->brick.boxes[x], length = edge * (high[x] - low[x]);
        middle[x] = 0.5 * edge * (low[x] + high[x]);
        squared += 0.25 * length * length;
        if (high[x] - low[x] > 1 && length > longest) {
            longest = length;
            axis = x;
        }
    }
    int32_t box = (low[0] * work->brick.boxes[1] + low[1]) * work->brick.boxes[2] + low[2];
    if (axis < 0 && work->brick.box_start[box] == work->brick.box_start[box + 1]) {
        return;
    }
    double extent = sqrt(squared) + work->extent;
    count = filter(work->brick.spheres, count, middle[0], middle[1], middle[2], extent, work->ceiling);
    if (axis < 0) {
        finish(work, box, count);
        return;
    }
    int32_t end[3], start[3];
    memcpy(end, high, sizeof end);
    memcpy(start, low, sizeof start);
    end[axis] = start[axis] = low[axis] + (high[axis] - low[axis]) / 2;
    divide(work, low, end, count);
    divide(work, start, high, count);
}

/* Lay out the points of a voxel. */
static void divide_voxel(task *work) {
    for (int part = 0; part < N_PARTS; part++) {
        const double thirds[3] = {part / 9 - 1, part / 3 % 3 - 1, part % 3 - 1};
        double squared = 0.0;
        for (int x = 0; x < 3; x++) {
            work->parts[x][part] = 0.0;
            for (int axis = 0; axis < 3; axis++) {
                work->parts[x][part] += thirds[axis] / 3.0 * work->brick.voxel[axis][x];
            }
            squared += work->parts[x][part] * work->parts[x][part];
        }
        work->extent = fmax(work->extent, sqrt(squared));
    }
}

static superion_status check(const double *fractional, const double *radii, size_t n_spheres, const int32_t shape[3],
                             double ceiling, double floor, double *widest) {
    if (shape[0] < 1 || shape[1] < 1 || shape[2] < 1 || (double)shape[0] * shape[1] * shape[2] > (double)INT32_MAX ||
        !isfinite(ceiling) || !(ceiling > 0.0) || isnan(floor)) {
        return SUPERION_BAD_GRID;
    }
    for (size_t k = 0; k < n_spheres; k++) {
        for (int x = 0; x < 3; x++) {
            if (!isfinite(fractional[3 * k + x])) {
                return SUPERION_NONFINITE_COORDINATE;
            }
        }
        if (!isfinite(radii[k]) || !(radii[k] >= 0.0)) {
            return SUPERION_BAD_RADIUS;
        }
        *widest = fmax(*widest, radii[k]);
    }
    return SUPERION_OK;
}

superion_status superion_clearance_plan(const double *lattice, double step, double *cell, int32_t shape[3]) {
    superion_lattice reduced;
    double n_points = 1.0;
    if (lattice == NULL || cell == NULL || shape == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    superion_status status = superion_lattice_reduce(lattice, SUPERION_SINGULAR_VOLUME, &reduced);
    if (status != SUPERION_OK) {
        return status;
    }
    for (int axis = 0; axis < 3; axis++) {
        double squared = 0.0;
        for (int x = 0; x < 3; x++) {
            cell[3 * axis + x] = (double)reduced.transform[axis][0] * lattice[x] +
                                 (double)reduced.transform[axis][1] * lattice[3 + x] +
                                 (double)reduced.transform[axis][2] * lattice[6 + x];
            squared += cell[3 * axis + x] * cell[3 * axis + x];
        }
        double count = fmax(1.0, ceil(sqrt(squared) / step - SLACK));
        n_points *= count;
        if (!(step > 0.0) || !isfinite(step) || !(n_points <= (double)INT32_MAX)) {
            return SUPERION_BAD_GRID;
        }
        shape[axis] = (int32_t)count;
    }
    return SUPERION_OK;
}

superion_status superion_clearance_grid(const double *lattice, const double *fractional, const double *radii,
                                        size_t n_spheres, const int32_t shape[3], double ceiling, double floor,
                                        double *clearance, double *peaks) {
    task work;
    double widest = 0.0, largest = fmin(FIRST_REACH, ceiling);
    memset(&work, 0, sizeof work);
    if (lattice == NULL || shape == NULL || clearance == NULL || (n_spheres > 0 && (fractional == NULL || radii == NULL))) {
        return SUPERION_NULL_ARGUMENT;
    }
    superion_brick *brick = &work.brick;
    superion_status status = check(fractional, radii, n_spheres, shape, ceiling, floor, &widest);
    if (status == SUPERION_OK) {
        status = superion_lattice_reduce(lattice, SUPERION_SINGULAR_VOLUME, &brick->lattice);
    }
    if (status == SUPERION_OK) {
        status = superion_brick_place_points(shape, brick);
    }
    if (status == SUPERION_OK && peaks != NULL) {
        divide_voxel(&work);
    }
    work.floor = floor;
    work.ceiling = ceiling;
    work.clearance = clearance;
    work.peaks = peaks;
    for (int done = 0; !done && status == SUPERION_OK;) {
        /* From a point of a voxel that sticks out of the brick, a sphere as wide as any must be seen. */
        double reach = largest + widest + 2.0 * work.extent + SLACK;
        status = superion_brick_place_spheres(fractional, radii, n_spheres, reach, brick);
        if (status == SUPERION_OK) {
            const int32_t low[3] = {0, 0, 0};
            divide(&work, low, brick->boxes, brick->n_spheres);
            /* Values up to `largest` are right, since no sphere out of reach can be nearer. Others may be too large, and
             * tell how far to look. */
            double found = 0.0;
            for (size_t n = 0; n < (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2]; n++) {
                found = fmax(found, clearance[n]);
            }
            done = found <= largest;
            largest = found;
        }
    }
    superion_brick_free(brick);
    return status;
}
