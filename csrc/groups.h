/* Groups of positions that lie close to each other, directly or through others.
 *
 * Geometry as in neighbors.h. Re-entrant: no global state and no threads.
 */
#ifndef SUPERION_GROUPS_H
#define SUPERION_GROUPS_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Number the groups that positions no further apart than `distance` form.
 *
 * lattice: shape (3, 3), row-major [angstrom]; finite, not singular.
 * fractional: shape (n_positions, 3), row-major; finite. May be NULL when n_positions is 0.
 * distance: above 0 [angstrom].
 * max_pairs: most directed pairs of close positions, 0 for no limit.
 * groups: shape (n_positions,): the group of each position, from 0 on, in the order of their first members.
 * n_groups: the number of groups; 0 unless SUPERION_OK is returned.
 *
 * Returns what superion_find_neighbors does. */
superion_status superion_group_positions(const double *lattice, const double *fractional, size_t n_positions,
                                         double distance, size_t max_pairs, int64_t *groups, size_t *n_groups);

#ifdef __cplusplus
}
#endif

#endif
