#include "groups.h"

#include "neighbors.h"

/* The first member of the group of a position; the way there is halved, so that long chains stay cheap. */
static int64_t first_of(int64_t *parent, int64_t position) {
    while (parent[position] != position) {
        parent[position] = parent[parent[position]];
        position = parent[position];
    }
    return position;
}

superion_status superion_group_positions(const double *lattice, const double *fractional, size_t n_positions,
                                         double distance, size_t max_pairs, int64_t *groups, size_t *n_groups) {
    if (n_groups == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    *n_groups = 0;
    if (groups == NULL && n_positions > 0) {
        return SUPERION_NULL_ARGUMENT;
    }
    superion_neighbor_list pairs;
    superion_neighbor_options options = {distance, 0, max_pairs};
    superion_status status = superion_find_neighbors(lattice, fractional, n_positions, &options, &pairs);
    if (status != SUPERION_OK) {
        return status;
    }
    for (size_t n = 0; n < n_positions; n++) {
        groups[n] = (int64_t)n;
    }
    for (size_t n = 0; n < pairs.count; n++) {
        int64_t one = first_of(groups, pairs.centers[n]), other = first_of(groups, pairs.neighbors[n]);
        groups[one > other ? one : other] = one < other ? one : other;
    }
    superion_neighbor_list_free(&pairs);
    size_t count = 0;
    /* A parent comes before its children, so its number is known when they are reached. */
    for (size_t n = 0; n < n_positions; n++) {
        groups[n] = groups[n] == (int64_t)n ? (int64_t)count++ : groups[groups[n]];
    }
    *n_groups = count;
    return SUPERION_OK;
}
