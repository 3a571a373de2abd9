/* Compare percolation and pathways with a search that walks every connected set and counts its windings.
 *
 * Usage: test_percolation ROUNDS. Built with the sanitizers; exits 1 at the first difference, printing the round. */
#include "driver.h"
#include "pathway.h"
#include "percolation.h"

#include <math.h>
#include <string.h>

#define MAX_POINTS 512

/* Rank of a list of whole vectors, by elimination. */
static int rank_of(long (*rows)[3], int n_rows) {
    int rank = 0;
    for (int column = 0; column < 3 && rank < n_rows; column++) {
        int pivot = rank;
        while (pivot < n_rows && rows[pivot][column] == 0) {
            pivot++;
        }
        if (pivot == n_rows) {
            continue;
        }
        for (int x = 0; x < 3; x++) {
            long swapped = rows[pivot][x];
            rows[pivot][x] = rows[rank][x];
            rows[rank][x] = swapped;
        }
        for (int row = rank + 1; row < n_rows; row++) {
            long factor = rows[row][column], own = rows[rank][column];
            for (int x = 0; x < 3; x++) {
                rows[row][x] = rows[row][x] * own - rows[rank][x] * factor;
            }
        }
        rank++;
    }
    return rank;
}

/* Dimensions of every connected set at a threshold, by flood fill from each point with the cell it is in. */
static int flood(const double *levels, const int32_t *shape, double threshold, int *dimensions) {
    static int label[MAX_POINTS], cell[MAX_POINTS][3], queue[MAX_POINTS];
    static long windings[4][3];
    int n_points = shape[0] * shape[1] * shape[2], highest = 0;
    for (int n = 0; n < n_points; n++) {
        label[n] = -1;
        dimensions[n] = -1;
    }
    for (int start = 0; start < n_points; start++) {
        if (!(levels[start] <= threshold) || levels[start] == INFINITY || label[start] >= 0) {
            continue;
        }
        int head = 0, tail = 0, rank = 0;
        queue[tail++] = start;
        label[start] = start;
        memset(cell[start], 0, sizeof cell[start]);
        long kept[3][3];
        while (head < tail) {
            int here = queue[head++];
            int at[3] = {here / shape[2] / shape[1], here / shape[2] % shape[1], here % shape[2]};
            for (int k = 0; k < 27; k++) {
                int step[3] = {k / 9 - 1, k / 3 % 3 - 1, k % 3 - 1}, to[3], crossed[3];
                for (int x = 0; x < 3; x++) {
                    crossed[x] = (at[x] + step[x] + shape[x]) / shape[x] - 1;
                    to[x] = (at[x] + step[x] + shape[x]) % shape[x];
                }
                int next = (to[0] * shape[1] + to[1]) * shape[2] + to[2];
                if (!(levels[next] <= threshold) || levels[next] == INFINITY) {
                    continue;
                }
                if (label[next] < 0) {
                    label[next] = start;
                    for (int x = 0; x < 3; x++) {
                        cell[next][x] = cell[here][x] + crossed[x];
                    }
                    queue[tail++] = next;
                    continue;
                }
                for (int row = 0; row < rank; row++) {
                    memcpy(windings[row], kept[row], sizeof kept[row]);
                }
                long found[3];
                for (int x = 0; x < 3; x++) {
                    found[x] = cell[here][x] + crossed[x] - cell[next][x];
                    windings[rank][x] = found[x];
                }
                if (rank < 3 && rank_of(windings, rank + 1) > rank) {
                    memcpy(kept[rank++], found, sizeof found);
                }
            }
        }
        for (int n = 0; n < tail; n++) {
            dimensions[queue[n]] = rank;
        }
        highest = rank > highest ? rank : highest;
    }
    return highest;
}

