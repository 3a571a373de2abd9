#include "hull.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hull_basis.h"

typedef superion_hull_programme programme;

/* Whether row i of the inverse, over the direction, is lexicographically smaller than row j. */
static int smaller(const programme *p, size_t i, size_t j) {
    for (size_t k = 0; k < p->n_rows; k++) {
        double x = p->inverse[i * p->n_rows + k] / p->direction[i], y = p->inverse[j * p->n_rows + k] / p->direction[j];
        if (fabs(x - y) > SUPERION_HULL_ROW_TOLERANCE * fmax(1.0, fmax(fabs(x), fabs(y)))) {
            return x < y;
        }
    }
    return 0;
}

/* Bring a column into the basis. Rows tie where no amount would be negative by more than the tolerance (P. M. J. Harris,
 * Math. Program. 5, 1 (1973)). */
static superion_status enter(programme *p, size_t column) {
    size_t leaving = p->n_rows;
    double tie = SUPERION_HULL_TIE_TOLERANCE * p->scale, furthest = INFINITY, largest = 1.0;
    superion_hull_solve(p, p->columns + column * p->n_rows, p->direction);
    for (size_t i = 0; i < p->n_rows; i++) {
        largest = fmax(largest, p->direction[i]);
    }
    double least = SUPERION_HULL_PIVOT_TOLERANCE * largest;
    for (size_t i = 0; i < p->n_rows; i++) {
        if (p->direction[i] > least) {
            furthest = fmin(furthest, (p->amounts[i] + tie) / p->direction[i]);
        }
    }
    for (size_t i = 0; i < p->n_rows; i++) {
        if (p->direction[i] > least && p->amounts[i] / p->direction[i] <= furthest &&
            (leaving == p->n_rows || smaller(p, i, leaving))) {
            leaving = i;
        }
    }
    if (leaving == p->n_rows) {
        return SUPERION_UNBOUNDED;
    }
    p->basis[leaving] = (int64_t)column;
    return superion_hull_factorise(p);
}

/* Whether a column is in the basis, where its reduced cost is zero whatever rounding makes of it. */
static int is_basic(const programme *p, size_t column) {
    for (size_t i = 0; i < p->n_rows; i++) {
        if (p->basis[i] == (int64_t)column) {
            return 1;
        }
    }
    return 0;
}

/* Find the minimum at one t. */
static superion_status minimise(programme *p, double t, size_t *left) {
    for (;;) {
        size_t best = p->n_columns;
        double lowest = -(p->cost + p->cost_noise + fabs(t) * (p->slope + p->slope_noise));
        for (size_t j = 0; j < p->n_columns; j++) {
            const double *column = p->columns + j * p->n_rows;
            double reduced = p->costs[j] + t * p->slopes[j];
            for (size_t i = 0; i < p->n_rows; i++) {
                reduced -= (p->y0[i] + t * p->y1[i]) * column[i];
            }
            if (reduced < lowest && !is_basic(p, j)) {
                lowest = reduced;
                best = j;
            }
        }
        if (best == p->n_columns) {
            return SUPERION_OK;
        }
        if ((*left)-- == 0) {
            return SUPERION_NO_CONVERGENCE;
        }
        superion_status status = enter(p, best);
        if (status != SUPERION_OK) {
            return status;
        }
    }
}

/* Find the column whose reduced cost is the first to become negative below t, and where; n_columns for none. */
static size_t next_column(const programme *p, double t, double *breakpoint) {
    size_t best = p->n_columns;
    double highest = -INFINITY, steepest = 0.0, flat = p->slope + p->slope_noise;
    for (size_t j = 0; j < p->n_columns; j++) {
        const double *column = p->columns + j * p->n_rows;
        double constant = p->costs[j], slope = p->slopes[j];
        for (size_t i = 0; i < p->n_rows; i++) {
            constant -= p->y0[i] * column[i];
            slope -= p->y1[i] * column[i];
        }
        if (!(slope > flat) || is_basic(p, j)) {
            continue;
        }
        double at = fmin(-constant / slope, t), tie = SUPERION_HULL_INTERVAL_TOLERANCE * fmax(1.0, fabs(at));
        if (at > highest + tie || (at > highest - tie && slope > steepest)) {
            highest = at;
            steepest = slope;
            best = j;
        }
    }
    *breakpoint = highest;
    return best;
}

