/* Any lattice, sites and options: no fault that a sanitizer sees, and what neighbors.h promises of the answer. */
#include "neighbors.h"

#include "harness.h"

#define MAX_SITES 8 /* few sites and pairs: more would show nothing new, at a tenth of the speed */
#define MAX_PAIRS 2000

/* Compare two pairs of a list by centre, neighbour and shift. */
static int compare(const superion_neighbor_list *list, size_t m, size_t n) {
    if (list->centers[m] != list->centers[n]) {
        return list->centers[m] < list->centers[n] ? -1 : 1;
    }
    if (list->neighbors[m] != list->neighbors[n]) {
        return list->neighbors[m] < list->neighbors[n] ? -1 : 1;
    }
    for (size_t x = 0; x < 3; x++) {
        if (list->shifts[3 * m + x] != list->shifts[3 * n + x]) {
            return list->shifts[3 * m + x] < list->shifts[3 * n + x] ? -1 : 1;
        }
    }
    return 0;
}

/* Tell whether the reverse of pair m is in the list, which is sorted. */
static int has_reverse(const superion_neighbor_list *list, size_t m) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = (list->centers[middle] > list->neighbors[m]) - (list->centers[middle] < list->neighbors[m]);
        order = order != 0 ? order : (list->neighbors[middle] > list->centers[m]) - (list->neighbors[middle] < list->centers[m]);
        for (size_t x = 0; x < 3 && order == 0; x++) {
            int64_t here = list->shifts[3 * middle + x], wanted = -(int64_t)list->shifts[3 * m + x];
            order = (here > wanted) - (here < wanted);
        }
        if (order == 0) {
            return 1;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return 0;
}

/* Check pair m by the definition, to within what rounding of such numbers can cost. */
static void check_pair(const double *lattice, const double *fractional, const superion_neighbor_list *list, size_t m) {
    const double *from = fractional + 3 * list->centers[m], *to = fractional + 3 * list->neighbors[m];
    double vector[3] = {0.0, 0.0, 0.0}, size = 0.0, cell = 0.0;
    for (size_t row = 0; row < 3; row++) {
        double shift = list->shifts[3 * m + row];
        for (size_t x = 0; x < 3; x++) {
            vector[x] += (to[row] - from[row] + shift) * lattice[3 * row + x];
            size += (fabs(to[row]) + fabs(from[row]) + fabs(shift)) * fabs(lattice[3 * row + x]);
            cell += fabs(lattice[3 * row + x]);
        }
    }
    /* By hypot, because the squares of the largest numbers are none; a length below 1e-154 is 0 to the search. */
    double length = hypot(hypot(vector[0], vector[1]), vector[2]);
    double rounding = 1e-9 * length + 1e-8 * size + 1e-12 * cell + 1e-150;
    REQUIRE(fabs(length - list->distances[m]) <= rounding);
}

static int compare_distances(const void *left, const void *right) {
    double p = *(const double *)left, q = *(const double *)right;
    return (p > q) - (p < q);
}

/* Check the nearest neighbours against the full list: those no further than the k-th and its ties, and no others. */
static void check_nearest(const superion_neighbor_list *nearest, const superion_neighbor_list *all, size_t k) {
    size_t at = 0;
    double *distances = exact(all->count, sizeof *distances);
    for (size_t start = 0, end; start < all->count; start = end) {
        for (end = start; end < all->count && all->centers[end] == all->centers[start]; end++) {
            distances[end] = all->distances[end];
        }
        qsort(distances + start, end - start, sizeof *distances, compare_distances);
        double limit = end - start <= k ? INFINITY : distances[start + k - 1] + SUPERION_TIE_TOLERANCE;
        for (size_t m = start; m < end; m++) {
            int taken = at < nearest->count && nearest->centers[at] == all->centers[m] &&
                        nearest->neighbors[at] == all->neighbors[m] &&
                        memcmp(nearest->shifts + 3 * at, all->shifts + 3 * m, 3 * sizeof *all->shifts) == 0;
            REQUIRE(taken == (all->distances[m] <= limit) || fabs(all->distances[m] - limit) <= 1e-9 * limit);
            at += (size_t)taken;
        }
    }
    REQUIRE(at == nearest->count);
    free(distances);
}

