/* Throw texts at the formula reader under the sanitizers: buffers of the exact size, mutated formulas, random bytes.
 *
 * Usage: test_formula_text ROUNDS; exits 1 at the first fault, printing the round. */
#include "driver.h"
#include "formula_text.h"

#include <math.h>
#include <string.h>

static const char *const SEEDS[] = {"Li6PS5Cl", "Li6.25Al0.25La3Zr2O12", "(NH4)2[PO4]0.5{Fe(CN)6}3", "Li1.3Al0.3Ti1.7(PO4)3",
                                    "((((Li)2)2)2)2", "CuSO4.5H2O", "Li.5TiO2", "Li999999999999999O"};

static superion_status read_exactly(const char *text, size_t length, superion_composition *composition) {
    char *copy = malloc(length > 0 ? length : 1); /* no NUL behind it: the sanitizer sees a read beyond */
    memcpy(copy, text, length);
    superion_status status = superion_read_formula(copy, length, composition);
    free(copy);
    return status;
}

static void check_values(void) {
    superion_composition c;
    CHECK(read_exactly("Li6.5(PO4)2Li0.25", 17, &c) == SUPERION_OK && c.count == 3);
    CHECK(c.atomic_numbers[0] == 3 && c.atomic_numbers[1] == 15 && c.atomic_numbers[2] == 8);
    CHECK(c.amounts[0] == 6.75 && c.amounts[1] == 2.0 && c.amounts[2] == 8.0);
    static const char *const left[] = {"", "li", "Xx", "Li(", "Li)", "Li(]", "()", "Li0", "Li1.", "2Li", "Li 2", "Li-O", "LiD",
                                       "(((((Li)))))", "Li1234567", "Li0.0000001", "CuSO4.5H2O", "Li1000001", "\xe2\x82\x82"};
    for (size_t n = 0; n < sizeof left / sizeof left[0]; n++) {
        CHECK(read_exactly(left[n], strlen(left[n]), &c) == SUPERION_NOT_PLAIN);
    }
    CHECK(superion_read_formula(NULL, 0, &c) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_read_formula("Li", 2, NULL) == SUPERION_NULL_ARGUMENT);
    CHECK(superion_atomic_number("Og", 2) == 118 && superion_atomic_number("H", 1) == 1 && superion_atomic_number("He", 1) == 1);
    CHECK(superion_atomic_number("he", 2) == 0 && superion_atomic_number("HE", 2) == 0 && superion_atomic_number("Hee", 3) == 0);
    CHECK(superion_atomic_number("", 0) == 0 && superion_atomic_number("D", 1) == 0);
}

static void fuzz(void) {
    char text[SUPERION_PLAIN_LENGTH + 40];
    superion_composition c;
    size_t length = 0;
    for (int parts = 1 + below(6); parts > 0 && length < 150; parts--) {
        const char *seed = SEEDS[below(sizeof SEEDS / sizeof SEEDS[0])];
        memcpy(text + length, seed, strlen(seed));
        length += strlen(seed);
    }
    for (int changes = below(4); changes > 0; changes--) {
        text[below((int)length)] = one_in(3) ? (char)below(256) : "()[]{}.0129LiOHPxE"[below(18)];
    }
    length = (size_t)below((int)length + 1);
    if (read_exactly(text, length, &c) == SUPERION_OK) {
        CHECK(c.count >= 1 && c.count <= SUPERION_PLAIN_ELEMENTS);
        for (size_t n = 0; n < c.count; n++) {
            CHECK(c.atomic_numbers[n] >= 1 && c.atomic_numbers[n] <= 118);
            CHECK(c.amounts[n] >= SUPERION_MIN_AMOUNT && c.amounts[n] <= SUPERION_MAX_AMOUNT);
            for (size_t m = 0; m < n; m++) {
                CHECK(c.atomic_numbers[m] != c.atomic_numbers[n]);
            }
        }
    }
}

int main(int argc, char **argv) {
    u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    check_values();
    for (round_number = 0; round_number < rounds; round_number++) {
        state = round_number * 2654435761ull;
        for (int n = 0; n < 100; n++) {
            fuzz();
        }
    }
    printf("%llu rounds\n", rounds);
    return 0;
}
