/* Any atoms, operations and positions: copies and groups that are counted as orbits.h and groups.h say. */
#include "groups.h"
#include "harness.h"
#include "orbits.h"

#define MAX_ATOMS 4
#define MAX_OPERATIONS 6

static void check_orbits(fuzz_bytes *bytes, const double *lattice) {
    superion_listed_atoms atoms = {0};
    superion_operations operations = {0};
    superion_orbit_options options = {0.05, 0.25, 0.5, 1.05};
    size_t n_positions = 99, total = 0;
    atoms.count = take_byte(bytes) % (MAX_ATOMS + 1);
    operations.count = 1 + take_byte(bytes) % MAX_OPERATIONS;
    if (take_byte(bytes) % 8 == 0) {
        options = (superion_orbit_options){take_number(bytes), take_number(bytes), take_number(bytes), take_number(bytes)};
    }
    double *fractional = exact(3 * atoms.count, sizeof *fractional), *occupancies = exact(atoms.count, sizeof *occupancies);
    int64_t *declared = exact(atoms.count, sizeof *declared);
    double *rotations = exact(9 * operations.count, sizeof *rotations), *translations = exact(3 * operations.count, sizeof *translations);
    for (size_t n = 0; n < operations.count; n++) {
        uint8_t kind = take_byte(bytes);
        for (size_t x = 0; x < 9; x++) { /* signed permutations of the axes mostly, the identity first */
            rotations[9 * n + x] = n > 0 && kind >= 250 ? take_number(bytes) : x % 4 == 0 ? (n > 0 && (kind >> (x / 4)) & 1 ? -1.0 : 1.0) : 0.0;
        }
        for (size_t x = 0; x < 3; x++) {
            translations[3 * n + x] = n == 0 ? 0.0 : kind >= 250 ? take_number(bytes) : (double)(take_byte(bytes) % 24) / 24.0;
        }
    }
    for (size_t i = 0; i < atoms.count; i++) {
        declared[i] = (int8_t)take_byte(bytes);
        occupancies[i] = take_number(bytes);
        for (size_t x = 0; x < 3; x++) {
            fractional[3 * i + x] = take_number(bytes);
        }
    }
    size_t room = atoms.count * operations.count;
    double *positions = exact(3 * room, sizeof *positions);
    int64_t *sources = exact(room, sizeof *sources);
    superion_orbit *orbits = exact(atoms.count, sizeof *orbits);
    operations.rotations = rotations;
    operations.translations = translations;
    atoms.fractional = fractional;
    atoms.occupancies = occupancies;
    atoms.declared = declared;
    superion_status status = superion_expand_orbits(lattice, &operations, &atoms, &options, positions, sources, orbits, &n_positions);
    REQUIRE(status != SUPERION_OUT_OF_MEMORY && (status != SUPERION_NULL_ARGUMENT || atoms.count == 0));
    REQUIRE(n_positions <= room && (status == SUPERION_OK || n_positions == 0));
    for (size_t n = 0; n < n_positions; n++) {
        REQUIRE(sources[n] >= 0 && (size_t)sources[n] < atoms.count && (n == 0 || sources[n] >= sources[n - 1]));
        for (size_t x = 0; x < 3; x++) {
            REQUIRE(positions[3 * n + x] >= 0.0 && positions[3 * n + x] < 1.0);
        }
    }
    for (size_t i = 0; status == SUPERION_OK && i < atoms.count; i++) {
        REQUIRE(orbits[i].n_copies >= 1 && orbits[i].n_fixing >= 1 && orbits[i].moved >= 0.0);
        total += (size_t)orbits[i].n_copies;
    }
    REQUIRE(status != SUPERION_OK || total == n_positions);
    free(fractional);
    free(occupancies);
    free(declared);
    free(rotations);
    free(translations);
    free(positions);
    free(sources);
    free(orbits);
}

static void check_groups(fuzz_bytes *bytes, const double *lattice) {
    size_t n_positions = take_byte(bytes) % 12, n_groups = 99;
    double distance = take_number(bytes);
    double *fractional = exact(3 * n_positions, sizeof *fractional);
    int64_t *groups = exact(n_positions, sizeof *groups), highest = -1;
    for (size_t x = 0; x < 3 * n_positions; x++) {
        fractional[x] = take_number(bytes);
    }
    superion_status status = superion_group_positions(lattice, fractional, n_positions, distance, 1000, groups, &n_groups);
    REQUIRE(status != SUPERION_OUT_OF_MEMORY && (status != SUPERION_NULL_ARGUMENT || n_positions == 0));
    for (size_t n = 0; status == SUPERION_OK && n < n_positions; n++) {
        REQUIRE(groups[n] >= 0 && groups[n] <= highest + 1); /* numbered in the order of their first members */
        highest = groups[n] > highest ? groups[n] : highest;
    }
    REQUIRE(n_groups == (status == SUPERION_OK ? (size_t)(highest + 1) : 0));
    free(fractional);
    free(groups);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    double lattice[9];
    uint8_t kind = take_byte(&bytes);
    for (int x = 0; x < 9; x++) {
        lattice[x] = kind % 4 == 0 ? take_number(&bytes) : x % 4 == 0 ? 4.0 + x : 0.2 * (x - 4);
    }
    if (kind < 160) {
        check_orbits(&bytes, lattice);
    } else {
        check_groups(&bytes, lattice);
    }
    return 0;
}
