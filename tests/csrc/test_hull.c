/* Hulls under the sanitizers: solutions that are feasible, optimal by their dual values and tile the range of t;
 * allocations that fail; every code. Usage: test_hull ROUNDS. */
#include "hull.h"

#include <math.h>
#include <string.h>

#include "driver.h"

#define MAX_ROWS 6
#define MAX_COLUMNS 60

static double columns[(MAX_COLUMNS + 1) * MAX_ROWS], costs[MAX_COLUMNS], slopes[MAX_COLUMNS], side[MAX_ROWS];
static int64_t units[MAX_ROWS];
static size_t n_rows, n_columns;

/* Add the composition in question as a column, on the hull or below it: it is then next to the phase that it was before
 * its amounts were rounded. */
static void add_itself(void) {
    superion_hull_path path;
    double sum = 0.0;
    for (size_t i = 0; i < n_rows; i++) {
        sum += columns[n_columns * n_rows + i] = side[i];
    }
    if (sum > 0.0 && n_columns < MAX_COLUMNS) {
        CHECK(superion_follow_hull(columns, n_columns, n_rows, costs, slopes, side, units, 0.0, 0.0, INFINITY, &path) ==
              SUPERION_OK);
        costs[n_columns] = path.intervals[2] - (one_in(2) ? 0.0 : one_in(2) ? 1e-9 : 0.1);
        slopes[n_columns] = one_in(2) ? path.intervals[3] : -below(4) / 4.0;
        n_columns++;
        superion_hull_path_free(&path);
    }
}

/* Phases as they are: few elements each, whole amounts, the open element among them; and the composition in question is
 * often one of them, a mixture of two, or has next to nothing of an element. */
static void make_phases(void) {
    n_rows = 1 + (size_t)below(MAX_ROWS);
    n_columns = n_rows + (size_t)below(MAX_COLUMNS - (int)n_rows + 1);
    memset(columns, 0, sizeof columns);
    for (size_t j = 0; j < n_columns; j++) {
        double total = 0.0, open = one_in(2) ? below(5) : 0.0;
        for (size_t i = 0; i < n_rows; i++) {
            columns[j * n_rows + i] = j < n_rows ? i == j : one_in(2) ? below(7) : 0.0;
            total += columns[j * n_rows + i];
        }
        if (j >= n_rows && total == 0.0) {
            columns[j * n_rows] = total = 1.0;
        }
        open = j < n_rows ? 0.0 : open;
        for (size_t i = 0; i < n_rows; i++) {
            columns[j * n_rows + i] /= total + open;
        }
        costs[j] = j < n_rows ? 0.0 : one_in(4) ? -below(4) / 2.0 : uniform(-4.0, 1.0);
        slopes[j] = -open / (total + open);
    }
    for (size_t i = 0; i < n_rows; i++) {
        units[i] = (int64_t)i;
        side[i] = one_in(4) ? 0.0 : one_in(6) ? 1e-9 : below(9) / 8.0;
    }
    for (int n = below(3); n > 0; n--) {
        size_t j = (size_t)below((int)n_columns);
        for (size_t i = 0; i < n_rows; i++) {
            side[i] = (n == 1 ? 0.0 : side[i]) + columns[j * n_rows + i];
        }
    }
    if (one_in(2)) {
        double steps = pow(10.0, 1 + below(6));
        for (size_t i = 0; i < n_rows; i++) {
            side[i] = round(side[i] * steps) / steps;
        }
        add_itself();
    }
}

