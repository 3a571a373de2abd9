#include "lattice.h"

#include <math.h>
#include <string.h>

/* Largest entry of the transform: its inverse then fits 64 bits with room to spare. */
#define MAX_ENTRY 1048576.0
/* Every accepted step shortens a vector; real lattices need fewer than ten sweeps. */
#define MAX_SWEEPS 200
/* A step must shorten the squared length by this part: rounding alone cannot keep the loop going, and a lattice that
 * is reduced already (a hexagonal one, say) stays as it is. */
#define MIN_GAIN 1e-9

static double dot(const double *u, const double *v) { return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]; }

static double determinant(double m[3][3]) {
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

/* Subtract m times vector p and n times vector q from vector k if that makes it shorter; tell whether it did. */
static int shorten(double v[3][3], double t[3][3], int k, int p, double m, int q, double n) {
    double shorter[3];
    for (int x = 0; x < 3; x++) {
        shorter[x] = v[k][x] - m * v[p][x] - n * v[q][x];
    }
    if (!(dot(shorter, shorter) < (1.0 - MIN_GAIN) * dot(v[k], v[k]))) {
        return 0;
    }
    memcpy(v[k], shorter, sizeof shorter);
    for (int x = 0; x < 3; x++) {
        t[k][x] -= m * t[p][x] + n * t[q][x];
    }
    return 1;
}

/* Shorten each vector by each other, then by the lattice plane of the two others, until nothing gets shorter. The
 * second step is what excludes three vectors that nearly lie in a plane at 120 degrees from each other. */
static void reduce(double v[3][3], double t[3][3]) {
    for (int sweep = 0, changed = 1; changed && sweep < MAX_SWEEPS; sweep++) {
        changed = 0;
        for (int k = 0; k < 3; k++) {
            for (int p = 0; p < 3; p++) {
                if (p != k) {
                    changed |= shorten(v, t, k, p, round(dot(v[k], v[p]) / dot(v[p], v[p])), p, 0.0);
                }
            }
        }
        for (int k = 0; k < 3 && !changed; k++) {
            int p = (k + 1) % 3, q = (k + 2) % 3;
            double pp = dot(v[p], v[p]), qq = dot(v[q], v[q]), pq = dot(v[p], v[q]);
            double kp = dot(v[k], v[p]), kq = dot(v[k], v[q]), gram = pp * qq - pq * pq;
            changed |= shorten(v, t, k, p, round((kp * qq - kq * pq) / gram), q, round((kq * pp - kp * pq) / gram));
        }
    }
}

/* Invert a unimodular matrix through its adjugate, which is exact in integers. */
static void invert(int64_t m[3][3], int64_t inverse[3][3]) {
    for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 3; column++) {
            int r1 = (column + 1) % 3, r2 = (column + 2) % 3, c1 = (row + 1) % 3, c2 = (row + 2) % 3;
            inverse[row][column] = m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1];
        }
    }
}

superion_status superion_lattice_reduce(const double *vectors, double singular_volume, superion_lattice *lattice) {
    double v[3][3], t[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    for (int x = 0; x < 9; x++) {
        if (!isfinite(vectors[x])) {
            return SUPERION_NONFINITE_LATTICE;
        }
        v[x / 3][x % 3] = vectors[x];
    }
    double lengths = sqrt(dot(v[0], v[0])) * sqrt(dot(v[1], v[1])) * sqrt(dot(v[2], v[2]));
    lattice->volume = fabs(determinant(v));
    if (!(lattice->volume > singular_volume * lengths) || !isfinite(lengths)) {
        return SUPERION_SINGULAR_LATTICE;
    }
    reduce(v, t);
    for (int x = 0; x < 9; x++) {
        if (!(fabs(t[x / 3][x % 3]) <= MAX_ENTRY)) {
            return SUPERION_SINGULAR_LATTICE;
        }
        lattice->transform[x / 3][x % 3] = (int64_t)t[x / 3][x % 3];
    }
    invert(lattice->transform, lattice->inverse);

    double c_length = sqrt(dot(v[2], v[2])), along_y[3];
    lattice->edge[2] = c_length;
    lattice->b_z = dot(v[1], v[2]) / c_length;
    lattice->a_z = dot(v[0], v[2]) / c_length;
    for (int x = 0; x < 3; x++) {
        along_y[x] = v[1][x] - lattice->b_z * v[2][x] / c_length;
    }
    lattice->edge[1] = sqrt(dot(along_y, along_y));
    lattice->a_y = dot(v[0], along_y) / lattice->edge[1];
    /* The volume gives the third edge with less cancellation than a third projection. */
    lattice->edge[0] = fabs(determinant(v)) / (lattice->edge[1] * lattice->edge[2]);
    lattice->diameter = sqrt(dot(v[0], v[0])) + sqrt(dot(v[1], v[1])) + c_length;
    for (int x = 0; x < 3; x++) {
        if (!(lattice->edge[x] > 0.0) || !isfinite(lattice->edge[x])) {
            return SUPERION_SINGULAR_LATTICE;
        }
    }
    return SUPERION_OK;
}
