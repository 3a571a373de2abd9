/* Compare the site energies with plain sums on pseudo-random crystals, and throw hostile input at them.
 *
 * Usage: test_landscape ROUNDS. Built with the sanitizers; exits 1 at the first difference, printing the round. */
#include "driver.h"
#include "landscape.h"

#include <math.h>
#include <string.h>

#define MAX_SITES 6
#define MAX_ENTRIES 3
#define MAX_KINDS 4

typedef struct {
    double lattice[9], fractional[3 * MAX_SITES], occupancies[MAX_SITES * MAX_ENTRIES], cutoff;
    int64_t offsets[MAX_SITES + 1];
    int32_t kinds[MAX_SITES * MAX_ENTRIES], shape[3];
    superion_interaction interactions[MAX_KINDS];
    superion_framework framework;
} problem;

static double volume_of(const double *l) {
    return l[0] * (l[4] * l[8] - l[5] * l[7]) - l[1] * (l[3] * l[8] - l[5] * l[6]) + l[2] * (l[3] * l[7] - l[4] * l[6]);
}

static double term(const superion_interaction *one, double r) {
    r = fmax(r, SUPERION_CLOSEST_APPROACH);
    double energy = 0.0;
    if (one->depth != 0.0) {
        energy += one->depth / 2.0 * (pow(exp(one->steepness * (one->minimum - r)) - 1.0, 2.0) - 1.0);
    }
    if (one->strength != 0.0) {
        energy += one->strength / r * erfc(r / one->screening);
    }
    return energy;
}

/* Sum by the definition over all images that the heights of the cell allow. */
static double plain_sum(const problem *p, const double *point) {
    double energy = 0.0, volume = fabs(volume_of(p->lattice));
    long most[3];
    for (int x = 0; x < 3; x++) {
        const double *u = p->lattice + 3 * ((x + 1) % 3), *v = p->lattice + 3 * ((x + 2) % 3);
        double cross[3] = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
        double height = volume / sqrt(cross[0] * cross[0] + cross[1] * cross[1] + cross[2] * cross[2]);
        most[x] = (long)(p->cutoff / height) + 2;
    }
    for (size_t i = 0; i < p->framework.n_sites; i++) {
        for (long a = -most[0]; a <= most[0]; a++) {
            for (long b = -most[1]; b <= most[1]; b++) {
                for (long c = -most[2]; c <= most[2]; c++) {
                    double squared = 0.0, image[3] = {(double)a, (double)b, (double)c}, d[3];
                    for (int x = 0; x < 3; x++) {
                        double f = p->fractional[3 * i + (size_t)x];
                        d[x] = f - floor(f) + image[x] - point[x];
                    }
                    for (int x = 0; x < 3; x++) {
                        double component = d[0] * p->lattice[x] + d[1] * p->lattice[3 + x] + d[2] * p->lattice[6 + x];
                        squared += component * component;
                    }
                    if (squared <= p->cutoff * p->cutoff) {
                        for (int64_t n = p->offsets[i]; n < p->offsets[i + 1]; n++) {
                            energy += p->occupancies[n] * term(p->interactions + p->kinds[n], sqrt(squared));
                        }
                    }
                }
            }
        }
    }
    return energy;
}

static void make_problem(problem *p) {
    memset(p, 0, sizeof *p);
    double scale = uniform(3.0, 6.0);
    do {
        for (int x = 0; x < 9; x++) {
            p->lattice[x] = scale * ((x % 4 == 0 ? 1.0 : 0.0) + uniform(-0.4, 0.4));
        }
    } while (fabs(volume_of(p->lattice)) < 0.3 * scale * scale * scale);
    if (one_in(3)) { /* another description of the same kind of crystal: skewed or left-handed */
        for (int x = 0; x < 3; x++) {
            p->lattice[x] += (double)(below(5) - 2) * p->lattice[3 + x];
        }
    }
    int n_sites = below(MAX_SITES + 1), n_kinds = 1 + below(MAX_KINDS);
    for (int n = 0; n < n_kinds; n++) {
        superion_interaction *one = p->interactions + n;
        one->depth = one_in(3) ? 0.0 : uniform(0.2, 3.0);
        one->minimum = uniform(1.5, 2.8);
        one->steepness = uniform(1.3, 2.2);
        one->strength = one->depth != 0.0 && one_in(2) ? 0.0 : uniform(2.0, 30.0);
        one->screening = uniform(1.2, 2.4);
    }
    for (int i = 0; i < n_sites; i++) {
        for (int x = 0; x < 3; x++) {
            p->fractional[3 * i + x] = one_in(10) ? below(5) / 4.0 : uniform(-2.0, 2.0);
        }
        p->offsets[i + 1] = p->offsets[i] + below(MAX_ENTRIES + 1);
        for (int64_t n = p->offsets[i]; n < p->offsets[i + 1]; n++) {
            p->kinds[n] = below(n_kinds);
            p->occupancies[n] = one_in(2) ? 1.0 : uniform(0.0, 1.0);
        }
    }
    p->cutoff = one_in(2) ? uniform(1.0, 5.0) : uniform(5.0, 11.0);
    for (int x = 0; x < 3; x++) {
        p->shape[x] = one_in(4) ? 1 + below(4) : 8 + below(30);
    }
    p->framework = (superion_framework){(size_t)n_sites,  p->fractional,   p->offsets,     p->kinds,
                                        p->occupancies, (size_t)n_kinds, p->interactions};
}