/* Hold that a piece is a solution, and that its dual values say so at t. */
static void check_piece(const superion_hull_path *path, size_t n, double t) {
    const double *interval = path->intervals + 4 * n, *amounts = path->amounts + n_rows * n;
    const int64_t *phases = path->phases + n_rows * n;
    double cost = 0.0, slope = 0.0, value = 0.0;
    for (size_t i = 0; i < n_rows; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < n_rows; k++) {
            CHECK(phases[k] >= -1 && phases[k] < (int64_t)n_columns);
            CHECK(k == 0 || phases[k] < 0 || (phases[k - 1] >= 0 && phases[k - 1] < phases[k]));
            CHECK(phases[k] < 0 ? amounts[k] == 0.0 : amounts[k] > 0.0);
            sum += phases[k] < 0 ? 0.0 : amounts[k] * columns[(size_t)phases[k] * n_rows + i];
        }
        CHECK(fabs(sum - side[i]) < 1e-9);
        if (phases[i] >= 0) {
            cost += amounts[i] * costs[phases[i]];
            slope += amounts[i] * slopes[phases[i]];
        }
        value += side[i] * (path->constants[n_rows * n + i] + t * path->slopes[n_rows * n + i]);
    }
    CHECK(fabs(cost - interval[2]) < 1e-9 && fabs(slope - interval[3]) < 1e-9);
    CHECK(fabs(value - (cost + t * slope)) < 1e-8 * (1.0 + fabs(t)));
    for (size_t j = 0; j < n_columns; j++) {
        double reduced = costs[j] + t * slopes[j];
        for (size_t i = 0; i < n_rows; i++) {
            reduced -= columns[j * n_rows + i] * (path->constants[n_rows * n + i] + t * path->slopes[n_rows * n + i]);
        }
        CHECK(reduced > -1e-8 * (1.0 + fabs(t)));
    }
}

static void check_path(double t_start, double t_end) {
    superion_hull_path path;
    CHECK(superion_follow_hull(columns, n_columns, n_rows, costs, slopes, side, units, t_start, t_end, INFINITY, &path) ==
          SUPERION_OK);
    CHECK(path.count >= 1 && path.n_rows == n_rows);
    CHECK(path.intervals[0] == t_start && path.intervals[4 * path.count - 3] == t_end);
    for (size_t n = 0; n < path.count; n++) {
        double upper = path.intervals[4 * n], lower = path.intervals[4 * n + 1];
        CHECK(t_start == t_end || lower < upper);
        CHECK(n == 0 || (upper == path.intervals[4 * n - 3] && path.intervals[4 * n + 3] >= path.intervals[4 * n - 1] - 1e-12));
        check_piece(&path, n, upper);
        check_piece(&path, n, isinf(lower) ? upper - 10.0 : lower);
        check_piece(&path, n, isinf(lower) ? upper - 1.0 : (lower + upper) / 2.0);
    }
    superion_hull_path_free(&path);
    CHECK(path.count == 0 && path.intervals == NULL);
}

/* Yb3Ni7B2 with its amounts rounded to four decimals, beside the elements, YbB6 and Yb3Ni7B2 itself: in a basis that holds
 * both, whose columns differ by 3e-5, rounding once made a column enter the basis that it was in, for ever. */
static void check_rounded_phase(void) {
    const double boron_nickel_ytterbium[] = {0.0,         0.0,        1.0,        6.0 / 7.0, 0.0,    1.0 / 7.0,
                                             0.0,         1.0,        0.0,        1.0,       0.0,    0.0,
                                             2.0 / 12.0,  7.0 / 12.0, 3.0 / 12.0, 0.1667,    0.5833, 0.2500};
    const double energies[] = {0.0, -0.462, 0.0, 0.0, -0.517, -0.517};
    const int64_t elements[] = {3, 2, 0};
    n_rows = 3;
    n_columns = 6;
    memset(slopes, 0, sizeof slopes);
    memcpy(columns, boron_nickel_ytterbium, sizeof boron_nickel_ytterbium);
    memcpy(costs, energies, sizeof energies);
    memcpy(units, elements, sizeof elements);
    memcpy(side, boron_nickel_ytterbium + 15, 3 * sizeof *side);
    check_path(0.0, 0.0);
    check_path(0.0, -INFINITY);
}

