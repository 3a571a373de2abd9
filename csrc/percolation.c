#include "percolation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLOSED (-1)
#define DIGIT_BITS 11
#define N_DIGITS 6

/* Lattice vectors are kept as one number, 2^42 a + 2^21 b + c, under which vectors add as numbers do. It would take a
 * path that crosses the cell a million times in one direction to spill over. */
#define SPAN 2097152

/* The union-find over the points of the grid. */
typedef struct {
    int32_t shape[3];
    int32_t *parent; /* (n_points,): CLOSED, the point itself for a root, else the next point towards it */
    int64_t *offset; /* (n_points,): the lattice vector from the point's image to that of its parent */
    int32_t *windings_of; /* (n_points,): for a root, the index of its windings or -1 */
    struct {
        int rank;
        double vectors[2][3]; /* the first two that are independent; the third ends the count */
    } *windings;
    int32_t n_windings, capacity;
    int highest; /* largest rank so far */
} forest;

static size_t count_points(const int32_t shape[3]) {
    return (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
}

static superion_status check(const double *levels, const int32_t shape[3]) {
    if (shape[0] < 1 || shape[1] < 1 || shape[2] < 1 || (double)shape[0] * shape[1] * shape[2] > (double)INT32_MAX) {
        return SUPERION_BAD_GRID;
    }
    size_t n_points = count_points(shape);
    for (size_t n = 0; n < n_points; n++) {
        if (!(levels[n] > -INFINITY)) { /* also for NaN */
            return SUPERION_BAD_GRID;
        }
    }
    return SUPERION_OK;
}

static void forest_free(forest *sets) {
    free(sets->parent);
    free(sets->offset);
    free(sets->windings_of);
    free(sets->windings);
}

static superion_status forest_make(const int32_t shape[3], forest *sets) {
    size_t n_points = count_points(shape);
    memset(sets, 0, sizeof *sets);
    memcpy(sets->shape, shape, sizeof sets->shape);
    sets->parent = malloc(n_points * sizeof(int32_t));
    sets->offset = malloc(n_points * sizeof(int64_t));
    sets->windings_of = malloc(n_points * sizeof(int32_t));
    if (sets->parent == NULL || sets->offset == NULL || sets->windings_of == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    memset(sets->parent, 0xff, n_points * sizeof(int32_t));
    return SUPERION_OK;
}

/* Find the root of a point and the vector to it, halving the path on the way. */
static int32_t find(forest *sets, int32_t point, int64_t *vector) {
    int32_t *parent = sets->parent;
    int64_t *offset = sets->offset, sum = 0;
    while (parent[point] != point) {
        int32_t above = parent[point];
        if (parent[above] != above) {
            offset[point] += offset[above];
            parent[point] = parent[above];
        }
        sum += offset[point];
        point = parent[point];
    }
    *vector = sum;
    return point;
}

static void unpack(int64_t packed, double vector[3]) {
    int64_t c = (packed + SPAN / 2) & (SPAN - 1), rest;
    c -= SPAN / 2;
    rest = (packed - c) / SPAN;
    int64_t b = ((rest + SPAN / 2) & (SPAN - 1)) - SPAN / 2;
    vector[0] = (double)((rest - b) / SPAN);
    vector[1] = (double)b;
    vector[2] = (double)c;
}

static void cross(const double *p, const double *q, double *product) {
    for (int x = 0; x < 3; x++) {
        int y = (x + 1) % 3, z = (x + 2) % 3;
        product[x] = p[y] * q[z] - p[z] * q[y];
    }
}

/* Add a winding to a set; whole numbers this small make every test exact. */
static superion_status add_winding(forest *sets, int32_t root, const double vector[3]) {
    double normal[3];
    if (sets->windings_of[root] < 0) {
        if (sets->n_windings == sets->capacity) {
            int32_t capacity = sets->capacity > 0 ? 2 * sets->capacity : 16;
            void *larger = realloc(sets->windings, (size_t)capacity * sizeof *sets->windings);
            if (larger == NULL) {
                return SUPERION_OUT_OF_MEMORY;
            }
            sets->windings = larger;
            sets->capacity = capacity;
        }
        sets->windings_of[root] = sets->n_windings;
        sets->windings[sets->n_windings++].rank = 0;
    }
    int32_t index = sets->windings_of[root];
    int rank = sets->windings[index].rank;
    double (*vectors)[3] = sets->windings[index].vectors;
    if (rank == 0) {
        memcpy(vectors[0], vector, sizeof vectors[0]);
        rank = 1;
    } else if (rank == 1) {
        cross(vectors[0], vector, normal);
        if (normal[0] != 0.0 || normal[1] != 0.0 || normal[2] != 0.0) {
            memcpy(vectors[1], vector, sizeof vectors[1]);
            rank = 2;
        }
    } else if (rank == 2) {
        cross(vectors[0], vectors[1], normal);
        if (normal[0] * vector[0] + normal[1] * vector[1] + normal[2] * vector[2] != 0.0) {
            rank = 3;
        }
    }
    sets->windings[index].rank = rank;
    sets->highest = rank > sets->highest ? rank : sets->highest;
    return SUPERION_OK;
}

/* Join the sets of two roots; `vector` leads from the image of `child` to that of `root`. */
static superion_status join(forest *sets, int32_t root, int32_t child, int64_t vector) {
    sets->parent[child] = root;
    sets->offset[child] = vector;
    int32_t of_child = sets->windings_of[child];
    if (of_child < 0) {
        return SUPERION_OK;
    }
    if (sets->windings_of[root] < 0) {
        sets->windings_of[root] = of_child;
        return SUPERION_OK;
    }
    int rank = sets->windings[of_child].rank;
    superion_status status = SUPERION_OK;
    if (rank == 3) {
        sets->windings[sets->windings_of[root]].rank = 3;
    } else {
        double vectors[2][3];
        memcpy(vectors, sets->windings[of_child].vectors, sizeof vectors);
        for (int n = 0; n < rank && status == SUPERION_OK; n++) {
            status = add_winding(sets, root, vectors[n]);
        }
    }
    return status;
}

/* The neighbouring coordinate along one axis and the lattice vectors that the step crosses. */
static int32_t step_along(int32_t coordinate, int step, int32_t count, int64_t *crossed) {
    int32_t next = coordinate + step;
    *crossed = next < 0 ? -1 : next >= count ? 1 : 0;
    return next < 0 ? next + count : next >= count ? next - count : next;
}

/* Open a point and join it with the open ones around it. */
static superion_status open_point(forest *sets, int32_t point) {
    const int32_t *shape = sets->shape;
    int32_t w = point % shape[2], v = point / shape[2] % shape[1], u = point / shape[2] / shape[1];
    sets->parent[point] = point;
    sets->offset[point] = 0;
    sets->windings_of[point] = -1;
    /* Steps of 0 first: where a side has one point, other steps lead to the same point around the cell. */
    static const int steps[3] = {0, -1, 1};
    for (int n_u = 0; n_u < 3; n_u++) {
        int64_t crossed_u;
        size_t plane = (size_t)step_along(u, steps[n_u], shape[0], &crossed_u) * (size_t)shape[1];
        for (int n_v = 0; n_v < 3; n_v++) {
            int64_t crossed_v;
            size_t line = (plane + (size_t)step_along(v, steps[n_v], shape[1], &crossed_v)) * (size_t)shape[2];
            for (int n_w = 0; n_w < 3; n_w++) {
                int64_t crossed_w, to_root, from_root;
                int32_t other = (int32_t)(line + (size_t)step_along(w, steps[n_w], shape[2], &crossed_w));
                int64_t crossed = (crossed_u * SPAN + crossed_v) * SPAN + crossed_w;
                if (sets->parent[other] == CLOSED || (other == point && crossed == 0)) {
                    continue;
                }
                /* The image of `other` that lies beside `point` is displaced by `crossed`. */
                int32_t root = find(sets, other, &to_root), own = find(sets, point, &from_root);
                int64_t vector = from_root - to_root - crossed;
                superion_status status = SUPERION_OK;
                if (root != own) {
                    status = join(sets, root, own, -vector);
                } else if (vector != 0) {
                    double winding[3];
                    unpack(vector, winding);
                    status = add_winding(sets, root, winding);
                }
                if (status != SUPERION_OK) {
                    return status;
                }
            }
        }
    }
    return SUPERION_OK;
}

/* Map a level to a whole number of the same order; -0.0 and 0.0 are one level. */
static uint64_t key_of(double level) {
    uint64_t bits;
    level += 0.0;
    memcpy(&bits, &level, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

/* Sort the points that ever open by level: least significant digit first, which keeps ties in order. */
static superion_status sort_points(const double *levels, size_t n_points, int32_t **order, size_t *n_open) {
    typedef struct {
        uint64_t key;
        int32_t point;
    } entry;
    entry *entries = malloc(n_points * sizeof(entry)), *scratch = malloc(n_points * sizeof(entry));
    int32_t *sorted = malloc(n_points * sizeof(int32_t));
    if (entries == NULL || scratch == NULL || sorted == NULL) {
        free(entries);
        free(scratch);
        free(sorted);
        return SUPERION_OUT_OF_MEMORY;
    }
    size_t count = 0;
    for (size_t n = 0; n < n_points; n++) {
        if (levels[n] < INFINITY) {
            entries[count++] = (entry){key_of(levels[n]), (int32_t)n};
        }
    }
    for (unsigned shift = 0; shift < DIGIT_BITS * N_DIGITS; shift += DIGIT_BITS) {
        size_t start[1 << DIGIT_BITS] = {0}, total = 0;
        const unsigned mask = (1 << DIGIT_BITS) - 1;
        for (size_t n = 0; n < count; n++) {
            start[entries[n].key >> shift & mask]++;
        }
        for (unsigned digit = 0; digit <= mask; digit++) {
            size_t here = start[digit];
            start[digit] = total;
            total += here;
        }
        for (size_t n = 0; n < count; n++) {
            scratch[start[entries[n].key >> shift & mask]++] = entries[n];
        }
        entry *swapped = scratch;
        scratch = entries;
        entries = swapped;
    }
    for (size_t n = 0; n < count; n++) {
        sorted[n] = entries[n].point;
    }
    free(entries);
    free(scratch);
    *order = sorted;
    *n_open = count;
    return SUPERION_OK;
}

superion_status superion_percolation_levels(const double *levels, const int32_t shape[3], double thresholds[3]) {
    forest sets;
    int32_t *order = NULL;
    size_t n_open = 0;
    if (levels == NULL || shape == NULL || thresholds == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    superion_status status = check(levels, shape);
    if (status != SUPERION_OK) {
        return status;
    }
    status = forest_make(shape, &sets);
    if (status == SUPERION_OK) {
        status = sort_points(levels, count_points(shape), &order, &n_open);
    }
    double found[3] = {INFINITY, INFINITY, INFINITY};
    for (size_t n = 0; n < n_open && status == SUPERION_OK && sets.highest < 3; n++) {
        int before = sets.highest;
        status = open_point(&sets, order[n]);
        for (int rank = before; rank < sets.highest; rank++) {
            found[rank] = levels[order[n]];
        }
    }
    if (status == SUPERION_OK) {
        memcpy(thresholds, found, sizeof found);
    }
    free(order);
    forest_free(&sets);
    return status;
}

superion_status superion_percolating_points(const double *levels, const int32_t shape[3], double threshold, int dimensions,
                                            unsigned char *open) {
    forest sets;
    if (levels == NULL || shape == NULL || open == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    if (dimensions < 0 || dimensions > 3 || isnan(threshold)) {
        return SUPERION_BAD_GRID;
    }
    superion_status status = check(levels, shape);
    if (status != SUPERION_OK) {
        return status;
    }
    status = forest_make(shape, &sets);
    size_t n_points = count_points(shape);
    for (size_t n = 0; n < n_points && status == SUPERION_OK; n++) {
        if (levels[n] <= threshold && levels[n] < INFINITY) {
            status = open_point(&sets, (int32_t)n);
        }
    }
    for (size_t n = 0; n < n_points && status == SUPERION_OK; n++) {
        int64_t vector;
        open[n] = 0;
        if (sets.parent[n] != CLOSED) {
            int32_t windings = sets.windings_of[find(&sets, (int32_t)n, &vector)];
            open[n] = (windings < 0 ? 0 : sets.windings[windings].rank) >= dimensions;
        }
    }
    forest_free(&sets);
    return status;
}
