/* The search: for each centre, look through the part of each row of bins that the cutoff sphere cuts, order the hits by
 * image number, which is the order by neighbour and shift, and write the pairs. */
#include "neighbors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"

#define DIGIT_BITS 8
#define FEW 48 /* up to so many keys are sorted by insertion: the tables of the digits would cost more than the keys */
/* The k nearest are first looked for within the sphere that holds FIRST_SPHERE k sites at the mean density, then in wider
 * ones. Of the 254 OBELiX training crystals (k 12, 6 angstrom) 57 need a second sphere with 1.5, one with 2 and none with
 * 2.5; 2 was the fastest on average. */
#define FIRST_SPHERE 2.0
#define WIDENING 1.4

/* What one search collects per centre. */
typedef struct {
    uint64_t *keys, *scratch; /* image number << 32 | index into squared */
    double *squared; /* squared distances in the order found */
    double *ordered; /* room to select the k-th of them, where `selects` */
    size_t count, capacity;
    int selects;
} hits;

/* Give the hits room for so many; on failure those not reached keep their size, so nothing leaks. */
static superion_status make_room(hits *found, size_t needed) {
    void *larger;
    size_t capacity = needed + needed / 2 + 64;
    if (capacity > SIZE_MAX / sizeof(uint64_t)) {
        return SUPERION_OUT_OF_MEMORY;
    }
    if ((larger = realloc(found->keys, capacity * sizeof(uint64_t))) == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    found->keys = larger;
    if ((larger = realloc(found->scratch, capacity * sizeof(uint64_t))) == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    found->scratch = larger;
    if ((larger = realloc(found->squared, capacity * sizeof(double))) == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    found->squared = larger;
    if (found->selects) {
        if ((larger = realloc(found->ordered, capacity * sizeof(double))) == NULL) {
            return SUPERION_OUT_OF_MEMORY;
        }
        found->ordered = larger;
    }
    found->capacity = capacity;
    return SUPERION_OK;
}

void superion_neighbor_list_free(superion_neighbor_list *list) {
    if (list != NULL) {
        free(list->centers);
        free(list->neighbors);
        free(list->shifts);
        free(list->distances);
        memset(list, 0, sizeof *list);
    }
}

/* The larger of two numbers that are no NaN; fmax, which minds them, is a call. */
static inline double larger(double p, double q) { return p > q ? p : q; }

/* Distance from a coordinate to a bin along one axis, 0 inside it. */
static double gap(const superion_grid *grid, int axis, int bin, double coordinate) {
    double low = grid->low[axis] + bin * grid->width[axis];
    return larger(0.0, larger(low - coordinate, coordinate - low - grid->width[axis]));
}

/* Collect from one run of images, behind the first `count` hits; the pointers do not overlap, which the compiler uses. */
static size_t collect_run(const superion_images *images, uint32_t place, uint32_t end, const double *origin,
                          double squared_limit, uint32_t self, uint64_t *restrict keys, double *restrict squared,
                          size_t count) {
    const double *restrict xs = images->x, *restrict ys = images->y, *restrict zs = images->z;
    const uint32_t *restrict numbers = images->number;
    const double x = origin[0], y = origin[1], z = origin[2];
    for (; place < end; place++) {
        double dx = xs[place] - x, dy = ys[place] - y, dz = zs[place] - z;
        double distance = dx * dx + dy * dy + dz * dz;
        /* Written always and kept when it counts: a branch here is mispredicted half of the time. */
        keys[count] = (uint64_t)numbers[place] << 32 | count;
        squared[count] = distance;
        count += (distance <= squared_limit) & (numbers[place] != self);
    }
    return count;
}

/* Collect what lies within the cutoff of one centre, the centre itself left out. */
static superion_status collect(const superion_images *images, size_t center, double squared_limit, double squared_reach,
                               hits *found) {
    const superion_grid *grid = &images->grid;
    const double *origin = images->wrapped + 3 * center, x = origin[0], y = origin[1], z = origin[2];
    const uint32_t self = images->self[center];
    uint64_t *keys = found->keys;
    double *squared = found->squared, reach = sqrt(squared_reach);
    const size_t n_v = (size_t)grid->bins[1], n_w = (size_t)grid->bins[2];
    size_t count = 0;
    int u_end = superion_bin_of(grid, 0, x + reach);
    for (int u = superion_bin_of(grid, 0, x - reach); u <= u_end; u++) {
        double gap_x = gap(grid, 0, u, x), left_x = squared_reach - gap_x * gap_x, half_y = sqrt(larger(0.0, left_x));
        int v_end = superion_bin_of(grid, 1, y + half_y);
        for (int v = superion_bin_of(grid, 1, y - half_y); v <= v_end; v++) {
            double gap_y = gap(grid, 1, v, y), left = left_x - gap_y * gap_y, half_z = sqrt(larger(0.0, left));
            const uint32_t *row = images->bin_start + ((size_t)u * n_v + (size_t)v) * n_w;
            uint32_t place = row[superion_bin_of(grid, 2, z - half_z)], end = row[superion_bin_of(grid, 2, z + half_z) + 1];
            if (end > place && end - place > found->capacity - count) {
                if (make_room(found, count + (end - place)) != SUPERION_OK) {
                    return SUPERION_OUT_OF_MEMORY;
                }
                keys = found->keys;
                squared = found->squared;
            }
            count = collect_run(images, place, end, origin, squared_limit, self, keys, squared, count);
        }
    }
    found->count = count;
    return SUPERION_OK;
}

/* Sort the keys by image number: least significant digit first, as many digits as image numbers have. */
static void sort_keys(hits *found, size_t n_images) {
    if (found->count <= FEW) {
        for (size_t n = 1; n < found->count; n++) {
            uint64_t key = found->keys[n];
            size_t place = n;
            for (; place > 0 && found->keys[place - 1] > key; place--) {
                found->keys[place] = found->keys[place - 1];
            }
            found->keys[place] = key;
        }
        return;
    }
    for (unsigned shift = 32; shift < 64 && n_images >> (shift - 32) != 0; shift += DIGIT_BITS) {
        size_t start[1 << DIGIT_BITS] = {0}, total = 0;
        const unsigned mask = (1 << DIGIT_BITS) - 1;
        for (size_t n = 0; n < found->count; n++) {
            start[found->keys[n] >> shift & mask]++;
        }
        for (unsigned digit = 0; digit <= mask; digit++) {
            size_t here = start[digit];
            start[digit] = total;
            total += here;
        }
        for (size_t n = 0; n < found->count; n++) {
            found->scratch[start[found->keys[n] >> shift & mask]++] = found->keys[n];
        }
        uint64_t *sorted = found->scratch;
        found->scratch = found->keys;
        found->keys = sorted;
    }
}

/* Move `value` down from `place` in a heap of k whose largest member comes first. */
static void sift(double *heap, size_t k, size_t place, double value) {
    for (size_t child; (child = 2 * place + 1) < k; place = child) {
        child += child + 1 < k && heap[child + 1] > heap[child];
        if (!(heap[child] > value)) {
            break;
        }
        heap[place] = heap[child];
    }
    heap[place] = value;
}

/* The k-th smallest of the squared distances found, of which there are k or more. */
static double kth_smallest(const hits *found, size_t k) {
    double *heap = found->ordered;
    memcpy(heap, found->squared, k * sizeof(double));
    for (size_t place = k / 2; place-- > 0;) {
        sift(heap, k, place, heap[place]);
    }
    for (size_t n = k; n < found->count; n++) {
        if (found->squared[n] < heap[0]) {
            sift(heap, k, 0, found->squared[n]);
        }
    }
    return heap[0];
}

/* Drop the hits beyond the k-th nearest and its ties; the order of the keys stays. Tell whether these are the nearest
 * of the crystal: whether no site beyond `radius`, which is as far as was looked, can be one of them. */
static int keep_nearest(hits *found, size_t k, double radius) {
    if (found->count < k) {
        return 0;
    }
    double limit = sqrt(kth_smallest(found, k)) + SUPERION_TIE_TOLERANCE;
    size_t kept = 0;
    for (size_t n = 0; n < found->count; n++) {
        uint64_t key = found->keys[n];
        if (sqrt(found->squared[(uint32_t)key]) <= limit) {
            found->keys[kept++] = key;
        }
    }
    found->count = kept;
    return limit <= radius;
}

/* Give the four arrays room for `capacity` pairs. On failure those not reached keep their size, so nothing leaks. */
static superion_status resize(superion_neighbor_list *list, size_t capacity) {
    void *larger;
    if (capacity > SIZE_MAX / (3 * sizeof(int64_t))) {
        return SUPERION_OUT_OF_MEMORY;
    }
    if ((larger = realloc(list->centers, capacity * sizeof(int64_t))) == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    list->centers = larger;
    if ((larger = realloc(list->neighbors, capacity * sizeof(int64_t))) == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    list->neighbors = larger;
    if ((larger = realloc(list->shifts, 3 * capacity * sizeof(int32_t))) == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    list->shifts = larger;
    if ((larger = realloc(list->distances, capacity * sizeof(double))) == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    list->distances = larger;
    return SUPERION_OK;
}

/* Write the pairs of one centre at the end of the list, which has room for them. */
static void append(const superion_images *images, size_t center, const hits *found, superion_neighbor_list *list) {
    const int32_t *wraps = images->wraps + 3 * center;
    const int32_t wrap_a = wraps[0], wrap_b = wraps[1], wrap_c = wraps[2];
    int64_t *restrict centers = list->centers + list->count, *restrict neighbors = list->neighbors + list->count;
    int32_t *restrict shifts = list->shifts + 3 * list->count;
    double *restrict distances = list->distances + list->count;
    for (size_t n = 0; n < found->count; n++) {
        const superion_label *neighbor = images->labels + (found->keys[n] >> 32);
        centers[n] = (int64_t)center;
        neighbors[n] = neighbor->site;
        shifts[3 * n] = neighbor->shift[0] + wrap_a;
        shifts[3 * n + 1] = neighbor->shift[1] + wrap_b;
        shifts[3 * n + 2] = neighbor->shift[2] + wrap_c;
        distances[n] = sqrt(found->squared[(uint32_t)found->keys[n]]);
    }
    list->count += found->count;
}

/* Search around every centre. Stops early, with `complete` 0,
 * at a centre that needs more than the cutoff of `options` to have its k nearest. */
static superion_status search(const superion_images *images, size_t n_sites, const superion_neighbor_options *options,
                              hits *found, superion_neighbor_list *list, int *complete) {
    double limit = options->cutoff * (1.0 + SUPERION_CUTOFF_TOLERANCE), reach = 0.0;
    size_t capacity = 0;
    for (int x = 0; x < 3; x++) {
        reach = fmax(reach, 1e-12 * (images->grid.high[x] - images->grid.low[x]));
    }
    reach += limit; /* the bins of an image near the sphere are looked at even if rounding puts it on the far side */
    for (size_t i = 0; i < n_sites; i++) {
        if (collect(images, i, limit * limit, reach * reach, found) != SUPERION_OK) {
            return SUPERION_OUT_OF_MEMORY;
        }
        if (options->max_neighbors > 0 && !keep_nearest(found, options->max_neighbors, options->cutoff) && !*complete) {
            return SUPERION_OK;
        }
        if (options->max_pairs > 0 && found->count > options->max_pairs - list->count) {
            return SUPERION_TOO_MANY_PAIRS;
        }
        if (found->count == 0) {
            continue; /* there may be no arrays yet to point into */
        }
        if (found->count > capacity - list->count) {
            /* What the centres so far needed, scaled to all, is close in a crystal; a tenth more is rarely short. */
            double expected = (double)(list->count + found->count) / (double)(i + 1) * (double)n_sites * 1.1 + 64.0;
            expected = options->max_pairs > 0 ? fmin(expected, (double)options->max_pairs) : expected;
            capacity = list->count + found->count;
            capacity = expected > (double)capacity && expected < 1e15 ? (size_t)expected : capacity;
            if (resize(list, capacity) != SUPERION_OK) {
                return SUPERION_OUT_OF_MEMORY;
            }
        }
        sort_keys(found, images->n_images);
        append(images, i, found, list);
    }
    *complete = 1;
    if (list->count == 0) {
        superion_neighbor_list_free(list);
        return SUPERION_OK;
    }
    return capacity > list->count ? resize(list, list->count) : SUPERION_OK;
}

/* Find the neighbours within the cutoff of `options`. Unless `complete` is set on entry, a list that lacks some of the
 * k nearest is given up with `complete` 0. Whatever is returned, the list may hold memory. */
static superion_status find_within(const double *lattice, const double *fractional, size_t n_sites,
                                   const superion_neighbor_options *options, superion_neighbor_list *list, int *complete) {
    superion_images images;
    memset(&images, 0, sizeof images);
    superion_status status = superion_images_build(lattice, fractional, n_sites, options, &images);
    if (status == SUPERION_OK && n_sites > 0) {
        hits found = {.selects = options->max_neighbors > 0};
        status = search(&images, n_sites, options, &found, list, complete);
        free(found.keys);
        free(found.scratch);
        free(found.squared);
        free(found.ordered);
    }
    superion_images_free(&images);
    return status;
}

/* The radius to look within first: that of FIRST_SPHERE k sites at the mean density, at most the cutoff. */
static double first_radius(const double *l, size_t n_sites, const superion_neighbor_options *options) {
    double volume = fabs(l[0] * (l[4] * l[8] - l[5] * l[7]) - l[1] * (l[3] * l[8] - l[5] * l[6]) +
                         l[2] * (l[3] * l[7] - l[4] * l[6]));
    double radius = cbrt(FIRST_SPHERE * (double)options->max_neighbors * volume / (4.19 * (double)n_sites));
    return options->max_neighbors > 0 && radius > 0.0 && radius < options->cutoff ? radius : options->cutoff;
}

superion_status superion_find_neighbors(const double *lattice, const double *fractional, size_t n_sites,
                                        const superion_neighbor_options *options, superion_neighbor_list *list) {
    if (list == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    memset(list, 0, sizeof *list);
    if (lattice == NULL || options == NULL || (fractional == NULL && n_sites > 0)) {
        return SUPERION_NULL_ARGUMENT;
    }
    if (!isfinite(options->cutoff) || !(options->cutoff > 0.0)) {
        return SUPERION_BAD_CUTOFF;
    }
    superion_neighbor_options sphere = *options;
    superion_status status;
    int complete;
    sphere.cutoff = first_radius(lattice, n_sites, options);
    for (;;) {
        complete = !(sphere.cutoff < options->cutoff);
        status = find_within(lattice, fractional, n_sites, &sphere, list, &complete);
        if (status != SUPERION_OK || n_sites == 0 || complete) {
            break;
        }
        superion_neighbor_list_free(list);
        sphere.cutoff = fmin(WIDENING * sphere.cutoff, options->cutoff);
    }
    if (status != SUPERION_OK) {
        superion_neighbor_list_free(list);
    }
    return status;
}