/* One element and its hull with a reservoir: a column of negative amounts is a source of what the others take up. */
static void check_reservoir(void) {
    const double mixing[] = {1.0, 0.0, 0.0, 1.0, 0.5, 0.5, 0.0, -1.0}; /* A, B, AB, and the reservoir of B */
    const double cost[] = {0.0, 0.0, -1.0, 0.0}, slope[] = {0.0, 0.0, 0.0, 1.0}, right[] = {1.0, 0.0};
    const int64_t unit[] = {0, 1};
    superion_hull_path path;
    CHECK(superion_follow_hull(mixing, 4, 2, cost, slope, right, unit, 3.0, 0.0, INFINITY, &path) == SUPERION_OK);
    CHECK(path.count == 2 && fabs(path.intervals[1] - 2.0) < 1e-12 && path.phases[0] == 0 && path.phases[2] == 2);
    CHECK(fabs(path.amounts[2] - 2.0) < 1e-12 && fabs(path.amounts[3] - 1.0) < 1e-12);
    superion_hull_path_free(&path);
    /* Below 0 the reservoir pays for what it gives. */
    CHECK(superion_follow_hull(mixing, 4, 2, cost, slope, right, unit, 3.0, -1.0, INFINITY, &path) == SUPERION_UNBOUNDED);
    CHECK(path.count == 0 && path.phases == NULL);
    CHECK(superion_follow_hull(mixing, 4, 2, cost, slope, right, unit, -1.0, -1.0, INFINITY, &path) == SUPERION_UNBOUNDED);
}

static void check_codes(void) {
    double column[] = {1.0}, zero[] = {0.0}, bad[] = {NAN}, negative[] = {-1.0}, two[] = {2.0};
    const int64_t unit[] = {0}, outside[] = {1}, before[] = {-1};
    superion_hull_path path = {.count = 7};
    CHECK(superion_follow_hull(column, 1, 1, zero, zero, zero, unit, 0.0, 0.0, INFINITY, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_follow_hull(NULL, 1, 1, zero, zero, zero, unit, 0.0, 0.0, INFINITY, &path) == SUPERION_NULL_ARGUMENT);
    CHECK(path.count == 0);
    CHECK(superion_follow_hull(column, 1, 0, zero, zero, zero, unit, 0.0, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 0, 1, zero, zero, zero, unit, 0.0, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(bad, 1, 1, zero, zero, zero, unit, 0.0, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(two, 1, 1, zero, zero, zero, unit, 0.0, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 1, 1, bad, zero, zero, unit, 0.0, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 1, 1, zero, bad, zero, unit, 0.0, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 1, 1, zero, zero, negative, unit, 0.0, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 1, 1, zero, zero, zero, outside, 0.0, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 1, 1, zero, zero, zero, before, 0.0, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 1, 1, zero, zero, zero, unit, 0.0, 1.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 1, 1, zero, zero, zero, unit, 0.0, NAN, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 1, 1, zero, zero, zero, unit, INFINITY, 0.0, INFINITY, &path) == SUPERION_BAD_PROGRAMME);
    CHECK(superion_follow_hull(column, 1, 1, zero, zero, zero, unit, 0.0, -INFINITY, INFINITY, &path) == SUPERION_OK);
    CHECK(path.count == 1 && path.phases[0] == -1);
    superion_hull_path_free(&path);
    superion_hull_path_free(NULL);
}

static void check_failing_allocations(void) {
    for (long n = 0;; n++) {
        superion_hull_path path;
        allocations_left = n;
        superion_status status =
            superion_follow_hull(columns, n_columns, n_rows, costs, slopes, side, units, 0.0, -INFINITY, INFINITY, &path);
        int used = allocations_left < 0;
        allocations_left = -1;
        CHECK(status == (used ? SUPERION_OUT_OF_MEMORY : SUPERION_OK));
        CHECK(!used || (path.count == 0 && path.amounts == NULL));
        superion_hull_path_free(&path);
        if (!used) {
            return;
        }
    }
}

int main(int argc, char **argv) {
    u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    check_codes();
    check_reservoir();
    check_rounded_phase();
    for (round_number = 0; round_number < rounds; round_number++) {
        state = round_number;
        make_phases();
        check_path(0.0, -INFINITY);
        check_path(0.0, -uniform(0.0, 3.0));
        double t = one_in(2) ? 0.0 : -uniform(0.0, 3.0);
        check_path(t, t);
        if (round_number % 16 == 0) {
            check_failing_allocations();
        }
    }
    printf("%llu rounds\n", rounds);
    return 0;
}
