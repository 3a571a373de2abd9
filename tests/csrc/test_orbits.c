/* Check symmetry copies by what a group demands of them, and groups of positions against brute force.
 *
 * Usage: test_orbits ROUNDS. Built with the sanitizers; exits 1 at the first fault, printing the round. */
#include "groups.h"
#include "orbits.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "driver.h"

#define MAX_OPERATIONS 192
#define MAX_ATOMS 6
#define MAX_POSITIONS 60

static double rotations[9 * MAX_OPERATIONS], translations[3 * MAX_OPERATIONS];
static const superion_orbit_options OPTIONS = {0.05, 0.25, 0.5, 1.05};

/* Make the point group of the cube, or of the brick with fewer axes exchanged, with or without centred faces. */
static superion_operations make_group(int exchanges, int centred) {
    static const int permutations[6][3] = {{0, 1, 2}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {0, 2, 1}, {2, 1, 0}};
    superion_operations group = {rotations, translations, 0};
    for (int centre = 0; centre < (centred ? 4 : 1); centre++) {
        for (int p = 0; p < exchanges; p++) {
            for (int signs = 0; signs < 8; signs++) {
                double *r = rotations + 9 * group.count, *t = translations + 3 * group.count;
                memset(r, 0, 9 * sizeof(double));
                for (int x = 0; x < 3; x++) {
                    r[3 * x + permutations[p][x]] = signs >> x & 1 ? -1.0 : 1.0;
                    t[x] = centre > 0 && x != centre - 1 ? 0.5 : 0.0;
                }
                group.count++;
            }
        }
    }
    return group;
}

/* Distance between two positions in a cubic cell, as the nearest images have it. */
static double separation(double edge, const double *p, const double *q) {
    double squared = 0.0;
    for (int x = 0; x < 3; x++) {
        double d = p[x] - q[x];
        d -= round(d);
        squared += d * d;
    }
    return edge * sqrt(squared);
}

/* The coordinates of special positions, some displaced by less than what counts as rounding [angstrom]. */
static void choose_atom(double edge, double displaced, double *position) {
    double free = uniform(0.06, 0.09), other = uniform(0.15, 0.19); /* far from each other and from special values */
    for (int x = 0; x < 3; x++) {
        double choices[] = {0.0, 0.25, 0.5, free, free, other};
        position[x] = choices[below(6)] + below(3) - 1 + uniform(-displaced, displaced) / edge;
    }
}

static void check_group(void) {
    const int exchanges[] = {1, 2, 6};
    superion_operations group = make_group(exchanges[below(3)], one_in(3));
    double edge = uniform(9.0, 14.0), lattice[9] = {edge, 0, 0, 0, edge, 0, 0, 0, edge};
    double displaced = one_in(2) ? 0.0 : 0.005, fractional[3 * MAX_ATOMS], occupancies[MAX_ATOMS];
    int64_t declared[MAX_ATOMS], n_atoms = 1 + below(MAX_ATOMS);
    for (int64_t k = 0; k < n_atoms; k++) {
        choose_atom(edge, displaced, fractional + 3 * k);
        occupancies[k] = uniform(0.1, 1.0);
        /* Right or wrong; a wrong number can choose some of the operations that nearly fix a displaced atom. */
        declared[k] = displaced == 0.0 && one_in(3) ? below((int)group.count + 2) : -1;
    }
    superion_listed_atoms atoms = {fractional, occupancies, declared, (size_t)n_atoms};
    static double positions[3 * MAX_ATOMS * MAX_OPERATIONS];
    static int64_t sources[MAX_ATOMS * MAX_OPERATIONS];
    superion_orbit orbits[MAX_ATOMS];
    size_t count = 99;
    CHECK(superion_expand_orbits(lattice, &group, &atoms, &OPTIONS, positions, sources, orbits, &count) == SUPERION_OK);
    size_t start = 0;
    for (int64_t k = 0; k < n_atoms; k++) {
        size_t end = start + (size_t)orbits[k].n_copies;
        CHECK(end <= count && orbits[k].n_copies * orbits[k].n_fixing == (int64_t)group.count);
        CHECK(!orbits[k].unmoved && orbits[k].moved <= 0.01 && orbits[k].n_near >= orbits[k].n_fixing);
        CHECK(orbits[k].declared_unused == (declared[k] >= 0 && declared[k] != orbits[k].n_copies));
        /* The first copy is the atom itself, moved at most by what it was displaced. */
        CHECK(separation(edge, positions + 3 * start, fractional + 3 * k) <= orbits[k].moved + 1e-9);
        for (size_t n = start; n < end; n++) {
            CHECK(sources[n] == k);
            for (int x = 0; x < 3; x++) {
                CHECK(positions[3 * n + x] >= 0.0 && positions[3 * n + x] < 1.0);
            }
            for (size_t other = start; other < n; other++) {
                CHECK(separation(edge, positions + 3 * n, positions + 3 * other) > SUPERION_EXACT_POSITION);
            }
            /* Every operation carries every copy to a copy. */
            const double *r = rotations + 9 * below((int)group.count);
            const double *t = translations + 3 * ((r - rotations) / 9);
            double image[3], nearest = 1e9;
            for (int x = 0; x < 3; x++) {
                image[x] = r[3 * x] * positions[3 * n] + r[3 * x + 1] * positions[3 * n + 1] + r[3 * x + 2] * positions[3 * n + 2] + t[x];
            }
            for (size_t other = start; other < end; other++) {
                nearest = fmin(nearest, separation(edge, image, positions + 3 * other));
            }
            CHECK(nearest < 1e-9);
        }
        start = end;
    }
    CHECK(start == count);
    allocations_left = 0;
    superion_status status = superion_expand_orbits(lattice, &group, &atoms, &OPTIONS, positions, sources, orbits, &count);
    allocations_left = -1;
    CHECK(status == SUPERION_OUT_OF_MEMORY && count == 0);
}

