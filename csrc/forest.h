/* Forests of binary regression trees, once they are grown: which leaf of each tree a row of features ends in.
 *
 * The nodes of all trees lie one after the other; the left child of a node is the node after it. A row goes left where its
 * feature is at or below the threshold, right else, and so does one whose feature is NaN.
 *
 * Method: a walk from the root, tree by tree, so that the nodes of a tree are at hand for all rows. The function is
 * re-entrant: no global state, no allocations and no threads.
 */
#ifndef SUPERION_FOREST_H
#define SUPERION_FOREST_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The feature of a leaf. */
#define SUPERION_FOREST_LEAF (-1)

/* Walk every tree with every row.
 *
 * feature: shape (n_nodes,): which feature a node asks for, SUPERION_FOREST_LEAF for none.
 * threshold: shape (n_nodes,): the largest value that goes left.
 * right: shape (n_nodes,): the right child, which lies after its parent; not looked at in a leaf.
 * value: shape (n_nodes,): what a leaf answers.
 * roots: shape (n_trees,): the first node of each tree.
 * rows: shape (n_rows, n_features), row-major.
 * answers: shape (n_trees, n_rows), row-major; written in full on success. On failure what it holds is not meant.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT or BAD_FOREST (a root, a child or a feature that is met on the way does not exist, or
 * a child lies before its parent). Arrays of no elements may be NULL. */
superion_status superion_walk_forest(const int16_t *feature, const float *threshold, const int32_t *right,
                                     const float *value, size_t n_nodes, const int32_t *roots, size_t n_trees,
                                     const float *rows, size_t n_rows, size_t n_features, double *answers);

#ifdef __cplusplus
}
#endif

#endif
