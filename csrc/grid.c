#include "grid.h"

#include <math.h>
#include <stdlib.h>

#include "landscape.h"
#include "neighbors.h"

#define N_WEIGHTS 8

superion_status superion_find_steps(const double *lattice, const int32_t shape[3], superion_steps *steps) {
    double v[3][3], lengths = 1.0;
    for (int x = 0; x < 9; x++) {
        if (!isfinite(lattice[x])) {
            return SUPERION_NONFINITE_LATTICE;
        }
        v[x / 3][x % 3] = lattice[x];
    }
    for (int k = 0; k < 3; k++) {
        double length = sqrt(v[k][0] * v[k][0] + v[k][1] * v[k][1] + v[k][2] * v[k][2]);
        if (!(length <= SUPERION_MAX_GRID_LENGTH)) {
            return SUPERION_SINGULAR_LATTICE;
        }
        lengths *= length;
    }
    double volume = fabs(v[0][0] * (v[1][1] * v[2][2] - v[1][2] * v[2][1]) - v[0][1] * (v[1][0] * v[2][2] - v[1][2] * v[2][0]) +
                         v[0][2] * (v[1][0] * v[2][1] - v[1][1] * v[2][0]));
    if (!(volume > SUPERION_SINGULAR_VOLUME * lengths)) {
        return SUPERION_SINGULAR_LATTICE;
    }
    for (int k = 0; k < 3; k++) {
        for (int x = 0; x < 3; x++) {
            v[k][x] /= shape[k];
        }
    }
    volume /= (double)shape[0] * shape[1] * shape[2];
    const double *a = v[0], *b = v[1], *c = v[2];
    double across[3];
    steps->c_z = sqrt(c[0] * c[0] + c[1] * c[1] + c[2] * c[2]);
    steps->b_z = (b[0] * c[0] + b[1] * c[1] + b[2] * c[2]) / steps->c_z;
    steps->a_z = (a[0] * c[0] + a[1] * c[1] + a[2] * c[2]) / steps->c_z;
    for (int x = 0; x < 3; x++) {
        across[x] = b[x] - steps->b_z * c[x] / steps->c_z;
    }
    steps->b_y = sqrt(across[0] * across[0] + across[1] * across[1] + across[2] * across[2]);
    steps->a_y = (a[0] * across[0] + a[1] * across[1] + a[2] * across[2]) / steps->b_y;
    /* The volume gives the third component with less cancellation than a third projection. */
    steps->a_x = volume / (steps->b_y * steps->c_z);
    if (!(steps->a_x > 0.0 && steps->b_y > 0.0 && steps->c_z > 0.0) || !isfinite(steps->a_x)) {
        return SUPERION_SINGULAR_LATTICE;
    }
    double skew = fmax(fmax(fabs(steps->a_y), fabs(steps->a_z)) / steps->a_x, fabs(steps->b_z) / steps->b_y);
    return skew <= SUPERION_MAX_GRID_SKEW ? SUPERION_OK : SUPERION_SINGULAR_LATTICE;
}

int32_t superion_wrap(double index, int32_t count) {
    double wrapped = index - floor(index / count) * count;
    return wrapped >= count || wrapped < 0.0 ? 0 : (int32_t)wrapped;
}

/* Where each fine point of an axis takes its value from: N_WEIGHTS coarse points and their weights. */
typedef struct {
    int32_t *points;
    double *weights;
} stencil;

static superion_status make_stencil(int32_t coarse, int32_t fine, stencil *axis) {
    axis->points = malloc((size_t)fine * N_WEIGHTS * sizeof(int32_t));
    axis->weights = malloc((size_t)fine * N_WEIGHTS * sizeof(double));
    if (axis->points == NULL || axis->weights == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    for (int32_t n = 0; n < fine; n++) {
        double place = (double)n * coarse / fine, first = floor(place) - (N_WEIGHTS / 2 - 1), t = place - first;
        for (int k = 0; k < N_WEIGHTS; k++) {
            double weight = 1.0;
            for (int m = 0; m < N_WEIGHTS; m++) {
                weight *= m == k ? 1.0 : (t - m) / (k - m);
            }
            axis->points[n * N_WEIGHTS + k] = superion_wrap(first + k, coarse);
            axis->weights[n * N_WEIGHTS + k] = weight;
        }
    }
    return SUPERION_OK;
}

static void free_stencil(stencil *axis) {
    free(axis->points);
    free(axis->weights);
}

/* Combine rows of `length` values: row n of the result is made of rows of the source. */
static void combine_rows(const stencil *axis, int32_t n, const double *source, size_t length, double *result) {
    const int32_t *points = axis->points + (size_t)n * N_WEIGHTS;
    const double *weights = axis->weights + (size_t)n * N_WEIGHTS;
    const double *rows[N_WEIGHTS];
    for (int k = 0; k < N_WEIGHTS; k++) {
        rows[k] = source + (size_t)points[k] * length;
    }
    for (size_t x = 0; x < length; x++) {
        double sum = 0.0;
        for (int k = 0; k < N_WEIGHTS; k++) {
            sum += weights[k] * rows[k][x];
        }
        result[x] += sum;
    }
}

superion_status superion_add_interpolated(const double *values, const int32_t coarse[3], const int32_t fine[3],
                                          double *energies) {
    stencil axes[3] = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
    size_t m0 = (size_t)coarse[0], m1 = (size_t)coarse[1], m2 = (size_t)coarse[2];
    size_t n1 = (size_t)fine[1], n2 = (size_t)fine[2];
    double *along_c = calloc(m0 * m1 * n2, sizeof(double)), *along_bc = calloc(m0 * n1 * n2, sizeof(double));
    superion_status status = along_c == NULL || along_bc == NULL ? SUPERION_OUT_OF_MEMORY : SUPERION_OK;
    for (int x = 0; x < 3 && status == SUPERION_OK; x++) {
        status = make_stencil(coarse[x], fine[x], axes + x);
    }
    if (status == SUPERION_OK) {
        for (size_t row = 0; row < m0 * m1; row++) {
            for (size_t w = 0; w < n2; w++) {
                for (size_t k = 0; k < N_WEIGHTS; k++) {
                    along_c[row * n2 + w] +=
                        axes[2].weights[w * N_WEIGHTS + k] * values[row * m2 + (size_t)axes[2].points[w * N_WEIGHTS + k]];
                }
            }
        }
        for (size_t u = 0; u < m0; u++) {
            for (int32_t v = 0; v < fine[1]; v++) {
                combine_rows(axes + 1, v, along_c + u * m1 * n2, n2, along_bc + (u * n1 + (size_t)v) * n2);
            }
        }
        for (int32_t u = 0; u < fine[0]; u++) {
            combine_rows(axes, u, along_bc, n1 * n2, energies + (size_t)u * n1 * n2);
        }
    }
    for (int x = 0; x < 3; x++) {
        free_stencil(axes + x);
    }
    free(along_c);
    free(along_bc);
    return status;
}
