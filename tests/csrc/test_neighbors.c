/* Compare the neighbour list with a brute-force one on pseudo-random crystals, some of them degenerate on purpose.
 *
 * Usage: test_neighbors ROUNDS. Built with the sanitizers; exits 1 at the first difference, printing the seed. */
#include "driver.h"
#include "neighbors.h"

#include <math.h>
#include <string.h>

#define MAX_SITES 24
#define MAX_CANDIDATES 200000
typedef struct {
    int64_t i, j;
    int32_t shift[3];
    double distance;
} pair;

static double volume_of(const double *l) {
    return l[0] * (l[4] * l[8] - l[5] * l[7]) - l[1] * (l[3] * l[8] - l[5] * l[6]) + l[2] * (l[3] * l[7] - l[4] * l[6]);
}

/* List by the definition alone: all shifts that the perpendicular heights of the lattice as given allow, in the order of
 * the header. Return -1 when that is too much work. */
static long brute_force(const double *l, const double *f, int n, double cutoff, pair *pairs) {
    double volume = fabs(volume_of(l)), ratio[3], work = (double)n * n;
    for (int x = 0; x < 3; x++) {
        const double *p = l + 3 * ((x + 1) % 3), *q = l + 3 * ((x + 2) % 3);
        double cross[3] = {p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]};
        ratio[x] = cutoff * sqrt(cross[0] * cross[0] + cross[1] * cross[1] + cross[2] * cross[2]) / volume + 1e-6;
        work *= 2 * ratio[x] + 1;
    }
    if (!(work < MAX_CANDIDATES)) {
        return -1;
    }
    long count = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            double d[3] = {f[3 * j] - f[3 * i], f[3 * j + 1] - f[3 * i + 1], f[3 * j + 2] - f[3 * i + 2]};
            for (long a = (long)ceil(-ratio[0] - d[0]); a <= (long)floor(ratio[0] - d[0]); a++) {
                for (long b = (long)ceil(-ratio[1] - d[1]); b <= (long)floor(ratio[1] - d[1]); b++) {
                    for (long c = (long)ceil(-ratio[2] - d[2]); c <= (long)floor(ratio[2] - d[2]); c++) {
                        double squared = 0.0;
                        for (int x = 0; x < 3; x++) {
                            double r = (d[0] + (double)a) * l[x] + (d[1] + (double)b) * l[3 + x] + (d[2] + (double)c) * l[6 + x];
                            squared += r * r;
                        }
                        if (sqrt(squared) <= cutoff && !(i == j && a == 0 && b == 0 && c == 0)) {
                            pairs[count++] = (pair){i, j, {(int32_t)a, (int32_t)b, (int32_t)c}, sqrt(squared)};
                        }
                    }
                }
            }
        }
    }
    return count;
}

static int compare_distance(const void *left, const void *right) {
    double p = *(const double *)left, q = *(const double *)right;
    return (p > q) - (p < q);
}

/* The k nearest with ties, from the full list: each kept pair is within the tolerance of the k-th, and none is missing. */
static void check_nearest(const double *l, const double *f, size_t n, superion_neighbor_options options, const pair *all, long n_all) {
    static double distances[MAX_CANDIDATES];
    superion_neighbor_list list;
    options.max_neighbors = 1 + (size_t)(next_random() % 20);
    CHECK(superion_find_neighbors(l, f, n, &options, &list) == SUPERION_OK);
    size_t at = 0;
    for (long start = 0, end; start < n_all; start = end) {
        for (end = start; end < n_all && all[end].i == all[start].i; end++) {
            distances[end - start] = all[end].distance;
        }
        qsort(distances, (size_t)(end - start), sizeof(double), compare_distance);
        size_t k = options.max_neighbors;
        double limit = (size_t)(end - start) <= k ? INFINITY : distances[k - 1] + SUPERION_TIE_TOLERANCE;
        for (long m = start; m < end; m++) {
            int taken = at < list.count && list.centers[at] == all[m].i && list.neighbors[at] == all[m].j &&
                        memcmp(list.shifts + 3 * at, all[m].shift, sizeof all[m].shift) == 0;
            CHECK(taken == (all[m].distance <= limit) || fabs(all[m].distance - limit) < 1e-8);
            at += (size_t)taken;
        }
    }
    CHECK(at == list.count);
    superion_neighbor_list_free(&list);
}

