/* A compact description of a lattice, for the algorithms of this folder (not a public interface). */
#ifndef SUPERION_LATTICE_H
#define SUPERION_LATTICE_H

#include <stdint.h>

#include "status.h"

/* The reduced lattice in a Cartesian frame of its own, in which its vectors are
 *
 *     a' = (edge[0], a_y, a_z)    b' = (0, edge[1], b_z)    c' = (0, 0, edge[2])
 *
 * so the brick edge[0] x edge[1] x edge[2] tiles space under its translations, however skewed the lattice was. */
typedef struct superion_lattice {
    double edge[3]; /* [angstrom], all above 0 */
    double a_y, a_z, b_z; /* [angstrom] */
    /* Unimodular: reduced lattice = transform @ lattice as given, so shift = reduced shift @ transform. */
    int64_t transform[3][3];
    /* The inverse of `transform`, an integer matrix too: reduced coordinates = coordinates as given @ inverse. */
    int64_t inverse[3][3];
    double volume; /* [cubic angstrom], above 0 */
    double diameter; /* longest distance between two points of the reduced cell [angstrom], bounded from above */
} superion_lattice;

/* Reduce `vectors` (shape (3, 3), row-major [angstrom]).
 * Returns SUPERION_OK, NONFINITE_LATTICE, or SINGULAR_LATTICE, also when the transform has an entry above 2^20. */
superion_status superion_lattice_reduce(const double *vectors, double singular_volume, superion_lattice *lattice);

#endif
