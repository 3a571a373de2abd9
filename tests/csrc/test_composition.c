/* Fuzz the composition statistics under the sanitizers. Usage: test_composition ROUNDS. */
#include "composition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s fails at line %d\n", #condition, __LINE__);         \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

static unsigned long long state = 1;
static unsigned next_random(unsigned below) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(state >> 33) % below;
}

static void check_values(void) {
    const double table[] = {1.0, NAN, 4.0, 5.0, 4.0, 7.0}; /* three elements, two properties */
    const int64_t offsets[] = {0, 2, 3}, elements[] = {0, 1, 2};
    const double amounts[] = {1.0, 3.0, 2.0};
    double s[2][2][6];
    CHECK(superion_composition_statistics(table, 3, 2, offsets, 2, elements, amounts, &s[0][0][0]) == SUPERION_OK);
    CHECK(s[0][0][0] == 1.0 && s[0][0][1] == 4.0 && s[0][0][2] == 3.0 && s[0][0][5] == 4.0);
    CHECK(fabs(s[0][0][3] - 3.25) < 1e-15 && fabs(s[0][0][4] - 1.125) < 1e-15);
    for (int n = 0; n < 5; n++) {
        CHECK(isnan(s[0][1][n])); /* one element has no value */
    }
    CHECK(s[0][1][5] == 5.0); /* but not the most abundant one */
    CHECK(s[1][1][0] == 7.0 && s[1][1][2] == 0.0 && s[1][1][4] == 0.0);
}

static void check_codes(void) {
    const double table[] = {1.0}, one[] = {1.0}, zero[] = {0.0}, bad[] = {NAN}, huge[] = {1e308, 1e308};
    const int64_t good[] = {0, 1}, empty[] = {0, 0}, late[] = {1, 2}, pair[] = {0, 2}, row[] = {0}, rows[] = {0, 0}, out[] = {1}, below[] = {-1};
    double s[6];
    CHECK(superion_composition_statistics(table, 1, 1, NULL, 1, row, one, s) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_composition_statistics(NULL, 1, 1, good, 1, row, one, s) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_composition_statistics(table, 1, 1, empty, 1, row, one, s) == SUPERION_BAD_OFFSETS);
    CHECK(superion_composition_statistics(table, 1, 1, late, 1, row, one, s) == SUPERION_BAD_OFFSETS);
    CHECK(superion_composition_statistics(table, 1, 1, good, 1, out, one, s) == SUPERION_BAD_ELEMENT);
    CHECK(superion_composition_statistics(table, 1, 1, good, 1, below, one, s) == SUPERION_BAD_ELEMENT);
    CHECK(superion_composition_statistics(table, 1, 1, good, 1, row, zero, s) == SUPERION_BAD_AMOUNT);
    CHECK(superion_composition_statistics(table, 1, 1, good, 1, row, bad, s) == SUPERION_BAD_AMOUNT);
    CHECK(superion_composition_statistics(table, 1, 1, pair, 1, rows, huge, s) == SUPERION_BAD_AMOUNT);
    CHECK(superion_composition_statistics(NULL, 0, 0, empty, 0, NULL, NULL, NULL) == SUPERION_OK);
}

static void fuzz(void) {
    size_t n_elements = 1 + next_random(5), n_properties = next_random(4), n_compositions = next_random(6);
    int64_t offsets[8] = {0}, elements[64];
    double table[32], amounts[64];
    for (size_t n = 0; n < n_elements * n_properties; n++) {
        table[n] = next_random(8) == 0 ? NAN : (double)next_random(100) - 50.0;
    }
    for (size_t m = 0; m < n_compositions; m++) {
        offsets[m + 1] = offsets[m] + (next_random(30) == 0 ? 0 : 1 + next_random(6));
    }
    for (int64_t n = 0; n < offsets[n_compositions]; n++) {
        elements[n] = (int64_t)next_random((unsigned)n_elements) + (next_random(60) == 0 ? 7 : 0);
        amounts[n] = next_random(60) == 0 ? 0.0 : (1 + next_random(20)) / 4.0;
    }
    /* On the heap and of the exact size, so that the sanitizer sees a write beyond it. */
    double *s = malloc(n_compositions * n_properties * 6 * sizeof(double) + 1);
    CHECK(s != NULL);
    if (superion_composition_statistics(table, n_elements, n_properties, offsets, n_compositions, elements, amounts, s) == SUPERION_OK) {
        for (size_t n = 0; n < n_compositions * n_properties; n++) {
            const double *p = s + 6 * n;
            CHECK(isnan(p[3]) ? isnan(p[0]) && isnan(p[4]) : p[0] <= p[3] + 1e-12 && p[3] <= p[1] + 1e-12 && p[4] >= 0.0);
            CHECK(isnan(p[5]) || isnan(p[3]) || (p[0] <= p[5] && p[5] <= p[1]));
        }
    }
    free(s);
}

int main(int argc, char **argv) {
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    check_values();
    check_codes();
    for (long n = 0; n < rounds; n++) {
        fuzz();
    }
    printf("%ld rounds\n", rounds);
    return 0;
}