/* A mirror at x = 0 and an atom near it: how close counts as on it depends on what is known of it. */
static void check_distances(void) {
    const double cell[9] = {10, 0, 0, 0, 10, 0, 0, 0, 10};
    double r[18] = {1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0, 0, 1, 0, 0, 0, 1}, t[6] = {0};
    superion_operations mirror = {r, t, 2};
    const struct {
        double distance, occupancy; /* between the two copies [angstrom] */
        int64_t declared, copies;
        int unused;
    } cases[] = {{0.04, 0.5, -1, 1, 0}, {0.06, 0.5, -1, 2, 0}, {0.24, 0.6, -1, 1, 0}, {0.26, 0.6, -1, 2, 0},
                 {0.24, 0.5, -1, 2, 0}, {0.4, 0.5, 1, 1, 0},  {0.6, 0.5, 1, 2, 1},   {0.4, 0.5, 2, 2, 0},
                 {0.4, 0.5, 3, 2, 1},   {0.4, 0.5, 0, 2, 1},  {0.04, 0.5, 2, 2, 0}};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        double x[3] = {cases[n].distance / 20.0, 0.3, 0.4}, positions[6];
        int64_t sources[2];
        superion_orbit orbit;
        superion_listed_atoms atoms = {x, &cases[n].occupancy, &cases[n].declared, 1};
        size_t count;
        CHECK(superion_expand_orbits(cell, &mirror, &atoms, &OPTIONS, positions, sources, &orbit, &count) == SUPERION_OK);
        CHECK((int64_t)count == cases[n].copies && orbit.declared_unused == cases[n].unused);
        CHECK(count == 2 || (positions[0] == 0.0 && fabs(orbit.moved - cases[n].distance / 2) < 1e-12));
        CHECK(orbit.n_near == (cases[n].distance < 0.5 ? 2 : 1));
    }
}

/* Two copies on one position but for rounding, where the grid that tells copies apart has a boundary between them. */
static void check_boundaries(void) {
    const double cell[9] = {10, 0, 0, 0, 10, 0, 0, 0, 10}, one = 1.0;
    double r[18] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, -1, 0, -1, 0, 0, 0, 0, 1}, t[6] = {0, 0, 0, 0.5, 0.5, 0};
    superion_operations diagonal = {r, t, 2};
    int64_t declared = -1, sources[2];
    for (int step = 1; step < 30000; step++) {
        double x = (step - 0.2137) / 100000.0, position[3] = {x, 0.5 - x, 0.3}, positions[6];
        superion_listed_atoms atoms = {position, &one, &declared, 1};
        superion_orbit orbit;
        size_t count;
        CHECK(superion_expand_orbits(cell, &diagonal, &atoms, &OPTIONS, positions, sources, &orbit, &count) == SUPERION_OK);
        CHECK(count == 1);
    }
}

