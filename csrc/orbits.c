#include "orbits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GRID 100000.0 /* steps per lattice vector at which copies of one atom are told apart */
#define GRID_SHIFT 0.2137 /* so that no common fraction lies on the boundary between two steps */
#define ONE_POSITION 1e-3 /* distance within which copies are one position where the grid splits them [angstrom] */
#define NO_MOVE 1e-12 /* a move no longer than this is rounding of the mean [angstrom] */
#define FARTHEST 1e15 /* in lattice vectors; beyond it a double has no fraction left */

/* What is needed for one atom at a time, all of it (n_operations,) or (n_operations, 3). */
typedef struct {
    double *images, *moved; /* copies of the atom where it is listed, and after it was moved */
    double *distances; /* of `images` from the atom */
    double *smallest; /* room to find the n-th smallest distance */
    int64_t *keys; /* grid step of each copy that is kept */
    size_t *kept; /* operations whose copies are kept */
    unsigned char *fixing; /* 1 where the operation fixes the atom */
} scratch;

static int all_finite(const double *values, size_t count) {
    int finite = 1;
    for (size_t n = 0; n < count; n++) {
        finite &= isfinite(values[n]) != 0;
    }
    return finite;
}

static double length(const double *lattice, const double *d) {
    double squared = 0.0;
    for (int x = 0; x < 3; x++) {
        double component = d[0] * lattice[x] + d[1] * lattice[3 + x] + d[2] * lattice[6 + x];
        squared += component * component;
    }
    return sqrt(squared);
}

/* Distance between two positions, by the image that is nearest in each coordinate. */
static double separation(const double *lattice, const double *p, const double *q) {
    double d[3];
    for (int x = 0; x < 3; x++) {
        d[x] = p[x] - q[x];
        d[x] -= rint(d[x]);
    }
    return length(lattice, d);
}

/* Carry a position by every operation; tell whether all images have digits left. */
static int carry(const superion_operations *operations, const double *position, double *images) {
    int sound = 1;
    for (size_t o = 0; o < operations->count; o++) {
        const double *r = operations->rotations + 9 * o, *t = operations->translations + 3 * o;
        for (int x = 0; x < 3; x++) {
            double image = r[3 * x] * position[0] + r[3 * x + 1] * position[1] + r[3 * x + 2] * position[2] + t[x];
            images[3 * o + x] = image;
            sound &= fabs(image) < FARTHEST; /* also false for NaN */
        }
    }
    return sound;
}

/* The n-th smallest of the distances, n from 1 on. */
static double nth_smallest(const double *distances, size_t count, size_t n, double *smallest) {
    size_t held = 0;
    for (size_t o = 0; o < count; o++) {
        if (held == n && !(distances[o] < smallest[n - 1])) {
            continue;
        }
        size_t place = held < n ? held++ : n - 1;
        for (; place > 0 && smallest[place - 1] > distances[o]; place--) {
            smallest[place] = smallest[place - 1];
        }
        smallest[place] = distances[o];
    }
    return smallest[n - 1];
}

/* Mark the operations whose copies lie within a distance, or below it when it is not `inclusive`; return how many. */
static size_t mark(const double *distances, size_t count, double within, int inclusive, unsigned char *fixing) {
    size_t marked = 0;
    for (size_t o = 0; o < count; o++) {
        fixing[o] = inclusive ? distances[o] <= within : distances[o] < within;
        marked += fixing[o];
    }
    return marked;
}