static void compare(void) {
    problem p;
    make_problem(&p);
    size_t n_points = (size_t)p.shape[0] * (size_t)p.shape[1] * (size_t)p.shape[2];
    double *energies = malloc(n_points * sizeof(double)); /* of the exact size: the sanitizer sees a write beyond it */
    CHECK(superion_site_energies(p.lattice, &p.framework, p.shape, p.cutoff, 0.0, energies) == SUPERION_OK);
    double weight = 0.0;
    for (int64_t n = 0; n < p.offsets[p.framework.n_sites]; n++) {
        weight += p.occupancies[n] * 14.0;
    }
    double tolerance = 4e-4 * fmax(1.0, weight / fabs(volume_of(p.lattice)));
    /* A point on the rim of a cutoff sphere may count or not; sums differ by the tail of one site then. */
    double rim = 0.0;
    for (size_t n = 0; n < p.framework.n_interactions; n++) {
        rim = fmax(rim, fabs(term(p.interactions + n, p.cutoff)));
    }
    if (p.cutoff > 5.0) {
        rim *= 20.0; /* the coarse grid cannot follow the step at the rim of every sphere */
    }
    for (int k = 0; k < 12; k++) {
        int at[3] = {below(p.shape[0]), below(p.shape[1]), below(p.shape[2])};
        double point[3] = {(double)at[0] / p.shape[0], (double)at[1] / p.shape[1], (double)at[2] / p.shape[2]};
        double expected = plain_sum(&p, point), found = energies[(at[0] * p.shape[1] + at[1]) * p.shape[2] + at[2]];
        CHECK(fabs(found - expected) <= (tolerance + 3.0 * rim) * fmax(1.0, fabs(expected) / 10.0));
    }
    free(energies);
}

static double odd_number(void) {
    static const double odd[] = {0.0, -1.0, 1e-300, 1e300, NAN, INFINITY, -INFINITY, 0.5, 100.0, 1e-9};
    return odd[below(10)];
}

static void fuzz_hostile(void) {
    problem p;
    make_problem(&p);
    for (int n = 1 + below(3); n > 0; n--) {
        switch (below(9)) {
        case 0:
            p.lattice[below(9)] = odd_number();
            break;
        case 1:
            p.fractional[below(3 * MAX_SITES)] = odd_number();
            break;
        case 2:
            p.offsets[below(MAX_SITES + 1)] = below(5) - 2;
            break;
        case 3:
            p.kinds[below(MAX_SITES * MAX_ENTRIES)] = below(12) - 4;
            break;
        case 4:
            p.occupancies[below(MAX_SITES * MAX_ENTRIES)] = odd_number();
            break;
        case 5:
            p.interactions[below(MAX_KINDS)].depth = odd_number();
            break;
        case 6:
            p.interactions[below(MAX_KINDS)].steepness = odd_number();
            break;
        case 7:
            p.interactions[below(MAX_KINDS)].screening = odd_number();
            break;
        default:
            p.cutoff = odd_number();
        }
    }
    double *energies = malloc((size_t)p.shape[0] * (size_t)p.shape[1] * (size_t)p.shape[2] * sizeof(double));
    superion_site_energies(p.lattice, &p.framework, p.shape, p.cutoff, 1e8, energies);
    free(energies);
}