static void check_refusals(void) {
    superion_operations group = make_group(1, 0), none = {NULL, NULL, 0}, empty = {NULL, NULL, 8};
    double cell[9] = {5, 0, 0, 0, 5, 0, 0, 0, 5}, bad[9] = {5, 0, 0, 0, NAN, 0, 0, 0, 5}, x[3] = {0.1, 0.2, 0.3};
    double one = 1.0, positions[24];
    int64_t declared = -1, sources[8];
    superion_orbit orbit;
    superion_listed_atoms atoms = {x, &one, &declared, 1}, missing = {NULL, &one, &declared, 1}, nothing = {0};
    size_t count = 7;
#define EXPAND(lattice, operations, listed) \
    superion_expand_orbits(lattice, operations, listed, &OPTIONS, positions, sources, &orbit, &count)
    CHECK(EXPAND(NULL, &group, &atoms) == SUPERION_NULL_ARGUMENT && count == 0);
    CHECK(EXPAND(cell, NULL, &atoms) == SUPERION_NULL_ARGUMENT);
    CHECK(EXPAND(cell, &empty, &atoms) == SUPERION_NULL_ARGUMENT);
    CHECK(EXPAND(cell, &group, &missing) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_expand_orbits(cell, &group, &atoms, &OPTIONS, positions, sources, &orbit, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(EXPAND(cell, &none, &atoms) == SUPERION_OK && count == 0);
    CHECK(EXPAND(cell, &group, &nothing) == SUPERION_OK && count == 0);
    CHECK(EXPAND(bad, &group, &atoms) == SUPERION_NONFINITE_LATTICE);
    CHECK(EXPAND(cell, &group, &atoms) == SUPERION_OK && count == 8);
    x[1] = INFINITY;
    CHECK(EXPAND(cell, &group, &atoms) == SUPERION_NONFINITE_COORDINATE && count == 0);
    x[1] = 1e16;
    CHECK(EXPAND(cell, &group, &atoms) == SUPERION_OVERFLOW);
#undef EXPAND
}

/* Groups by passing the lowest number on between all close pairs until nothing changes. */
static void check_clusters(void) {
    double edge = uniform(2.0, 5.0), lattice[9] = {edge, 0, 0, 0, edge, 0, 0, 0, edge}, fractional[3 * MAX_POSITIONS];
    double distance = uniform(0.1, 1.0);
    int64_t groups[MAX_POSITIONS], lowest[MAX_POSITIONS], numbers[MAX_POSITIONS];
    int n_positions = 1 + below(MAX_POSITIONS);
    for (int k = 0; k < 3 * n_positions; k++) {
        fractional[k] = uniform(-1.0, 2.0);
    }
    for (int k = 0; k < n_positions; k++) {
        lowest[k] = k;
    }
    for (int changed = 1; changed;) {
        changed = 0;
        for (int k = 0; k < n_positions; k++) {
            for (int other = 0; other < n_positions; other++) {
                if (lowest[other] < lowest[k] && separation(edge, fractional + 3 * k, fractional + 3 * other) <= distance) {
                    lowest[k] = lowest[other];
                    changed = 1;
                }
            }
        }
    }
    size_t n_groups = 0, expected = 0;
    CHECK(superion_group_positions(lattice, fractional, (size_t)n_positions, distance, 0, groups, &n_groups) == SUPERION_OK);
    for (int k = 0; k < n_positions; k++) {
        numbers[k] = lowest[k] == k ? (int64_t)expected++ : numbers[lowest[k]];
        CHECK(groups[k] == numbers[k]);
    }
    CHECK(n_groups == expected);
    CHECK(superion_group_positions(lattice, fractional, (size_t)n_positions, 0.0, 0, groups, &n_groups) == SUPERION_BAD_CUTOFF);
    CHECK(n_groups == 0);
    CHECK(superion_group_positions(lattice, fractional, 1, distance, 0, NULL, &n_groups) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_group_positions(lattice, NULL, 0, distance, 0, NULL, &n_groups) == SUPERION_OK && n_groups == 0);
    for (long left = 0; left < 40; left++) {
        allocations_left = left;
        superion_status status =
            superion_group_positions(lattice, fractional, (size_t)n_positions, distance, 0, groups, &n_groups);
        long unused = allocations_left;
        allocations_left = -1;
        CHECK(status == SUPERION_OUT_OF_MEMORY || (status == SUPERION_OK && unused >= 0));
    }
}

int main(int argc, char **argv) {
    u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
    check_distances();
    check_boundaries();
    check_refusals();
    for (round_number = 1; round_number <= rounds; round_number++) {
        state = round_number;
        check_group();
        check_clusters();
    }
    return 0;
}
