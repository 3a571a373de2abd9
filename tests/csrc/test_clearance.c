/* Compare the clearance with its definition on pseudo-random crystals, and feed the functions what they must refuse.
 *
 * Usage: test_clearance ROUNDS. Built with the sanitizers; exits 1 at the first difference, printing the round. */
#include "clearance.h"
#include "driver.h"

#include <math.h>
#include <string.h>

#define MAX_SPHERES 9

static double determinant(const double *l) {
    return l[0] * (l[4] * l[8] - l[5] * l[7]) - l[1] * (l[3] * l[8] - l[5] * l[6]) + l[2] * (l[3] * l[7] - l[4] * l[6]);
}

/* Whole cells to look at along each vector so that nothing within `reach` of the cell is missed. */
static void ranges(const double *l, double reach, int *cells) {
    for (int x = 0; x < 3; x++) {
        const double *p = l + 3 * ((x + 1) % 3), *q = l + 3 * ((x + 2) % 3);
        double cross[3] = {p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]};
        double area = sqrt(cross[0] * cross[0] + cross[1] * cross[1] + cross[2] * cross[2]);
        cells[x] = (int)fmin(1000.0, ceil(reach * area / fabs(determinant(l))) + 1.0);
    }
}

/* The clearance at a point given in fractional coordinates, by the definition alone. */
static double by_definition(const double *l, const double *f, const double *radii, int n, const double *point, const int *cells,
                            double ceiling) {
    double least = ceiling;
    for (int k = 0; k < n; k++) {
        double d[3];
        for (int x = 0; x < 3; x++) {
            d[x] = f[3 * k + x] - point[x];
            d[x] -= floor(d[x]);
        }
        for (int a = -cells[0]; a <= cells[0]; a++) {
            for (int b = -cells[1]; b <= cells[1]; b++) {
                for (int c = -cells[2]; c <= cells[2]; c++) {
                    double squared = 0.0;
                    for (int x = 0; x < 3; x++) {
                        double r = (d[0] + a) * l[x] + (d[1] + b) * l[3 + x] + (d[2] + c) * l[6 + x];
                        squared += r * r;
                    }
                    least = fmin(least, sqrt(squared) - radii[k]);
                }
            }
        }
    }
    return least;
}

static void fuzz_valid(void) {
    double l[9], f[3 * MAX_SPHERES], radii[MAX_SPHERES], ceiling = uniform(0.2, 9.0);
    int32_t shape[3];
    int n = (int)(next_random() % (MAX_SPHERES + 1)), cells[3];
    for (int x = 0; x < 9; x++) {
        l[x] = uniform(1.5, 8.0) * (uniform(-0.5, 0.5) + (x % 4 == 0 ? 1.5 : 0.0));
    }
    if (one_in(3)) { /* a skewed description of the same crystal */
        for (int x = 0; x < 3; x++) {
            l[6 + x] += (double)(next_random() % 4) * l[x] + (double)(next_random() % 4) * l[3 + x];
        }
    }
    if (one_in(2)) { /* the other handedness */
        for (int x = 0; x < 3; x++) {
            double swapped = l[x];
            l[x] = l[3 + x];
            l[3 + x] = swapped;
        }
    }
    for (int k = 0; k < n; k++) {
        radii[k] = one_in(2) ? 1.4 : one_in(4) ? 0.0 : uniform(0.0, 2.2);
        for (int x = 0; x < 3; x++) {
            f[3 * k + x] = one_in(5) ? (double)(next_random() % 5) * 0.25 : uniform(-3, 3);
        }
    }
    for (int x = 0; x < 3; x++) {
        shape[x] = 1 + (int32_t)(next_random() % 6);
    }
    ranges(l, ceiling + 2.3, cells);
    if (fabs(determinant(l)) < 1.0 || (double)cells[0] * cells[1] * cells[2] > 60.0) {
        return;
    }
    size_t n_points = (size_t)(shape[0] * shape[1] * shape[2]);
    double floor_ = one_in(2) ? -INFINITY : uniform(-1.0, 2.0);
    /* On the heap and of the exact size, so that the sanitizer sees a write beyond it. */
    double *values = malloc(n_points * sizeof(double)), *peaks = malloc(n_points * sizeof(double));
    double *alone = malloc(n_points * sizeof(double));
    CHECK(values != NULL && peaks != NULL && alone != NULL);
    CHECK(superion_clearance_grid(l, f, radii, (size_t)n, shape, ceiling, floor_, values, peaks) == SUPERION_OK);
    CHECK(superion_clearance_grid(l, f, radii, (size_t)n, shape, ceiling, floor_, alone, NULL) == SUPERION_OK);
    CHECK(memcmp(values, alone, n_points * sizeof(double)) == 0);
    for (int sample = 0; sample < 2; sample++) {
        size_t at = next_random() % n_points;
        const size_t place[3] = {at / (size_t)(shape[1] * shape[2]), at / (size_t)shape[2] % (size_t)shape[1], at % (size_t)shape[2]};
        double largest = -INFINITY;
        for (int part = 0; part < 27; part++) {
            const int thirds[3] = {part / 9 - 1, part / 3 % 3 - 1, part % 3 - 1};
            double point[3];
            for (int x = 0; x < 3; x++) {
                point[x] = ((double)place[x] + thirds[x] / 3.0) / shape[x];
            }
            double here = by_definition(l, f, radii, n, point, cells, ceiling);
            CHECK(part != 13 || fabs(here - values[at]) < 1e-9);
            largest = fmax(largest, here);
        }
        CHECK(fabs(largest - peaks[at]) < 1e-9 || (largest <= floor_ + 1e-9 && peaks[at] == values[at]));
    }
    free(values);
    free(peaks);
    free(alone);
}

