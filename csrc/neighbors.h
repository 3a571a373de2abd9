/* Periodic neighbour lists.
 *
 * Geometry, stated once. The rows of `lattice` are the lattice vectors a, b, c [angstrom], of either handedness. Site i
 * lies at r_i = f_i @ lattice, f_i being its fractional coordinates exactly as given, which need not lie in [0, 1). The
 * crystal is periodic in all three directions. The pair (i, j, shift) leads from site i, the centre, to the image of
 * site j displaced by `shift` whole lattice vectors:
 *
 *     r_ij = r_j - r_i + shift @ lattice,    distance = |r_ij|
 *
 * The list is directed: (i, j, shift) and (j, i, -shift) are both in it. Images of the centre itself are in it
 * (i == j, shift != 0); the centre itself is not (i == j, shift == 0). Two sites on one position, as the parts of a
 * split disordered site can be, are a pair of distance zero and are in it.
 *
 * Order: by i, then by j, then by shift (lexicographically). It is a function of the input alone.
 *
 * All functions are re-entrant: no global state and no threads; several threads may call them at once.
 */
#ifndef SUPERION_NEIGHBORS_H
#define SUPERION_NEIGHBORS_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A pair is within the cutoff when its distance is at most cutoff * (1 + SUPERION_CUTOFF_TOLERANCE): so a shell of
 * symmetry-equivalent neighbours that lies exactly on the cutoff is in the list whole, and not split by rounding. */
#define SUPERION_CUTOFF_TOLERANCE 1e-9

/* Neighbours this little further than the k-th one [angstrom] count as tied with it (see `max_neighbors`). */
#define SUPERION_TIE_TOLERANCE 1e-3

/* A lattice is singular when its volume is at most this part of the product of the lengths of its vectors, and also when
 * it is skewed by more than 2^20 lattice vectors, where coordinates have no digits left to tell sites apart. */
#define SUPERION_SINGULAR_VOLUME 1e-12

typedef struct superion_neighbor_options {
    /* Largest distance of a pair [angstrom]. Finite and above 0; no default. It may exceed the cell by any factor. */
    double cutoff;

    /* Number k of nearest neighbours kept per centre. 0 (the default) keeps all. Otherwise the neighbours kept are those
     * no further than the k-th one plus SUPERION_TIE_TOLERANCE, so more than k where shells tie: keeping an arbitrary
     * part of a shell would make the list depend on the orientation and the numbering of the crystal. Fewer than k
     * where fewer lie within the cutoff. With k > 0 the list need not hold the reverse of each of its pairs, and time and
     * memory follow k, not the cutoff, unless the sites are spread very unevenly. */
    size_t max_neighbors;

    /* Most pairs returned; beyond it the search stops with SUPERION_TOO_MANY_PAIRS. 0 (the default) sets no limit but
     * memory. A search that is limited also stops when it would look at more than
     * 1,000,000 + 8 n_sites + 2 max_pairs periodic images. */
    size_t max_pairs;
} superion_neighbor_options;

typedef struct superion_neighbor_list {
    /* Number of pairs. 0 is a valid answer; the four arrays are then NULL. */
    size_t count;
    /* Shape (count,): the centre i of each pair, in [0, n_sites). */
    int64_t *centers;
    /* Shape (count,): the neighbour j of each pair, in [0, n_sites). */
    int64_t *neighbors;
    /* Shape (count, 3): the shift of each pair in whole lattice vectors, relative to the coordinates as given. */
    int32_t *shifts;
    /* Shape (count,): the length of r_ij [angstrom], 0 or more. */
    double *distances;
} superion_neighbor_list;

/* Find the neighbours of every site.
 *
 * lattice: shape (3, 3), row-major [angstrom]; finite, not singular (SUPERION_SINGULAR_VOLUME).
 * fractional: shape (n_sites, 3), row-major; finite. May be NULL when n_sites is 0.
 * n_sites: number of sites; 0 gives an empty list.
 * options: see above; must not be NULL.
 * list: written in full on success, and emptied (count 0, NULL arrays) on failure; what it held before is not freed.
 *     The caller owns it: superion_neighbor_list_free frees it. Its arrays come from malloc one by one, so a caller may
 *     instead keep an array, set its pointer to NULL and free() it later.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT, BAD_CUTOFF, NONFINITE_LATTICE, SINGULAR_LATTICE, NONFINITE_COORDINATE, OVERFLOW
 * (a shift beyond 32 bits, as coordinates of some 1e8 cells give, or 2^31 sites or images), TOO_MANY_PAIRS or
 * OUT_OF_MEMORY.
 *
 * Time and memory grow with the number of sites and of pairs, whatever the shape of the cell: the lattice is reduced
 * first, so a skewed description of a crystal costs the same as a compact one. */
superion_status superion_find_neighbors(const double *lattice, const double *fractional, size_t n_sites,
                                        const superion_neighbor_options *options, superion_neighbor_list *list);

/* Free the arrays of a list and empty it. A list already empty, or NULL, is left as it is. */
void superion_neighbor_list_free(superion_neighbor_list *list);

#ifdef __cplusplus
}
#endif

#endif
