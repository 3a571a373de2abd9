/* For every site, walk along the lines of the fine grid that its near part reaches and along those of a coarse grid that
 * its far part reaches; then interpolate the coarse grid. Sites of one mixture of species follow each other, so that its
 * tables are made once. */
#include "landscape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "site_potential.h"

/* Longest step of the coarse grid [angstrom]. */
#define COARSE_STEP 0.45
/* Beyond it no machine ends, and line numbers would no longer be exact. */
#define MOST_TERMS 1e15

/* A grid and what is summed on it. */
typedef struct {
    int32_t shape[3];
    superion_steps steps;
    double *energies; /* shape `shape`, row-major */
} grid;

static superion_status check_interactions(const superion_framework *framework) {
    for (size_t n = 0; n < framework->n_interactions; n++) {
        const superion_interaction *one = framework->interactions + n;
        if (!(fabs(one->depth) <= SUPERION_MAX_PARAMETER && fabs(one->strength) <= SUPERION_MAX_PARAMETER)) {
            return SUPERION_BAD_INTERACTION;
        }
        if (one->depth != 0.0 &&
            !(isfinite(one->minimum) && one->steepness > 0.0 && one->steepness <= SUPERION_MAX_STEEPNESS &&
              one->steepness * one->minimum <= SUPERION_MAX_EXPONENT)) {
            return SUPERION_BAD_INTERACTION;
        }
        if (one->strength != 0.0 && !(isfinite(one->screening) && one->screening >= SUPERION_MIN_SCREENING)) {
            return SUPERION_BAD_INTERACTION;
        }
    }
    return SUPERION_OK;
}