static int same(const superion_neighbor_list *one, const superion_neighbor_list *other) {
    return one->count == other->count &&
           (one->count == 0 || (memcmp(one->centers, other->centers, one->count * sizeof *one->centers) == 0 &&
                                memcmp(one->neighbors, other->neighbors, one->count * sizeof *one->neighbors) == 0 &&
                                memcmp(one->shifts, other->shifts, 3 * one->count * sizeof *one->shifts) == 0 &&
                                memcmp(one->distances, other->distances, one->count * sizeof *one->distances) == 0));
}

/* Tell whether a search is only long: too few images around the sites to be refused, too many to be looked at often. */
static int is_only_long(const double *l, double cutoff, size_t n_sites) {
    double volume = fabs(l[0] * (l[4] * l[8] - l[5] * l[7]) - l[1] * (l[3] * l[8] - l[5] * l[6]) + l[2] * (l[3] * l[7] - l[4] * l[6]));
    double images = (double)n_sites * 8.0 * cutoff * cutoff * cutoff / volume;
    return images > 2e4 && images < 4e6;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    superion_neighbor_options options = {0.0, 0, 0};
    superion_neighbor_list list, again;
    size_t n_sites = take_byte(&bytes) % (MAX_SITES + 1);
    options.max_neighbors = take_byte(&bytes) % 32;
    options.max_pairs = 1 + (size_t)take_short(&bytes) % MAX_PAIRS;
    options.cutoff = take_number(&bytes);
    double *lattice = exact(9, sizeof *lattice), *fractional = exact(3 * n_sites, sizeof *fractional);
    for (size_t x = 0; x < 9; x++) {
        lattice[x] = take_number(&bytes);
    }
    for (size_t x = 0; x < 3 * n_sites; x++) {
        fractional[x] = take_number(&bytes);
    }
    if (is_only_long(lattice, options.cutoff, n_sites)) {
        free(lattice);
        free(fractional);
        return 0;
    }
    superion_status status = superion_find_neighbors(lattice, fractional, n_sites, &options, &list);
    REQUIRE(strcmp(superion_status_message(status), "unknown status") != 0);
    REQUIRE(status != SUPERION_NULL_ARGUMENT && status != SUPERION_OUT_OF_MEMORY);
    REQUIRE(status == SUPERION_OK || list.count == 0);
    REQUIRE(list.count <= options.max_pairs);
    REQUIRE((list.count == 0) == (list.centers == NULL) && (list.count == 0) == (list.distances == NULL));
    for (size_t m = 0; m < list.count; m++) {
        REQUIRE(list.centers[m] >= 0 && (size_t)list.centers[m] < n_sites);
        REQUIRE(list.neighbors[m] >= 0 && (size_t)list.neighbors[m] < n_sites);
        REQUIRE(list.distances[m] >= 0.0 && list.distances[m] <= options.cutoff * (1.0 + 2.0 * SUPERION_CUTOFF_TOLERANCE));
        REQUIRE(m == 0 || compare(&list, m - 1, m) < 0);
        check_pair(lattice, fractional, &list, m);
        REQUIRE(options.max_neighbors > 0 || has_reverse(&list, m));
    }
    if (status == SUPERION_OK && list.count > 0) {
        options.max_pairs = list.count;
        REQUIRE(superion_find_neighbors(lattice, fractional, n_sites, &options, &again) == SUPERION_OK && same(&list, &again));
        superion_neighbor_list_free(&again);
    }
    if (status == SUPERION_OK && list.count > 1) {
        options.max_pairs = list.count - 1;
        REQUIRE(superion_find_neighbors(lattice, fractional, n_sites, &options, &again) == SUPERION_TOO_MANY_PAIRS);
        REQUIRE(again.count == 0 && again.shifts == NULL);
    }
    if (status == SUPERION_OK && options.max_neighbors > 0) {
        size_t k = options.max_neighbors;
        options.max_neighbors = 0;
        options.max_pairs = 4 * MAX_PAIRS;
        status = superion_find_neighbors(lattice, fractional, n_sites, &options, &again);
        REQUIRE(status == SUPERION_OK || status == SUPERION_TOO_MANY_PAIRS);
        if (status == SUPERION_OK) {
            check_nearest(&list, &again, k);
        }
        superion_neighbor_list_free(&again);
    }
    superion_neighbor_list_free(&list);
    free(lattice);
    free(fractional);
    return 0;
}