static void fuzz_valid(void) {
    static pair expected[MAX_CANDIDATES];
    double l[9], f[3 * MAX_SITES], scale = one_in(4) ? uniform(0.2, 1.0) : uniform(1.0, 12.0);
    int n = (int)(next_random() % (MAX_SITES + 1));
    for (int x = 0; x < 9; x++) {
        l[x] = scale * (uniform(-1, 1) + (x % 4 == 0 && !one_in(3) ? 2.0 : 0.0)) * (one_in(8) ? 0.05 : 1.0);
    }
    if (one_in(3)) { /* a skewed description of the same crystal */
        for (int x = 0; x < 3; x++) {
            l[6 + x] += (double)(next_random() % 7) * l[x] + (double)(next_random() % 7) * l[3 + x];
        }
    }
    for (int x = 0; x < 3 * n; x++) {
        f[x] = one_in(5) ? (double)(next_random() % 5) * 0.25 : uniform(-3, 3); /* special positions, and coincident ones */
    }
    superion_neighbor_options options = {uniform(0.1, 7.0), 0, 0};
    superion_neighbor_list list;
    long count = brute_force(l, f, n, options.cutoff, expected);
    if (count < 0 || fabs(volume_of(l)) < 1e-6) {
        return;
    }
    CHECK(superion_find_neighbors(l, f, (size_t)n, &options, &list) == SUPERION_OK);
    size_t at = 0;
    for (long m = 0; m < count; m++, at++) {
        CHECK(at < list.count && list.centers[at] == expected[m].i && list.neighbors[at] == expected[m].j);
        CHECK(memcmp(list.shifts + 3 * at, expected[m].shift, sizeof expected[m].shift) == 0);
        CHECK(fabs(list.distances[at] - expected[m].distance) < 1e-9 * (1.0 + options.cutoff));
    }
    CHECK(at == list.count);
    superion_neighbor_list_free(&list);
    check_nearest(l, f, (size_t)n, options, expected, count);
    if (count > 1) {
        options.max_pairs = (size_t)count - 1;
        CHECK(superion_find_neighbors(l, f, (size_t)n, &options, &list) == SUPERION_TOO_MANY_PAIRS);
        CHECK(list.count == 0 && list.centers == NULL && list.shifts == NULL);
        options.max_pairs = (size_t)count;
        CHECK(superion_find_neighbors(l, f, (size_t)n, &options, &list) == SUPERION_OK);
        superion_neighbor_list_free(&list);
    }
}

/* Anything at all, with a limit on the pairs: no crash, no leak, and a list exactly when the status says so. */
static void fuzz_hostile(void) {
    static const double odd[] = {0.0, -0.0, 1e-320, 1e-30, 1e-9, 1.0, 1e9, 1e30, 1e200, -1e308, NAN, INFINITY, -INFINITY};
    double l[9], f[3 * MAX_SITES];
    int n = (int)(next_random() % (MAX_SITES + 1)), rarity = 2 + (int)(next_random() % 40);
    for (int x = 0; x < 9; x++) {
        l[x] = one_in(rarity) ? odd[next_random() % 13] : uniform(-5, 5) * (one_in(6) ? 1e-4 : one_in(6) ? 1e4 : 1.0);
    }
    if (one_in(5)) { /* singular, or nearly */
        for (int x = 0; x < 3; x++) {
            l[6 + x] = l[x] + 2.0 * l[3 + x] + (one_in(2) ? uniform(-1e-9, 1e-9) : 0.0);
        }
    }
    for (int x = 0; x < 3 * n; x++) {
        f[x] = one_in(10 * rarity) ? odd[next_random() % 13] : uniform(-2, 2);
    }
    superion_neighbor_options options = {one_in(4) ? odd[next_random() % 13] : exp(uniform(-12, 12)),
                                         one_in(3) ? (size_t)(next_random() % 9) : 0, 1 + (size_t)(next_random() % 20000)};
    superion_neighbor_list list;
    superion_status status = superion_find_neighbors(l, f, (size_t)n, &options, &list);
    CHECK(superion_status_message(status) != NULL);
    CHECK(status != SUPERION_NULL_ARGUMENT && status != SUPERION_OUT_OF_MEMORY);
    CHECK(list.count <= options.max_pairs);
    CHECK((list.count == 0) == (list.centers == NULL));
    CHECK(status == SUPERION_OK || list.count == 0);
    for (size_t m = 0; m < list.count; m++) {
        CHECK(list.distances[m] >= 0.0 && list.distances[m] <= options.cutoff * (1.0 + 2e-9));
        CHECK(list.centers[m] >= 0 && list.centers[m] < n && list.neighbors[m] >= 0 && list.neighbors[m] < n);
    }
    superion_neighbor_list_free(&list);
    superion_neighbor_list_free(&list);
}