static void check_codes(void) {
    const double l[9] = {4, 0, 0, 0, 4, 0, 0, 0, 4}, flat[9] = {4, 0, 0, 0, 4, 0, 4, 4, 0}, bad_lattice[9] = {NAN, 0, 0, 0, 4, 0, 0, 0, 4};
    const double endless[9] = {0.3, 0.5, 14, -1, -1, 1, 1e100, -1, -1}, skewed[9] = {4, 0, 0, 4e9, 4, 0, 0, 0, 4};
    const double origin[3] = {0, 0, 0}, nowhere[3] = {INFINITY, 0, 0}, one[1] = {1.0}, not_a_number[1] = {NAN};
    const int64_t offsets[2] = {0, 1}, late[2] = {1, 1};
    const int32_t kind[1] = {0}, other[1] = {1}, shape[3] = {2, 2, 2}, none[3] = {2, 0, 2};
    const superion_interaction bond = {1.0, 2.0, 1.5, 0.0, 0.0}, steep = {1.0, 400.0, 1.5, 0.0, 0.0}, bare = {0.0, 0.0, 0.0, 1.0, 0.0};
    const superion_interaction hidden = {0.0, 0.0, 0.0, 1.0, 1e-320}, cliff = {1.0, 0.0, 1e300, 0.0, 0.0}, deep = {1e300, 2.0, 1.5, 0.0, 0.0};
    superion_framework f = {1, origin, offsets, kind, one, 1, &bond}, g;
    double e[8];
#define STATUS_WITH(member, wrong) (g = f, g.member = wrong, superion_site_energies(l, &g, shape, 5.0, 0.0, e))
    CHECK(superion_site_energies(NULL, &f, shape, 5.0, 0.0, e) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_site_energies(l, NULL, shape, 5.0, 0.0, e) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_site_energies(l, &f, NULL, 5.0, 0.0, e) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_site_energies(l, &f, shape, 5.0, 0.0, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_site_energies(l, &f, shape, 0.0, 0.0, e) == SUPERION_BAD_CUTOFF);
    CHECK(superion_site_energies(l, &f, shape, 51.0, 0.0, e) == SUPERION_BAD_CUTOFF);
    CHECK(superion_site_energies(l, &f, shape, NAN, 0.0, e) == SUPERION_BAD_CUTOFF);
    CHECK(superion_site_energies(l, &f, none, 5.0, 0.0, e) == SUPERION_BAD_GRID);
    CHECK(superion_site_energies(flat, &f, shape, 5.0, 0.0, e) == SUPERION_SINGULAR_LATTICE);
    CHECK(superion_site_energies(endless, &f, shape, 5.0, 0.0, e) == SUPERION_SINGULAR_LATTICE);
    CHECK(superion_site_energies(skewed, &f, shape, 5.0, 0.0, e) == SUPERION_SINGULAR_LATTICE);
    CHECK(superion_site_energies(bad_lattice, &f, shape, 5.0, 0.0, e) == SUPERION_NONFINITE_LATTICE);
    CHECK(superion_site_energies(l, &f, shape, 5.0, 1.0, e) == SUPERION_TOO_MUCH_WORK);
    CHECK(STATUS_WITH(fractional, nowhere) == SUPERION_NONFINITE_COORDINATE);
    CHECK(STATUS_WITH(fractional, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(STATUS_WITH(offsets, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(STATUS_WITH(kinds, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(STATUS_WITH(offsets, late) == SUPERION_BAD_OFFSETS);
    CHECK(STATUS_WITH(kinds, other) == SUPERION_BAD_INTERACTION);
    CHECK(STATUS_WITH(interactions, &steep) == SUPERION_BAD_INTERACTION);
    CHECK(STATUS_WITH(interactions, &bare) == SUPERION_BAD_INTERACTION);
    CHECK(STATUS_WITH(interactions, &hidden) == SUPERION_BAD_INTERACTION);
    CHECK(STATUS_WITH(interactions, &cliff) == SUPERION_BAD_INTERACTION);
    CHECK(STATUS_WITH(interactions, &deep) == SUPERION_BAD_INTERACTION);
    CHECK(STATUS_WITH(occupancies, not_a_number) == SUPERION_BAD_AMOUNT);
    CHECK(STATUS_WITH(n_sites, 0) == SUPERION_OK && e[0] == 0.0 && e[7] == 0.0);
    CHECK(superion_site_energies(l, &f, shape, 5.0, 0.0, e) == SUPERION_OK && isfinite(e[0]));
}

/* Fail every allocation in turn: the status says so and, as the leak sanitizer sees, nothing stays behind. */
static void check_out_of_memory(void) {
    problem p;
    double *energies = malloc(40 * 40 * 40 * sizeof(double));
    do {
        make_problem(&p);
        p.cutoff = 8.0;
        p.shape[0] = p.shape[1] = p.shape[2] = 40;
    } while (p.offsets[p.framework.n_sites] == 0);
    superion_status status = SUPERION_OUT_OF_MEMORY;
    long failed = 0;
    for (; status != SUPERION_OK; failed++) {
        allocations_left = failed;
        status = superion_site_energies(p.lattice, &p.framework, p.shape, p.cutoff, 0.0, energies);
        allocations_left = -1;
        CHECK(status == SUPERION_OK || status == SUPERION_OUT_OF_MEMORY);
        CHECK(failed < 100);
    }
    CHECK(failed > 10);
    free(energies);
}

int main(int argc, char **argv) {
    u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
    check_codes();
    check_out_of_memory();
    for (round_number = 0; round_number < rounds; round_number++) {
        state = round_number * 2654435761ull;
        compare();
        fuzz_hostile();
    }
    printf("%llu rounds\n", rounds);
    return 0;
}