static superion_status grow(programme *p, superion_hull_path *path) {
    size_t capacity = p->capacity == 0 ? 16 : 2 * p->capacity, m = p->n_rows;
    double *intervals = realloc(path->intervals, capacity * 4 * sizeof *intervals);
    path->intervals = intervals == NULL ? path->intervals : intervals;
    int64_t *phases = realloc(path->phases, capacity * m * sizeof *phases);
    path->phases = phases == NULL ? path->phases : phases;
    double *amounts = realloc(path->amounts, capacity * m * sizeof *amounts);
    path->amounts = amounts == NULL ? path->amounts : amounts;
    double *constants = realloc(path->constants, capacity * m * sizeof *constants);
    path->constants = constants == NULL ? path->constants : constants;
    double *slopes = realloc(path->slopes, capacity * m * sizeof *slopes);
    path->slopes = slopes == NULL ? path->slopes : slopes;
    if (intervals == NULL || phases == NULL || amounts == NULL || constants == NULL || slopes == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    p->capacity = capacity;
    return SUPERION_OK;
}

/* Write phases and amounts of the basis, by ascending column. */
static void list_phases(const programme *p, int64_t *phases, double *amounts) {
    size_t count = 0;
    for (size_t i = 0; i < p->n_rows; i++) {
        if (p->amounts[i] > SUPERION_HULL_AMOUNT_TOLERANCE * p->scale) {
            size_t at = count++;
            for (; at > 0 && phases[at - 1] > p->basis[i]; at--) {
                phases[at] = phases[at - 1];
                amounts[at] = amounts[at - 1];
            }
            phases[at] = p->basis[i];
            amounts[at] = p->amounts[i];
        }
    }
    for (; count < p->n_rows; count++) {
        phases[count] = -1;
        amounts[count] = 0.0;
    }
}

/* Whether two lists hold the same amounts, phases of next to nothing left aside. */
static int same(const int64_t *phases, const double *amounts, const int64_t *others, const double *theirs, size_t m,
                double tolerance) {
    size_t i = 0, j = 0;
    while (i < m || j < m) {
        int64_t left = i < m && phases[i] >= 0 ? phases[i] : INT64_MAX, right = j < m && others[j] >= 0 ? others[j] : INT64_MAX;
        if (left == INT64_MAX && right == INT64_MAX) {
            return 1;
        }
        double difference = (left <= right ? amounts[i] : 0.0) - (right <= left ? theirs[j] : 0.0);
        if (fabs(difference) > tolerance) {
            return 0;
        }
        i += left <= right;
        j += right <= left;
    }
    return 1;
}

/* Add the piece from `upper` down to `lower`, or lengthen the last one where the solution is the same. */
static superion_status add(programme *p, superion_hull_path *path, double upper, double lower) {
    size_t m = p->n_rows;
    if (path->count == p->capacity) {
        superion_status status = grow(p, path);
        if (status != SUPERION_OK) {
            return status;
        }
    }
    size_t at = path->count;
    double *interval = path->intervals + 4 * at, *constants = path->constants + m * at, *slopes = path->slopes + m * at;
    list_phases(p, path->phases + m * at, path->amounts + m * at);
    if (at > 0 && same(path->phases + m * (at - 1), path->amounts + m * (at - 1), path->phases + m * at,
                       path->amounts + m * at, m, SUPERION_HULL_MERGE_TOLERANCE * p->scale)) {
        /* The dual values that are right at both ends are right along the line between them, as the feasible ones are a
         * convex set; without a lower end those of the last basis give the direction. */
        interval -= 4, constants -= m, slopes -= m;
        double top = interval[0];
        for (size_t i = 0; i < m; i++) {
            double first = constants[i] + top * slopes[i];
            slopes[i] = isinf(lower) ? p->y1[i] : (first - (p->y0[i] + lower * p->y1[i])) / (top - lower);
            constants[i] = first - top * slopes[i];
        }
        interval[1] = lower;
        return SUPERION_OK;
    }
    interval[0] = upper;
    interval[1] = lower;
    interval[2] = interval[3] = 0.0;
    for (size_t i = 0; i < m; i++) {
        interval[2] += p->costs[p->basis[i]] * p->amounts[i];
        interval[3] += p->slopes[p->basis[i]] * p->amounts[i];
        constants[i] = p->y0[i];
        slopes[i] = p->y1[i];
    }
    path->count++;
    return SUPERION_OK;
}

static superion_status follow(programme *p, double t_start, double t_end, double slope_end, superion_hull_path *path) {
    size_t left = 1000 + 100 * p->n_rows + p->n_columns;
    superion_status status = superion_hull_factorise(p);
    status = status == SUPERION_OK ? minimise(p, t_start, &left) : status;
    if (status != SUPERION_OK || t_start == t_end) {
        return status == SUPERION_OK ? add(p, path, t_start, t_end) : status;
    }
    double t = t_start, open = t_start; /* pieces are written down to `open` */
    for (;;) {
        double breakpoint;
        size_t column = next_column(p, t, &breakpoint);
        int last = column == p->n_columns || breakpoint <= t_end;
        t = last ? t_end : breakpoint;
        if (open - t > SUPERION_HULL_INTERVAL_TOLERANCE * fmax(1.0, fabs(open)) || (last && path->count == 0)) {
            status = add(p, path, open, t);
            open = t;
        } else if (last) {
            path->intervals[4 * (path->count - 1) + 1] = t_end;
        }
        /* The last piece may still be lengthened, the one before it may not. */
        int enough = path->count > 1 && path->intervals[4 * (path->count - 2) + 3] > slope_end;
        if (status != SUPERION_OK || last || enough) {
            return status;
        }
        if (left-- == 0) {
            return SUPERION_NO_CONVERGENCE;
        }
        status = enter(p, column);
        if (status != SUPERION_OK) {
            return status;
        }
    }
}

static superion_status check(const programme *p, const int64_t *units, double t_start, double t_end) {
    size_t m = p->n_rows;
    if (m == 0 || m > SUPERION_HULL_MAX_ROWS || p->n_columns < m || !isfinite(t_start) || !(t_end <= t_start)) {
        return SUPERION_BAD_PROGRAMME;
    }
    for (size_t n = 0; n < p->n_columns * m; n++) {
        if (!isfinite(p->columns[n])) {
            return SUPERION_BAD_PROGRAMME;
        }
    }
    for (size_t j = 0; j < p->n_columns; j++) {
        if (!isfinite(p->costs[j]) || !isfinite(p->slopes[j])) {
            return SUPERION_BAD_PROGRAMME;
        }
    }
    for (size_t i = 0; i < m; i++) {
        if (!isfinite(p->right_side[i]) || !(p->right_side[i] >= 0.0) || units[i] < 0 ||
            (uint64_t)units[i] >= p->n_columns) {
            return SUPERION_BAD_PROGRAMME;
        }
        for (size_t k = 0; k < m; k++) {
            if (p->columns[(size_t)units[i] * m + k] != (i == k)) {
                return SUPERION_BAD_PROGRAMME;
            }
        }
    }
    return SUPERION_OK;
}

superion_status superion_follow_hull(const double *columns, size_t n_columns, size_t n_rows, const double *costs,
                                     const double *slopes, const double *right_side, const int64_t *units, double t_start,
                                     double t_end, double slope_end, superion_hull_path *path) {
    if (path == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    *path = (superion_hull_path){0};
    if (columns == NULL || costs == NULL || slopes == NULL || right_side == NULL || units == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    programme p = {.columns = columns, .costs = costs, .slopes = slopes, .right_side = right_side,
                   .n_columns = n_columns, .n_rows = n_rows};
    superion_status status = check(&p, units, t_start, t_end);
    if (status != SUPERION_OK) {
        return status;
    }
    double largest_cost = 0.0, largest_slope = 0.0;
    for (size_t j = 0; j < n_columns; j++) {
        largest_cost = fmax(largest_cost, fabs(costs[j]));
        largest_slope = fmax(largest_slope, fabs(slopes[j]));
    }
    for (size_t n = 0; n < n_columns * n_rows; n++) {
        p.largest = fabs(columns[n]) > p.largest ? fabs(columns[n]) : p.largest;
    }
    p.cost = SUPERION_HULL_COST_TOLERANCE * largest_cost;
    p.slope = SUPERION_HULL_COST_TOLERANCE * largest_slope;
    for (size_t i = 0; i < n_rows; i++) {
        p.scale += right_side[i];
    }
    size_t m = n_rows;
    double *block = malloc((4 * m * m + 5 * m) * sizeof *block);
    p.basis = malloc(m * sizeof *p.basis);
    if (block == NULL || p.basis == NULL) {
        status = SUPERION_OUT_OF_MEMORY;
    } else {
        p.work = block;
        p.inverse = block + 2 * m * m;
        p.matrix = block + 3 * m * m;
        p.amounts = p.matrix + m * m;
        p.y0 = p.amounts + m;
        p.y1 = p.y0 + m;
        p.direction = p.y1 + m;
        p.rest = p.direction + m;
        memcpy(p.basis, units, m * sizeof *units);
        path->n_rows = m;
        status = follow(&p, t_start, t_end, slope_end, path);
    }
    free(block);
    free(p.basis);
    if (status != SUPERION_OK) {
        superion_hull_path_free(path);
    }
    return status;
}

void superion_hull_path_free(superion_hull_path *path) {
    if (path != NULL) {
        free(path->intervals);
        free(path->phases);
        free(path->amounts);
        free(path->constants);
        free(path->slopes);
        *path = (superion_hull_path){0};
    }
}
