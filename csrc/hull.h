/* The lower convex hull of energies over compositions, and the way it changes with a potential: a linear programme whose
 * costs depend on one parameter t,
 *
 *     minimise (c + t d) . x   subject to   A x = b,  x >= 0,   for every t from t_start down to t_end.
 *
 * Column j of A holds the amounts of the conserved elements in phase j, c its energy, b the composition in question. With
 * d = 0 this is the hull; with d = -(amount of an open element in the phase) and t = its chemical potential it is the
 * grand-potential hull, and the solutions from t_start down are the steps of a titration.
 *
 * Method: the revised simplex method; entering column by the most negative reduced cost (G. B. Dantzig), leaving row by the
 * lexicographic ratio test (G. B. Dantzig, A. Orden, P. Wolfe, Pac. J. Math. 5, 183 (1955)), which cannot cycle where a
 * composition is itself a phase and all basic amounts but one are zero; then from breakpoint to breakpoint of t (S. Gass,
 * T. Saaty, Nav. Res. Logist. Q. 2, 39 (1955)). No first phase is needed: one column per row must be its unit vector.
 *
 * Where b is a phase but for rounded amounts, or a column is b itself, bases hold columns that differ by 1e-4, or by 1e-9,
 * and rounding is magnified as much. So the inverse is made anew after every pivot, everything that is computed from it is
 * refined with residuals in twice the precision, a reduced cost is negative only beyond what rounding can do with the dual
 * values at hand, and no column of the basis enters it. Otherwise pivots with the wrong sign would go in circles.
 *
 * Between two neighbouring breakpoints the solution x is one, the optimal costs are linear in t and so are the dual values
 * y = y0 + t y1, the chemical potentials of the conserved elements; each piece of `superion_hull_path` holds one such
 * interval. The function is re-entrant: no global state and no threads.
 */
#ifndef SUPERION_HULL_H
#define SUPERION_HULL_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Largest number of rows: more than there are elements. */
#define SUPERION_HULL_MAX_ROWS 128
/* A reduced cost, or its slope, below this times the largest |c| and |d| of the programme is taken for zero, and so is one
 * that may be rounding. */
#define SUPERION_HULL_COST_TOLERANCE 1e-12
/* A component of a direction is no pivot when it is below this, or below this times the largest. */
#define SUPERION_HULL_PIVOT_TOLERANCE 1e-10
/* An amount below this times the sum of b is taken for zero: it is not listed. */
#define SUPERION_HULL_AMOUNT_TOLERANCE 1e-12
/* Rows of the ratio test tie where amounts would fall below zero by no more than this times the sum of b. It is the
 * rounding of amounts and no more: a small pivot would magnify it. */
#define SUPERION_HULL_TIE_TOLERANCE 1e-15
/* In a tie, components of rows that differ by less than this, relative to their size where it is above 1, are equal. */
#define SUPERION_HULL_ROW_TOLERANCE 1e-12
/* An interval of t shorter than this, relative to |t| where that is above 1, is no piece. */
#define SUPERION_HULL_INTERVAL_TOLERANCE 1e-12
/* Neighbouring pieces are one when no amount differs by more than this times the sum of b. */
#define SUPERION_HULL_MERGE_TOLERANCE 1e-10

typedef struct superion_hull_path {
    /* Number of pieces, 1 or more, by falling t: the first begins at t_start, each where the one before it ends, the last
     * ends at t_end, or before it where `slope_end` says so. */
    size_t count;
    size_t n_rows;
    /* Shape (count, 4): upper t, lower t (-infinity allowed), c . x, d . x. */
    double *intervals;
    /* Shape (count, n_rows): columns with an amount above the tolerance, ascending, then -1. */
    int64_t *phases;
    /* Shape (count, n_rows): their amounts, then 0. */
    double *amounts;
    /* Shape (count, n_rows) each: the dual values are constants + t slopes; no reduced cost is negative with them, beyond
     * the tolerance, anywhere between lower and upper t. Where a column differs from b by less than 1e-6 they are good only
     * for b: a column of which the solution holds next to nothing may have a negative reduced cost. */
    double *constants, *slopes;
} superion_hull_path;

/* Follow the optimal solution.
 *
 * columns: shape (n_columns, n_rows), row-major: row j is column j of A. Any sign, finite.
 * costs, slopes: shape (n_columns,): c and d; finite.
 * right_side: shape (n_rows,): b; finite, 0 or more.
 * units: shape (n_rows,): the column that is 1 in row i and 0 in the others.
 * t_start, t_end: t_start finite, t_end at most t_start, -infinity allowed; equal for one minimisation, which is one piece.
 * slope_end: the path may end, before t_end, with the piece after the first of which d . x is above this, and that last
 *     piece may be cut short; INFINITY for all of it.
 * path: written in full on success, and emptied on failure; superion_hull_path_free frees it.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT, BAD_PROGRAMME (what is said above does not hold), UNBOUNDED (the costs have no
 * minimum at some t of the range), NO_CONVERGENCE or OUT_OF_MEMORY. */
superion_status superion_follow_hull(const double *columns, size_t n_columns, size_t n_rows, const double *costs,
                                     const double *slopes, const double *right_side, const int64_t *units, double t_start,
                                     double t_end, double slope_end, superion_hull_path *path);

/* Free the pieces of a path and empty it; NULL is left as it is. */
void superion_hull_path_free(superion_hull_path *path);

#ifdef __cplusplus
}
#endif

#endif
