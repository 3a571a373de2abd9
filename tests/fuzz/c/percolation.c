/* Any grid and threshold: thresholds in order and among the levels, masks that agree with them, a pathway that is one. */
#include "percolation.h"

#include "harness.h"
#include "pathway.h"

#define MAX_SIDE 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    int32_t shape[3];
    double lattice[9], thresholds[3];
    for (int x = 0; x < 3; x++) {
        shape[x] = take_byte(&bytes) % (MAX_SIDE + 1);
    }
    for (int x = 0; x < 9; x++) {
        lattice[x] = take_number(&bytes);
    }
    size_t n_points = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    double threshold = take_number(&bytes), *levels = exact(n_points, sizeof *levels);
    unsigned char *open = exact(n_points, 1);
    int valid = n_points > 0;
    for (size_t n = 0; n < n_points; n++) {
        levels[n] = take_number(&bytes);
        valid &= levels[n] > -INFINITY;
    }
    superion_status status = superion_percolation_levels(levels, shape, thresholds);
    REQUIRE(status == (valid ? SUPERION_OK : n_points > 0 ? SUPERION_BAD_GRID : SUPERION_NULL_ARGUMENT));
    for (int d = 1; status == SUPERION_OK && d <= 3; d++) {
        size_t marked = 0;
        REQUIRE(d == 1 || thresholds[d - 2] <= thresholds[d - 1]);
        REQUIRE(superion_percolating_points(levels, shape, thresholds[d - 1], d, open) == SUPERION_OK);
        for (size_t n = 0; n < n_points; n++) {
            REQUIRE(!open[n] || levels[n] <= thresholds[d - 1]);
            marked += open[n];
        }
        REQUIRE((marked > 0) == (thresholds[d - 1] < INFINITY));
    }
    superion_pathway path;
    superion_status found = superion_find_pathway(lattice, levels, shape, threshold, &path);
    REQUIRE(found != SUPERION_OUT_OF_MEMORY && (found == SUPERION_OK) == (path.count >= 2));
    for (size_t n = 1; n < path.count; n++) {
        for (size_t x = 0; x < 3; x++) {
            REQUIRE(abs(path.points[3 * n + x] - path.points[3 * n - 3 + x]) <= 1);
        }
    }
    superion_pathway_free(&path);
    free(levels);
    free(open);
    return 0;
}
