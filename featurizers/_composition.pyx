# cython: boundscheck=False, wraparound=False
"""Bind the formula reader and the composition statistics of the C core."""

cimport composition
cimport formula_text
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t
from status cimport SUPERION_BAD_AMOUNT, SUPERION_OK, superion_status, superion_status_message

import numpy as np

from superion.errors import InvalidFormula


def read_compositions(list formulas, parse):
    """Return offsets (n_formulas + 1,), atomic numbers and amounts (offsets[-1],) of strings and of parsed formulas.

    `parse` reads the strings that the C reader leaves to it.

    Raises InvalidFormula, with the number of the formula, for what `parse` refuses, for no elements or for other than one
    amount each; and for an unknown symbol.
    """
    cdef Py_ssize_t n_formulas = len(formulas), n, k, used = 0, count, length, capacity = 8 * n_formulas + 32
    cdef formula_text.superion_composition plain
    cdef const char *text
    cdef tuple symbols, amounts
    offsets = np.empty(n_formulas + 1, dtype=np.int64)
    numbers_array, amounts_array = np.empty(capacity, dtype=np.int64), np.empty(capacity, dtype=np.float64)
    cdef int64_t[::1] starts = offsets, numbers = numbers_array
    cdef double[::1] shares = amounts_array
    starts[0] = 0
    for n in range(n_formulas):
        formula = formulas[n]
        symbols = None
        if isinstance(formula, str):
            try:
                text = PyUnicode_AsUTF8AndSize(formula, &length)
                read = formula_text.superion_read_formula(text, <size_t>length, &plain) == SUPERION_OK
            except UnicodeEncodeError:  # a lone surrogate
                read = False
            count = <Py_ssize_t>plain.count
            if not read:
                try:
                    formula = parse(formula)
                except InvalidFormula as fault:
                    raise InvalidFormula(f"formulas[{n}]: {fault.message}", field="formulas", value=formula) from fault
        else:
            read = False
        if not read:
            symbols, amounts = tuple(formula.symbols), tuple(formula.amounts)
            count = len(symbols)
            if count == 0 or len(amounts) != count:
                raise InvalidFormula(
                    f"formulas[{n}]: a formula needs elements, with one amount each", field="formulas", value=formula
                )
        if used + count > capacity:
            capacity = 2 * (used + count)
            numbers_array = np.concatenate([numbers_array[:used], np.empty(capacity - used, dtype=np.int64)])
            amounts_array = np.concatenate([amounts_array[:used], np.empty(capacity - used, dtype=np.float64)])
            numbers, shares = numbers_array, amounts_array
        for k in range(count):
            if read:
                numbers[used + k] = plain.atomic_numbers[k]
                shares[used + k] = plain.amounts[k]
            else:
                numbers[used + k] = atomic_number(symbols[k])
                shares[used + k] = amounts[k]
        used += count
        starts[n + 1] = used
    return offsets, numbers_array[:used], amounts_array[:used]


cdef int atomic_number(symbol) except -1:
    """Return the atomic number of a symbol; raises InvalidFormula."""
    cdef Py_ssize_t length
    cdef const char *text
    cdef int number = 0
    if isinstance(symbol, str) and symbol.isascii():
        text = PyUnicode_AsUTF8AndSize(symbol, &length)
        number = formula_text.superion_atomic_number(text, <size_t>length)
    if number == 0:
        raise InvalidFormula(f"{symbol} is no element", field="symbols", value=symbol)
    return number


def composition_statistics(
    const double[:, ::1] table, const int64_t[::1] offsets, const int64_t[::1] elements, const double[::1] amounts
):
    """Return the six statistics of every property and composition, as `csrc/composition.h` defines them.

    `table` has shape (n_elements, n_properties), `offsets` (n_compositions + 1,), `elements` and `amounts`
    (offsets[-1],). The answer has shape (n_compositions, n_properties, 6).

    Raises InvalidFormula for an amount that is not above zero, ValueError for arrays that do not fit together.
    """
    if offsets.shape[0] < 1 or offsets[offsets.shape[0] - 1] != elements.shape[0]:
        raise ValueError("the last offset must be the number of entries")
    if elements.shape[0] != amounts.shape[0]:
        raise ValueError("there must be one amount per element entry")
    cdef size_t n_compositions = <size_t>(offsets.shape[0] - 1)
    cdef size_t n_elements = <size_t>table.shape[0], n_properties = <size_t>table.shape[1]
    statistics = np.empty((n_compositions, n_properties, composition.SUPERION_N_STATISTICS), dtype=np.float64)
    cdef double[:, :, ::1] view = statistics
    # The address of the first entry of an empty array must not be formed.
    cdef const double *table_start = &table[0, 0] if table.size else NULL
    cdef const int64_t *elements_start = &elements[0] if elements.size else NULL
    cdef const double *amounts_start = &amounts[0] if amounts.size else NULL
    cdef double *statistics_start = &view[0, 0, 0] if statistics.size else NULL
    cdef superion_status status
    with nogil:
        status = composition.superion_composition_statistics(
            table_start,
            n_elements,
            n_properties,
            &offsets[0],
            n_compositions,
            elements_start,
            amounts_start,
            statistics_start,
        )
    if status == SUPERION_OK:
        return statistics
    message = superion_status_message(status).decode("ascii")
    if status == SUPERION_BAD_AMOUNT:
        raise InvalidFormula(message, field="amounts", value=min(amounts))
    raise ValueError(message)
