/* Read the plain kind of chemical formula: element symbols, decimal amounts and brackets, in ASCII.
 *
 * Whatever else a formula may hold (adducts, hydrates, spaces, subscripts, unicode) and every fault is left to the caller's
 * full parser: the answer is then SUPERION_NOT_PLAIN, which says nothing about whether the text is a formula. What is read
 * is read as that parser reads it, bit for bit: amounts are correctly rounded, are multiplied by the amount behind a closing
 * bracket, and are summed per element in the order of the text; elements come in the order of their first appearance, those
 * of a bracket when it closes.
 *
 * All functions are re-entrant: no global state and no threads.
 */
#ifndef SUPERION_FORMULA_TEXT_H
#define SUPERION_FORMULA_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest text [bytes], deepest nesting of brackets and largest number of different elements that count as plain. */
#define SUPERION_PLAIN_LENGTH 200
#define SUPERION_PLAIN_DEPTH 4
#define SUPERION_PLAIN_ELEMENTS 24

/* Amounts, written and summed, lie from the first to the second; others are not plain. */
#define SUPERION_MIN_AMOUNT 1e-6
#define SUPERION_MAX_AMOUNT 1e6

typedef struct superion_composition {
    /* Number of elements, 1 or more. */
    size_t count;
    /* Entries 0 to count - 1: atomic numbers, each once. */
    int64_t atomic_numbers[SUPERION_PLAIN_ELEMENTS];
    /* Entries 0 to count - 1: amounts as written and summed. */
    double amounts[SUPERION_PLAIN_ELEMENTS];
} superion_composition;

/* Return the atomic number of a symbol of `length` bytes, or 0 when it is none. `symbol` need not end in a NUL. */
int superion_atomic_number(const char *symbol, size_t length);

/* Read a formula.
 *
 * text: `length` bytes, which need not end in a NUL; not NULL.
 * composition: written on success, unspecified on failure; not NULL.
 *
 * Returns SUPERION_OK, NULL_ARGUMENT or NOT_PLAIN. */
superion_status superion_read_formula(const char *text, size_t length, superion_composition *composition);

#ifdef __cplusplus
}
#endif

#endif
