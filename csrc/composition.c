#include "composition.h"

#include <math.h>

static superion_status check(size_t n_elements, const int64_t *offsets, size_t n_compositions, const int64_t *elements,
                             const double *amounts) {
    if (offsets[0] != 0) {
        return SUPERION_BAD_OFFSETS;
    }
    for (size_t m = 0; m < n_compositions; m++) {
        if (offsets[m + 1] <= offsets[m]) {
            return SUPERION_BAD_OFFSETS;
        }
    }
    for (size_t m = 0; m < n_compositions; m++) {
        double total = 0.0;
        for (int64_t entry = offsets[m]; entry < offsets[m + 1]; entry++) {
            if (elements[entry] < 0 || (uint64_t)elements[entry] >= n_elements) {
                return SUPERION_BAD_ELEMENT;
            }
            if (!isfinite(amounts[entry]) || !(amounts[entry] > 0.0)) {
                return SUPERION_BAD_AMOUNT;
            }
            total += amounts[entry];
        }
        if (!isfinite(total)) { /* every weight would be 0 */
            return SUPERION_BAD_AMOUNT;
        }
    }
    return SUPERION_OK;
}

/* Properties that are summarised side by side, so that the compiler can use vector instructions. */
#define CHUNK 22

/* Compute the six statistics of up to CHUNK properties; `table` points at the first of them in the row of element 0. */
static void summarise(const double *table, size_t stride, size_t n_properties, const int64_t *elements, const double *amounts,
                      int64_t n_entries, double total, double tie, double *statistics) {
    double minimum[CHUNK], maximum[CHUNK], mean[CHUNK], deviation[CHUNK], mode[CHUNK], unknown[CHUNK];
    for (size_t p = 0; p < CHUNK; p++) {
        minimum[p] = mode[p] = INFINITY;
        maximum[p] = -INFINITY;
        mean[p] = deviation[p] = unknown[p] = 0.0;
    }
    for (int64_t n = 0; n < n_entries; n++) {
        const double *values = table + (size_t)elements[n] * stride;
        double amount = amounts[n];
        for (size_t p = 0; p < n_properties; p++) {
            double value = values[p];
            mean[p] += value * amount; /* a NaN stays in the sum, which then marks every statistic but the mode */
            minimum[p] = value < minimum[p] ? value : minimum[p];
            maximum[p] = value > maximum[p] ? value : maximum[p];
        }
        if (amount >= tie) {
            for (size_t p = 0; p < n_properties; p++) {
                mode[p] = values[p] < mode[p] ? values[p] : mode[p];
                unknown[p] += 0.0 * values[p]; /* NaN where one of the most abundant elements has no value */
            }
        }
    }
    for (size_t p = 0; p < n_properties; p++) {
        mean[p] /= total;
    }
    for (int64_t n = 0; n < n_entries; n++) {
        const double *values = table + (size_t)elements[n] * stride;
        double amount = amounts[n];
        for (size_t p = 0; p < n_properties; p++) {
            deviation[p] += fabs(values[p] - mean[p]) * amount;
        }
    }
    for (size_t p = 0; p < n_properties; p++, statistics += SUPERION_N_STATISTICS) {
        double known = 0.0 * mean[p]; /* 0 or NaN */
        statistics[0] = minimum[p] + known;
        statistics[1] = maximum[p] + known;
        statistics[2] = maximum[p] - minimum[p] + known;
        statistics[3] = mean[p];
        statistics[4] = deviation[p] / total;
        statistics[5] = mode[p] + unknown[p];
    }
}

superion_status superion_composition_statistics(const double *table, size_t n_elements, size_t n_properties,
                                                const int64_t *offsets, size_t n_compositions, const int64_t *elements,
                                                const double *amounts, double *statistics) {
    if (offsets == NULL || (n_compositions > 0 && (elements == NULL || amounts == NULL)) ||
        (n_compositions > 0 && n_properties > 0 && (table == NULL || statistics == NULL))) {
        return SUPERION_NULL_ARGUMENT;
    }
    superion_status status = check(n_elements, offsets, n_compositions, elements, amounts);
    if (status != SUPERION_OK) {
        return status;
    }
    for (size_t m = 0; m < n_compositions; m++) {
        int64_t start = offsets[m], n_entries = offsets[m + 1] - start;
        double total = 0.0, largest = 0.0;
        for (int64_t n = 0; n < n_entries; n++) {
            total += amounts[start + n];
            largest = fmax(largest, amounts[start + n]);
        }
        double tie = largest - (SUPERION_TIE_RELATIVE * largest + SUPERION_TIE_ABSOLUTE);
        for (size_t first = 0; first < n_properties; first += CHUNK) {
            size_t count = n_properties - first < CHUNK ? n_properties - first : CHUNK;
            summarise(table + first, n_properties, count, elements + start, amounts + start, n_entries, total, tie,
                      statistics + (m * n_properties + first) * SUPERION_N_STATISTICS);
        }
    }
    return SUPERION_OK;
}
