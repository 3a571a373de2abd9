#include "hull_basis.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* What rounding may do to a sum of products, relative to the sum of their sizes. */
#define ROUNDING (16.0 * DBL_EPSILON)

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* Return start - a . b as if computed in twice the precision: T. Ogita, S. M. Rump, S. Oishi, SIAM J. Sci. Comput. 26,
 * 1955 (2005). */
static double residual(double start, const double *a, const double *b, size_t n) {
    double sum = start, error = 0.0;
    for (size_t i = 0; i < n; i++) {
        double product = a[i] * b[i], next = sum - product, moved = next - sum;
        error += (sum - (next - moved)) - (product + moved) - fma(a[i], b[i], -product);
        sum = next;
    }
    return sum + error;
}

void superion_hull_solve(const superion_hull_programme *p, const double *column, double *solution) {
    size_t m = p->n_rows;
    for (size_t i = 0; i < m; i++) {
        solution[i] = dot(p->inverse + i * m, column, m);
    }
    for (size_t i = 0; i < m; i++) {
        p->rest[i] = residual(column[i], p->matrix + i * m, solution, m);
    }
    for (size_t i = 0; i < m; i++) {
        solution[i] += dot(p->inverse + i * m, p->rest, m);
    }
}

/* Find dual values with which the basic columns have no reduced cost, refined once. */
static void price(const superion_hull_programme *p, const double *costs, double *y) {
    size_t m = p->n_rows;
    memset(y, 0, m * sizeof *y);
    for (int refined = 0; refined < 2; refined++) {
        for (size_t k = 0; k < m; k++) {
            size_t column = (size_t)p->basis[k];
            p->rest[k] = refined ? residual(costs[column], p->columns + column * m, y, m) : costs[column];
        }
        for (size_t k = 0; k < m; k++) {
            for (size_t i = 0; i < m; i++) {
                y[i] += p->rest[k] * p->inverse[k * m + i];
            }
        }
    }
}

/* Invert the basis by Gauss and Jordan's elimination with row pivoting and one step of Newton's, and compute amounts and
 * dual values from it. */
superion_status superion_hull_factorise(superion_hull_programme *p) {
    size_t m = p->n_rows, width = 2 * m;
    for (size_t i = 0; i < m; i++) {
        double *row = p->work + i * width;
        for (size_t k = 0; k < m; k++) {
            row[k] = p->matrix[i * m + k] = p->columns[(size_t)p->basis[k] * m + i];
            row[m + k] = i == k;
        }
    }
    for (size_t k = 0; k < m; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < m; i++) {
            best = fabs(p->work[i * width + k]) > fabs(p->work[best * width + k]) ? i : best;
        }
        double pivot = p->work[best * width + k];
        if (!isfinite(pivot) || pivot == 0.0) {
            return SUPERION_NO_CONVERGENCE;
        }
        for (size_t x = 0; x < width; x++) {
            double held = p->work[best * width + x];
            p->work[best * width + x] = p->work[k * width + x];
            p->work[k * width + x] = held / pivot;
        }
        for (size_t i = 0; i < m; i++) {
            double factor = p->work[i * width + k];
            if (i != k && factor != 0.0) {
                for (size_t x = 0; x < width; x++) {
                    p->work[i * width + x] -= factor * p->work[k * width + x];
                }
            }
        }
    }
    for (size_t k = 0; k < m; k++) {
        for (size_t l = 0; l < m; l++) {
            p->work[k * width + l] = residual(k == l, p->work + k * width + m, p->columns + (size_t)p->basis[l] * m, m);
        }
    }
    for (size_t k = 0; k < m; k++) {
        memcpy(p->inverse + k * m, p->work + k * width + m, m * sizeof *p->inverse);
        for (size_t l = 0; l < m; l++) {
            for (size_t i = 0; i < m; i++) {
                p->inverse[k * m + i] += p->work[k * width + l] * p->work[l * width + m + i];
            }
        }
    }
    superion_hull_solve(p, p->right_side, p->amounts);
    price(p, p->costs, p->y0);
    price(p, p->slopes, p->y1);
    p->cost_noise = p->slope_noise = 0.0;
    for (size_t i = 0; i < m; i++) {
        if (!isfinite(p->amounts[i])) {
            return SUPERION_NO_CONVERGENCE;
        }
        p->amounts[i] = fmax(p->amounts[i], 0.0);
        p->cost_noise += ROUNDING * p->largest * fabs(p->y0[i]);
        p->slope_noise += ROUNDING * p->largest * fabs(p->y1[i]);
    }
    if (!isfinite(p->cost_noise) || !isfinite(p->slope_noise)) { /* as they are not where a dual value is not */
        return SUPERION_NO_CONVERGENCE;
    }
    return SUPERION_OK;
}
