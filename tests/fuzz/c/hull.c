/* Any programme: an answer that is complete, in order and finite, or a status that empties it. */
#include "hull.h"

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    size_t m = take_byte(&bytes) % 6u, n = take_byte(&bytes) % 24u;
    double *columns = exact(m * n, sizeof *columns), *costs = exact(n, sizeof *costs), *slopes = exact(n, sizeof *slopes);
    double *side = exact(m, sizeof *side);
    int64_t *units = exact(m, sizeof *units);
    int free_units = take_byte(&bytes) == 0;
    for (size_t x = 0; x < m * n; x++) {
        columns[x] = take_number(&bytes);
    }
    for (size_t j = 0; j < n; j++) {
        costs[j] = take_number(&bytes);
        slopes[j] = take_number(&bytes);
    }
    for (size_t i = 0; i < m; i++) {
        side[i] = fabs(take_number(&bytes));
        units[i] = free_units ? (int8_t)take_byte(&bytes) : (int64_t)i;
        for (size_t k = 0; k < m && i < n && !free_units; k++) {
            columns[i * m + k] = i == k;
        }
    }
    double t_start = take_number(&bytes), t_end = take_number(&bytes);
    double slope_end = take_byte(&bytes) % 2u ? take_number(&bytes) : INFINITY;
    superion_hull_path path;
    superion_status status = superion_follow_hull(columns, n, m, costs, slopes, side, units, t_start, t_end,
                                                  slope_end, &path);
    REQUIRE(status != SUPERION_OUT_OF_MEMORY && (status == SUPERION_OK) == (path.count > 0));
    for (size_t p = 0; p < path.count; p++) {
        const double *interval = path.intervals + 4 * p;
        REQUIRE(interval[0] == (p == 0 ? t_start : interval[-3]) && interval[1] <= interval[0]);
        REQUIRE(p + 1 < path.count || slope_end != INFINITY || interval[1] == t_end);
        for (size_t i = 0; i < m; i++) {
            int64_t phase = path.phases[p * m + i];
            REQUIRE(phase >= -1 && phase < (int64_t)n);
            REQUIRE(phase < 0 ? path.amounts[p * m + i] == 0.0 : path.amounts[p * m + i] > 0.0);
            REQUIRE(isfinite(path.amounts[p * m + i]));
        }
    }
    superion_hull_path_free(&path);
    free(columns);
    free(costs);
    free(slopes);
    free(side);
    free(units);
    return 0;
}
