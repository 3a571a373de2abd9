/* The basis of the programme that `hull.h` follows: its inverse, and the amounts and dual values that go with it. Internal
 * to the core.
 *
 * Everything that is computed from the inverse is refined with residuals in twice the precision, because bases may hold
 * columns that hardly differ; `hull.h` says where from.
 */
#ifndef SUPERION_HULL_BASIS_H
#define SUPERION_HULL_BASIS_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one call works on; the arrays lie in one block of memory. */
typedef struct superion_hull_programme {
    const double *columns, *costs, *slopes, *right_side;
    size_t n_columns, n_rows, capacity;
    double scale;          /* sum of b: amounts are compared with it */
    double largest;        /* component of A */
    double cost, slope;    /* tolerances of reduced costs, per unit of c and of d */
    double cost_noise, slope_noise; /* what rounding may add to them with the dual values at hand */
    int64_t *basis;        /* (n_rows,): column of each basic amount */
    double *matrix;        /* (n_rows, n_rows): the basis */
    double *inverse;       /* (n_rows, n_rows): of the basis */
    double *work;          /* (n_rows, 2 n_rows) */
    double *amounts;       /* (n_rows,) */
    double *y0, *y1;       /* (n_rows,) */
    double *direction;     /* (n_rows,): the entering column in terms of the basis */
    double *rest;          /* (n_rows,): residuals */
} superion_hull_programme;

/* Invert the basis, and compute amounts, dual values and their noise from it.
 *
 * Returns SUPERION_OK, or NO_CONVERGENCE where it is singular or something is not finite. */
superion_status superion_hull_factorise(superion_hull_programme *p);

/* Express a column (n_rows,) in terms of the basis: `solution` (n_rows,) is the inverse times it, refined once. */
void superion_hull_solve(const superion_hull_programme *p, const double *column, double *solution);

#ifdef __cplusplus
}
#endif

#endif