/* Check that the pathway is one; return how many grid points it leads along the first vector. */
static int check_pathway(const double *levels, const int32_t *shape, double threshold, int percolates) {
    double lattice[9];
    superion_pathway path;
    for (int x = 0; x < 9; x++) {
        lattice[x] = uniform(-1.0, 1.0) + (x % 4 == 0 ? 4.0 : 0.0);
    }
    superion_status status = superion_find_pathway(lattice, levels, shape, threshold, &path);
    CHECK(status == (percolates ? SUPERION_OK : SUPERION_NO_PERCOLATION));
    if (!percolates) {
        CHECK(path.count == 0 && path.points == NULL);
        return 0;
    }
    CHECK(path.count >= 2);
    int moved = 0, along_first = path.points[3 * (path.count - 1)] - path.points[0];
    for (size_t n = 0; n < path.count; n++) {
        const int32_t *p = path.points + 3 * n;
        int at[3];
        for (int x = 0; x < 3; x++) {
            at[x] = ((p[x] % shape[x]) + shape[x]) % shape[x];
            CHECK(n == 0 || abs(p[x] - p[x - 3]) <= 1);
        }
        CHECK(levels[(at[0] * shape[1] + at[1]) * shape[2] + at[2]] <= threshold);
    }
    for (int x = 0; x < 3; x++) {
        int32_t distance = path.points[3 * (path.count - 1) + (size_t)x] - path.points[x];
        CHECK(distance % shape[x] == 0);
        moved |= distance != 0;
    }
    CHECK(moved);
    superion_pathway_free(&path);
    superion_pathway_free(&path);
    return along_first;
}

static void fuzz(void) {
    static double levels[MAX_POINTS];
    static int dimensions[MAX_POINTS];
    int32_t shape[3];
    double thresholds[3];
    unsigned char *open;
    do {
        for (int x = 0; x < 3; x++) {
            shape[x] = 1 + below(one_in(4) ? 12 : 6);
        }
    } while (shape[0] * shape[1] * shape[2] > MAX_POINTS);
    int n_points = shape[0] * shape[1] * shape[2], n_levels = 1 + below(40);
    for (int n = 0; n < n_points; n++) {
        levels[n] = one_in(20) ? INFINITY : one_in(3) ? below(n_levels) - 5.0 : uniform(-5.0, 5.0);
    }
    CHECK(superion_percolation_levels(levels, shape, thresholds) == SUPERION_OK);
    CHECK(thresholds[0] <= thresholds[1] && thresholds[1] <= thresholds[2]);
    open = malloc((size_t)n_points); /* of the exact size, so that the sanitizer sees a write beyond it */
    for (int d = 1; d <= 3; d++) {
        double at = thresholds[d - 1];
        if (at < INFINITY) {
            CHECK(flood(levels, shape, at, dimensions) >= d);
            CHECK(flood(levels, shape, nextafter(at, -INFINITY), dimensions) < d);
        } else {
            CHECK(flood(levels, shape, INFINITY, dimensions) < d);
        }
    }
    double threshold = one_in(2) ? thresholds[below(3)] : uniform(-6.0, 6.0);
    int highest = flood(levels, shape, threshold, dimensions);
    for (int d = 0; d <= 3; d++) {
        CHECK(superion_percolating_points(levels, shape, threshold, d, open) == SUPERION_OK);
        for (int n = 0; n < n_points; n++) {
            CHECK(open[n] == (dimensions[n] >= d));
        }
    }
    free(open);
    check_pathway(levels, shape, threshold, highest >= 1);
}

/* A channel that leads two cells on before it meets itself, which a search in a doubled cell does not see. */
static void check_double_winding(void) {
    /* Along a at (v, w) = (2, 2), over to (8, 2), one cell on, and back at w = 7. */
    static const int way[][3] = {{0, 2, 2}, {1, 2, 2}, {2, 2, 2}, {3, 2, 2}, {4, 2, 2}, {5, 2, 2}, {6, 3, 2}, {6, 4, 2},
                                 {6, 5, 2}, {6, 6, 2}, {6, 7, 2}, {7, 8, 2}, {0, 8, 2}, {1, 8, 2}, {2, 8, 3}, {2, 8, 4},
                                 {2, 8, 5}, {2, 8, 6}, {3, 7, 7}, {3, 6, 7}, {3, 5, 7}, {3, 4, 7}, {3, 3, 7}, {3, 2, 7},
                                 {4, 2, 7}, {5, 2, 7}, {6, 2, 6}, {7, 2, 5}, {7, 2, 4}, {0, 2, 3}};
    const int32_t shape[3] = {8, 12, 12};
    static double levels[8 * 12 * 12];
    double thresholds[3];
    for (int n = 0; n < 8 * 12 * 12; n++) {
        levels[n] = INFINITY;
    }
    for (size_t n = 0; n < sizeof way / sizeof way[0]; n++) {
        levels[(way[n][0] * 12 + way[n][1]) * 12 + way[n][2]] = (double)n;
    }
    CHECK(superion_percolation_levels(levels, shape, thresholds) == SUPERION_OK);
    CHECK(thresholds[0] == 29.0 && thresholds[1] == INFINITY);
    CHECK(abs(check_pathway(levels, shape, thresholds[0], 1)) == 2 * shape[0]);
}

