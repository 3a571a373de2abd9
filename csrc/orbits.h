/* The symmetry copies of the atoms that a file lists.
 *
 * Fractional coordinates x are columns; an operation carries x to R x + t. The rows of `lattice` are the lattice vectors
 * [angstrom]. An atom on a special position is carried onto itself by some operations, which are said to fix it, and has
 * so many fewer copies. Files round coordinates, so an atom counts as fixed within a distance that its file and its
 * occupancy suggest; it is then moved to where those operations leave it, and its copies follow.
 *
 * All functions are re-entrant: no global state and no threads.
 */
#ifndef SUPERION_ORBITS_H
#define SUPERION_ORBITS_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Distance within which an atom is on a special position but for rounding [angstrom]. */
#define SUPERION_EXACT_POSITION 1e-4

/* A group of operations; the identity comes first. */
typedef struct superion_operations {
    const double *rotations; /* (count, 3, 3) */
    const double *translations; /* (count, 3), in lattice vectors */
    size_t count;
} superion_operations;

/* The atoms listed. All arrays may be NULL when count is 0. */
typedef struct superion_listed_atoms {
    const double *fractional; /* (count, 3) */
    const double *occupancies; /* (count,) */
    const int64_t *declared; /* (count,): declared number of copies in the cell, below 0 where nothing is declared */
    size_t count;
} superion_listed_atoms;

/* When copies count as one atom. There are no defaults. */
typedef struct superion_orbit_options {
    double same_atom; /* within this distance, whatever else is known [angstrom] */
    double crowded_atom; /* within this one, where the copies counted apart would sum to more than `most` [angstrom] */
    double declared_atom; /* within this one, where exactly the declared number of copies results [angstrom] */
    double most; /* largest occupancy of one position */
} superion_orbit_options;

/* What became of one listed atom. */
typedef struct superion_orbit {
    int64_t n_copies; /* positions written for it */
    int64_t n_fixing; /* operations that fix it */
    int64_t n_near; /* operations that carry it to within declared_atom of itself */
    double moved; /* distance by which it was moved onto its special position [angstrom] */
    double farthest; /* largest distance among those n_near [angstrom] */
    int32_t declared_unused; /* 1: the declared number of copies does not fit its position */
    int32_t unmoved; /* 1: operations bring it close to itself that fix no one position; it was left where it is */
} superion_orbit;

/* Write the positions of all copies of all atoms, atom by atom and operation by operation, wrapped into [0, 1).
 *
 * lattice: shape (3, 3), row-major; finite.
 * positions: room for (atoms->count * operations->count, 3).
 * sources: room for (atoms->count * operations->count,): the atom that each position is a copy of.
 * orbits: room for (atoms->count,).
 * n_positions: the number of positions written; 0 unless SUPERION_OK is returned.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT, NONFINITE_LATTICE, NONFINITE_COORDINATE, OVERFLOW (a copy 1e15 cells away, or not
 * finite) or OUT_OF_MEMORY. Time grows with the number of atoms and with the square of the number of operations. */
superion_status superion_expand_orbits(const double *lattice, const superion_operations *operations,
                                       const superion_listed_atoms *atoms, const superion_orbit_options *options,
                                       double *positions, int64_t *sources, superion_orbit *orbits, size_t *n_positions);

#ifdef __cplusplus
}
#endif

#endif
