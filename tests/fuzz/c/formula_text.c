/* Any text: no fault, and what formula_text.h promises of a formula that is read. */
#include "formula_text.h"

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = exact(size > 0 ? size : 1, 1);
    superion_composition sum;
    if (size > 0) { /* the bytes of an empty input may be NULL */
        memcpy(text, data, size);
    }
    superion_status status = superion_read_formula(text, size, &sum);
    REQUIRE(status == SUPERION_OK || status == SUPERION_NOT_PLAIN);
    for (size_t n = 0; status == SUPERION_OK && n < sum.count; n++) {
        REQUIRE(sum.atomic_numbers[n] >= 1 && sum.atomic_numbers[n] <= 118);
        REQUIRE(sum.amounts[n] >= SUPERION_MIN_AMOUNT && sum.amounts[n] <= SUPERION_MAX_AMOUNT);
        for (size_t m = 0; m < n; m++) {
            REQUIRE(sum.atomic_numbers[m] != sum.atomic_numbers[n]);
        }
    }
    REQUIRE(status != SUPERION_OK || (sum.count >= 1 && sum.count <= SUPERION_PLAIN_ELEMENTS && size <= SUPERION_PLAIN_LENGTH));
    free(text);
    return 0;
}