/* Anything at all: no crash and no leak, and numbers where the status says so. */
static void fuzz_hostile(void) {
    static const double odd[] = {0.0, -0.0, 1e-320, 1e-30, 1e-9, 1.0, 1e9, 1e30, 1e200, -1e308, NAN, INFINITY, -INFINITY};
    double l[9], f[3 * MAX_SPHERES], radii[MAX_SPHERES], values[64], peaks[64], cell[9];
    int n = (int)(next_random() % (MAX_SPHERES + 1)), rarity = 2 + (int)(next_random() % 40);
    int32_t shape[3], planned[3];
    for (int x = 0; x < 9; x++) {
        l[x] = one_in(rarity) ? odd[next_random() % 13] : uniform(-5, 5) * (one_in(6) ? 0.1 : one_in(6) ? 1e3 : 1.0);
    }
    for (int k = 0; k < n; k++) {
        radii[k] = one_in(5 * rarity) ? odd[next_random() % 13] : uniform(0, 3);
        for (int x = 0; x < 3; x++) {
            f[3 * k + x] = one_in(10 * rarity) ? odd[next_random() % 13] : uniform(-2, 2);
        }
    }
    for (int x = 0; x < 3; x++) {
        shape[x] = one_in(20) ? (int32_t)next_random() : 1 + (int32_t)(next_random() % 4);
    }
    if ((double)shape[0] * shape[1] * shape[2] > 64.0 && shape[0] > 0 && shape[1] > 0 && shape[2] > 0) {
        return; /* valid, but more than there is room for */
    }
    double ceiling = one_in(rarity) ? odd[next_random() % 13] : uniform(0.1, 12.0);
    double floor_ = one_in(rarity) ? odd[next_random() % 13] : uniform(-1.0, 1.0);
    superion_status status = superion_clearance_grid(l, f, radii, (size_t)n, shape, ceiling, floor_, values, one_in(2) ? peaks : NULL);
    CHECK(status != SUPERION_NULL_ARGUMENT && status != SUPERION_OUT_OF_MEMORY);
    for (int p = 0; status == SUPERION_OK && p < shape[0] * shape[1] * shape[2]; p++) {
        CHECK(values[p] <= ceiling && values[p] >= -1e9);
    }
    status = superion_clearance_plan(l, one_in(4) ? odd[next_random() % 13] : uniform(0.05, 3.0), cell, planned);
    CHECK(status != SUPERION_NULL_ARGUMENT);
    CHECK(status != SUPERION_OK || (planned[0] > 0 && planned[1] > 0 && planned[2] > 0));
}

