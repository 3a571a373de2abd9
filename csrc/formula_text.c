#include "formula_text.h"

#include <string.h>

#define LETTERS 26
#define ONE(first, number) [((first) - 'A') * (LETTERS + 1)] = (number)
#define TWO(first, second, number) [((first) - 'A') * (LETTERS + 1) + ((second) - 'a') + 1] = (number)

/* Atomic number by first letter and second one (0 for none). */
static const uint8_t ELEMENTS[LETTERS * (LETTERS + 1)] = {
    ONE('H', 1), TWO('H', 'e', 2), TWO('L', 'i', 3), TWO('B', 'e', 4), ONE('B', 5), ONE('C', 6), ONE('N', 7),
    ONE('O', 8), ONE('F', 9), TWO('N', 'e', 10), TWO('N', 'a', 11), TWO('M', 'g', 12), TWO('A', 'l', 13),
    TWO('S', 'i', 14), ONE('P', 15), ONE('S', 16), TWO('C', 'l', 17), TWO('A', 'r', 18), ONE('K', 19),
    TWO('C', 'a', 20), TWO('S', 'c', 21), TWO('T', 'i', 22), ONE('V', 23), TWO('C', 'r', 24), TWO('M', 'n', 25),
    TWO('F', 'e', 26), TWO('C', 'o', 27), TWO('N', 'i', 28), TWO('C', 'u', 29), TWO('Z', 'n', 30), TWO('G', 'a', 31),
    TWO('G', 'e', 32), TWO('A', 's', 33), TWO('S', 'e', 34), TWO('B', 'r', 35), TWO('K', 'r', 36), TWO('R', 'b', 37),
    TWO('S', 'r', 38), ONE('Y', 39), TWO('Z', 'r', 40), TWO('N', 'b', 41), TWO('M', 'o', 42), TWO('T', 'c', 43),
    TWO('R', 'u', 44), TWO('R', 'h', 45), TWO('P', 'd', 46), TWO('A', 'g', 47), TWO('C', 'd', 48), TWO('I', 'n', 49),
    TWO('S', 'n', 50), TWO('S', 'b', 51), TWO('T', 'e', 52), ONE('I', 53), TWO('X', 'e', 54), TWO('C', 's', 55),
    TWO('B', 'a', 56), TWO('L', 'a', 57), TWO('C', 'e', 58), TWO('P', 'r', 59), TWO('N', 'd', 60), TWO('P', 'm', 61),
    TWO('S', 'm', 62), TWO('E', 'u', 63), TWO('G', 'd', 64), TWO('T', 'b', 65), TWO('D', 'y', 66), TWO('H', 'o', 67),
    TWO('E', 'r', 68), TWO('T', 'm', 69), TWO('Y', 'b', 70), TWO('L', 'u', 71), TWO('H', 'f', 72), TWO('T', 'a', 73),
    ONE('W', 74), TWO('R', 'e', 75), TWO('O', 's', 76), TWO('I', 'r', 77), TWO('P', 't', 78), TWO('A', 'u', 79),
    TWO('H', 'g', 80), TWO('T', 'l', 81), TWO('P', 'b', 82), TWO('B', 'i', 83), TWO('P', 'o', 84), TWO('A', 't', 85),
    TWO('R', 'n', 86), TWO('F', 'r', 87), TWO('R', 'a', 88), TWO('A', 'c', 89), TWO('T', 'h', 90), TWO('P', 'a', 91),
    ONE('U', 92), TWO('N', 'p', 93), TWO('P', 'u', 94), TWO('A', 'm', 95), TWO('C', 'm', 96), TWO('B', 'k', 97),
    TWO('C', 'f', 98), TWO('E', 's', 99), TWO('F', 'm', 100), TWO('M', 'd', 101), TWO('N', 'o', 102),
    TWO('L', 'r', 103), TWO('R', 'f', 104), TWO('D', 'b', 105), TWO('S', 'g', 106), TWO('B', 'h', 107),
    TWO('H', 's', 108), TWO('M', 't', 109), TWO('D', 's', 110), TWO('R', 'g', 111), TWO('C', 'n', 112),
    TWO('N', 'h', 113), TWO('F', 'l', 114), TWO('M', 'c', 115), TWO('L', 'v', 116), TWO('T', 's', 117),
    TWO('O', 'g', 118),
};

