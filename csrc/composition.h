/* Statistics of element properties over compositions: the "Magpie" features.
 *
 * A composition is a list of elements with an amount each, above zero; amounts need not sum to anything. For a property
 * p with the value p_e of element e, and weights w_e = amount_e / (sum of amounts), the six statistics are
 *
 *     minimum            smallest p_e
 *     maximum            largest p_e
 *     range              maximum - minimum
 *     mean               sum of w_e p_e
 *     average deviation  sum of w_e |p_e - mean|
 *     mode               p_e of the element of largest amount; the smallest of them where amounts tie
 *
 * An element without a value has NaN in the table; every statistic that would need it is NaN, and none is ever taken
 * over the other elements alone. The mode needs only the most abundant elements.
 *
 * Source: L. Ward, A. Agrawal, A. Choudhary, C. Wolverton, npj Comput. Mater. 2, 16028 (2016), as matminer computes it.
 * All functions are re-entrant: no global state and no threads.
 */
#ifndef SUPERION_COMPOSITION_H
#define SUPERION_COMPOSITION_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Number of statistics per property, in the order above. */
#define SUPERION_N_STATISTICS 6

/* Amounts tie for the mode when they differ from the largest by at most RELATIVE * largest + ABSOLUTE. */
#define SUPERION_TIE_RELATIVE 1e-5
#define SUPERION_TIE_ABSOLUTE 1e-8

/* Compute the statistics of a batch of compositions.
 *
 * table: shape (n_elements, n_properties), row-major; finite, or NaN where an element has no value.
 * offsets: shape (n_compositions + 1,): composition m is entries offsets[m] to offsets[m + 1] - 1 of the next two arrays;
 *     starts at 0 and increases.
 * elements: shape (offsets[n_compositions],): row of the table per entry. An element may occur twice in one composition;
 *     the mode then goes by each entry's own amount, so merge them first.
 * amounts: shape (offsets[n_compositions],): finite, above 0, and with a finite sum in each composition.
 * statistics: shape (n_compositions, n_properties, SUPERION_N_STATISTICS), row-major; written in full on success,
 *     unspecified on failure.
 *
 * Any count may be 0; the pointers to empty arrays may then be NULL, but `offsets` may not.
 * Returns SUPERION_OK, NULL_ARGUMENT, BAD_OFFSETS, BAD_ELEMENT or BAD_AMOUNT. */
superion_status superion_composition_statistics(const double *table, size_t n_elements, size_t n_properties,
                                                const int64_t *offsets, size_t n_compositions, const int64_t *elements,
                                                const double *amounts, double *statistics);

#ifdef __cplusplus
}
#endif

#endif
