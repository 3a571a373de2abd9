#include "forest.h"

superion_status superion_walk_forest(const int16_t *feature, const float *threshold, const int32_t *right,
                                     const float *value, size_t n_nodes, const int32_t *roots, size_t n_trees,
                                     const float *rows, size_t n_rows, size_t n_features, double *answers) {
    if (n_trees == 0 || n_rows == 0) {
        return SUPERION_OK;
    }
    if (n_nodes == 0) {
        return SUPERION_BAD_FOREST; /* no root exists */
    }
    if (!feature || !threshold || !right || !value || !roots || (!rows && n_features > 0) || !answers) {
        return SUPERION_NULL_ARGUMENT;
    }
    for (size_t tree = 0; tree < n_trees; tree++) {
        if (roots[tree] < 0 || (size_t)roots[tree] >= n_nodes) {
            return SUPERION_BAD_FOREST;
        }
        for (size_t row = 0; row < n_rows; row++) {
            const float *features = n_features > 0 ? rows + row * n_features : rows;
            size_t node = (size_t)roots[tree];
            while (feature[node] != SUPERION_FOREST_LEAF) {
                if (feature[node] < 0 || (size_t)feature[node] >= n_features) {
                    return SUPERION_BAD_FOREST;
                }
                size_t next = node + 1;
                if (!(features[feature[node]] <= threshold[node])) {
                    /* Children lie after their parents, so that every walk ends. */
                    if (right[node] < 0 || (size_t)right[node] <= node) {
                        return SUPERION_BAD_FOREST;
                    }
                    next = (size_t)right[node];
                }
                if (next >= n_nodes) {
                    return SUPERION_BAD_FOREST;
                }
                node = next;
            }
            answers[tree * n_rows + row] = (double)value[node];
        }
    }
    return SUPERION_OK;
}