/* Mark the operations that fix an atom, as far as its distances from its copies tell; return how many. */
static size_t mark_fixing(const double *distances, size_t count, int64_t declared, double occupancy,
                          const superion_orbit_options *options, const scratch *work, superion_orbit *orbit) {
    if (declared >= 0) {
        size_t n_fixing = declared > 0 && count % (uint64_t)declared == 0 ? count / (uint64_t)declared : 0;
        if (n_fixing > 0) {
            double reach = nth_smallest(distances, count, n_fixing, work->smallest);
            size_t marked = mark(distances, count, reach + SUPERION_EXACT_POSITION, 1, work->fixing);
            if (reach <= options->declared_atom && marked == n_fixing) {
                return marked;
            }
        }
        orbit->declared_unused = 1;
    }
    size_t crowded = mark(distances, count, options->crowded_atom, 0, work->fixing);
    if ((double)crowded * occupancy > options->most) {
        return crowded;
    }
    return mark(distances, count, options->same_atom, 0, work->fixing);
}

/* Find the position that the marked operations leave an atom at: the mean of the copies that they make of it. */
static void special_position(const double *position, size_t count, const scratch *work, size_t n_fixing, double *target) {
    target[0] = target[1] = target[2] = 0.0;
    for (size_t o = 0; o < count; o++) {
        for (int x = 0; work->fixing[o] && x < 3; x++) {
            double image = work->images[3 * o + x];
            target[x] += image - rint(image - position[x]);
        }
    }
    for (int x = 0; x < 3; x++) {
        target[x] /= (double)n_fixing;
    }
}

/* Choose the copies of an atom: where it is listed, or moved onto its special position. NULL when one lies too far. */
static const double *choose_copies(const double *lattice, const superion_operations *operations, const double *position,
                                   size_t n_fixing, const scratch *work, superion_orbit *orbit) {
    double target[3], move[3];
    orbit->n_fixing = (int64_t)n_fixing;
    if (n_fixing <= 1) {
        return work->images;
    }
    special_position(position, operations->count, work, n_fixing, target);
    for (int x = 0; x < 3; x++) {
        move[x] = target[x] - position[x];
    }
    orbit->moved = length(lattice, move);
    const double *copies = work->images;
    if (orbit->moved > NO_MOVE) {
        if (!carry(operations, target, work->moved)) {
            return NULL;
        }
        copies = work->moved;
    }
    int differs = 0;
    for (size_t o = 0; o < operations->count; o++) {
        differs |= (separation(lattice, copies + 3 * o, target) < SUPERION_EXACT_POSITION) != work->fixing[o];
    }
    if (differs) {
        /* The marked operations are not all those of one special position; only exact copies count as one atom then. */
        orbit->unmoved = 1;
        orbit->moved = 0.0;
        orbit->n_fixing = (int64_t)mark(work->distances, operations->count, SUPERION_EXACT_POSITION, 0, work->fixing);
        return work->images;
    }
    return copies;
}

/* Number of the grid step that a position lies in. */
static int64_t step_of(const double *position) {
    int64_t key = 0;
    for (int x = 0; x < 3; x++) {
        double fraction = position[x] - floor(position[x]);
        key = key * (int64_t)GRID + (int64_t)floor(fraction * GRID + GRID_SHIFT) % (int64_t)GRID;
    }
    return key;
}

/* List in `work->kept` the first copy on each position, and return how many those are. */
static size_t distinct(const double *lattice, const double *copies, size_t count, size_t expected, const scratch *work) {
    size_t n_kept = 0;
    for (size_t o = 0; o < count; o++) {
        int64_t key = step_of(copies + 3 * o);
        int known = 0;
        for (size_t n = 0; n < n_kept; n++) {
            known |= work->keys[n] == key;
        }
        if (!known) {
            work->keys[n_kept] = key;
            work->kept[n_kept++] = o;
        }
    }
    if (n_kept == expected) {
        return n_kept;
    }
    n_kept = 0; /* a position fell on a boundary of the grid after all */
    for (size_t o = 0; o < count; o++) {
        int known = 0;
        for (size_t n = 0; n < n_kept && !known; n++) {
            known = separation(lattice, copies + 3 * o, copies + 3 * work->kept[n]) <= ONE_POSITION;
        }
        if (!known) {
            work->kept[n_kept++] = o;
        }
    }
    return n_kept;
}

