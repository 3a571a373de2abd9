#include "site_potential.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Intervals per squared angstrom: the near part is steep, the far part is not. */
#define NEAR_INTERVALS 32.0
#define FAR_INTERVALS 8.0
#define N_TAYLOR (SUPERION_SPLIT_DEGREE + 1)
/* Each derivative by s lowers the power of r by up to two. */
#define N_POWERS (2 * N_TAYLOR + 2)

static const double SQUARED_SPLIT = SUPERION_SPLIT_DISTANCE * SUPERION_SPLIT_DISTANCE;
static const double INVERSE_ROOT_PI = 0.56418958354775629;

/* Energy of one interaction at a distance, and its derivative by the squared distance. */
static double energy_at(const superion_interaction *one, double distance, double *slope) {
    double r = fmax(distance, SUPERION_CLOSEST_APPROACH), energy = 0.0, by_r = 0.0;
    if (one->depth != 0.0) {
        double decay = exp(one->steepness * (one->minimum - r));
        energy += one->depth / 2.0 * decay * (decay - 2.0);
        by_r -= one->depth * one->steepness * decay * (decay - 1.0);
    }
    if (one->strength != 0.0) {
        double scaled = r / one->screening, screened = one->strength / r * erfc(scaled);
        energy += screened;
        by_r -= screened / r + 2.0 * INVERSE_ROOT_PI * one->strength / r * exp(-scaled * scaled) / one->screening;
    }
    *slope = by_r / (2.0 * r);
    return energy;
}

/* Sum of the coefficients of 1 / r^n at the split. */
static double at_split(const double *powers) {
    double sum = 0.0;
    for (int n = N_POWERS - 1; n >= 0; n--) {
        sum = sum / SUPERION_SPLIT_DISTANCE + powers[n];
    }
    return sum;
}

/* Add the Taylor coefficients of weight * exp(-rate * r). Its derivatives by s are exp(-rate * r) times a polynomial in
 * 1 / r, because d/ds = 1 / (2 r) d/dr. */
static void expand_exponential(double weight, double rate, double *taylor) {
    double powers[N_POWERS] = {1.0}, factor = weight * exp(-rate * SUPERION_SPLIT_DISTANCE);
    for (int order = 0; order < N_TAYLOR; order++) {
        double next[N_POWERS] = {0.0};
        taylor[order] += factor * at_split(powers);
        factor /= order + 1;
        for (int n = 0; n + 2 < N_POWERS; n++) {
            next[n + 1] -= 0.5 * rate * powers[n];
            next[n + 2] -= 0.5 * n * powers[n];
        }
        memcpy(powers, next, sizeof powers);
    }
}

/* Add those of strength / r * erfc(r / screening): the derivatives are a polynomial in 1 / r times erfc(r / screening)
 * and another times exp(-s / screening^2). */
static void expand_screened(double strength, double screening, double *taylor) {
    double error[N_POWERS] = {0.0, 1.0}, gauss[N_POWERS] = {0.0}, factor = strength;
    double scaled = SUPERION_SPLIT_DISTANCE / screening, of_error = erfc(scaled), of_gauss = exp(-scaled * scaled);
    for (int order = 0; order < N_TAYLOR; order++) {
        double next_error[N_POWERS] = {0.0}, next_gauss[N_POWERS] = {0.0};
        taylor[order] += factor * (of_error * at_split(error) + of_gauss * at_split(gauss));
        factor /= order + 1;
        for (int n = 0; n + 2 < N_POWERS; n++) {
            next_error[n + 2] -= 0.5 * n * error[n];
            next_gauss[n + 1] -= INVERSE_ROOT_PI / screening * error[n];
            next_gauss[n] -= gauss[n] / (screening * screening);
            next_gauss[n + 2] -= 0.5 * n * gauss[n];
        }
        memcpy(error, next_error, sizeof error);
        memcpy(gauss, next_gauss, sizeof gauss);
    }
}

static void expand(const superion_interaction *one, double *taylor) {
    memset(taylor, 0, N_TAYLOR * sizeof(double));
    if (one->depth != 0.0) {
        double decay = exp(one->steepness * one->minimum);
        expand_exponential(one->depth / 2.0 * decay * decay, 2.0 * one->steepness, taylor);
        expand_exponential(-one->depth * decay, one->steepness, taylor);
    }
    if (one->strength != 0.0) {
        expand_screened(one->strength, one->screening, taylor);
    }
}

/* The polynomial at a squared distance, and its derivative. */
static double polynomial_at(const double *taylor, double squared, double *slope) {
    double value = 0.0, x = squared - SQUARED_SPLIT;
    *slope = 0.0;
    for (int order = N_TAYLOR - 1; order >= 0; order--) {
        *slope = *slope * x + value;
        value = value * x + taylor[order];
    }
    return value;
}

static superion_status make_table(size_t n_interactions, double squared_end, double intervals, superion_table *table) {
    /* Two intervals more than the end needs, for squares that rounding puts beyond it. */
    table->intervals = intervals;
    table->n_intervals = (size_t)ceil(squared_end * intervals) + 2;
    size_t n_nodes = table->n_intervals + 1;
    if (n_interactions > SIZE_MAX / (2 * n_nodes * sizeof(double))) {
        return SUPERION_OUT_OF_MEMORY;
    }
    table->coefficients = malloc(4 * table->n_intervals * sizeof(double));
    table->sums = malloc(2 * n_nodes * sizeof(double));
    table->nodes = malloc(n_interactions * 2 * n_nodes * sizeof(double));
    return table->coefficients == NULL || table->sums == NULL || table->nodes == NULL ? SUPERION_OUT_OF_MEMORY : SUPERION_OK;
}

