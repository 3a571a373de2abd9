/* The energy between a probe and one site, as tables over the squared distance (not a public interface).
 *
 * The energy f(s), s = r^2, is split into f = near + far. Beyond SUPERION_SPLIT_DISTANCE near is 0 and far is f; inside it
 * far is the Taylor polynomial of f about the split, of degree SUPERION_SPLIT_DEGREE in s. So near is short, and far is
 * so smooth that a coarse grid holds it. */
#ifndef SUPERION_SITE_POTENTIAL_H
#define SUPERION_SITE_POTENTIAL_H

#include <stddef.h>

#include "landscape.h"

#define SUPERION_SPLIT_DISTANCE 4.5
#define SUPERION_SPLIT_DEGREE 7

/* A function of the squared distance, cubic between nodes. */
typedef struct superion_table {
    double *coefficients; /* (n_intervals, 4): of the cubic in the fraction of the interval */
    double *sums; /* (n_intervals + 1, 2): values and slopes at the nodes, of the mixture made last */
    double *nodes; /* (n_interactions, n_intervals + 1, 2): values and slopes of each interaction */
    double intervals; /* per squared angstrom */
    size_t n_intervals;
    double squared_reach; /* beyond it nothing is left [squared angstrom] */
} superion_table;

/* The tables of the mixture of species on one site. */
typedef struct superion_potential {
    superion_table near, far; /* without a split, far holds nothing */
    int split;
    double *taylor; /* (n_interactions, SUPERION_SPLIT_DEGREE + 1): coefficients of far about the split, per interaction */
    double polynomial[SUPERION_SPLIT_DEGREE + 1]; /* the same of the mixture made last */
    double squared_cutoff;
} superion_potential;

/* Allocate the tables and fill the part that does not depend on the mixture. `potential` must be zeroed;
 * superion_potential_free must be called whatever is returned: SUPERION_OK or OUT_OF_MEMORY. */
superion_status superion_potential_make(const superion_framework *framework, double cutoff, int split,
                                        superion_potential *potential);

void superion_potential_free(superion_potential *potential);

/* Turn the tables to the mixture of species on a site. */
void superion_potential_mix(const superion_framework *framework, size_t site, superion_potential *potential);

/* Energy of the near part at a squared distance below SUPERION_TABLE_START^2, computed and not tabulated. */
double superion_potential_close(const superion_framework *framework, size_t site, const superion_potential *potential,
                                double squared);

static inline double superion_table_at(const double *coefficients, double intervals, double squared) {
    double place = squared * intervals;
    int interval = (int)place;
    const double *cubic = coefficients + 4 * interval;
    double t = place - interval;
    return cubic[0] + t * (cubic[1] + t * (cubic[2] + t * cubic[3]));
}

#endif