static superion_status check_framework(const superion_framework *framework) {
    size_t n_sites = framework->n_sites;
    if (n_sites == 0) {
        return SUPERION_OK;
    }
    if (framework->fractional == NULL || framework->offsets == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    for (size_t x = 0; x < 3 * n_sites; x++) {
        if (!isfinite(framework->fractional[x])) {
            return SUPERION_NONFINITE_COORDINATE;
        }
    }
    if (framework->offsets[0] != 0) {
        return SUPERION_BAD_OFFSETS;
    }
    for (size_t i = 0; i < n_sites; i++) {
        if (framework->offsets[i + 1] < framework->offsets[i]) {
            return SUPERION_BAD_OFFSETS;
        }
    }
    int64_t n_entries = framework->offsets[n_sites];
    if (n_entries > 0 && (framework->kinds == NULL || framework->occupancies == NULL || framework->interactions == NULL)) {
        return SUPERION_NULL_ARGUMENT;
    }
    for (int64_t entry = 0; entry < n_entries; entry++) {
        if (framework->kinds[entry] < 0 || (size_t)framework->kinds[entry] >= framework->n_interactions) {
            return SUPERION_BAD_INTERACTION;
        }
        if (!(fabs(framework->occupancies[entry]) <= SUPERION_MAX_PARAMETER)) {
            return SUPERION_BAD_AMOUNT;
        }
    }
    return check_interactions(framework);
}

/* Add a site's part to a run of points; `along` is the distance along the line to the first one. */
static void add_run(const superion_table *table, double squared_across, double along, double step, int32_t length,
                    double *energies) {
    const double *coefficients = table->coefficients;
    const double intervals = table->intervals;
    for (int32_t n = 0; n < length; n++) {
        double z = along + n * step;
        energies[n] += superion_table_at(coefficients, intervals, squared_across + z * z);
    }
}

/* The same for a line that comes so close to the site that the table does not hold. */
static void add_close_run(const superion_framework *framework, size_t site, const superion_potential *potential,
                          double squared_across, double along, double step, int32_t length, double *energies) {
    const superion_table *table = &potential->near;
    for (int32_t n = 0; n < length; n++) {
        double z = along + n * step, squared = squared_across + z * z;
        energies[n] += squared >= SUPERION_TABLE_START * SUPERION_TABLE_START
                           ? superion_table_at(table->coefficients, table->intervals, squared)
                           : superion_potential_close(framework, site, potential, squared);
    }
}

/* Add one part of a site and of all its images to a grid. */
static void add_site(const superion_framework *framework, size_t site, const superion_potential *potential,
                     const superion_table *table, grid *sum) {
    const superion_steps *step = &sum->steps;
    const int32_t *shape = sum->shape;
    double place[3], reach = sqrt(table->squared_reach);
    for (int x = 0; x < 3; x++) {
        double fraction = framework->fractional[3 * site + (size_t)x];
        place[x] = (fraction - floor(fraction)) * shape[x];
    }
    double u_end = floor(place[0] + reach / step->a_x);
    for (double u = ceil(place[0] - reach / step->a_x); u <= u_end; u++) {
        double x = (u - place[0]) * step->a_x, y_shift = (u - place[0]) * step->a_y;
        double half = sqrt(fmax(0.0, table->squared_reach - x * x));
        double *plane = sum->energies + (size_t)superion_wrap(u, shape[0]) * (size_t)shape[1] * (size_t)shape[2];
        double v_end = floor(place[1] + (half - y_shift) / step->b_y);
        for (double v = ceil(place[1] - (half + y_shift) / step->b_y); v <= v_end; v++) {
            double y = y_shift + (v - place[1]) * step->b_y, across = x * x + y * y;
            double z_shift = (u - place[0]) * step->a_z + (v - place[1]) * step->b_z;
            double half_line = sqrt(fmax(0.0, table->squared_reach - across));
            double w = ceil(place[2] - (half_line + z_shift) / step->c_z);
            double w_end = floor(place[2] + (half_line - z_shift) / step->c_z);
            double *line = plane + (size_t)superion_wrap(v, shape[1]) * (size_t)shape[2];
            int close = table == &potential->near && across < SUPERION_TABLE_START * SUPERION_TABLE_START;
            for (int32_t start = superion_wrap(w, shape[2]); w <= w_end; start = 0) {
                int32_t length = (int32_t)fmin(shape[2] - start, w_end - w + 1.0);
                double along = z_shift + (w - place[2]) * step->c_z;
                if (close) {
                    add_close_run(framework, site, potential, across, along, step->c_z, length, line + start);
                } else {
                    add_run(table, across, along, step->c_z, length, line + start);
                }
                w += length;
            }
        }
    }
}

/* Tell whether two sites hold the same species in the same amounts. */
static int same_mixture(const superion_framework *framework, size_t i, size_t j) {
    size_t start_i = (size_t)framework->offsets[i], start_j = (size_t)framework->offsets[j];
    size_t length = (size_t)framework->offsets[i + 1] - start_i;
    return length == (size_t)framework->offsets[j + 1] - start_j &&
           memcmp(framework->kinds + start_i, framework->kinds + start_j, length * sizeof(int32_t)) == 0 &&
           memcmp(framework->occupancies + start_i, framework->occupancies + start_j, length * sizeof(double)) == 0;
}

static superion_status add_sites(const superion_framework *framework, superion_potential *potential, grid *fine,
                                 grid *coarse) {
    unsigned char *done = calloc(framework->n_sites, 1);
    if (done == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    for (size_t first = 0; first < framework->n_sites; first++) {
        if (done[first] || framework->offsets[first + 1] == framework->offsets[first]) {
            continue;
        }
        superion_potential_mix(framework, first, potential);
        for (size_t site = first; site < framework->n_sites; site++) {
            if (!done[site] && same_mixture(framework, first, site)) {
                done[site] = 1;
                add_site(framework, site, potential, &potential->near, fine);
                if (potential->split) {
                    add_site(framework, site, potential, &potential->far, coarse);
                }
            }
        }
    }
    free(done);
    return SUPERION_OK;
}

/* Lay the coarse grid; tell whether it is so much coarser that the split is worth it. */
static int lay_coarse(const double *lattice, const int32_t shape[3], double cutoff, int32_t coarse[3]) {
    double points = 1.0, fine_points = (double)shape[0] * shape[1] * shape[2];
    for (int x = 0; x < 3; x++) {
        const double *v = lattice + 3 * x;
        double count = ceil(sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) / COARSE_STEP);
        coarse[x] = count < shape[x] ? (int32_t)fmax(count, 1.0) : shape[x];
        points *= coarse[x];
    }
    return cutoff > 1.2 * SUPERION_SPLIT_DISTANCE && points < 0.6 * fine_points;
}

/* Grid points and lines that the cutoff spheres of all sites hold, about; the lines count because they cost too. */
static double count_terms(const superion_steps *steps, size_t n_sites, double cutoff) {
    double lines = (2.0 * cutoff / steps->a_x + 1.0) * (2.0 * cutoff / steps->b_y + 1.0);
    return (double)n_sites * lines * (1.0 + 2.0 * cutoff / steps->c_z) * (3.14159265358979 / 6.0);
}

static superion_status add_all(const double *lattice, const superion_framework *framework, double cutoff, grid *fine) {
    superion_potential potential;
    grid coarse = {.energies = NULL};
    memset(&potential, 0, sizeof potential);
    int split = lay_coarse(lattice, fine->shape, cutoff, coarse.shape);
    superion_status status = superion_potential_make(framework, cutoff, split, &potential);
    if (status == SUPERION_OK && split) {
        coarse.energies = calloc((size_t)coarse.shape[0] * (size_t)coarse.shape[1] * (size_t)coarse.shape[2], sizeof(double));
        status = coarse.energies == NULL ? SUPERION_OUT_OF_MEMORY : superion_find_steps(lattice, coarse.shape, &coarse.steps);
    }
    if (status == SUPERION_OK) {
        status = add_sites(framework, &potential, fine, &coarse);
    }
    if (status == SUPERION_OK && split) {
        status = superion_add_interpolated(coarse.energies, coarse.shape, fine->shape, fine->energies);
    }
    free(coarse.energies);
    superion_potential_free(&potential);
    return status;
}

superion_status superion_site_energies(const double *lattice, const superion_framework *framework, const int32_t shape[3],
                                       double cutoff, double max_terms, double *energies) {
    if (lattice == NULL || framework == NULL || shape == NULL || energies == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    if (!(cutoff > 0.0 && cutoff <= SUPERION_MAX_LANDSCAPE_CUTOFF)) {
        return SUPERION_BAD_CUTOFF;
    }
    if (shape[0] < 1 || shape[1] < 1 || shape[2] < 1 || (double)shape[0] * shape[1] * shape[2] > (double)INT32_MAX) {
        return SUPERION_BAD_GRID;
    }
    grid fine = {.shape = {shape[0], shape[1], shape[2]}, .energies = energies};
    superion_status status = superion_find_steps(lattice, shape, &fine.steps);
    if (status == SUPERION_OK) {
        status = check_framework(framework);
    }
    if (status != SUPERION_OK) {
        return status;
    }
    double terms = count_terms(&fine.steps, framework->n_sites, cutoff);
    if ((max_terms > 0.0 && terms > max_terms) || terms > MOST_TERMS) {
        return SUPERION_TOO_MUCH_WORK;
    }
    memset(energies, 0, (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2] * sizeof(double));
    if (framework->n_sites == 0 || framework->n_interactions == 0) {
        return SUPERION_OK;
    }
    return add_all(lattice, framework, cutoff, &fine);
}