/* Powers of ten that a double holds exactly; with a mantissa below 2^53 one division rounds correctly. */
#define MAX_DECIMALS 22
static const double POWERS[MAX_DECIMALS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define MAX_DIGITS 15

static int is_digit(char c) { return c >= '0' && c <= '9'; }
static int is_capital(char c) { return c >= 'A' && c <= 'Z'; }
static int is_small(char c) { return c >= 'a' && c <= 'z'; }

int superion_atomic_number(const char *symbol, size_t length) {
    if (length < 1 || length > 2 || !is_capital(symbol[0]) || (length == 2 && !is_small(symbol[1]))) {
        return 0;
    }
    return ELEMENTS[(symbol[0] - 'A') * (LETTERS + 1) + (length == 2 ? symbol[1] - 'a' + 1 : 0)];
}

/* What one bracket, or the whole formula, has summed so far. */
typedef struct {
    superion_composition sum;
    char closes_with;
} frame;

/* Add an amount of an element; tell whether there was room. */
static int add(superion_composition *sum, int64_t atomic_number, double amount) {
    for (size_t n = 0; n < sum->count; n++) {
        if (sum->atomic_numbers[n] == atomic_number) {
            sum->amounts[n] += amount;
            return 1;
        }
    }
    if (sum->count == SUPERION_PLAIN_ELEMENTS) {
        return 0;
    }
    sum->atomic_numbers[sum->count] = atomic_number;
    sum->amounts[sum->count++] = amount;
    return 1;
}

/* Read the amount at `*at`, 1 where there is none; tell whether it is plain. */
static int read_amount(const char *text, size_t length, size_t *at, double *amount) {
    uint64_t mantissa = 0;
    int digits = 0, decimals = 0;
    size_t place = *at;
    for (; place < length && is_digit(text[place]); place++, digits++) {
        if (digits == MAX_DIGITS) {
            return 0;
        }
        mantissa = 10 * mantissa + (uint64_t)(text[place] - '0');
    }
    if (place < length && text[place] == '.') {
        for (place++; place < length && is_digit(text[place]); place++, digits++, decimals++) {
            if (digits == MAX_DIGITS) {
                return 0;
            }
            mantissa = 10 * mantissa + (uint64_t)(text[place] - '0');
        }
        if (decimals == 0) { /* a point that joins an adduct */
            return 0;
        }
    }
    *amount = digits == 0 ? 1.0 : (double)mantissa / POWERS[decimals];
    *at = place;
    return *amount >= SUPERION_MIN_AMOUNT && *amount <= SUPERION_MAX_AMOUNT;
}

/* Tell whether a text ends like a hydrate whose number could be meant either way, as in CuSO4.5H2O. */
static int may_be_dotted_hydrate(const char *text, size_t length) {
    size_t end = length > 0 && text[length - 1] == ')' ? length - 1 : length;
    return end >= 3 && memcmp(text + end - 3, "H2O", 3) == 0 && memchr(text, '.', length) != NULL;
}

superion_status superion_read_formula(const char *text, size_t length, superion_composition *composition) {
    frame stack[SUPERION_PLAIN_DEPTH + 1];
    int depth = 0;
    if (text == NULL || composition == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    if (length > SUPERION_PLAIN_LENGTH || may_be_dotted_hydrate(text, length)) {
        return SUPERION_NOT_PLAIN;
    }
    stack[0].sum.count = 0;
    for (size_t at = 0; at < length;) {
        double amount;
        char c = text[at];
        if (is_capital(c)) {
            size_t symbol_length = at + 1 < length && is_small(text[at + 1]) ? 2 : 1;
            int atomic_number = superion_atomic_number(text + at, symbol_length);
            at += symbol_length;
            if (atomic_number == 0 || !read_amount(text, length, &at, &amount) ||
                !add(&stack[depth].sum, atomic_number, amount)) {
                return SUPERION_NOT_PLAIN;
            }
        } else if ((c == '(' || c == '[' || c == '{') && depth < SUPERION_PLAIN_DEPTH) {
            at++;
            depth++;
            stack[depth].sum.count = 0;
            stack[depth].closes_with = c == '(' ? ')' : c == '[' ? ']' : '}';
        } else if (depth > 0 && c == stack[depth].closes_with && stack[depth].sum.count > 0) {
            at++;
            if (!read_amount(text, length, &at, &amount)) {
                return SUPERION_NOT_PLAIN;
            }
            const superion_composition *inner = &stack[depth--].sum;
            for (size_t n = 0; n < inner->count; n++) {
                if (!add(&stack[depth].sum, inner->atomic_numbers[n], inner->amounts[n] * amount)) {
                    return SUPERION_NOT_PLAIN;
                }
            }
        } else {
            return SUPERION_NOT_PLAIN;
        }
    }
    const superion_composition *sum = &stack[0].sum;
    if (depth > 0 || sum->count == 0) {
        return SUPERION_NOT_PLAIN;
    }
    composition->count = sum->count;
    for (size_t n = 0; n < sum->count; n++) {
        if (!(sum->amounts[n] >= SUPERION_MIN_AMOUNT && sum->amounts[n] <= SUPERION_MAX_AMOUNT)) {
            return SUPERION_NOT_PLAIN;
        }
        composition->atomic_numbers[n] = sum->atomic_numbers[n];
        composition->amounts[n] = sum->amounts[n];
    }
    return SUPERION_OK;
}