static void check_codes(void) {
    const double levels[2] = {0.0, 1.0}, bad[2] = {0.0, NAN}, low[2] = {-INFINITY, 0.0}, lattice[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const double broken[9] = {NAN, 0, 0, 0, 1, 0, 0, 0, 1};
    const int32_t shape[3] = {1, 1, 2}, empty[3] = {1, 0, 2}, huge[3] = {65536, 65536, 1};
    double thresholds[3];
    unsigned char open[2];
    superion_pathway path;
    CHECK(superion_percolation_levels(NULL, shape, thresholds) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_percolation_levels(levels, NULL, thresholds) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_percolation_levels(levels, shape, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_percolation_levels(levels, empty, thresholds) == SUPERION_BAD_GRID);
    CHECK(superion_percolation_levels(levels, huge, thresholds) == SUPERION_BAD_GRID);
    CHECK(superion_percolation_levels(bad, shape, thresholds) == SUPERION_BAD_GRID);
    CHECK(superion_percolation_levels(low, shape, thresholds) == SUPERION_BAD_GRID);
    CHECK(superion_percolation_levels(levels, shape, thresholds) == SUPERION_OK);
    CHECK(thresholds[0] == 0.0 && thresholds[1] == 0.0 && thresholds[2] == 1.0);
    CHECK(superion_percolating_points(levels, shape, 0.5, 4, open) == SUPERION_BAD_GRID);
    CHECK(superion_percolating_points(levels, shape, NAN, 1, open) == SUPERION_BAD_GRID);
    CHECK(superion_percolating_points(levels, shape, 0.5, 1, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_find_pathway(lattice, levels, shape, 0.5, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_find_pathway(NULL, levels, shape, 0.5, &path) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_find_pathway(broken, levels, shape, 0.5, &path) == SUPERION_NONFINITE_LATTICE);
    CHECK(superion_find_pathway(lattice, levels, empty, 0.5, &path) == SUPERION_BAD_GRID);
    CHECK(superion_find_pathway(lattice, levels, shape, -0.5, &path) == SUPERION_NO_PERCOLATION);
    superion_pathway_free(NULL);
}

/* Fail every allocation in turn: the status says so and, as the leak sanitizer sees, nothing stays behind. */
/* Levels whose sum is beyond what a number can hold: the search ends, and the way is one. */
static void check_huge_levels(void) {
    const double lattice[9] = {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0};
    const int32_t shape[3] = {2, 3, 3};
    double levels[18];
    for (int n = 0; n < 18; n++) {
        levels[n] = -1.7e308 + 1e307 * (n * 7 % 5);
    }
    superion_pathway path;
    CHECK(superion_find_pathway(lattice, levels, shape, 0.0, &path) == SUPERION_OK);
    CHECK(path.count >= 2);
    superion_pathway_free(&path);
}

static void check_out_of_memory(void) {
    double levels[60], thresholds[3], lattice[9] = {3, 0, 0, 0, 4, 0, 1, 0, 5};
    unsigned char open[60];
    const int32_t shape[3] = {3, 4, 5};
    for (int n = 0; n < 60; n++) {
        levels[n] = n % 7;
    }
    for (int which = 0; which < 3; which++) {
        superion_status status = SUPERION_OUT_OF_MEMORY;
        long failed = 0;
        for (; status != SUPERION_OK; failed++) {
            superion_pathway path = {0, NULL};
            allocations_left = failed;
            status = which == 0   ? superion_percolation_levels(levels, shape, thresholds)
                     : which == 1 ? superion_percolating_points(levels, shape, 6.0, 1, open)
                                  : superion_find_pathway(lattice, levels, shape, 6.0, &path);
            allocations_left = -1;
            CHECK(status == SUPERION_OK || (status == SUPERION_OUT_OF_MEMORY && path.points == NULL));
            CHECK(failed < 100);
            superion_pathway_free(&path);
        }
        CHECK(failed > 4);
    }
}

int main(int argc, char **argv) {
    u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    check_codes();
    check_huge_levels();
    check_out_of_memory();
    check_double_winding();
    for (round_number = 0; round_number < rounds; round_number++) {
        state = round_number * 2654435761ull;
        fuzz();
    }
    printf("%llu rounds\n", rounds);
    return 0;
}
