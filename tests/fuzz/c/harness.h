/* What the harnesses share: numbers made from the fuzzer's bytes, exact copies, and a check that stops the program.
 *
 * A harness is one file here that defines LLVMFuzzerTestOneInput, as libFuzzer asks for; `../c_targets.py` builds each
 * file but loop.c with all of csrc/ and the sanitizers. With clang the engine is libFuzzer, with gcc it is loop.c. */
#ifndef SUPERION_FUZZ_HARNESS_H
#define SUPERION_FUZZ_HARNESS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stop with the place of the broken promise; the engine keeps the input. */
#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                              \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The bytes not used yet; past their end every byte is 0. */
typedef struct {
    const uint8_t *at;
    size_t left;
} fuzz_bytes;

static inline uint8_t take_byte(fuzz_bytes *bytes) {
    return bytes->left == 0 ? 0 : (bytes->left--, *bytes->at++);
}

static inline uint16_t take_short(fuzz_bytes *bytes) {
    uint16_t high = take_byte(bytes);
    return (uint16_t)(high << 8 | take_byte(bytes));
}

/* A number: any eight bytes, a plain decimal, or one of those on which arithmetic goes wrong. */
static inline double take_number(fuzz_bytes *bytes) {
    static const double odd[] = {0.0,  -0.0, 0.5,   1.0,  1.0 / 3.0, 1e-320, 1e-160, 1e-30,     1e-9,     -1e-9,
                                 1e4,  1e9,  -2e9,  4e15, 1e30,      1e100,  1e154,  -1e200,    1e308,    NAN,
                                 -NAN, INFINITY, -INFINITY, 1073741823.5, 2147483648.0, 1e-4, 12.0, 3.0, 0.25, 2.0, 7.0, -1.0};
    uint8_t kind = take_byte(bytes);
    if (kind >= 224) {
        return odd[kind - 224];
    }
    if (kind >= 208) {
        uint8_t raw[sizeof(double)];
        double number;
        for (size_t n = 0; n < sizeof raw; n++) {
            raw[n] = take_byte(bytes);
        }
        memcpy(&number, raw, sizeof number);
        return number;
    }
    return ((double)take_short(bytes) - 32768.0) / (kind >= 104 ? 32768.0 : 2048.0); /* within 1, or within 16 */
}

/* An allocation of this very size, so that the address sanitizer sees the first byte beyond it; 0 bytes give NULL. */
static inline void *exact(size_t count, size_t size) {
    void *memory = count == 0 ? NULL : malloc(count * size);
    REQUIRE(count == 0 || memory != NULL);
    return memory;
}

#endif
