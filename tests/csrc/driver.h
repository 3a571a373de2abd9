/* What the test drivers of the C core share: checks that name the round, random numbers, allocations that fail. */
#ifndef DRIVER_H
#define DRIVER_H

#include <stdio.h>
#include <stdlib.h>

typedef unsigned long long u64;
static u64 state, round_number;

#define CHECK(condition)                                                                            \
    do {                                                                                            \
        if (!(condition)) {                                                                         \
            fprintf(stderr, "round %llu: %s fails at line %d\n", round_number, #condition, __LINE__); \
            exit(1);                                                                                \
        }                                                                                           \
    } while (0)

/* The linker sends the core's allocations here (--wrap), so that each in turn can be made to fail. */
static long allocations_left = -1;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
static int fails(void) { return allocations_left >= 0 && allocations_left-- == 0; }
void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return fails() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *old, size_t size) { return fails() ? NULL : __real_realloc(old, size); }

/* splitmix64 */
static inline u64 next_random(void) {
    u64 z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}
static inline double uniform(double low, double high) {
    return low + (high - low) * ((double)(next_random() >> 11) / 9007199254740992.0);
}
static inline int one_in(int n) { return next_random() % (u64)n == 0; }
static inline int below(int n) { return (int)(next_random() % (u64)n); }

#endif