static void free_table(superion_table *table) {
    free(table->coefficients);
    free(table->sums);
    free(table->nodes);
}

/* Fill the nodes of one part of one interaction: `is_far` tells which. */
static void tabulate(const superion_potential *potential, const superion_interaction *one, const double *taylor, int is_far,
                     const superion_table *table, double *nodes) {
    for (size_t n = 0; n <= table->n_intervals; n++) {
        double squared = (double)n / table->intervals, value = 0.0, slope = 0.0, of_far = 0.0, slope_of_far = 0.0;
        int inside = !potential->split || squared < SQUARED_SPLIT;
        if (potential->split && inside) {
            of_far = polynomial_at(taylor, squared, &slope_of_far);
        }
        if (is_far && inside) {
            value = of_far;
            slope = slope_of_far;
        } else if (is_far || inside) {
            value = energy_at(one, sqrt(squared), &slope) - of_far;
            slope -= slope_of_far;
        }
        nodes[2 * n] = value;
        nodes[2 * n + 1] = slope / table->intervals;
    }
}

superion_status superion_potential_make(const superion_framework *framework, double cutoff, int split,
                                        superion_potential *potential) {
    size_t n_interactions = framework->n_interactions;
    potential->squared_cutoff = cutoff * cutoff;
    potential->split = split;
    superion_status status =
        make_table(n_interactions, split ? SQUARED_SPLIT : potential->squared_cutoff, NEAR_INTERVALS, &potential->near);
    if (status == SUPERION_OK && split) {
        status = make_table(n_interactions, potential->squared_cutoff, FAR_INTERVALS, &potential->far);
    }
    potential->taylor = malloc(n_interactions * N_TAYLOR * sizeof(double));
    if (status != SUPERION_OK || potential->taylor == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    for (size_t n = 0; n < n_interactions; n++) {
        const superion_interaction *one = framework->interactions + n;
        double *taylor = potential->taylor + n * N_TAYLOR;
        superion_table *near = &potential->near, *far = &potential->far;
        expand(one, taylor);
        tabulate(potential, one, taylor, 0, near, near->nodes + n * 2 * (near->n_intervals + 1));
        if (split) {
            tabulate(potential, one, taylor, 1, far, far->nodes + n * 2 * (far->n_intervals + 1));
        }
    }
    return SUPERION_OK;
}

void superion_potential_free(superion_potential *potential) {
    free_table(&potential->near);
    free_table(&potential->far);
    free(potential->taylor);
}

/* Add the species of a site up to the cubics of one table, and find how far it reaches. */
static void mix_table(const superion_framework *framework, size_t site, double squared_end, superion_table *table) {
    size_t n_nodes = table->n_intervals + 1, last = n_nodes;
    double *sums = table->sums;
    memset(sums, 0, 2 * n_nodes * sizeof(double));
    for (int64_t entry = framework->offsets[site]; entry < framework->offsets[site + 1]; entry++) {
        const double *of_kind = table->nodes + 2 * n_nodes * (size_t)framework->kinds[entry];
        double occupancy = framework->occupancies[entry];
        for (size_t x = 0; x < 2 * n_nodes; x++) {
            sums[x] += occupancy * of_kind[x];
        }
    }
    while (last > 0 && fabs(sums[2 * last - 2]) < SUPERION_NEGLIGIBLE_ENERGY) {
        last--;
    }
    table->squared_reach = fmin((double)last / table->intervals, squared_end);
    for (size_t m = 0; m < table->n_intervals; m++) {
        double *cubic = table->coefficients + 4 * m, rise = sums[2 * m + 2] - sums[2 * m];
        cubic[0] = sums[2 * m];
        cubic[1] = sums[2 * m + 1];
        cubic[2] = 3.0 * rise - 2.0 * sums[2 * m + 1] - sums[2 * m + 3];
        cubic[3] = sums[2 * m + 1] + sums[2 * m + 3] - 2.0 * rise;
    }
}

void superion_potential_mix(const superion_framework *framework, size_t site, superion_potential *potential) {
    mix_table(framework, site, potential->split ? SQUARED_SPLIT : potential->squared_cutoff, &potential->near);
    if (!potential->split) {
        return;
    }
    mix_table(framework, site, potential->squared_cutoff, &potential->far);
    memset(potential->polynomial, 0, sizeof potential->polynomial);
    for (int64_t entry = framework->offsets[site]; entry < framework->offsets[site + 1]; entry++) {
        const double *taylor = potential->taylor + (size_t)framework->kinds[entry] * N_TAYLOR;
        for (int order = 0; order < N_TAYLOR; order++) {
            potential->polynomial[order] += framework->occupancies[entry] * taylor[order];
        }
    }
}

double superion_potential_close(const superion_framework *framework, size_t site, const superion_potential *potential,
                                double squared) {
    double energy = 0.0, slope;
    for (int64_t entry = framework->offsets[site]; entry < framework->offsets[site + 1]; entry++) {
        energy += framework->occupancies[entry] *
                  energy_at(framework->interactions + framework->kinds[entry], sqrt(squared), &slope);
    }
    return potential->split ? energy - polynomial_at(potential->polynomial, squared, &slope) : energy;
}
