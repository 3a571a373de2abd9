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
    for (int64_t entry = 0; entry < offsets[n_compositions]; entry++) {
        if (elements[entry] < 0 || (uint64_t)elements[entry] >= n_elements) {
            return SUPERION_BAD_ELEMENT;
        }
        if (!isfinite(amounts[entry]) || !(amounts[entry] > 0.0)) {
            return SUPERION_BAD_AMOUNT;
        }
    }
    return SUPERION_OK;
}

/* Compute the six statistics of one property; `values` points at its column of the table. */
static void summarise(const double *values, size_t stride, const int64_t *elements, const double *amounts, int64_t n_entries,
                      double total, double tie, double *statistics) {
    double minimum = INFINITY, maximum = -INFINITY, sum = 0.0, deviation = 0.0, mode = INFINITY;
    int mode_unknown = 0;
    for (int64_t n = 0; n < n_entries; n++) {
        double value = values[(size_t)elements[n] * stride];
        sum += value * amounts[n]; /* a NaN stays in the sum, which then marks every statistic but the mode */
        minimum = value < minimum ? value : minimum;
        maximum = value > maximum ? value : maximum;
        if (amounts[n] >= tie) {
            mode = value < mode ? value : mode;
            mode_unknown |= isnan(value);
        }
    }
    double mean = sum / total;
    for (int64_t n = 0; n < n_entries; n++) {
        deviation += fabs(values[(size_t)elements[n] * stride] - mean) * amounts[n];
    }
    statistics[0] = isnan(mean) ? NAN : minimum;
    statistics[1] = isnan(mean) ? NAN : maximum;
    statistics[2] = isnan(mean) ? NAN : maximum - minimum;
    statistics[3] = mean;
    statistics[4] = deviation / total;
    statistics[5] = mode_unknown ? NAN : mode;
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
        for (size_t property = 0; property < n_properties; property++) {
            summarise(table + property, n_properties, elements + start, amounts + start, n_entries, total, tie,
                      statistics + (m * n_properties + property) * SUPERION_N_STATISTICS);
        }
    }
    return SUPERION_OK;
}
