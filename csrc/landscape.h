/* The energy of a probe ion on a grid that fills the cell: bond-valence site energies.
 *
 * Geometry. The rows of `lattice` are the lattice vectors a, b, c [angstrom], of either handedness. Grid point (u, v, w)
 * lies at the fractional coordinates (u / shape[0], v / shape[1], w / shape[2]). Its energy is the sum over the sites of
 * the crystal, all periodic images included, that lie no further than the cutoff from it; a site holds any number of
 * species, and each counts with its occupancy.
 *
 * Energy. A species acts on the probe through a Morse term, which stands for the bond between ions of opposite charge,
 * and a screened Coulomb term, which stands for the repulsion of ions of like charge:
 *
 *     depth / 2 * ((exp(steepness * (minimum - r)) - 1)^2 - 1)  +  strength / r * erfc(r / screening)
 *
 * Source: S. Adams, R. P. Rao, Phys. Status Solidi A 208, 1746 (2011); H. Chen, L. L. Wong, S. Adams, Acta Cryst. B 75,
 * 18 (2019). The half before the Morse term is theirs: the energy of a bond is shared by its two ions.
 *
 * Method: beyond a few angstrom the energy of a site varies slowly, so that part is summed on a coarser grid and interpolated
 * by polynomials of degree 7; the rest is summed on the grid asked for. Both are tabulated over r^2; below
 * SUPERION_TABLE_START the energy is computed. Where it is below 10 eV above its minimum the result lies within 2e-4 eV of
 * the plain sum at a cutoff of 10 angstrom, which is what the cutoff itself may leave out. A site's part is left out where it is
 * below SUPERION_NEGLIGIBLE_ENERGY from there to the cutoff.
 *
 * The function is re-entrant: no global state and no threads.
 */
#ifndef SUPERION_LANDSCAPE_H
#define SUPERION_LANDSCAPE_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Largest cutoff [angstrom]; the tables grow with its square. */
#define SUPERION_MAX_LANDSCAPE_CUTOFF 50.0
/* Below this distance [angstrom] the terms are computed for each grid point. */
#define SUPERION_TABLE_START 1.0
/* A probe is never taken to be closer to a site than this [angstrom], so that every energy is finite. */
#define SUPERION_CLOSEST_APPROACH 1e-2
/* Largest steepness * minimum of a Morse term, so that its square is finite at the closest approach. */
#define SUPERION_MAX_EXPONENT 300.0
/* Largest depth [eV], strength [eV angstrom] and occupancy, of either sign, largest steepness [1/angstrom] and smallest
 * screening [angstrom]: far beyond what any ion has, and such that no number in the tables overflows. */
#define SUPERION_MAX_PARAMETER 1e6
#define SUPERION_MAX_STEEPNESS 1e3
#define SUPERION_MIN_SCREENING 1e-3
/* Energy below which the tail of a site is left out [eV]. */
#define SUPERION_NEGLIGIBLE_ENERGY 1e-9

/* Longest lattice vector [angstrom] and largest skew, the component of a vector along another one over its component across
 * it: beyond them distances on the grid have too few digits left to be looked up in the tables. */
#define SUPERION_MAX_GRID_LENGTH 1e6
#define SUPERION_MAX_GRID_SKEW 1e4

/* How one species acts on the probe. A term whose depth or strength is 0 is absent, and its other numbers are not read. */
typedef struct superion_interaction {
    double depth; /* at most SUPERION_MAX_PARAMETER, of either sign [eV] */
    double minimum; /* [angstrom] */
    double steepness; /* above 0, at most SUPERION_MAX_STEEPNESS [1/angstrom] */
    double strength; /* at most SUPERION_MAX_PARAMETER, of either sign [eV angstrom] */
    double screening; /* at least SUPERION_MIN_SCREENING [angstrom] */
} superion_interaction;

/* The sites of the crystal: site i holds the entries offsets[i] to offsets[i + 1] - 1. */
typedef struct superion_framework {
    /* Number of sites; 0 gives energies of 0. */
    size_t n_sites;
    /* Shape (n_sites, 3), row-major: fractional coordinates, finite; they need not lie in [0, 1). */
    const double *fractional;
    /* Shape (n_sites + 1,): starts at 0 and does not decrease; a site may hold no entry. */
    const int64_t *offsets;
    /* Shape (offsets[n_sites],): which of the interactions each entry has. */
    const int32_t *kinds;
    /* Shape (offsets[n_sites],): occupancies; at most SUPERION_MAX_PARAMETER, of either sign. */
    const double *occupancies;
    size_t n_interactions;
    /* Shape (n_interactions,). */
    const superion_interaction *interactions;
} superion_framework;

/* Compute the energy at every point of the grid.
 *
 * lattice: shape (3, 3), row-major [angstrom]; finite, not singular (as in neighbors.h), within the two limits above.
 * framework: the sites that act on the probe. The arrays may be NULL where they are empty.
 * shape: grid points along a, b and c; each at least 1, and at most 2^31 - 1 in all.
 * cutoff: above 0, at most SUPERION_MAX_LANDSCAPE_CUTOFF [angstrom].
 * max_terms: most pairs of a grid point and a site that may have to be summed, estimated from the volume of the cutoff
 *     sphere before the work begins; beyond it nothing is computed. 0 sets the limit at 1e15.
 * energies: shape (shape[0], shape[1], shape[2]), row-major [eV]; written in full on success, unspecified on failure.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT, BAD_CUTOFF, BAD_GRID, NONFINITE_LATTICE, SINGULAR_LATTICE, NONFINITE_COORDINATE,
 * BAD_OFFSETS, BAD_INTERACTION (a kind or a number out of range), BAD_AMOUNT (an occupancy out of range), TOO_MUCH_WORK or
 * OUT_OF_MEMORY. */
superion_status superion_site_energies(const double *lattice, const superion_framework *framework, const int32_t shape[3],
                                       double cutoff, double max_terms, double *energies);

#ifdef __cplusplus
}
#endif

#endif