static void check_codes(void) {
    const double l[9] = {3, 0, 0, 0, 3, 0, 0, 0, 3}, flat[9] = {3, 0, 0, 0, 3, 0, 3, 3, 0}, f[3] = {0, 0, 0}, bad[3] = {NAN, 0, 0};
    const double nan_lattice[9] = {NAN, 0, 0, 0, 3, 0, 0, 0, 3}, far[3] = {1e20, 0, 0}, one[1] = {1.0}, below[1] = {-1.0};
    const double wide[1] = {1e6};
    const int32_t s[3] = {2, 2, 2}, none[3] = {2, 0, 2}, many[3] = {INT32_MAX, INT32_MAX, 2};
    double v[8], p[8], cell[9];
    int32_t shape[3];
    CHECK(superion_clearance_grid(NULL, f, one, 1, s, 9, 0, v, p) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_clearance_grid(l, NULL, one, 1, s, 9, 0, v, p) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_clearance_grid(l, f, NULL, 1, s, 9, 0, v, p) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_clearance_grid(l, f, one, 1, NULL, 9, 0, v, p) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_clearance_grid(l, f, one, 1, s, 9, 0, NULL, p) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_clearance_grid(nan_lattice, f, one, 1, s, 9, 0, v, p) == SUPERION_NONFINITE_LATTICE);
    CHECK(superion_clearance_grid(flat, f, one, 1, s, 9, 0, v, p) == SUPERION_SINGULAR_LATTICE);
    CHECK(superion_clearance_grid(l, bad, one, 1, s, 9, 0, v, p) == SUPERION_NONFINITE_COORDINATE);
    CHECK(superion_clearance_grid(l, far, one, 1, s, 9, 0, v, p) == SUPERION_OVERFLOW);
    CHECK(superion_clearance_grid(l, f, wide, 1, s, 9, 0, v, p) == SUPERION_OVERFLOW);
    CHECK(superion_clearance_grid(l, f, below, 1, s, 9, 0, v, p) == SUPERION_BAD_RADIUS);
    CHECK(superion_clearance_grid(l, f, bad, 1, s, 9, 0, v, p) == SUPERION_BAD_RADIUS);
    CHECK(superion_clearance_grid(l, f, one, 1, none, 9, 0, v, p) == SUPERION_BAD_GRID);
    CHECK(superion_clearance_grid(l, f, one, 1, many, 9, 0, v, p) == SUPERION_BAD_GRID);
    CHECK(superion_clearance_grid(l, f, one, 1, s, 0, 0, v, p) == SUPERION_BAD_GRID);
    CHECK(superion_clearance_grid(l, f, one, 1, s, INFINITY, 0, v, p) == SUPERION_BAD_GRID);
    CHECK(superion_clearance_grid(l, f, one, 1, s, 9, NAN, v, p) == SUPERION_BAD_GRID);
    CHECK(superion_clearance_grid(l, NULL, NULL, 0, s, 9, 0, v, p) == SUPERION_OK && v[0] == 9.0 && p[7] == 9.0);
    CHECK(superion_clearance_plan(NULL, 1.0, cell, shape) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_clearance_plan(l, 1.0, NULL, shape) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_clearance_plan(l, 1.0, cell, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_clearance_plan(flat, 1.0, cell, shape) == SUPERION_SINGULAR_LATTICE);
    CHECK(superion_clearance_plan(l, 0.0, cell, shape) == SUPERION_BAD_GRID);
    CHECK(superion_clearance_plan(l, NAN, cell, shape) == SUPERION_BAD_GRID);
    CHECK(superion_clearance_plan(l, 1e-4, cell, shape) == SUPERION_BAD_GRID);
    CHECK(superion_clearance_plan(l, 1.0, cell, shape) == SUPERION_OK && shape[0] == 3 && shape[1] == 3 && shape[2] == 3);
}

/* Fail every allocation in turn: the status says so and, as the leak sanitizer sees, nothing stays behind. */
static void check_out_of_memory(void) {
    const double l[9] = {9, 0, 0, 0, 9, 0, 1, 0, 9}, f[3] = {0.1, 0.2, 0.3}, one[1] = {1.0};
    const int32_t s[3] = {3, 3, 3};
    double v[27], p[27];
    superion_status status = SUPERION_OUT_OF_MEMORY;
    long failed = 0;
    for (; status != SUPERION_OK; failed++) {
        allocations_left = failed;
        status = superion_clearance_grid(l, f, one, 1, s, 9, 0, v, p);
        allocations_left = -1;
        CHECK(status == SUPERION_OK || status == SUPERION_OUT_OF_MEMORY);
        CHECK(failed < 100);
    }
    CHECK(failed > 6); /* four for the points and two times the spheres, since the cavity is wider than expected */
}

int main(int argc, char **argv) {
    u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    check_codes();
    check_out_of_memory();
    for (round_number = 0; round_number < rounds; round_number++) {
        state = round_number * 2654435761ull;
        fuzz_valid();
        if (one_in(2)) { /* crowded cells among them take a hundred times as long as others */
            fuzz_hostile();
        }
    }
    printf("%llu rounds\n", rounds);
    return 0;
}
