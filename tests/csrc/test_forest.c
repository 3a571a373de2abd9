/* Forests under the sanitizers: answers against a walk of their own; trees that are none; every code.
 * Usage: test_forest ROUNDS. */
#include "forest.h"

#include <math.h>

#include "driver.h"

#define MAX_NODES 200
#define MAX_TREES 5
#define MAX_ROWS 6
#define N_FEATURES 4

static int16_t feature[MAX_NODES];
static float threshold[MAX_NODES], value[MAX_NODES], rows[MAX_ROWS * N_FEATURES];
static int32_t right[MAX_NODES], roots[MAX_TREES];
static double answers[MAX_TREES * MAX_ROWS];
static size_t n_nodes, n_trees, n_rows;

/* Append a subtree. */
static void grow(int depth) {
    size_t node = n_nodes++;
    value[node] = (float)uniform(-9.0, 1.0);
    right[node] = 0;
    if (depth == 0 || one_in(4)) {
        feature[node] = SUPERION_FOREST_LEAF;
        return;
    }
    feature[node] = (int16_t)below(N_FEATURES);
    threshold[node] = (float)below(5) / 4.0f;
    grow(depth - 1);
    right[node] = (int32_t)n_nodes;
    grow(depth - 1);
}

static superion_status walk(void) {
    return superion_walk_forest(feature, threshold, right, value, n_nodes, roots, n_trees, rows, n_rows, N_FEATURES, answers);
}

static double expected(size_t node, const float *row) {
    if (feature[node] == SUPERION_FOREST_LEAF) {
        return (double)value[node];
    }
    return expected(row[feature[node]] <= threshold[node] ? node + 1 : (size_t)right[node], row);
}

static void make(void) {
    n_nodes = 0;
    n_trees = 1 + (size_t)below(MAX_TREES);
    n_rows = 1 + (size_t)below(MAX_ROWS);
    for (size_t tree = 0; tree < n_trees; tree++) {
        roots[tree] = (int32_t)n_nodes;
        grow(4);
    }
    for (size_t n = 0; n < n_rows * N_FEATURES; n++) {
        rows[n] = one_in(10) ? NAN : (float)below(9) / 8.0f; /* often on a threshold */
    }
}

static void check_answers(void) {
    CHECK(walk() == SUPERION_OK);
    for (size_t tree = 0; tree < n_trees; tree++) {
        for (size_t row = 0; row < n_rows; row++) {
            CHECK(answers[tree * n_rows + row] == expected((size_t)roots[tree], rows + row * N_FEATURES));
        }
    }
}

/* Any numbers in the arrays: an answer or a refusal, and an end. */
static void check_damaged(void) {
    for (int n = 1 + below(4); n > 0; n--) {
        size_t node = (size_t)below((int)n_nodes);
        if (one_in(3)) {
            right[node] = (int32_t)next_random();
        } else if (one_in(2)) {
            feature[node] = (int16_t)next_random();
        } else {
            roots[below((int)n_trees)] = one_in(2) ? (int32_t)next_random() : (int32_t)below((int)n_nodes);
        }
    }
    superion_status status = walk();
    CHECK(status == SUPERION_OK || status == SUPERION_BAD_FOREST);
}

static void check_codes(void) {
    const int16_t ask[] = {0, SUPERION_FOREST_LEAF, SUPERION_FOREST_LEAF}, far[] = {1}, last[] = {0};
    const float at[] = {0.5f, 0.0f, 0.0f}, says[] = {0.0f, 1.0f, 2.0f}, low[] = {0.5f}, high[] = {1.0f};
    const int32_t to[] = {2, 0, 0}, back[] = {0, 0, 0}, out[] = {3, 0, 0}, root[] = {0}, none[] = {3}, minus[] = {-1};
    double found[1];
    CHECK(superion_walk_forest(ask, at, to, says, 3, root, 1, low, 1, 1, found) == SUPERION_OK && found[0] == 1.0);
    CHECK(superion_walk_forest(ask, at, to, says, 3, root, 1, high, 1, 1, found) == SUPERION_OK && found[0] == 2.0);
    CHECK(superion_walk_forest(ask, at, back, says, 3, root, 1, high, 1, 1, found) == SUPERION_BAD_FOREST);
    CHECK(superion_walk_forest(ask, at, out, says, 3, root, 1, high, 1, 1, found) == SUPERION_BAD_FOREST);
    CHECK(superion_walk_forest(ask, at, to, says, 3, none, 1, low, 1, 1, found) == SUPERION_BAD_FOREST);
    CHECK(superion_walk_forest(ask, at, to, says, 3, minus, 1, low, 1, 1, found) == SUPERION_BAD_FOREST);
    CHECK(superion_walk_forest(far, at, to, says, 1, root, 1, low, 1, 1, found) == SUPERION_BAD_FOREST);
    CHECK(superion_walk_forest(last, at, to, says, 1, root, 1, low, 1, 1, found) == SUPERION_BAD_FOREST);
    CHECK(superion_walk_forest(ask, at, to, says, 3, root, 1, NULL, 1, 0, found) == SUPERION_BAD_FOREST);
    CHECK(superion_walk_forest(ask + 1, at, to, says, 2, root, 1, NULL, 1, 0, found) == SUPERION_OK);
    CHECK(superion_walk_forest(NULL, NULL, NULL, NULL, 0, root, 1, low, 1, 1, found) == SUPERION_BAD_FOREST);
    CHECK(superion_walk_forest(NULL, at, to, says, 3, root, 1, low, 1, 1, found) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_walk_forest(ask, at, to, says, 3, root, 1, NULL, 1, 1, found) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_walk_forest(ask, at, to, says, 3, root, 1, low, 1, 1, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_walk_forest(NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, 0, NULL) == SUPERION_OK);
}

int main(int argc, char **argv) {
    u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
    check_codes();
    for (round_number = 1; round_number <= rounds; round_number++) {
        state = round_number;
        make();
        check_answers();
        check_damaged();
    }
    return 0;
}