static void check_codes(void) {
    const double l[9] = {3, 0, 0, 0, 3, 0, 0, 0, 3}, flat[9] = {3, 0, 0, 0, 3, 0, 3, 3, 0}, f[3] = {0, 0, 0};
    const double far[3] = {1e12, 0, 0}, bad[3] = {NAN, 0, 0}, bad_lattice[9] = {NAN, 0, 0, 0, 3, 0, 0, 0, 3};
    superion_neighbor_options options = {3.0, 0, 0}, huge = {1e6, 0, 1000000};
    superion_neighbor_list list;
    CHECK(superion_find_neighbors(NULL, f, 1, &options, &list) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_find_neighbors(l, NULL, 1, &options, &list) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_find_neighbors(l, f, 1, NULL, &list) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_find_neighbors(l, f, 1, &options, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_find_neighbors(flat, f, 1, &options, &list) == SUPERION_SINGULAR_LATTICE);
    CHECK(superion_find_neighbors(bad_lattice, f, 1, &options, &list) == SUPERION_NONFINITE_LATTICE);
    CHECK(superion_find_neighbors(l, bad, 1, &options, &list) == SUPERION_NONFINITE_COORDINATE);
    CHECK(superion_find_neighbors(l, far, 1, &options, &list) == SUPERION_OVERFLOW);
    CHECK(superion_find_neighbors(l, f, 1, &huge, &list) == SUPERION_TOO_MANY_PAIRS);
    CHECK(superion_find_neighbors(l, NULL, 0, &options, &list) == SUPERION_OK && list.count == 0);
    /* The six neighbours of a simple cubic lattice lie on the cutoff exactly: all in. */
    CHECK(superion_find_neighbors(l, f, 1, &options, &list) == SUPERION_OK && list.count == 6);
    superion_neighbor_list_free(&list);
    options.cutoff = 0.0;
    CHECK(superion_find_neighbors(l, f, 1, &options, &list) == SUPERION_BAD_CUTOFF);
    superion_neighbor_list_free(NULL);
    CHECK(strcmp(superion_status_message((superion_status)99), "unknown status") == 0);
}

/* Fail every allocation in turn: the status says so and, as the leak sanitizer sees, nothing stays behind. */
static void check_out_of_memory(void) {
    const double l[9] = {3, 0, 0, 0, 4, 0, 1, 0, 5}, f[9] = {0, 0, 0, 0.5, 0.5, 0.5, 0.1, 0.2, 0.3};
    superion_neighbor_options options = {4.0, 2, 0};
    superion_neighbor_list list;
    superion_status status = SUPERION_OUT_OF_MEMORY;
    long failed = 0;
    for (; status != SUPERION_OK; failed++) {
        allocations_left = failed;
        status = superion_find_neighbors(l, f, 3, &options, &list);
        allocations_left = -1;
        CHECK(status == SUPERION_OK || (status == SUPERION_OUT_OF_MEMORY && list.count == 0 && list.centers == NULL));
        CHECK(failed < 100);
    }
    CHECK(failed > 10);
    superion_neighbor_list_free(&list);
}

int main(int argc, char **argv) {
    u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    check_codes();
    check_out_of_memory();
    for (round_number = 0; round_number < rounds; round_number++) {
        state = round_number * 2654435761ull;
        fuzz_valid();
        fuzz_hostile();
    }
    printf("%llu rounds\n", rounds);
    return 0;
}