/* Write the copies of atom k to `positions` and fill its `orbit`. */
static superion_status expand_atom(const double *lattice, const superion_operations *operations,
                                   const superion_listed_atoms *atoms, size_t k, const superion_orbit_options *options,
                                   const scratch *work, double *positions, int64_t *sources, superion_orbit *orbit) {
    const double *position = atoms->fractional + 3 * k;
    const size_t count = operations->count;
    memset(orbit, 0, sizeof *orbit);
    if (!carry(operations, position, work->images)) {
        return SUPERION_OVERFLOW;
    }
    for (size_t o = 0; o < count; o++) {
        double distance = separation(lattice, work->images + 3 * o, position);
        work->distances[o] = distance;
        if (distance < options->declared_atom) {
            orbit->n_near++;
            orbit->farthest = fmax(orbit->farthest, distance);
        }
    }
    size_t n_fixing = mark_fixing(work->distances, count, atoms->declared[k], atoms->occupancies[k], options, work, orbit);
    const double *copies = choose_copies(lattice, operations, position, n_fixing, work, orbit);
    if (copies == NULL) {
        return SUPERION_OVERFLOW;
    }
    orbit->n_fixing = orbit->n_fixing > 1 ? orbit->n_fixing : 1;
    size_t n_kept = distinct(lattice, copies, count, count / (size_t)orbit->n_fixing, work);
    for (size_t n = 0; n < n_kept; n++) {
        for (int x = 0; x < 3; x++) {
            double coordinate = copies[3 * work->kept[n] + x];
            coordinate -= floor(coordinate);
            positions[3 * n + x] = coordinate == 1.0 ? 0.0 : coordinate; /* -1e-17 wraps to 1 */
        }
        sources[n] = (int64_t)k;
    }
    orbit->n_copies = (int64_t)n_kept;
    return SUPERION_OK;
}

superion_status superion_expand_orbits(const double *lattice, const superion_operations *operations,
                                       const superion_listed_atoms *atoms, const superion_orbit_options *options,
                                       double *positions, int64_t *sources, superion_orbit *orbits, size_t *n_positions) {
    if (n_positions == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    *n_positions = 0;
    if (lattice == NULL || operations == NULL || atoms == NULL || options == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    const size_t count = operations->count;
    if (count == 0 || atoms->count == 0) {
        return SUPERION_OK;
    }
    if (operations->rotations == NULL || operations->translations == NULL || atoms->fractional == NULL ||
        atoms->occupancies == NULL || atoms->declared == NULL || positions == NULL || sources == NULL || orbits == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    if (!all_finite(lattice, 9)) {
        return SUPERION_NONFINITE_LATTICE;
    }
    if (!all_finite(atoms->fractional, 3 * atoms->count)) {
        return SUPERION_NONFINITE_COORDINATE;
    }
    const size_t per_operation = 8 * sizeof(double) + sizeof(int64_t) + sizeof(size_t) + 1;
    char *block = count > SIZE_MAX / per_operation ? NULL : malloc(count * per_operation);
    if (block == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    scratch work;
    work.images = (double *)block;
    work.moved = work.images + 3 * count;
    work.distances = work.moved + 3 * count;
    work.smallest = work.distances + count;
    work.keys = (int64_t *)(work.smallest + count);
    work.kept = (size_t *)(work.keys + count);
    work.fixing = (unsigned char *)(work.kept + count);
    superion_status status = SUPERION_OK;
    size_t written = 0;
    for (size_t k = 0; k < atoms->count && status == SUPERION_OK; k++) {
        status = expand_atom(lattice, operations, atoms, k, options, &work, positions + 3 * written, sources + written,
                             orbits + k);
        written += status == SUPERION_OK ? (size_t)orbits[k].n_copies : 0;
    }
    free(block);
    *n_positions = status == SUPERION_OK ? written : 0;
    return status;
}
