/* Any table, offsets and amounts that lie in memory as promised: no fault, and statistics that are in order. */
#include "composition.h"

#include "harness.h"

#define MAX_ELEMENTS 12
#define MAX_PROPERTIES 4
#define MAX_COMPOSITIONS 6

/* Check the statistics of one property and composition; `values` is the column of the table. */
static void check(const double *values, size_t stride, const int64_t *elements, int64_t n_entries, const double *statistics) {
    int unknown = 0, infinite = 0, known_mode = 0;
    double largest = 0.0;
    for (int64_t n = 0; n < n_entries; n++) {
        double value = values[(size_t)elements[n] * stride];
        unknown |= isnan(value);
        infinite |= isinf(value) || fabs(value) > 1e150;
        known_mode |= value == statistics[5];
        largest = fmax(largest, fabs(value));
    }
    for (int s = 0; s < 5; s++) {
        REQUIRE(!unknown || isnan(statistics[s]));
    }
    REQUIRE(isnan(statistics[5]) || known_mode);
    if (!unknown && !infinite) {
        double rounding = 1e-9 * largest + 1e-290; /* the smallest numbers have few digits, or none */
        REQUIRE(statistics[2] == statistics[1] - statistics[0]);
        REQUIRE(statistics[0] <= statistics[3] + rounding && statistics[3] <= statistics[1] + rounding);
        REQUIRE(statistics[4] >= 0.0 && statistics[4] <= statistics[2] + rounding);
        REQUIRE(statistics[0] <= statistics[5] && statistics[5] <= statistics[1]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    size_t n_elements = take_byte(&bytes) % (MAX_ELEMENTS + 1), n_properties = take_byte(&bytes) % (MAX_PROPERTIES + 1);
    size_t n_compositions = take_byte(&bytes) % (MAX_COMPOSITIONS + 1), n_values = n_elements * n_properties;
    size_t n_statistics = n_compositions * n_properties * SUPERION_N_STATISTICS;
    int64_t *offsets = exact(n_compositions + 1, sizeof *offsets), last = 0;
    for (size_t m = 0; m <= n_compositions; m++) {
        /* Mostly increasing; a byte of 255 steps back, which must be refused before it is followed. */
        uint8_t step = take_byte(&bytes);
        offsets[m] = m == 0 ? step / 255 : offsets[m - 1] + (step == 255 ? -1 : step % 6);
        last = offsets[m];
    }
    size_t n_entries = last > 0 ? (size_t)last : 0;
    int64_t *elements = exact(n_entries, sizeof *elements);
    double *amounts = exact(n_entries, sizeof *amounts), *table = exact(n_values, sizeof *table);
    double *statistics = exact(n_statistics, sizeof *statistics);
    for (size_t n = 0; n < n_values; n++) {
        table[n] = take_number(&bytes);
    }
    int amounts_are_plain = 1;
    for (size_t n = 0; n < n_entries; n++) {
        elements[n] = (int8_t)take_byte(&bytes);
        amounts[n] = take_number(&bytes);
        amounts_are_plain &= amounts[n] > 1e-10 && amounts[n] < 1e10;
    }
    superion_status status = superion_composition_statistics(table, n_elements, n_properties, offsets, n_compositions,
                                                             elements, amounts, statistics);
    REQUIRE(strcmp(superion_status_message(status), "unknown status") != 0);
    REQUIRE(status != SUPERION_OUT_OF_MEMORY);
    REQUIRE(status != SUPERION_NULL_ARGUMENT || n_entries == 0 || n_values == 0);
    for (size_t m = 0; status == SUPERION_OK && m < n_compositions; m++) {
        for (size_t property = 0; amounts_are_plain && property < n_properties; property++) {
            check(table + property, n_properties, elements + offsets[m], offsets[m + 1] - offsets[m],
                  statistics + (m * n_properties + property) * SUPERION_N_STATISTICS);
        }
    }
    free(offsets);
    free(elements);
    free(amounts);
    free(table);
    free(statistics);
    return 0;
}
