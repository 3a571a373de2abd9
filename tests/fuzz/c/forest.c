/* Any forest: an answer that is the value of a node for every tree and row, or a refusal, and always an end. */
#include "forest.h"

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    size_t n_nodes = take_byte(&bytes) % 32u, n_trees = take_byte(&bytes) % 4u;
    size_t n_rows = take_byte(&bytes) % 4u, n_features = take_byte(&bytes) % 4u;
    int16_t *feature = exact(n_nodes, sizeof *feature);
    float *threshold = exact(n_nodes, sizeof *threshold), *value = exact(n_nodes, sizeof *value);
    float *rows = exact(n_rows * n_features, sizeof *rows);
    int32_t *right = exact(n_nodes, sizeof *right), *roots = exact(n_trees, sizeof *roots);
    double *answers = exact(n_trees * n_rows, sizeof *answers);
    for (size_t n = 0; n < n_nodes; n++) {
        feature[n] = (int16_t)((int)(take_byte(&bytes) % 6u) - 2);
        threshold[n] = (float)take_number(&bytes);
        right[n] = (int8_t)take_byte(&bytes);
        value[n] = (float)n;
    }
    for (size_t n = 0; n < n_trees; n++) {
        roots[n] = (int8_t)take_byte(&bytes);
    }
    for (size_t n = 0; n < n_rows * n_features; n++) {
        rows[n] = (float)take_number(&bytes);
    }
    superion_status status = superion_walk_forest(feature, threshold, right, value, n_nodes, roots, n_trees, rows, n_rows,
                                                  n_features, answers);
    REQUIRE(status == SUPERION_OK || status == SUPERION_BAD_FOREST);
    for (size_t n = 0; n < n_trees * n_rows && status == SUPERION_OK; n++) {
        REQUIRE(answers[n] >= 0.0 && answers[n] < (double)n_nodes && feature[(size_t)answers[n]] == SUPERION_FOREST_LEAF);
    }
    free(feature);
    free(threshold);
    free(value);
    free(rows);
    free(right);
    free(roots);
    free(answers);
    return 0;
}
